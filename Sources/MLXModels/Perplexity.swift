import Foundation
import MLX

/// How well a decoder predicts a text: the mean of the negative logarithms of the shares that it
/// gave to the tokens that came. The text is read in windows that overlap, so that every token but
/// those of the first window has at least `window - stride` others before it.
public struct Perplexity: Sendable, Hashable {
    /// Tokens that were predicted: all but the first.
    public let tokenCount: Int
    /// The mean over these, in nats.
    public let negativeLogLikelihood: Double
    /// Its exponential.
    public var perplexity: Double { exp(negativeLogLikelihood) }

    /// Scores that are computed at a time; a row has a number for every token of the vocabulary.
    private static let rowsAtOnce = 64

    /// Measures a model on the tokens of a text.
    /// - Parameters:
    ///   - window: the most tokens that a prediction sees, with itself.
    ///   - stride: how far windows are apart, at most `window`.
    ///   - cacheBits: of the numbers in the caches; nil for keys and values as they come.
    ///   - cacheGroupSize: how many of these share a scale.
    /// - Throws: `ModelError` for fewer than two tokens and windows that make no sense;
    ///   `ArrayError`, `CancellationError`.
    public init(
        _ model: any LanguageModel, tokens: [Int], window: Int = 512, stride: Int = 256,
        cacheBits: Int? = nil, cacheGroupSize: Int = 64
    ) async throws {
        guard tokens.count > 1 else { throw ModelError("a text of \(tokens.count) tokens") }
        guard window > 1, (1...window).contains(stride) else {
            throw ModelError("windows of \(window) tokens, \(stride) apart")
        }
        var total = 0.0
        var done = 1
        var start = 0
        while done < tokens.count {
            let end = min(start + window, tokens.count)
            let cache = (0..<model.layerCount).map { _ in
                KeyValueCache(bits: cacheBits, groupSize: cacheGroupSize)
            }
            // The token before the first that is predicted gives its scores.
            try await model.read(tokens[start..<done - 1], into: cache)
            while done < end {
                let next = min(done + Perplexity.rowsAtOnce, end)
                let input = tokenArray(tokens[done - 1..<next - 1])
                let scores = model(input, cache: cache)[0].asType(.float32)
                let wanted = MLXArray(tokens[done..<next].map(Int32.init), [next - done, 1])
                let own = takeAlong(scores, wanted, axis: 1).squeezed(axis: 1)
                // NUMERICS: shares in float32, their sum over the text in float64.
                let losses = logSumExp(scores, axis: 1) - own
                try await evaluate([losses] + cache.flatMap(\.state))
                total += losses.asArray(Float.self).reduce(0) { $0 + Double($1) }
                done = next
            }
            start += stride
        }
        tokenCount = tokens.count - 1
        negativeLogLikelihood = total / Double(tokenCount)
    }
}
