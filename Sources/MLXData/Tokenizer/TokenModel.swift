import MLXFormats

// What the tokenizer's models have in common: the error of a file that cannot be used, the step
// from a word to ids, and the vocabulary. The models themselves have files of their own.

/// Why a tokenizer file cannot be used.
public struct TokenizerError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public let message: String
    /// The limit that was reached, if one was: files come with models from anywhere, and what they
    /// do to a text is bounded in its length and theirs.
    public let limit: Limit?

    /// What a file may only have so much of.
    public enum Limit: String, Sendable, CaseIterable {
        /// Work, such as that of a regular expression that goes back for ever.
        case steps
        /// Memory that is needed at a time.
        case memory
        /// How deep parts nest.
        case depth
        /// How long a text becomes, or a part of the file is.
        case length
    }

    init(_ message: String, limit: Limit? = nil) {
        self.message = message
        self.limit = limit
    }

    public var description: String { "tokenizer: \(message)" }
}

/// Turns one word, as the pre-tokenizer made it, into token ids.
protocol TokenModel: Sendable {
    var vocabulary: Vocabulary { get }
    func encode(
        _ word: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Int]
}

/// Tokens and their ids, both ways.
struct Vocabulary: Sendable {
    private let ids: [ExactText: Int]
    private let tokens: [Int: String]

    /// Ids beyond this are no vocabulary's; those below fit every type that ids are stored in.
    static let maximumID = 1 << 26

    init(_ json: JSONValue?) throws(TokenizerError) {
        guard let members = json?.members else {
            throw TokenizerError("model.vocab is no object")
        }
        var ids: [ExactText: Int] = [:]
        var tokens: [Int: String] = [:]
        ids.reserveCapacity(members.count)
        for member in members {
            guard let id = member.value.integer, (0..<Vocabulary.maximumID).contains(id) else {
                throw TokenizerError("token '\(member.key.prefix(64))' has no id")
            }
            guard tokens.updateValue(member.key, forKey: id) == nil else {
                throw TokenizerError("id \(id) stands for two tokens")
            }
            ids[ExactText(member.key)] = id
        }
        self.ids = ids
        self.tokens = tokens
    }

    /// What stands before or after parts of words. It is put before each character, so it is short.
    static func mark(
        _ json: JSONValue?, _ fallback: String = ""
    ) throws(TokenizerError) -> String {
        let mark = json?.string ?? fallback
        guard mark.utf8.count <= 64 else {
            throw TokenizerError("a prefix or suffix of words is too long", limit: .length)
        }
        return mark
    }

    var count: Int { ids.count }
    func id(of token: String) -> Int? { ids[ExactText(token)] }
    func token(_ id: Int) -> String? { tokens[id] }
}

extension String {
    init(_ scalars: some Sequence<Unicode.Scalar>) {
        self.init(String.UnicodeScalarView(scalars))
    }
}

extension String {
    /// What follows a prefix, compared character code by character code: a mark that combines with
    /// the prefix's last character does not hide it.
    func afterPrefix(_ prefix: String) -> String? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return String(unicodeScalars.dropFirst(prefix.unicodeScalars.count))
    }
}

/// WordPiece (Schuster, Nakajima 2012): the longest token that begins the word, then the longest
/// that continues it, and so on; a word that cannot be spelled is unknown as a whole.
struct WordPieceModel: TokenModel {
    let vocabulary: Vocabulary
    private let unknown: Int
    private let prefix: String
    private let maximumLength: Int
    /// The lengths that tokens have, the longest first: no others have to be looked for.
    private let lengths: [Int]

    init(_ json: JSONValue) throws(TokenizerError) {
        vocabulary = try Vocabulary(json["vocab"])
        prefix = try Vocabulary.mark(json["continuing_subword_prefix"], "##")
        maximumLength = json["max_input_chars_per_word"]?.integer ?? 100
        let name = json["unk_token"]?.string ?? "[UNK]"
        guard let id = vocabulary.id(of: name) else {
            throw TokenizerError("the unknown token '\(name)' is not in the vocabulary")
        }
        unknown = id
        var lengths: Set<Int> = []
        for member in json["vocab"]?.members ?? [] {
            lengths.insert(member.key.unicodeScalars.count)
            if let rest = member.key.afterPrefix(prefix) {
                lengths.insert(rest.unicodeScalars.count)
            }
        }
        self.lengths = lengths.subtracting([0]).sorted(by: >)
    }

    func encode(
        _ word: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Int] {
        if word.count > maximumLength { return [unknown] }
        var result: [Int] = []
        var start = word.startIndex
        while start < word.endIndex {
            var found: Int?
            var end = start
            for length in lengths where length <= word.endIndex - start {
                try budget.step(4 + length / 2)
                end = start + length
                let piece = String(word[start..<end])
                found = vocabulary.id(of: start > word.startIndex ? prefix + piece : piece)
                if found != nil { break }
            }
            guard let found else { return [unknown] }
            result.append(found)
            start = end
        }
        return result
    }
}

/// One token for each word.
struct WordLevelModel: TokenModel {
    let vocabulary: Vocabulary
    private let unknown: Int?

    init(_ json: JSONValue) throws(TokenizerError) {
        vocabulary = try Vocabulary(json["vocab"])
        unknown = json["unk_token"]?.string.flatMap { [vocabulary] in vocabulary.id(of: $0) }
    }

    func encode(
        _ word: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Int] {
        (vocabulary.id(of: String(word)) ?? unknown).map { [$0] } ?? []
    }
}
