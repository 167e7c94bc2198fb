import Foundation
import MLX
import MLXData

/// Texts as vectors: a BERT encoder with the pooling and normalisation that a sentence-transformers
/// directory asks for in `modules.json`; the mean of all positions, of length one, without it.
public final class SentenceEmbedder {
    private let model: BERTModel
    private let tokenizer: Tokenizer
    private let pooling: Pooling
    private let isNormalized: Bool
    private let maximumLength: Int

    private enum Pooling {
        case mean, firstToken, maximum
    }

    /// Opens a model directory.
    /// - Throws: `ModelError` and `TokenizerError`.
    public init(directory: URL) throws {
        let files = try ModelDirectory(directory)
        model = try files.encoder()
        tokenizer = try files.tokenizer()
        let longest = try files.configuration.size("max_position_embeddings", default: 512)
        let own = try? ModelConfiguration.json(
            directory.appendingPathComponent("sentence_bert_config.json"))
        maximumLength = min(longest, own?["max_seq_length"]?.integer ?? longest)
        (pooling, isNormalized) = try SentenceEmbedder.modules(directory)
    }

    private static func modules(_ directory: URL) throws -> (Pooling, Bool) {
        let list = directory.appendingPathComponent("modules.json")
        guard FileManager.default.fileExists(atPath: list.path) else { return (.mean, true) }
        var pooling = Pooling.mean
        var isNormalized = false
        for module in try ModelConfiguration.json(list).array ?? [] {
            let type = module["type"]?.string ?? ""
            if type.hasSuffix("Normalize") { isNormalized = true }
            guard type.hasSuffix("Pooling"), let path = module["path"]?.string else { continue }
            let settings = try ModelConfiguration.json(
                directory.appendingPathComponent(path).appendingPathComponent("config.json"))
            if settings["pooling_mode_cls_token"]?.boolean == true {
                pooling = .firstToken
            } else if settings["pooling_mode_max_tokens"]?.boolean == true {
                pooling = .maximum
            }
        }
        return (pooling, isNormalized)
    }

    /// A vector for each text, (texts, width).
    public func embed(_ texts: [String]) -> MLXArray {
        let rows = texts.map { text -> [Int] in
            let ids = tokenizer.encode(text)
            // The last token, which ends the text, stays.
            return ids.count <= maximumLength
                ? ids : Array(ids.prefix(maximumLength - 1)) + [ids[ids.count - 1]]
        }
        let length = rows.map(\.count).max() ?? 0
        guard length > 0 else { return MLXArray.zeros([texts.count, 0]) }
        let ids = rows.flatMap { row in
            (0..<length).map { Int32($0 < row.count ? row[$0] : 0) }
        }
        let mask = rows.flatMap { row in (0..<length).map { $0 < row.count } }
        let tokens = MLXArray(ids, [texts.count, length])
        let isText = MLXArray(mask, [texts.count, length])
        let vectors = pooled(model(tokens, mask: isText), isText)
        guard isNormalized else { return vectors }
        return vectors / maximum(norm(vectors, axis: -1, keepDims: true), 1e-12)
    }

    private func pooled(_ states: MLXArray, _ isText: MLXArray) -> MLXArray {
        let column = isText.expandedDimensions(axis: -1)
        switch pooling {
        case .firstToken: return states[0..., 0]
        case .mean:
            let weights = column.asType(states.dtype)
            return (states * weights).sum(axis: 1) / maximum(weights.sum(axis: 1), 1e-9)
        case .maximum:
            return which(column, states, MLXArray(-Float.infinity)).max(axis: 1)
        }
    }
}
