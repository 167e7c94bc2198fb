import Foundation
import MLXFormats

extension Tokenizer {
    /// The tokenizer that the metadata of a GGUF file describes: byte-level BPE
    /// (`tokenizer.ggml.model` of `gpt2`) or SentencePiece's (`llama`).
    /// - Throws: `TokenizerError` when there is none, or one that is not known.
    public convenience init(gguf url: URL) throws {
        let file: GGUF
        do { file = try GGUF.open(path: url.path) } catch { throw TokenizerError(error.message) }
        try self.init(try GGUFTokenizer(file.metadata).tree())
    }

    /// A tokenizer from the metadata of a GGUF file that is open.
    package convenience init(ggufMetadata metadata: [String: GGUFValue]) throws(TokenizerError) {
        try self.init(try GGUFTokenizer(metadata).tree())
    }
}

/// The tokenizer of a GGUF file as the tree of a `tokenizer.json`, so that there is one reader of
/// tokenizers and a converted model has the same one. Byte-level vocabularies have their merges in
/// the file; those of SentencePiece have scores, from which merges follow. How words are split is
/// named (`tokenizer.ggml.pre`); a name that is not known is an error, because ids would be wrong.
package struct GGUFTokenizer {
    private let metadata: [String: GGUFValue]
    private let tokens: [String]
    private let kinds: [Int]

    /// What ggml calls a token's type.
    private enum Kind {
        static let unknown = 2
        static let control = 3
        static let userDefined = 4
    }

    package init(_ metadata: [String: GGUFValue]) throws(TokenizerError) {
        self.metadata = metadata
        guard case .strings(let tokens)? = metadata["tokenizer.ggml.tokens"], !tokens.isEmpty else {
            throw TokenizerError("the GGUF file has no tokenizer.ggml.tokens")
        }
        guard tokens.count <= Vocabulary.maximumID else {
            throw TokenizerError("\(tokens.count) tokens", limit: .length)
        }
        var known: Set<ExactText> = []
        known.reserveCapacity(tokens.count)
        for token in tokens where !known.insert(ExactText(token)).inserted {
            throw TokenizerError("tokenizer.ggml.tokens has '\(token.prefix(64))' twice")
        }
        self.tokens = tokens
        kinds = try GGUFTokenizer.integers(metadata, "token_type", tokens.count) ?? []
    }

    /// The tree.
    package func tree() throws(TokenizerError) -> JSONValue {
        let model = metadata["tokenizer.ggml.model"]?.text ?? ""
        switch model {
        case "gpt2": return try byteLevel()
        case "llama": return try sentencePiece()
        default:
            throw TokenizerError(
                "tokenizer.ggml.model '\(model.prefix(64))' is not known: gpt2, llama")
        }
    }

    /// The names of special tokens, such as `bos_token`, and the tokens.
    package var specialTokens: [String: String] {
        var result: [String: String] = [:]
        for (name, key) in [
            ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"),
            ("pad_token", "padding"),
        ] {
            if let id = id(key) { result[name] = tokens[id] }
        }
        return result
    }

    /// The id of a special token by ggml's name; nil without one, or one beyond the vocabulary.
    package func id(_ key: String) -> Int? {
        guard let id = metadata["tokenizer.ggml.\(key)_token_id"]?.integer,
            tokens.indices.contains(id)
        else { return nil }
        return id
    }

    // MARK: - Parts

    private func byteLevel() throws(TokenizerError) -> JSONValue {
        guard case .strings(let merges)? = metadata["tokenizer.ggml.merges"] else {
            throw TokenizerError("the GGUF file has no tokenizer.ggml.merges")
        }
        let name = metadata["tokenizer.ggml.pre"]?.text ?? "default"
        guard let split = GGUFSplit(name) else {
            throw TokenizerError("tokenizer.ggml.pre '\(name.prefix(64))' is not known")
        }
        var pairs: [JSONValue] = []
        pairs.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            // The first part is not empty, and may be a space itself.
            guard let space = merge.utf8.dropFirst().firstIndex(of: UInt8(ascii: " ")),
                let left = String(merge.utf8[..<space]),
                let right = String(merge.utf8[merge.utf8.index(after: space)...])
            else { throw TokenizerError("merge \(rank) is no pair") }
            pairs.append(.array([.string(left), .string(right)]))
        }
        return tree(
            normalizer: split.normalizer, preTokenizer: split.tree,
            decoder: GGUFSplit.byteLevel(splits: true),
            model: [
                .init("unk_token", .null), .init("byte_fallback", .boolean(false)),
                .init("ignore_merges", .boolean(split.ignoresMerges)),
                .init("vocab", vocabulary), .init("merges", .array(pairs)),
            ], addsStart: split.addsStart)
    }

    private func sentencePiece() throws(TokenizerError) -> JSONValue {
        let pairs = try GGUFMerges.pairs(tokens, try scores())
        let space = JSONValue.object([.init("String", .string(" "))])
        let mark = JSONValue.object([.init("String", .string("\u{2581}"))])
        func part(_ type: String, _ members: [JSONValue.Member] = []) -> JSONValue {
            .object([.init("type", .string(type))] + members)
        }
        var normalizers = [
            part("Replace", [.init("pattern", space), .init("content", .string("\u{2581}"))])
        ]
        var decoders = [
            part("Replace", [.init("pattern", mark), .init("content", .string(" "))]),
            part("ByteFallback"), part("Fuse"),
        ]
        if flag("add_space_prefix", default: true) {
            normalizers.insert(part("Prepend", [.init("prepend", .string("\u{2581}"))]), at: 0)
            decoders.append(
                part(
                    "Strip",
                    [
                        .init("content", .string(" ")), .init("start", .integer(1)),
                        .init("stop", .integer(0)),
                    ]))
        }
        let unknown = id("unknown") ?? kinds.firstIndex(of: Kind.unknown)
        return tree(
            normalizer: part("Sequence", [.init("normalizers", .array(normalizers))]),
            preTokenizer: .null, decoder: part("Sequence", [.init("decoders", .array(decoders))]),
            model: [
                .init("unk_token", unknown.map { .string(tokens[$0]) } ?? .null),
                .init("fuse_unk", .boolean(true)), .init("byte_fallback", .boolean(true)),
                .init("ignore_merges", .boolean(false)), .init("vocab", vocabulary),
                .init("merges", .array(pairs.map { .array([.string($0.0), .string($0.1)]) })),
            ], addsStart: true)
    }

    private func tree(
        normalizer: JSONValue, preTokenizer: JSONValue, decoder: JSONValue,
        model: [JSONValue.Member], addsStart: Bool
    ) -> JSONValue {
        .object([
            .init("version", .string("1.0")), .init("truncation", .null), .init("padding", .null),
            .init("added_tokens", .array(addedTokens)), .init("normalizer", normalizer),
            .init("pre_tokenizer", preTokenizer),
            .init("post_processor", postProcessor(addsStart: addsStart)),
            .init("decoder", decoder),
            .init("model", .object([.init("type", .string("BPE"))] + model)),
        ])
    }

    private var vocabulary: JSONValue {
        .object(tokens.enumerated().map { .init($1, .integer($0)) })
    }

    private var addedTokens: [JSONValue] {
        kinds.enumerated().filter {
            [Kind.unknown, Kind.control, Kind.userDefined].contains($0.element)
                && !tokens[$0.offset].isEmpty
        }.map { id, kind in
            .object([
                .init("id", .integer(id)), .init("content", .string(tokens[id])),
                .init("single_word", .boolean(false)), .init("lstrip", .boolean(false)),
                .init("rstrip", .boolean(false)), .init("normalized", .boolean(false)),
                .init("special", .boolean(kind != Kind.userDefined)),
            ])
        }
    }

    /// The tokens around a text, where the file asks for them.
    private func postProcessor(addsStart: Bool) -> JSONValue {
        func part(_ id: Int) -> JSONValue {
            .object([
                .init(
                    "SpecialToken",
                    .object([.init("id", .string(tokens[id])), .init("type_id", .integer(0))]))
            ])
        }
        func text(_ name: String) -> JSONValue {
            let members: [JSONValue.Member] = [
                .init("id", .string(name)), .init("type_id", .integer(0)),
            ]
            return .object([.init("Sequence", .object(members))])
        }
        let start = flag("add_bos_token", default: addsStart) ? id("bos") : nil
        let end = flag("add_eos_token", default: false) ? id("eos") : nil
        guard start != nil || end != nil else { return .null }
        let (before, after) = (start.map { [part($0)] } ?? [], end.map { [part($0)] } ?? [])
        let special = Set([start, end].compactMap { $0 }).sorted().map { id in
            JSONValue.Member(
                tokens[id],
                .object([
                    .init("id", .string(tokens[id])), .init("ids", .array([.integer(id)])),
                    .init("tokens", .array([.string(tokens[id])])),
                ]))
        }
        return .object([
            .init("type", .string("TemplateProcessing")),
            .init("single", .array(before + [text("A")] + after)),
            .init("pair", .array(before + [text("A")] + after + before + [text("B")] + after)),
            .init("special_tokens", .object(special)),
        ])
    }

    // MARK: - Metadata

    private func flag(_ key: String, default fallback: Bool) -> Bool {
        metadata["tokenizer.ggml.\(key)"]?.json.boolean ?? fallback
    }

    private func scores() throws(TokenizerError) -> [Float] {
        guard let value = metadata["tokenizer.ggml.scores"] else {
            throw TokenizerError("the GGUF file has no tokenizer.ggml.scores")
        }
        guard case .array(.float32, let bytes) = value, bytes.count == 4 * tokens.count else {
            throw TokenizerError(
                "tokenizer.ggml.scores are not \(tokens.count) numbers of type float32")
        }
        return value.json.array?.map { Float($0.double ?? -.infinity) } ?? []
    }

    private static func integers(
        _ metadata: [String: GGUFValue], _ key: String, _ count: Int
    ) throws(TokenizerError) -> [Int]? {
        guard let value = metadata["tokenizer.ggml.\(key)"] else { return nil }
        guard case .array = value, let list = value.json.array?.compactMap(\.integer),
            list.count == count
        else { throw TokenizerError("tokenizer.ggml.\(key) are not \(count) integers") }
        return list
    }
}

/// How byte-level tokenizers split a text into words before merging, by the names that llama.cpp
/// gives them in `tokenizer.ggml.pre`.
struct GGUFSplit {
    /// Expressions, each applied to what the ones before left.
    private let expressions: [String]
    let normalizer: JSONValue
    /// A word that is a token is not cut.
    let ignoresMerges: Bool
    /// A text begins with the beginning-of-text token unless the file says otherwise.
    let addsStart: Bool

    init?(_ name: String) {
        var (normalizer, ignoresMerges, addsStart) = (JSONValue.null, false, false)
        switch name {
        case "default":
            expressions = [
                #"[\p{P}\$\+<=>\^~\|]+"#, ByteLevel.expression, #"\p{N}+"#, "[0-9][0-9][0-9]",
            ]
        case "gpt-2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe", "exaone4":
            expressions = [ByteLevel.expression]
        case "smollm", "starcoder", "refact", "command-r", "codeshell", "minerva-7b":
            expressions = [#"\p{N}"#, ByteLevel.expression]
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral":
            expressions = [GGUFSplit.words(digits: "{1,3}")]
            (ignoresMerges, addsStart) = (true, true)
        case "dbrx", "smaug-bpe": expressions = [GGUFSplit.words(digits: "{1,3}")]
        case "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez":
            expressions = [GGUFSplit.words(digits: "")]
            normalizer = .object([.init("type", .string("NFC"))])
        case "tekken":
            expressions = [GGUFSplit.casedWords]
            ignoresMerges = true
        default: return nil
        }
        (self.normalizer, self.ignoresMerges, self.addsStart) =
            (normalizer, ignoresMerges, addsStart)
    }

    /// Contractions, words with the character before them, numbers, signs with the space before
    /// them, line ends, spaces.
    private static func words(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// The same with words that end where capitals begin.
    private static let casedWords =
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
        + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
        + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    static func byteLevel(splits: Bool) -> JSONValue {
        .object([
            .init("type", .string("ByteLevel")), .init("add_prefix_space", .boolean(false)),
            .init("trim_offsets", .boolean(true)), .init("use_regex", .boolean(splits)),
        ])
    }

    /// As a `tokenizer.json` has it.
    var tree: JSONValue {
        let splits = expressions.map { expression in
            JSONValue.object([
                .init("type", .string("Split")),
                .init("pattern", .object([.init("Regex", .string(expression))])),
                .init("behavior", .string("Isolated")), .init("invert", .boolean(false)),
            ])
        }
        return .object([
            .init("type", .string("Sequence")),
            .init("pretokenizers", .array(splits + [GGUFSplit.byteLevel(splits: false)])),
        ])
    }
}

/// The merges of a SentencePiece vocabulary, which has scores instead: each way to cut a token into
/// two others is one, and the ones that make tokens of higher scores come first.
enum GGUFMerges {
    /// Tokens beyond this many characters are not cut: the work grows with the square.
    private static let maximumLength = 256
    /// Pairs of all tokens together.
    private static let maximumCount = 1 << 24

    private struct Merge {
        let left: Int
        let right: Int
        let score: Float
        let lengths: (Int, Int)
        let number: Int
    }

    static func pairs(
        _ tokens: [String], _ scores: [Float]
    ) throws(TokenizerError) -> [(String, String)] {
        var ids: [ExactText: Int] = [:]
        ids.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() { ids[ExactText(token)] = id }
        var merges: [Merge] = []
        for (id, token) in tokens.enumerated() {
            let scalars = Array(token.unicodeScalars)
            guard scalars.count > 1, scalars.count <= maximumLength else { continue }
            var own: [(left: Int, right: Int, cut: Int)] = []
            for cut in 1..<scalars.count {
                if let left = ids[ExactText(String(scalars[..<cut]))],
                    let right = ids[ExactText(String(scalars[cut...]))]
                {
                    own.append((left, right, cut))
                }
            }
            own.sort { ($0.left, $0.right) < ($1.left, $1.right) }
            guard merges.count + own.count <= maximumCount else {
                throw TokenizerError("more than \(maximumCount) merges", limit: .length)
            }
            for (left, right, cut) in own {
                merges.append(
                    Merge(
                        left: left, right: right, score: scores[id],
                        lengths: (cut, scalars.count - cut), number: merges.count))
            }
        }
        merges.sort { a, b in
            if a.score != b.score { return a.score > b.score }
            if a.lengths != b.lengths { return a.lengths > b.lengths }
            return a.number < b.number
        }
        return merges.map { (tokens[$0.left], tokens[$0.right]) }
    }
}
