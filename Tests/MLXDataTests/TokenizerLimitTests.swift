import Foundation
import MLXFormats
import Testing

@testable import MLXData

/// Files that make more of a text than it has: each with the limit that must refuse it, when it is
/// opened or when it meets the text. The budget's own count is what is compared, not the time.
@Suite("Limits of tokenizers") struct TokenizerLimitTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Members of the file beside the model.
        var parts = ""
        var model = #"{"type":"WordLevel","vocab":{"[UNK]":0},"unk_token":"[UNK]"}"#
        var text = String(repeating: "a", count: 3000)
        let limit: TokenizerError.Limit
    }

    private static func split(_ expression: String) -> String {
        #","pre_tokenizer":{"type":"Split","pattern":{"Regex":"\#(expression)"},"#
            + #""behavior":"Isolated"}"#
    }

    private static func repeated(_ part: String, _ count: Int) -> String {
        [String](repeating: part, count: count).joined(separator: ",")
    }

    private static func words(_ count: Int, _ type: String, _ more: String) -> String {
        let all = (1...count).map { "\"\(String(repeating: "a", count: $0))b\":\($0)" }
        return ###"{"type":"\###(type)","vocab":{"[UNK]":0,"a":9999,"##a":9998,"###
            + all.joined(separator: ",") + "}\(more)}"
    }

    static let attacks: [Attack] = [
        .init(testDescription: "nested repetition", parts: split("(a+)+b"), limit: .steps),
        .init(testDescription: "choices alike", parts: split("(a|a)*b"), limit: .steps),
        .init(testDescription: "three runs", parts: split("a*a*a*a*b"), limit: .steps),
        .init(testDescription: "repeated nothing", parts: split("(a*)*b"), limit: .steps),
        .init(testDescription: "lazy", parts: split("(a+?)+?b"), limit: .steps),
        .init(testDescription: "look ahead", parts: split("(?=(a+)+b)a"), limit: .steps),
        .init(
            testDescription: "many places", parts: split("(?:a|b)*c"),
            text: String(repeating: "a", count: 600_000), limit: .memory),
        .init(
            testDescription: "possessive", parts: split("a[^b]*+b"),
            text: String(repeating: "a", count: 30_000), limit: .steps),
        .init(
            testDescription: "replacement",
            parts: #","normalizer":{"type":"Replace","pattern":"#
                + #"{"Regex":"(a+)+b"},"content":""}"#, limit: .steps),
        .init(
            testDescription: "deep",
            parts: split(
                String(repeating: "(", count: 9)
                    + String(repeating: "(?:", count: 99)), limit: .depth),
        .init(testDescription: "large", parts: split("((aa){999}){999}"), limit: .length),
        .init(
            testDescription: "long", parts: split(String(repeating: "a", count: 9999)),
            limit: .length),
        .init(
            testDescription: "normalizers that double",
            parts: #","normalizer":{"type":"Sequence","normalizers":["#
                + repeated(
                    #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#, 12) + "]}",
            text: String(repeating: "a", count: 100), limit: .length),
        .init(
            testDescription: "normalizers that prepend",
            parts: #","normalizer":{"type":"Prepend","prepend":""#
                + String(repeating: "a", count: 300_000) + #""}"#, limit: .length),
        .init(
            testDescription: "many normalizers",
            parts: #","normalizer":{"type":"Sequence","normalizers":["#
                + repeated(#"{"type":"Lowercase"}"#, 9000) + "]}", limit: .steps),
        .init(
            testDescription: "bytes of bytes",
            parts: #","pre_tokenizer":{"type":"Sequence","pretokenizers":["#
                + repeated(
                    #"{"type":"ByteLevel","use_regex":false,"add_prefix_space":false}"#, 30)
                + "]}", text: String(repeating: "\u{E9}", count: 100), limit: .length),
        .init(
            testDescription: "word pieces",
            model: words(
                700, "WordPiece", #","max_input_chars_per_word":1000000"#),
            text: String(repeating: "a", count: 3000) + "b", limit: .steps),
        .init(
            testDescription: "a prefix of words",
            model:
                #"{"type":"BPE","vocab":{},"merges":[],"continuing_subword_prefix":""#
                + String(repeating: "x", count: 100_000) + #""}"#, limit: .length),
        .init(
            testDescription: "an added token that almost fits",
            parts: #","added_tokens":[{"id":1,"content":""#
                + String(repeating: "a", count: 50_000) + #"b"}]"#,
            text: String(repeating: "a", count: 50_000), limit: .steps),
        .init(
            testDescription: "a template that repeats the text",
            parts: #","post_processor":{"type":"TemplateProcessing","single":["#
                + repeated(#"{"Sequence":{"id":"A"}}"#, 60) + "]}", limit: .length),
        .init(
            testDescription: "a template of many tokens",
            parts: #","post_processor":{"type":"TemplateProcessing","single":["#
                + repeated(#"{"SpecialToken":{"id":"x"}}"#, 60)
                + #"],"special_tokens":{"x":{"ids":["# + repeated("1", 999) + "]}}}",
            limit: .length),
    ]

    @Test("a limit refuses each, and names itself", arguments: attacks)
    func refused(attack: Attack) throws {
        let error = #expect(throws: TokenizerError.self) {
            let tokenizer = try Tokenizer(
                JSONValue(parsing: #"{"model":\#(attack.model)\#(attack.parts)}"#))
            #expect(tokenizer.encode(String(attack.text.prefix(1))).count <= 4)
            let scalars = Array(attack.text.unicodeScalars)
            let budget = TokenizerBudget(
                length: scalars.count, stepsPerCharacter: 16, freeSteps: 1 << 19)
            defer { #expect(budget.steps <= budget.mostSteps) }
            _ = try tokenizer.ids(scalars, budget)
        }
        #expect(error?.limit == attack.limit, "\(String(describing: error))")
    }

    @Test("what is refused has no ids, and says why when asked")
    func unchecked() throws {
        let text = String(repeating: "a", count: 3000)
        let tokenizer = try Tokenizer(
            JSONValue(
                parsing: #"{"model":{"type":"WordLevel","vocab":{"[UNK]":0},"unk_token":"[UNK]"}"#
                    + TokenizerLimitTests.split("(a+)+b") + "}"))
        #expect(tokenizer.encode(text).isEmpty)
        #expect(throws: TokenizerError.self) { try tokenizer.checkedEncode(text) }
        #expect(try tokenizer.checkedEncode("ab") == [0])
    }
}
