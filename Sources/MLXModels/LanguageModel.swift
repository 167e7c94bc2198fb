import MLX
import MLXNN

/// A decoder of text: token ids in, scores of the next token out.
public protocol LanguageModel: Module {
    /// The scores of every token after each position.
    /// - Parameters:
    ///   - tokens: ids, (batch, length).
    ///   - cache: keys and values of earlier positions, one for each layer, brought up to date; nil
    ///     for a whole text at once.
    /// - Returns: (batch, length, vocabulary).
    func callAsFunction(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray

    /// How many caches a text needs.
    var layerCount: Int { get }
}

/// The keys and values of the positions that a decoder layer has seen.
public final class KeyValueCache {
    private var keys: MLXArray?
    private var values: MLXArray?
    /// How many positions there are.
    public private(set) var count = 0

    /// A cache without positions.
    public init() {}

    /// Appends the keys and values of new positions, (batch, heads, length, dimensions).
    /// - Returns: all of them.
    func append(_ newKeys: MLXArray, _ newValues: MLXArray) -> (MLXArray, MLXArray) {
        let allKeys = keys.map { concatenated([$0, newKeys], axis: 2) } ?? newKeys
        let allValues = values.map { concatenated([$0, newValues], axis: 2) } ?? newValues
        (keys, values) = (allKeys, allValues)
        count += newKeys.dim(2)
        return (allKeys, allValues)
    }
}

/// (batch, length, heads * dimensions) as (batch, heads, length, dimensions).
func splitHeads(_ x: MLXArray, _ heads: Int) -> MLXArray {
    x.reshaped(x.dim(0), x.dim(1), heads, -1).transposed(0, 2, 1, 3)
}

/// The reverse of `splitHeads`.
func joinHeads(_ x: MLXArray) -> MLXArray {
    x.transposed(0, 2, 1, 3).reshaped(x.dim(0), x.dim(2), -1)
}
