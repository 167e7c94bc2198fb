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

    /// The scores of every token after the last position only, for which the output layer, the
    /// largest of a small model, is computed once.
    /// - Returns: (batch, vocabulary).
    func nextScores(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray

    /// How many caches a text needs.
    var layerCount: Int { get }
}

extension LanguageModel {
    /// The last of all scores.
    public func nextScores(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray {
        self(tokens, cache: cache)[0..., -1]
    }

    /// Brings caches up to date with a text, a part at a time, so that what attention needs
    /// between stays small. No scores are computed.
    /// - Parameter tokens: ids of one text.
    /// - Throws: `ArrayError`, `CancellationError`.
    func read(_ tokens: some Collection<Int>, into cache: [KeyValueCache]) async throws {
        var rest = tokens[...]
        while !rest.isEmpty {
            let part = rest.prefix(GeneratedTokens.promptChunk)
            rest = rest.dropFirst(part.count)
            _ = nextScores(tokenArray(part), cache: cache)
            try await evaluate(cache.flatMap(\.state))
        }
    }
}

/// Ids as a batch of one text.
func tokenArray(_ tokens: some Collection<Int>) -> MLXArray {
    MLXArray(tokens.map(Int32.init(truncatingIfNeeded:)), [1, tokens.count])
}

/// The keys and values of the positions that a decoder layer has seen. They lie in arrays with room
/// for more, which new positions are written into: a token costs its own keys and values, and not
/// a copy of all.
public final class KeyValueCache {
    private var keys: MLXArray?
    private var values: MLXArray?
    private var room = 0
    /// How many positions there are.
    public private(set) var count = 0

    /// Positions that room is made for at a time.
    private static let step = 256

    /// A cache without positions.
    public init() {}

    /// What there is to evaluate.
    var state: [MLXArray] { [keys, values].compactMap { $0 } }

    /// Appends the keys and values of new positions, (batch, heads, length, dimensions).
    /// - Returns: all of them.
    func append(_ newKeys: MLXArray, _ newValues: MLXArray) -> (MLXArray, MLXArray) {
        let end = count + newKeys.dim(2)
        if end > room {
            let step = KeyValueCache.step
            let wanted = (end + step - 1) / step * step
            keys = grown(keys, like: newKeys, to: wanted)
            values = grown(values, like: newValues, to: wanted)
            room = wanted
        }
        defer { count = end }
        guard let keys, let values else { return (newKeys, newValues) }
        keys[0..., 0..., count..<end, 0...] = newKeys
        values[0..., 0..., count..<end, 0...] = newValues
        return (keys[0..., 0..., ..<end, 0...], values[0..., 0..., ..<end, 0...])
    }

    private func grown(_ old: MLXArray?, like new: MLXArray, to wanted: Int) -> MLXArray {
        let extra = MLXArray.zeros(
            [new.dim(0), new.dim(1), wanted - count, new.dim(3)], dtype: new.dtype)
        guard let old, count > 0 else { return extra }
        return concatenated([old[0..., 0..., ..<count, 0...], extra], axis: 2)
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
