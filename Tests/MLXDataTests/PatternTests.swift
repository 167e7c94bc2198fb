import Foundation
import Testing

@testable import MLXData

/// Our regular expressions against Foundation's, on the expressions of known tokenizers and on
/// random texts of their characters.
@Suite("Patterns") struct PatternTests {
    static let known = [
        ByteLevel.expression, #"\w+|[^\w\s]+"#,
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"#
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
            + #"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s+"#,
        ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
        "[\u{4E00}-\u{9FA5}\u{3040}-\u{309F}\u{30A0}-\u{30FF}]+", #"\p{N}"#, " ?[A-Za-z\u{E9}]+",
        #"(?<=a)b|(?<!a)c"#, #"(?:ab|a)+?b"#, #"(?>a+)b|b+c"#, #"(a*)*c|(?=ab)a"#, "a{2,3}?b{2}",
        #"[a-c&&[^b]]+"#, #"[\p{Han}&&[^\u4e2d]]"#, #"a*+b|c?+c"#, #"\P{L}+\x61"#,
    ]

    @Test("matches are where Foundation finds them", arguments: known)
    func asFoundation(source: String) throws {
        let pattern = try TextPattern(expression: source)
        let oracle = try NSRegularExpression(pattern: source)
        let characters = Array(
            "aabbcc'sStDRE  \t\n\r12\u{E9}\u{4E2D}\u{56FD}\u{3042}\u{5D0}.,!/\u{301}\u{1F600}_")
        let seed = UInt64.random(in: 0 ... .max)
        var random = RandomTemplateTests.SplitMix(state: seed)
        for _ in 0..<300 {
            let text = String(
                (0..<Int.random(in: 0...30, using: &random)).map { _ in
                    characters.randomElement(using: &random)!
                })
            let scalars = Array(text.unicodeScalars)
            let own = try pattern.matches(scalars[...], TokenizerBudget(length: scalars.count))
                .map { String(scalars[$0]) }
            let range = NSRange(location: 0, length: text.utf16.count)
            let expected = oracle.matches(in: text, range: range).filter { $0.range.length > 0 }
                .map { (text as NSString).substring(with: $0.range) }
            #expect(
                own.map { Array($0.utf8) } == expected.map { Array($0.utf8) },
                "seed \(seed), \(text.debugDescription): \(own), not \(expected)")
        }
    }

    /// `Scripts/pattern-fixtures` writes what Hugging Face's tokenizers do.
    private struct Oniguruma: Decodable {
        struct Split: Decodable {
            let pattern: String
            let text: String
            let pieces: [String]
        }
        let classes: [String: [[UInt32]]]
        let splits: [Split]

        static func read() throws -> Oniguruma {
            let url = Bundle.module.url(
                forResource: "patterns", withExtension: "json", subdirectory: "Fixtures")
            return try JSONDecoder().decode(Oniguruma.self, from: Data(contentsOf: url!))
        }
    }

    @Test("anchors, boundaries and classes split texts as Oniguruma does")
    func asOniguruma() throws {
        for split in try Oniguruma.read().splits {
            let pattern = try TextPattern(expression: split.pattern)
            let scalars = Array(split.text.unicodeScalars)
            let found = try pattern.matches(
                scalars[...], TokenizerBudget(length: scalars.count))
            let edges = ([0] + found.flatMap { [$0.lowerBound, $0.upperBound] } + [scalars.count])
            let pieces = zip(edges, edges.dropFirst()).filter { $0 < $1 }
                .map { Array(scalars[$0..<$1]) }
            // Splits at nothing are the splitter's business, not the expression's.
            if found.isEmpty && split.pattern.allSatisfy({ "^$".contains($0) }) { continue }
            #expect(
                pieces == split.pieces.map { Array($0.unicodeScalars) },
                "\(split.pattern) in \(split.text.debugDescription): \(pieces)")
        }
    }

    @Test("classes have the characters that Oniguruma gives them", arguments: ["w", "s", "d"])
    func classes(name: String) throws {
        let runs = try #require(try Oniguruma.read().classes[name])
        let expected = Set(runs.flatMap { $0[0]...$0[1] })
        let part: ScalarClass.Part =
            switch name {
            case "w": .word
            case "s": .whiteSpace
            default: .categories([.decimalNumber])
            }
        let own = Set(
            (1..<0x2_0000 as Range<UInt32>).filter {
                Unicode.Scalar($0).map(part.contains) ?? false
            })
        // Versions of Unicode differ in what they have, and in nothing else.
        let others = own.symmetricDifference(expected).filter { value in
            guard let age = Unicode.Scalar(value)?.properties.age else { return false }
            return age.major < 15
        }
        #expect(others.isEmpty, "\(others.sorted().prefix(20).map { String($0, radix: 16) })")
        #expect(own.count > (name == "w" ? 70_000 : 20))
    }

    @Test("words end where their letters do") func boundaries() throws {
        let text = Array("ab cab ab_ ab".unicodeScalars)
        let pattern = try TextPattern(expression: #"\bab\b"#)
        let found = try pattern.matches(text[...], TokenizerBudget(length: text.count))
        #expect(found == [0..<2, 11..<13])
    }

    @Test(
        "what is not known is an error",
        arguments: [
            "(", ")", "[", "[a", "a**{", "*", "(?", "(?#a)", #"(a)\1"#, #"\k<a>"#, #"\p{Nonsense}"#,
            #"\q"#, "a{2,1}", "a{99999}", "(?<=a*)b", #"\x{110000}"#, "[b-a]", "a{", #"\"#,
        ])
    func refused(source: String) {
        #expect(throws: TokenizerError.self) { try TextPattern(expression: source) }
    }
}
