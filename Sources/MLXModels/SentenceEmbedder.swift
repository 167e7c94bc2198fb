import Foundation
import MLX
import MLXData

/// Texts as vectors: a BERT encoder with what a sentence-transformers directory lists in
/// `modules.json`: pooling, dense layers, normalisation. Without that file it is the mean of all
/// positions, of length one.
public final class SentenceEmbedder {
    private let model: BERTModel
    private let tokenizer: Tokenizer
    private let steps: [SentenceStep]
    private let maximumLength: Int
    private let makesLower: Bool

    /// How many texts go through the encoder at once.
    private static let batch = 32

    /// Opens a model directory.
    /// - Throws: `ModelError` and `TokenizerError`.
    public init(directory: URL) throws {
        let modules = try SentenceModules(directory)
        steps = modules.steps
        let files = try ModelDirectory(modules.encoder)
        model = try files.encoder()
        tokenizer = try files.tokenizer()
        let longest = try files.configuration.size("max_position_embeddings", default: 512)
        let own = try? ModelConfiguration.json(
            modules.encoder.appendingPathComponent("sentence_bert_config.json"))
        maximumLength = max(2, min(longest, own?["max_seq_length"]?.integer ?? longest))
        makesLower = own?["do_lower_case"]?.boolean ?? false
    }

    /// A vector for each text, (texts, width).
    ///
    /// Texts of like length go through the encoder together, so that little of a batch is padding.
    /// A text that is too long loses its end.
    /// - Throws: `TokenizerError` with the limit that was reached, when what the tokenizer's file
    ///   does to a text takes too many steps or makes it too long.
    public func embed(_ texts: [String]) throws -> MLXArray {
        let rows = try texts.map(tokens)
        let order = rows.indices.sorted { (rows[$0].count, $0) < (rows[$1].count, $1) }
        var vectors = [MLXArray?](repeating: nil, count: texts.count)
        for start in stride(from: 0, to: order.count, by: SentenceEmbedder.batch) {
            let part = order[start..<min(start + SentenceEmbedder.batch, order.count)]
            let made = embed(part.map { rows[$0] })
            for (place, index) in part.enumerated() { vectors[index] = made[place] }
        }
        let all = vectors.compactMap { $0 }
        return all.isEmpty ? MLXArray.zeros([0, 0]) : stacked(all)
    }

    private func tokens(_ text: String) throws -> [Int] {
        let ids = try tokenizer.checkedEncode(makesLower ? text.lowercased() : text)
        // The last token, which ends the text, stays.
        return ids.count <= maximumLength
            ? ids : Array(ids.prefix(maximumLength - 1)) + [ids[ids.count - 1]]
    }

    private func embed(_ rows: [[Int]]) -> MLXArray {
        // A text without tokens is one position that no query sees.
        let length = max(1, rows.map(\.count).max() ?? 0)
        let ids = rows.flatMap { row in
            (0..<length).map { Int32($0 < row.count ? row[$0] : 0) }
        }
        let mask = rows.flatMap { row in (0..<length).map { $0 < row.count } }
        let isText = MLXArray(mask, [rows.count, length])
        let states = model(MLXArray(ids, [rows.count, length]), mask: isText)
        return steps.reduce(states) { $1($0, isText) }
    }
}
