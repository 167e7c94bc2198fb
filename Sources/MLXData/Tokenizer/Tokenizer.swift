import Foundation
import MLXFormats

/// A tokenizer in Hugging Face's `tokenizer.json` format: text to token ids and back.
///
/// Byte-pair encoding (byte-level as in GPT-2, Qwen and Llama 3; with byte fallback as in Llama 2),
/// WordPiece as in BERT, and word level; with their normalizers, pre-tokenizers, added tokens,
/// post-processors and decoders. Anything else in the file is an error when it is opened, so ids
/// are right or there are none.
/// ```swift
/// let tokenizer = try Tokenizer(directory: url)
/// let ids = tokenizer.encode("Hello there")
/// print(tokenizer.decode(ids))
/// ```
public final class Tokenizer: Sendable {
    private let normalizer: Normalizer?
    private let preTokenizer: PreTokenizer?
    private let model: any TokenModel
    private let postProcessor: PostProcessor
    private let decoder: TokenDecoder?
    private let added: AddedTokens
    private let addedByID: [Int: AddedTokens.Token]
    private let addedByContent: [ExactText: Int]

    /// Opens the `tokenizer.json` of a model's directory.
    /// - Throws: `TokenizerError` when the file is missing, malformed, or asks for something that
    ///   is not known.
    public convenience init(directory: URL) throws {
        try self.init(file: directory.appendingPathComponent("tokenizer.json"))
    }

    /// Opens a `tokenizer.json`.
    /// - Throws: as ``init(directory:)``.
    public convenience init(file: URL) throws {
        let tree: JSONValue
        do { tree = try JSONValue(contentsOf: file.path) } catch {
            throw TokenizerError(error.message)
        }
        try self.init(tree)
    }

    /// A tokenizer from the contents of a `tokenizer.json`.
    /// - Throws: as ``init(directory:)``.
    public convenience init(data: Data) throws {
        let tree: JSONValue
        do { tree = try JSONValue(parsing: [UInt8](data)) } catch {
            throw TokenizerError("not a tokenizer.json: \(error)")
        }
        try self.init(tree)
    }

    init(_ tree: JSONValue) throws(TokenizerError) {
        normalizer = try Normalizer(tree["normalizer"])
        preTokenizer = try PreTokenizer(tree["pre_tokenizer"])
        guard let model = tree["model"] else { throw TokenizerError("there is no model") }
        self.model = try Tokenizer.model(model)
        postProcessor = try PostProcessor(tree["post_processor"])
        decoder = try TokenDecoder(tree["decoder"])
        added = try AddedTokens(tree["added_tokens"], normalizer: normalizer)
        addedByID = Dictionary(added.tokens.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        addedByContent = Dictionary(
            added.tokens.map { (ExactText(String($0.content)), $0.id) }, uniquingKeysWith: { $1 })
    }

    private static func model(_ json: JSONValue) throws(TokenizerError) -> any TokenModel {
        switch json["type"]?.string ?? (json["merges"] == nil ? "WordPiece" : "BPE") {
        case "BPE": return try BytePairModel(json)
        case "WordPiece": return try WordPieceModel(json)
        case "WordLevel": return try WordLevelModel(json)
        case let type: throw TokenizerError("models of type '\(type)' are not known")
        }
    }

    // MARK: - Encoding

    /// The token ids of a text; none when the file takes more work for it than any honest one does,
    /// which ``checkedEncode(_:pair:addSpecialTokens:)`` says.
    /// - Parameters:
    ///   - pair: a second text, for models that take two.
    ///   - addSpecialTokens: put the tokens around it that the model was trained with.
    public func encode(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true
    ) -> [Int] {
        (try? checkedEncode(text, pair: pair, addSpecialTokens: addSpecialTokens)) ?? []
    }

    /// The token ids of a text.
    /// - Throws: ``TokenizerError`` with the limit that was reached, when what the file does to the
    ///   text takes too many steps or makes it too long.
    public func checkedEncode(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true
    ) throws -> [Int] {
        let first = try ids(text)
        let second = try pair.map(ids)
        return addSpecialTokens ? postProcessor.apply(first, second) : first + (second ?? [])
    }

    private func ids(_ text: String) throws -> [Int] {
        let scalars = Array(text.unicodeScalars)
        return try ids(scalars, TokenizerBudget(length: scalars.count))
    }

    /// The ids of a text without those around it.
    func ids(
        _ scalars: [Unicode.Scalar], _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Int] {
        var result: [Int] = []
        var isFirst = true
        for part in try added.splitRaw(scalars[...], budget) {
            switch part {
            case .token(let id): result.append(id)
            case .text(let piece):
                try encode(piece, isFirst: isFirst, into: &result, budget)
            }
            isFirst = false
        }
        return result
    }

    private func encode(
        _ piece: ArraySlice<Unicode.Scalar>, isFirst: Bool, into result: inout [Int],
        _ budget: TokenizerBudget
    ) throws(TokenizerError) {
        var normal = piece
        if let normalizer {
            normal = Array(try normalizer.apply(String(piece), budget).unicodeScalars)[...]
        }
        var isFirst = isFirst
        for part in try added.splitNormalized(normal, budget) {
            switch part {
            case .token(let id): result.append(id)
            case .text(let text):
                let whole = PreTokenizer.Piece(scalars: text, isFirst: isFirst)
                for word in try preTokenizer?.apply(whole, budget) ?? [whole]
                where !word.scalars.isEmpty {
                    result += try model.encode(word.scalars, budget)
                }
            }
            isFirst = false
        }
    }

    // MARK: - Decoding

    /// The text of token ids; empty when the file makes more of them than any honest one does,
    /// which ``checkedDecode(_:skipSpecialTokens:)`` says. Ids without a token are left out.
    /// - Parameter skipSpecialTokens: leave special tokens out.
    public func decode(_ ids: [Int], skipSpecialTokens: Bool = true) -> String {
        (try? checkedDecode(ids, skipSpecialTokens: skipSpecialTokens)) ?? ""
    }

    /// The text of token ids. Ids without a token are left out.
    /// - Throws: ``TokenizerError`` with the limit that was reached.
    public func checkedDecode(_ ids: [Int], skipSpecialTokens: Bool = true) throws -> String {
        var pieces: [String] = []
        for id in ids {
            if let token = addedByID[id] {
                if token.isSpecial && skipSpecialTokens { continue }
                pieces.append(String(token.content))
            } else if let token = model.vocabulary.token(id) {
                pieces.append(token)
            }
        }
        guard let decoder else { return pieces.joined(separator: " ") }
        let budget = TokenizerBudget(length: pieces.reduce(0) { $0 + $1.utf8.count + 1 })
        return try decoder.apply(pieces, budget).joined()
    }

    /// How many tokens there are, added ones included.
    public var vocabularySize: Int {
        model.vocabulary.count
            + added.tokens.filter { model.vocabulary.token($0.id) == nil }.count
    }

    /// The id of a token, nil when there is none.
    public func id(of token: String) -> Int? {
        addedByContent[ExactText(token)] ?? model.vocabulary.id(of: token)
    }

    /// The token of an id, nil when there is none.
    public func token(_ id: Int) -> String? {
        addedByID[id].map { String($0.content) } ?? model.vocabulary.token(id)
    }

    /// Whether an id stands for a special token.
    public func isSpecial(_ id: Int) -> Bool { addedByID[id]?.isSpecial ?? false }
}
