import Foundation
import MLXFormats

/// What is done to a text before it is cut into words, as `tokenizer.json` lists it.
indirect enum Normalizer: Sendable {
    case sequence([Normalizer])
    case canonicalComposition
    case canonicalDecomposition
    case compatibilityComposition
    case compatibilityDecomposition
    case lowercase
    case stripAccents
    case strip(left: Bool, right: Bool)
    case prepend(String)
    case replace(TextPattern, String)
    case bert(BertNormalization)

    init?(_ json: JSONValue?) throws(TokenizerError) {
        guard let json, json != .null else { return nil }
        switch json["type"]?.string {
        case "Sequence":
            var parts: [Normalizer] = []
            for part in json["normalizers"]?.array ?? [] {
                if let normalizer = try Normalizer(part) { parts.append(normalizer) }
            }
            self = .sequence(parts)
            _ = try TextPattern.growth(parts.map(\.growth))
        case "NFC": self = .canonicalComposition
        case "NFD": self = .canonicalDecomposition
        case "NFKC": self = .compatibilityComposition
        case "NFKD": self = .compatibilityDecomposition
        case "Lowercase": self = .lowercase
        case "StripAccents": self = .stripAccents
        case "Strip":
            self = .strip(
                left: json["strip_left"]?.boolean ?? true,
                right: json["strip_right"]?.boolean ?? true)
        case "Prepend": self = .prepend(json["prepend"]?.string ?? "")
        case "Replace":
            self = .replace(try TextPattern(json["pattern"]), json["content"]?.string ?? "")
        case "BertNormalizer": self = .bert(BertNormalization(json))
        case let type:
            throw TokenizerError("the normalizer '\(type ?? "without a type")' is not known")
        }
    }

    /// How many times as long a text becomes at most, by what is inserted.
    private var growth: Int {
        switch self {
        case .sequence(let parts):
            parts.reduce(1) { min($0 * max($1.growth, 1), TextPattern.maximumGrowth + 1) }
        case .replace(_, let replacement): replacement.unicodeScalars.count
        case .prepend(let start): start.unicodeScalars.count + 1
        default: 1
        }
    }

    private static let stepsOfCharacter = 16

    private var reordersMarks: Bool {
        switch self {
        case .canonicalComposition, .canonicalDecomposition, .compatibilityComposition,
            .compatibilityDecomposition, .bert:
            true
        default: false
        }
    }

    /// Marks on one letter are put in order, which takes the square of how many there are.
    private static func charge(
        marks text: String, _ budget: TokenizerBudget
    ) throws(TokenizerError) {
        var run = 0
        for scalar in text.unicodeScalars {
            let isMark =
                scalar.value > 0x2FF
                && scalar.properties.canonicalCombiningClass != .notReordered
            run = isMark ? run + 1 : 0
            if run > 8 { try budget.step(run / 8) }
        }
    }

    func apply(
        _ text: String, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> String {
        let length = text.unicodeScalars.count
        try budget.check(length: length)
        // Looking up what Unicode says of a character.
        try budget.step(Normalizer.stepsOfCharacter * length)
        if reordersMarks { try Normalizer.charge(marks: text, budget) }
        switch self {
        case .sequence(let parts):
            var text = text
            for part in parts { text = try part.apply(text, budget) }
            return text
        case .canonicalComposition: return text.precomposedStringWithCanonicalMapping
        case .canonicalDecomposition: return text.decomposedStringWithCanonicalMapping
        case .compatibilityComposition: return text.precomposedStringWithCompatibilityMapping
        case .compatibilityDecomposition: return text.decomposedStringWithCompatibilityMapping
        case .lowercase: return Normalizer.lowercased(text)
        case .stripAccents: return Normalizer.withoutAccents(text)
        case .strip(let left, let right): return Normalizer.stripped(text, left, right)
        case .prepend(let start):
            try budget.check(length: start.unicodeScalars.count)
            return text.isEmpty ? text : start + text
        case .replace(let pattern, let replacement):
            return try pattern.replace(text, replacement, budget)
        case .bert(let normalization): return normalization.apply(text)
        }
    }

    /// Character by character, without the context that Swift looks at (final sigma).
    static func lowercased(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        }
        return String(result)
    }

    static func withoutAccents(_ text: String) -> String {
        String(text.unicodeScalars.filter { $0.properties.generalCategory != .nonspacingMark })
    }

    private static func stripped(_ text: String, _ left: Bool, _ right: Bool) -> String {
        var scalars = Array(text.unicodeScalars)[...]
        if left { scalars = scalars.drop { $0.properties.isWhitespace } }
        while right, let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}

/// BERT's own cleaning: control characters go, white space becomes a space, Chinese characters
/// stand alone, and letters lose case and accents when asked.
struct BertNormalization: Sendable {
    private let cleansText: Bool
    private let separatesChinese: Bool
    private let stripsAccents: Bool
    private let lowercases: Bool

    init(_ json: JSONValue) {
        cleansText = json["clean_text"]?.boolean ?? true
        separatesChinese = json["handle_chinese_chars"]?.boolean ?? true
        lowercases = json["lowercase"]?.boolean ?? true
        stripsAccents = json["strip_accents"]?.boolean ?? lowercases
    }

    func apply(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if cleansText {
                if scalar.value == 0 || scalar.value == 0xFFFD || Scalars.isControl(scalar) {
                    continue
                }
                if scalar.properties.isWhitespace {
                    result.append(" ")
                    continue
                }
            }
            if separatesChinese && Scalars.isChinese(scalar) {
                result.append(" ")
                result.append(scalar)
                result.append(" ")
            } else {
                result.append(scalar)
            }
        }
        var text = String(result)
        if stripsAccents {
            text = Normalizer.withoutAccents(text.decomposedStringWithCanonicalMapping)
        }
        return lowercases ? Normalizer.lowercased(text) : text
    }
}

/// Classes of characters as tokenizers use them.
enum Scalars {
    /// Other characters (control, format, private, surrogates, unassigned), without the white
    /// space among them.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate, .unassigned: return true
        default: return false
        }
    }

    /// ASCII symbols and everything that Unicode calls punctuation.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 33...47, 58...64, 91...96, 123...126: return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }

    /// The ideographs that BERT gives words of their own.
    static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
            0x2B740...0x2B81F, 0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            return true
        default: return false
        }
    }

    static func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber: return true
        default: return false
        }
    }

    /// A letter, mark, number or connector: `\w` of regular expressions.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isAlphabetic { return true }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
            return true
        default: return scalar.value == 0x200C || scalar.value == 0x200D
        }
    }
}
