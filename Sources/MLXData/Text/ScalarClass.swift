/// A set of characters, as regular expressions write them. ASCII is looked up in a table; other
/// characters go through the parts.
struct ScalarClass: Sendable {
    indirect enum Part: Sendable {
        case range(UInt32, UInt32)
        case categories(Set<Unicode.GeneralCategory>)
        case whiteSpace
        case word
        case han
        case any
        case not(Part)
        case union([Part])
        case intersection(Part, Part)
        /// Characters of which one in another case belongs to the part.
        case anyCase(Part)

        func contains(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .range(let low, let high): scalar.value >= low && scalar.value <= high
            case .categories(let all): all.contains(scalar.properties.generalCategory)
            case .whiteSpace: scalar.properties.isWhitespace
            // Oniguruma's words: without what joins letters, and with the raised numbers and the
            // fractions of Latin-1.
            case .word:
                scalar.value & ~1 != 0x200C && Scalars.isWord(scalar)
                    || [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE].contains(scalar.value)
            case .han: Part.hanRanges.contains { $0.contains(scalar.value) }
            case .any: true
            case .not(let part): !part.contains(scalar)
            case .union(let parts): parts.contains { $0.contains(scalar) }
            case .intersection(let a, let b): a.contains(scalar) && b.contains(scalar)
            case .anyCase(let part):
                part.contains(scalar) || Part.cases(of: scalar).contains(where: part.contains)
            }
        }

        /// How many single tests it may take.
        var weight: Int {
            switch self {
            case .han: 20
            case .not(let part): part.weight
            case .union(let parts): parts.reduce(1) { $0 + $1.weight }
            case .intersection(let a, let b): a.weight + b.weight
            case .anyCase(let part): 4 * part.weight + 8
            default: 1
            }
        }

        private static func cases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
            func only(_ text: String) -> Unicode.Scalar? {
                text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
            }
            let lower = only(scalar.properties.lowercaseMapping)
            let upper = only(scalar.properties.uppercaseMapping)
            // A long s is an s, by way of the capital letter.
            let folded = upper.flatMap { only($0.properties.lowercaseMapping) }
            return [lower, upper, folded].compactMap { $0 }
        }

        /// The script of Chinese characters (Unicode 15).
        private static let hanRanges: [ClosedRange<UInt32>] = [
            0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
            0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
            0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF,
            0x2A700...0x2B739, 0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0,
            0x2F800...0x2FA1D, 0x30000...0x3134A, 0x31350...0x323AF,
        ]
    }

    private let part: Part
    private let low: UInt64
    private let high: UInt64
    let weight: Int

    init(_ part: Part) {
        self.part = part
        var bits: [UInt64] = [0, 0]
        for value in UInt8(0)..<128 where part.contains(Unicode.Scalar(value)) {
            bits[Int(value >> 6)] |= 1 << UInt64(value & 63)
        }
        (low, high) = (bits[0], bits[1])
        weight = part.weight
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 128 { return (value < 64 ? low : high) >> UInt64(value & 63) & 1 != 0 }
        return part.contains(scalar)
    }

    /// A property by its name in Unicode: a category, or one of a few others.
    static func property(_ name: String) -> Part? {
        typealias Category = Unicode.GeneralCategory
        let short: [(String, Category)] = [
            ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter),
            ("Lm", .modifierLetter), ("Lo", .otherLetter), ("Mn", .nonspacingMark),
            ("Mc", .spacingMark), ("Me", .enclosingMark), ("Nd", .decimalNumber),
            ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
            ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation),
            ("Pi", .initialPunctuation), ("Pf", .finalPunctuation), ("Po", .otherPunctuation),
            ("Sm", .mathSymbol), ("Sc", .currencySymbol), ("Sk", .modifierSymbol),
            ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
            ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Cs", .surrogate),
            ("Co", .privateUse), ("Cn", .unassigned),
        ]
        let long = [
            "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Punct": "P",
            "Symbol": "S", "Separator": "Z", "Other": "C",
        ]
        switch name {
        case "Han", "Script=Han", "sc=Han": return .han
        case "Any": return .any
        case "White_Space", "WhiteSpace", "Space", "space": return .whiteSpace
        default:
            let wanted = long[name] ?? name
            let found = short.filter { wanted.count == 1 ? $0.0.hasPrefix(wanted) : $0.0 == wanted }
            return found.isEmpty || wanted.isEmpty ? nil : .categories(Set(found.map(\.1)))
        }
    }
}
