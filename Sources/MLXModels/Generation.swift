import Foundation
import MLX
import MLXNN

/// How the next token is chosen from the scores that a decoder gives: the likeliest one, or a draw
/// from a part of them.
public struct GenerationOptions: Sendable {
    /// The most tokens to make.
    public var maximumTokens: Int
    /// 0 takes the likeliest token; scores are divided by anything else.
    public var temperature: Float
    /// Only the likeliest tokens, so many; 0 for all.
    public var topK: Int
    /// Only the likeliest tokens that make up this share; 1 for all (Holtzman et al. 2020).
    public var topP: Float
    /// Only tokens that are at least so likely, relative to the likeliest one; 0 for all (Nguyen et
    /// al. 2024).
    public var minP: Float
    /// What positive scores of tokens that occurred are divided by, and negative ones multiplied
    /// with; 1 for none (Keskar et al. 2019).
    public var repetitionPenalty: Float
    /// The key that draws start from.
    public var seed: UInt64
    /// Tokens after which nothing follows.
    public var stopTokens: Set<Int>
    /// The bits of the numbers in the caches of keys and values; nil for these as they come.
    public var cacheBits: Int?
    /// How many numbers of a cache share a scale, with `cacheBits`.
    public var cacheGroupSize = 64

    /// Greedy unless a temperature is given.
    public init(
        maximumTokens: Int = 128, temperature: Float = 0, topK: Int = 0, topP: Float = 1,
        minP: Float = 0, repetitionPenalty: Float = 1, seed: UInt64 = 0, stopTokens: Set<Int> = []
    ) {
        self.maximumTokens = maximumTokens
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.seed = seed
        self.stopTokens = stopTokens
    }

    /// - Throws: `ModelError` for numbers that make no sense.
    func check() throws {
        guard maximumTokens > 0, topK >= 0 else {
            throw ModelError("\(maximumTokens) tokens of the likeliest \(topK)")
        }
        guard temperature >= 0, temperature.isFinite, repetitionPenalty > 0,
            repetitionPenalty.isFinite
        else {
            throw ModelError(
                "a temperature of \(temperature), a repetition penalty of \(repetitionPenalty)")
        }
        guard topP > 0, topP <= 1, (0...1).contains(minP) else {
            throw ModelError("shares of \(topP) and \(minP)")
        }
        guard let cacheBits else { return }
        do {
            _ = try QuantizationMode.affine.settings(groupSize: cacheGroupSize, bits: cacheBits)
        } catch {
            throw ModelError("caches: \(error.message)")
        }
    }
}

/// Tokens of a model, one at a time, as they are made.
///
/// Leaving the loop ends the generation; cancelling the task ends it with `CancellationError`.
/// ```swift
/// for try await token in GeneratedTokens(model, prompt: ids, options) { print(token) }
/// ```
public struct GeneratedTokens: AsyncSequence {
    /// A token id.
    public typealias Element = Int

    private let model: any LanguageModel
    private let prompt: [Int]
    private let options: GenerationOptions

    /// Tokens of a prompt that are read at a time: enough rows for a product to be as fast as it
    /// gets, and few enough for what lies between layers to stay small.
    static let promptChunk = 256

    /// What a model makes of a prompt, which must have at least one token.
    public init(_ model: any LanguageModel, prompt: [Int], _ options: GenerationOptions) {
        self.model = model
        self.prompt = prompt
        self.options = options
    }

    /// Starts from the prompt.
    public func makeAsyncIterator() -> Iterator { Iterator(model, prompt, options) }

    /// Makes a token at each call.
    public struct Iterator: AsyncIteratorProtocol {
        private let model: any LanguageModel
        private let options: GenerationOptions
        private let cache: [KeyValueCache]
        private let prompt: [Int]
        private var seen: Set<Int>
        private var key: MLXArray
        private var count = 0
        private var hasEnded = false
        /// The next token, which is being computed.
        private var coming: ComingToken?

        fileprivate init(
            _ model: any LanguageModel, _ prompt: [Int], _ options: GenerationOptions
        ) {
            self.model = model
            self.options = options
            cache = (0..<model.layerCount).map { _ in
                KeyValueCache(bits: options.cacheBits, groupSize: options.cacheGroupSize)
            }
            // One new position for each token but the last.
            let new = Swift.min(Swift.max(options.maximumTokens, 1), GeneratedTokens.promptChunk)
            for cache in cache { cache.reserve(prompt.count + new - 1) }
            self.prompt = prompt
            seen = Set(prompt)
            key = MLXRandom.key(options.seed)
        }

        /// The next token, nil at the end. While it is computed, the step after it is recorded and
        /// started, which takes the token from the array and not from here.
        /// - Throws: `ArrayError`, `ModelError` for a prompt without tokens or options that make no
        ///   sense, `CancellationError`; after an error there is no other token.
        public mutating func next() async throws -> Int? {
            try Task.checkCancellation()
            if hasEnded || count > 0 && count >= options.maximumTokens { return nil }
            hasEnded = true
            let token: ComingToken
            if let coming { token = coming } else { token = try await first() }
            count += 1
            // A penalty is for tokens that are known.
            let isKnownLater = options.repetitionPenalty == 1 && count < options.maximumTokens
            coming = isKnownLater ? step(token.array.reshaped([1, 1]), after: token) : nil
            let id = try await token.value()
            hasEnded = options.stopTokens.contains(id)
            if hasEnded || isKnownLater {
                if hasEnded { coming = nil }
                return id
            }
            seen.insert(id)
            if count < options.maximumTokens { coming = step(tokenArray([id])) }
            return id
        }

        /// Reads the prompt: its last part is whole, and the only one that scores are computed for.
        private mutating func first() async throws -> ComingToken {
            guard !prompt.isEmpty else { throw ModelError("the prompt has no tokens") }
            try options.check()
            let last = (prompt.count - 1) % GeneratedTokens.promptChunk + 1
            try await model.read(prompt.dropLast(last), into: cache)
            return step(tokenArray(prompt.suffix(last)))
        }

        /// Starts computing what follows the tokens, (1, length), once an earlier one is there.
        private mutating func step(
            _ tokens: MLXArray, after earlier: ComingToken? = nil
        ) -> ComingToken {
            let scores = penalized(model.nextScores(tokens, cache: cache)[0].asType(.float32))
            return ComingToken(choose(scores), after: earlier)
        }

        private func penalized(_ scores: MLXArray) -> MLXArray {
            guard options.repetitionPenalty != 1 else { return scores }
            let count = scores.dim(0)
            let ids = MLXArray(seen.filter { (0..<count).contains($0) }.sorted().map(Int32.init))
            let own = take(scores, ids, axis: 0)
            let penalty = options.repetitionPenalty
            return putAlong(
                scores, ids, values: which(own .< 0, own * penalty, own / penalty), axis: 0)
        }

        private mutating func choose(_ scores: MLXArray) -> MLXArray {
            if options.temperature <= 0 { return argMax(scores, axis: -1).asType(.int32) }
            let (own, rest) = MLXRandom.split(key: key)
            key = rest
            let kept = likely(nucleus(likeliest(scores / options.temperature)))
            return MLXRandom.categorical(kept, key: own).asType(.int32)
        }

        private func likeliest(_ scores: MLXArray) -> MLXArray {
            guard options.topK > 0, options.topK < scores.dim(0) else { return scores }
            let least = top(scores, k: options.topK, axis: -1).min()
            return which(scores .< least, MLXArray(-Float.infinity), scores)
        }

        /// Tokens that are likely enough next to the likeliest.
        private func likely(_ scores: MLXArray) -> MLXArray {
            guard options.minP > 0 else { return scores }
            return which(
                scores .< scores.max() + log(options.minP), MLXArray(-Float.infinity), scores)
        }

        /// Tokens whose likelier ones already make up the share are left out.
        private func nucleus(_ scores: MLXArray) -> MLXArray {
            guard options.topP < 1 else { return scores }
            let order = argSort(-scores, axis: -1)
            let shares = softmax(take(scores, order, axis: -1), axis: -1)
            let before = cumsum(shares, axis: -1) - shares
            let isKept = putAlong(
                MLXArray.zeros([scores.dim(0)], dtype: .bool), order,
                values: before .< options.topP, axis: -1)
            return which(isKept, scores, MLXArray(-Float.infinity))
        }
    }
}

/// A token that is being computed. What nobody waits for any longer is cancelled.
private final class ComingToken: Sendable {
    let array: MLXArray
    private let task: Task<Int, any Error>

    /// Starts computing an array of one id, after an earlier token. Asked for at once, the steps of
    /// both would be one evaluation now and then, in which nothing of the earlier one is freed.
    init(_ array: MLXArray, after earlier: ComingToken?) {
        self.array = array
        let before = earlier?.task
        task = Task {
            _ = try await before?.value
            return Int(try await array.value(Int32.self))
        }
    }

    deinit { task.cancel() }

    /// Waits for the token; cancelling the caller ends the computation.
    func value() async throws -> Int {
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
