import MLXFormats

/// How a normalized text is cut into the words that the model encodes one by one.
indirect enum PreTokenizer: Sendable {
    case sequence([PreTokenizer])
    case byteLevel(addsPrefixSpace: Bool, split: TextPattern?)
    case whitespace(TextPattern)
    case whitespaceSplit
    case bert
    case metaspace(Metaspace)
    case split(TextPattern, SplitBehavior, invert: Bool)
    case punctuation(SplitBehavior)
    case digits(individually: Bool)

    init?(_ json: JSONValue?) throws(TokenizerError) {
        guard let json, json != .null else { return nil }
        switch json["type"]?.string {
        case "Sequence":
            var parts: [PreTokenizer] = []
            for part in json["pretokenizers"]?.array ?? [] {
                if let preTokenizer = try PreTokenizer(part) { parts.append(preTokenizer) }
            }
            self = .sequence(parts)
        case "ByteLevel":
            let splits = json["use_regex"]?.boolean ?? true
            self = .byteLevel(
                addsPrefixSpace: json["add_prefix_space"]?.boolean ?? true,
                split: splits ? try TextPattern(expression: ByteLevel.expression) : nil)
        case "Whitespace":
            self = .whitespace(try TextPattern(expression: #"\w+|[^\w\s]+"#))
        case "WhitespaceSplit": self = .whitespaceSplit
        case "BertPreTokenizer": self = .bert
        case "Metaspace": self = .metaspace(Metaspace(json))
        case "Split":
            self = .split(
                try TextPattern(json["pattern"]),
                try SplitBehavior(json["behavior"]?.string ?? "Isolated"),
                invert: json["invert"]?.boolean ?? false)
        case "Punctuation":
            self = .punctuation(try SplitBehavior(json["behavior"]?.string ?? "Isolated"))
        case "Digits":
            self = .digits(individually: json["individual_digits"]?.boolean ?? false)
        case let type:
            throw TokenizerError("the pre-tokenizer '\(type ?? "without a type")' is not known")
        }
    }

    /// A piece of text; the first of a text may be treated differently.
    struct Piece {
        var scalars: ArraySlice<Unicode.Scalar>
        var isFirst: Bool
    }

    func apply(
        _ piece: Piece, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Piece] {
        switch self {
        case .sequence(let parts):
            var pieces = [piece]
            for part in parts {
                var made: [Piece] = []
                var length = 0
                for piece in pieces {
                    for new in try part.apply(piece, budget) {
                        // An empty piece takes room too.
                        length += new.scalars.count + 1
                        made.append(new)
                    }
                    if length > budget.mostLength { break }
                }
                try budget.check(length: length)
                pieces = made
            }
            return pieces
        case .byteLevel(let addsPrefixSpace, let split):
            return try ByteLevel.pieces(piece, addsPrefixSpace, split, budget)
        case .whitespace(let pattern):
            return try pattern.matches(piece.scalars, budget).map { PreTokenizer.part(piece, $0) }
        case .whitespaceSplit:
            return SplitBehavior.removed.cut(piece) { $0.properties.isWhitespace }
        case .bert:
            return SplitBehavior.removed.cut(piece) { $0.properties.isWhitespace }
                .flatMap { SplitBehavior.isolated.cut($0, at: Scalars.isPunctuation) }
        case .metaspace(let metaspace): return metaspace.pieces(piece)
        case .split(let pattern, let behavior, let invert):
            return behavior.cut(
                piece, try pattern.matches(piece.scalars, budget), invert: invert)
        case .punctuation(let behavior):
            return behavior.cut(piece, at: Scalars.isPunctuation)
        case .digits(let individually):
            let behavior = individually ? SplitBehavior.isolated : .contiguous
            return behavior.cut(piece, at: Scalars.isNumeric)
        }
    }

    static func part(_ piece: Piece, _ range: Range<Int>) -> Piece {
        Piece(
            scalars: piece.scalars[range],
            isFirst: piece.isFirst && range.lowerBound == piece.scalars.startIndex)
    }
}

/// What becomes of the matches at which a text is split.
enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    init(_ name: String) throws(TokenizerError) {
        guard let behavior = SplitBehavior(rawValue: name) else {
            throw TokenizerError("the split behavior '\(name)' is not known")
        }
        self = behavior
    }

    /// Splits at single characters.
    func cut(
        _ piece: PreTokenizer.Piece, at isSeparator: (Unicode.Scalar) -> Bool
    ) -> [PreTokenizer.Piece] {
        let matches = piece.scalars.indices.filter { isSeparator(piece.scalars[$0]) }
        return cut(piece, matches.map { $0..<($0 + 1) }, invert: false)
    }

    /// - Parameter invert: split at what lies between the matches.
    func cut(
        _ piece: PreTokenizer.Piece, _ matches: [Range<Int>], invert: Bool
    ) -> [PreTokenizer.Piece] {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var start = piece.scalars.startIndex
        for match in matches {
            if match.lowerBound > start { parts.append((start..<match.lowerBound, invert)) }
            parts.append((match, !invert))
            start = match.upperBound
        }
        if start < piece.scalars.endIndex { parts.append((start..<piece.scalars.endIndex, invert)) }
        return joined(parts).map { PreTokenizer.part(piece, $0) }
    }

    private func joined(_ parts: [(range: Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        switch self {
        case .removed: return parts.filter { !$0.isMatch }.map(\.range)
        case .isolated: return parts.map(\.range)
        case .contiguous:
            for (number, part) in parts.enumerated() {
                if number > 0, parts[number - 1].isMatch == part.isMatch {
                    result[result.count - 1] =
                        result[result.count - 1].lowerBound..<part.range.upperBound
                } else {
                    result.append(part.range)
                }
            }
        case .mergedWithPrevious:
            var previousIsMatch = false
            for part in parts {
                if part.isMatch, !previousIsMatch, let last = result.last {
                    result[result.count - 1] = last.lowerBound..<part.range.upperBound
                } else {
                    result.append(part.range)
                }
                previousIsMatch = part.isMatch
            }
        case .mergedWithNext:
            var nextIsMatch = false
            for part in parts.reversed() {
                if part.isMatch, !nextIsMatch, let last = result.last {
                    result[result.count - 1] = part.range.lowerBound..<last.upperBound
                } else {
                    result.append(part.range)
                }
                nextIsMatch = part.isMatch
            }
            result.reverse()
        }
        return result
    }
}

/// SentencePiece's way: spaces become a visible character that words begin with.
struct Metaspace: Sendable {
    private let replacement: Unicode.Scalar
    private let prepends: String
    private let splits: Bool

    init(_ json: JSONValue) {
        replacement = json["replacement"]?.string?.unicodeScalars.first ?? "\u{2581}"
        // Older files say `add_prefix_space`.
        let old = json["add_prefix_space"]?.boolean ?? true
        prepends = json["prepend_scheme"]?.string ?? (old ? "always" : "never")
        splits = json["split"]?.boolean ?? true
    }

    func pieces(_ piece: PreTokenizer.Piece) -> [PreTokenizer.Piece] {
        var scalars = piece.scalars.map { $0 == " " ? replacement : $0 }
        let wantsPrefix = prepends == "always" || prepends == "first" && piece.isFirst
        if wantsPrefix, scalars.first != replacement { scalars.insert(replacement, at: 0) }
        let changed = PreTokenizer.Piece(scalars: scalars[...], isFirst: piece.isFirst)
        guard splits else { return [changed] }
        return SplitBehavior.mergedWithNext.cut(changed) { $0 == replacement }
    }
}
