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

/// (batch, length, heads * dimensions) as (batch, heads, length, dimensions).
func splitHeads(_ x: MLXArray, _ heads: Int) -> MLXArray {
    x.reshaped(x.dim(0), x.dim(1), heads, -1).transposed(0, 2, 1, 3)
}

/// The reverse of `splitHeads`.
func joinHeads(_ x: MLXArray) -> MLXArray {
    x.transposed(0, 2, 1, 3).reshaped(x.dim(0), x.dim(2), -1)
}
