import MLXFormats

/// How tokens become a text again: a chain of changes to a list of pieces, which are joined at
/// the end.
indirect enum TokenDecoder: Sendable {
    case sequence([TokenDecoder])
    case byteLevel
    case wordPiece(prefix: String, cleansUp: Bool)
    case metaspace(replacement: Unicode.Scalar, removesFirst: Bool)
    case byteFallback
    case fuse
    case strip(Unicode.Scalar, start: Int, stop: Int)
    case replace(TextPattern, String)
    case suffix(String)

    init?(_ json: JSONValue?) throws(TokenizerError) {
        guard let json, json != .null else { return nil }
        switch json["type"]?.string {
        case "Sequence":
            var parts: [TokenDecoder] = []
            for part in json["decoders"]?.array ?? [] {
                if let decoder = try TokenDecoder(part) { parts.append(decoder) }
            }
            self = .sequence(parts)
            _ = try TextPattern.growth(parts.map(\.growth))
        case "ByteLevel": self = .byteLevel
        case "WordPiece":
            self = .wordPiece(
                prefix: json["prefix"]?.string ?? "##", cleansUp: json["cleanup"]?.boolean ?? true)
        case "Metaspace":
            let old = json["add_prefix_space"]?.boolean ?? true
            let scheme = json["prepend_scheme"]?.string ?? (old ? "always" : "never")
            self = .metaspace(
                replacement: json["replacement"]?.string?.unicodeScalars.first ?? "\u{2581}",
                removesFirst: scheme != "never")
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Strip":
            self = .strip(
                json["content"]?.string?.unicodeScalars.first ?? " ",
                start: json["start"]?.integer ?? 0, stop: json["stop"]?.integer ?? 0)
        case "Replace":
            self = .replace(try TextPattern(json["pattern"]), json["content"]?.string ?? "")
        case "BPEDecoder": self = .suffix(json["suffix"]?.string ?? "</w>")
        case let type:
            throw TokenizerError("the decoder '\(type ?? "without a type")' is not known")
        }
    }

    /// How many times as long a text becomes at most, by what is inserted.
    private var growth: Int {
        switch self {
        case .sequence(let parts):
            parts.reduce(1) { min($0 * max($1.growth, 1), TextPattern.maximumGrowth + 1) }
        case .replace(_, let replacement): replacement.unicodeScalars.count
        default: 1
        }
    }

    func apply(
        _ pieces: [String], _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [String] {
        try budget.check(length: pieces.reduce(0) { $0 + $1.utf8.count + 1 })
        switch self {
        case .sequence(let parts):
            var pieces = pieces
            for part in parts { pieces = try part.apply(pieces, budget) }
            return pieces
        case .byteLevel: return [TokenDecoder.fromBytes(pieces)]
        case .wordPiece(let prefix, let cleansUp):
            return TokenDecoder.fromWordPieces(pieces, prefix, cleansUp)
        case .metaspace(let replacement, let removesFirst):
            return TokenDecoder.fromMetaspace(pieces, replacement, removesFirst)
        case .byteFallback: return TokenDecoder.fromFallback(pieces)
        case .fuse: return [pieces.joined()]
        case .strip(let character, let start, let stop):
            return pieces.map { TokenDecoder.stripped($0, character, start, stop) }
        case .replace(let pattern, let replacement):
            var result: [String] = []
            var length = 0
            for piece in pieces {
                result.append(try pattern.replace(piece, replacement, budget))
                length += result[result.count - 1].utf8.count
                if length > budget.mostLength { try budget.check(length: length) }
            }
            return result
        case .suffix(let suffix):
            if suffix.isEmpty { return pieces }
            return pieces.enumerated().map { number, piece in
                piece.replacing(suffix, with: number == pieces.count - 1 ? "" : " ")
            }
        }
    }

    /// Tokens that are not spelled in the byte alphabet stand for their own bytes.
    private static func fromBytes(_ pieces: [String]) -> String {
        var bytes: [UInt8] = []
        for piece in pieces {
            let own = piece.unicodeScalars.map(ByteLevel.byte)
            if own.allSatisfy({ $0 != nil }) {
                bytes += own.compactMap { $0 }
            } else {
                bytes += Array(piece.utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fromWordPieces(
        _ pieces: [String], _ prefix: String, _ cleansUp: Bool
    ) -> [String] {
        pieces.enumerated().map { number, piece in
            var text = piece
            if number > 0 {
                text = piece.afterPrefix(prefix) ?? " " + piece
            }
            return cleansUp ? cleaned(text) : text
        }
    }

    /// English spacing, as transformers cleans it up.
    static func cleaned(_ text: String) -> String {
        let pairs = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
            (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        return pairs.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    private static func fromMetaspace(
        _ pieces: [String], _ replacement: Unicode.Scalar, _ removesFirst: Bool
    ) -> [String] {
        pieces.enumerated().map { number, piece in
            var scalars = Array(piece.unicodeScalars)
            if number == 0, removesFirst, scalars.first == replacement { scalars.removeFirst() }
            return String(scalars.map { $0 == replacement ? " " : $0 })
        }
    }

    /// Runs of byte tokens become the text they spell, or as many replacement characters when
    /// they spell none.
    private static func fromFallback(_ pieces: [String]) -> [String] {
        var result: [String] = []
        var bytes: [UInt8] = []
        func flush() {
            if bytes.isEmpty { return }
            if let text = String(validating: bytes, as: UTF8.self) {
                result.append(text)
            } else {
                result += repeatElement("\u{FFFD}", count: bytes.count)
            }
            bytes = []
        }
        for piece in pieces {
            let text = Array(piece.utf8)
            if text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">"),
                let byte = UInt8(piece.dropFirst(3).dropLast(), radix: 16)
            {
                bytes.append(byte)
            } else {
                flush()
                result.append(piece)
            }
        }
        flush()
        return result
    }

    private static func stripped(
        _ piece: String, _ character: Unicode.Scalar, _ start: Int, _ stop: Int
    ) -> String {
        var scalars = Array(piece.unicodeScalars)[...]
        var (left, right) = (start, stop)
        while left > 0, scalars.first == character {
            scalars.removeFirst()
            left -= 1
        }
        while right > 0, scalars.last == character {
            scalars.removeLast()
            right -= 1
        }
        return String(scalars)
    }
}
