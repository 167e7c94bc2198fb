import Foundation
import MLXFormats
import Testing

@testable import MLXData

/// Tokenizers against Hugging Face's own: the same ids and the same text back, on 1,000 texts of
/// ten scripts, for vocabularies in the style of four families (Scripts/tokenizer-fixtures).
@Suite("Tokenizers") struct TokenizerTests {
    static let families = ["bert", "gpt2", "llama", "qwen"]

    private func fixture(_ name: String) throws -> JSONValue {
        let url = try #require(
            Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json.gz"))
        let packed = [UInt8](try Data(contentsOf: url))
        let text = try Gzip.unpack(packed, source: name)
        return try JSONValue(parsing: text)
    }

    @Test("ids and texts are those of Hugging Face's tokenizers", arguments: families)
    func expected(family: String) throws {
        let tokenizer = try Tokenizer(try fixture("tokenizer-\(family)"))
        let fixture = try fixture("texts")
        let texts = try #require(fixture["texts"]?.array).compactMap(\.string)
        let own = try #require(fixture["families"]?[family])
        let ids = try #require(own["ids"]?.array).map { ($0.array ?? []).compactMap(\.integer) }
        let decoded = try #require(own["decoded"]?.array).compactMap(\.string)
        try #require(texts.count == 1000 && ids.count == 1000 && decoded.count == 1000)
        for (index, text) in texts.enumerated() {
            let got = tokenizer.encode(text)
            #expect(got == ids[index], "\(family), text \(index): \(text.debugDescription)")
            let back = tokenizer.decode(ids[index])
            #expect(
                back.utf8.elementsEqual(decoded[index].utf8),
                "\(family), text \(index): \(back.debugDescription)")
        }
        let pair = (own["pair"]?.array ?? []).compactMap(\.integer)
        #expect(tokenizer.encode(texts[0], pair: texts[1]) == pair)
        #expect(tokenizer.vocabularySize == 8000)
    }
}
