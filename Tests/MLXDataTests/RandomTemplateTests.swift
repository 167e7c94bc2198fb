import Testing

@testable import MLXData

/// Random templates, nested and repetitive: each ends with a text or a typed error, within its
/// budget. A failure prints the seed that makes the same template again.
@Suite("Random templates") struct RandomTemplateTests {
    /// Steele, Lea, Flood 2014.
    struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    struct Writer {
        var random: SplitMix

        private static let leaves = [
            "0", "1", "-1", "3.5", "9223372036854775807", "''", "'a'", "'ab ab\\n'", "none",
            "true", "[]", "{}", "a", "b", "ns", "ns.v", "missing", "messages", "loop.index",
            "range(50)", "namespace(v=a)",
        ]
        private static let signs = [
            "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", "in", "not in",
            "and", "or",
        ]
        private static let filters = [
            "length", "list", "sort", "unique", "join('x')", "replace('a', 'aa')", "tojson",
            "string", "upper", "title", "trim", "indent(9, true)", "int", "float", "abs",
            "round(2)",
            "first", "last", "reverse", "sum", "map('string') | list", "select('odd') | list",
            "items", "dictsort", "e", "wordcount", "min", "max", "default('d')", "nonsense",
            "map(attribute='role') | list", "selectattr('role') | list", "tojson(indent=2)",
        ]
        private static let methods = [
            "split('a')", "rsplit('a', 9223372036854775807)", "replace('a', 'aaa')", "strip()",
            "join(['a', 'b'])", "find('ab')", "count('a')", "items()", "get('role')",
            "startswith('a')", "index(1)", "splitlines()", "upper()", "removesuffix('a')",
        ]

        mutating func pick(_ all: [String]) -> String { all.randomElement(using: &random)! }

        mutating func expression(_ depth: Int) -> String {
            if depth == 0 { return pick(Writer.leaves) }
            let inner = expression(depth - 1)
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: return "(\(inner) \(pick(Writer.signs)) \(expression(depth - 1)))"
            case 2, 3: return "(\(inner)) | \(pick(Writer.filters))"
            case 4: return "(\(inner)).\(pick(Writer.methods))"
            case 5: return "[\(inner), \(expression(depth - 1))]"
            case 6: return "{'k': \(inner), 'a': \(pick(Writer.leaves))}"
            case 7: return "(\(inner))[\(pick(Writer.leaves)):\(pick(Writer.leaves))]"
            case 8: return "(\(inner) if \(expression(depth - 1)) else \(pick(Writer.leaves)))"
            default: return "-(\(inner))"
            }
        }

        mutating func statements(_ depth: Int) -> String {
            let count = Int.random(in: 1...3, using: &random)
            return (0..<count).map { _ in statement(depth) }.joined()
        }

        private mutating func statement(_ depth: Int) -> String {
            let value = expression(Int.random(in: 0...4, using: &random))
            if depth == 0 { return "{{ \(value) }}" }
            switch Int.random(in: 0..<7, using: &random) {
            case 0: return "{% set a = \(value) %}"
            case 1: return "{% set ns.v = \(value) %}"
            case 2: return "{% for b in \(value) %}\(statements(depth - 1)){% endfor %}"
            case 3: return "{% if \(value) %}\(statements(depth - 1)){% endif %}"
            case 4: return "{% set a %}\(statements(depth - 1)){% endset %}"
            case 5:
                return "{% macro m(b) %}\(statements(depth - 1)){% endmacro %}{{ m(\(value)) }}"
            default: return "{{ \(value) }}"
            }
        }
    }

    @Test("each ends with a text or a typed error")
    func end() throws {
        let first = UInt64.random(in: 0 ... .max)
        var finished = 0
        for number in 0..<1500 {
            let seed = first &+ UInt64(number)
            var writer = Writer(random: SplitMix(state: seed))
            let template =
                "{% set ns = namespace(v=1) %}{% set a = 'ab' %}{% set b = [1, 'a'] %}"
                + writer.statements(4)
            let budget = TemplateBudget(.init(steps: 20_000, bytes: 1 << 19))
            do {
                _ = try ChatTemplate(template).render(
                    ["messages": [["role": "user", "content": "hello"]]], budget)
                finished += 1
            } catch let error {
                #expect(error is ChatTemplateError, "seed \(seed): \(error)")
            }
            #expect(
                budget.steps <= budget.limits.steps && budget.bytes <= budget.limits.bytes,
                "seed \(seed)")
        }
        #expect(finished > 100, "from seed \(first) only \(finished) templates render")
    }
}
