import MLXFormats

/// What is put around the tokens of a text: the beginning, the separator, the end.
indirect enum PostProcessor: Sendable {
    case sequence([PostProcessor])
    case template(single: [Piece], pair: [Piece])
    case nothing

    enum Piece: Sendable {
        case first
        case second
        case special([Int])
    }

    init(_ json: JSONValue?) throws(TokenizerError) {
        guard let json, json != .null else {
            self = .nothing
            return
        }
        switch json["type"]?.string {
        case "TemplateProcessing": self = try PostProcessor.template(json)
        case "BertProcessing", "RobertaProcessing":
            let separator = try PostProcessor.id(json["sep"])
            let start = try PostProcessor.id(json["cls"])
            let isRoberta = json["type"]?.string == "RobertaProcessing"
            self = .template(
                single: [.special([start]), .first, .special([separator])],
                pair: [
                    .special([start]), .first,
                    .special(isRoberta ? [separator, separator] : [separator]), .second,
                    .special([separator]),
                ])
        case "ByteLevel": self = .nothing
        case "Sequence":
            var parts: [PostProcessor] = []
            for part in json["processors"]?.array ?? [] { parts.append(try PostProcessor(part)) }
            self = .sequence(parts)
        case let type:
            throw TokenizerError("the post-processor '\(type ?? "without a type")' is not known")
        }
    }

    /// Parts of a template, each of which may repeat the text.
    private static let maximumPieceCount = 64
    /// How often a template may hold a text, and how many tokens it may put around them.
    private static let maximumTextCount = 8
    private static let maximumTokenCount = 1 << 12

    private static func id(_ json: JSONValue?) throws(TokenizerError) -> Int {
        guard let parts = json?.array, parts.count == 2, let id = parts[1].integer,
            (0..<Vocabulary.maximumID).contains(id)
        else {
            throw TokenizerError("a post-processor names no token")
        }
        return id
    }

    private static func template(_ json: JSONValue) throws(TokenizerError) -> PostProcessor {
        var ids: [String: [Int]] = [:]
        for member in json["special_tokens"]?.members ?? [] {
            let own = (member.value["ids"]?.array ?? []).compactMap(\.integer)
            guard own.allSatisfy((0..<Vocabulary.maximumID).contains) else {
                throw TokenizerError("the special token '\(member.key.prefix(64))' has no id")
            }
            ids[member.key] = own
        }
        func pieces(_ list: JSONValue?) throws(TokenizerError) -> [Piece] {
            var result: [Piece] = []
            guard (list?.array ?? []).count <= maximumPieceCount else {
                throw TokenizerError(
                    "the template has more than \(maximumPieceCount) parts", limit: .length)
            }
            for entry in list?.array ?? [] {
                if let sequence = entry["Sequence"] {
                    result.append(sequence["id"]?.string == "B" ? .second : .first)
                } else if let name = entry["SpecialToken"]?["id"]?.string, let own = ids[name] {
                    result.append(.special(own))
                } else {
                    throw TokenizerError("the template has a part that is neither text nor token")
                }
            }
            var (texts, tokens) = (0, 0)
            for piece in result {
                if case .special(let own) = piece { tokens += own.count } else { texts += 1 }
            }
            guard texts <= maximumTextCount, tokens <= maximumTokenCount else {
                throw TokenizerError("the template is too long", limit: .length)
            }
            return result
        }
        return .template(single: try pieces(json["single"]), pair: try pieces(json["pair"]))
    }

    func apply(_ first: [Int], _ second: [Int]?) -> [Int] {
        switch self {
        case .nothing: return first + (second ?? [])
        case .template(let single, let pair):
            return (second == nil ? single : pair).flatMap { piece in
                switch piece {
                case .first: first
                case .second: second ?? []
                case .special(let ids): ids
                }
            }
        case .sequence(let parts):
            // One of them adds tokens; the others change offsets only.
            let template = parts.first { if case .template = $0 { true } else { false } }
            return (template ?? .nothing).apply(first, second)
        }
    }
}
