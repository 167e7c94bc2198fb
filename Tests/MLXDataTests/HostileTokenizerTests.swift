import Foundation
import MLXData
import Testing

/// Files named tokenizer.json that lie: a typed error when they are opened, or a tokenizer whose
/// ids are in range and whose texts have a bounded length.
@Suite("Hostile tokenizers") struct HostileTokenizerTests {
    private func tokenizer(_ text: String) throws -> Tokenizer {
        try Tokenizer(data: Data(text.utf8))
    }

    private func model(
        vocab: String = #"{"a":0,"b":1,"ab":2,"aba":3}"#, merges: String = #"["a b","ab a"]"#,
        _ more: String = ""
    ) -> String {
        #"{"model":{"type":"BPE","vocab":\#(vocab),"merges":\#(merges)}\#(more)}"#
    }

    @Test("files that are none, or ask for what is not there, are errors") func refused() throws {
        #expect(try tokenizer(model()).encode("abab") == [2, 2])
        #expect(try tokenizer(model()).encode("aba") == [3])
        for text in [
            "", "{}", "[]", "null", "{\"model\":null}", "{\"model\":{\"type\":\"Unheard\"}}",
            String(repeating: "[", count: 100_000), String(repeating: "{\"model\":", count: 9999),
            model(vocab: "[]"), model(vocab: "null"), model(vocab: #"{"a":-1}"#, merges: "[]"),
            model(vocab: #"{"a":1.5}"#, merges: "[]"), model(vocab: #"{"a":"0"}"#, merges: "[]"),
            model(vocab: #"{"a":9223372036854775808}"#, merges: "[]"),
            model(vocab: #"{"a":67108864}"#, merges: "[]"),
            model(vocab: #"{"a":0,"b":0}"#, merges: "[]"),
            model(vocab: #"{"a":0,"a":1}"#, merges: "[]"), model(merges: "null"),
            model(merges: #"["a"]"#), model(merges: #"[" "]"#), model(merges: #"[["a","b","a"]]"#),
            model(merges: #"["a z"]"#), model(merges: #"["b a"]"#), model(merges: "[7]"),
            model(#","added_tokens":[{"id":-1,"content":"x"}]"#),
            model(#","added_tokens":[{"id":4294967296,"content":"x"}]"#),
            model(#","added_tokens":[{"content":"x"}]"#),
            model(#","post_processor":{"type":"BertProcessing","sep":["x",-1],"cls":["y",1]}"#),
            model(
                #","post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":"#
                    + #"{"id":"x"}}],"special_tokens":{"x":{"ids":[9223372036854775807]}}}"#),
            model(#","normalizer":{"type":"Replace","pattern":{"Regex":"("},"content":""}"#),
            model(#","normalizer":{"type":"Unheard"}"#),
            model(#","pre_tokenizer":{"type":"Split","pattern":{},"behavior":"Isolated"}"#),
            model(#","decoder":{"type":"Unheard"}"#),
        ] {
            #expect(throws: TokenizerError.self, "\(text.prefix(200))") { try tokenizer(text) }
        }
    }

    @Test("merges that lead back to their own parts end") func cycles() throws {
        // A merge with an empty part, a token that is made in two ways, a merge of its own result.
        let odd = try tokenizer(
            model(
                vocab: #"{"":5,"a":0,"aa":1,"aaa":2,"aaaa":3}"#,
                merges: #"[["","a"],["a",""],["","" ],["a","a"],["aa","a"],["a","aa"],["aa","aa"]]"#
            ))
        let ids = odd.encode(String(repeating: "a", count: 10_000))
        #expect(!ids.isEmpty && ids.allSatisfy { (0...5).contains($0) })
        #expect(odd.decode(ids).filter { $0 == "a" }.count == 10_000)
        // Many merges of one text.
        let count = 2000
        let words = (1...count).map { String(repeating: "a", count: $0) }
        let vocabulary = words.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
        let merges = (1..<count).map { "\"\(words[$0 - 1]) a\"" }.joined(separator: ",")
        let long = try tokenizer(model(vocab: "{\(vocabulary)}", merges: "[\(merges)]"))
        #expect(long.encode(words[count - 1]).count >= 1)
    }

    @Test("a vocabulary without tokens makes no ids") func empty() throws {
        let none = try tokenizer(model(vocab: "{}", merges: "[]"))
        #expect(none.encode("text") == [] && none.vocabularySize == 0)
        #expect(none.decode([0, -1, .max, .min]) == "")
        #expect(throws: TokenizerError.self) {
            try tokenizer(#"{"model":{"type":"WordPiece","vocab":{}}}"#)
        }
        let level = try tokenizer(#"{"model":{"type":"WordLevel","vocab":{}}}"#)
        #expect(level.encode("text") == [])
    }

    @Test("D.2 row 15: tokens like <0x-1> are texts and not bytes") func byteTokens() throws {
        let vocabulary = #"{"<0x-1>":0,"<0x1G>":1,"<0x100>":2,"<0x41>":3,"<0x>":4}"#
        let bytes = try tokenizer(
            #"{"model":{"type":"BPE","byte_fallback":true,"vocab":\#(vocabulary),"merges":[]},"#
                + #""decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},"#
                + #"{"type":"Fuse"}]}}"#)
        #expect(bytes.decode([0, 1, 2, 3, 4]) == "<0x-1><0x1G><0x100>A<0x>")
        #expect(bytes.encode("A\u{FF}") == [3])
    }

    @Test("replacements that multiply are refused, and empty patterns do nothing")
    func growth() throws {
        let double = #"{"type":"Replace","pattern":{"String":"a"},"content":"aa"}"#
        func chain(_ count: Int) -> String {
            [String](repeating: double, count: count).joined(separator: ",")
        }
        for place in ["normalizer", "decoder"] {
            let list = place + "s"
            let few = model(#","\#(place)":{"type":"Sequence","\#(list)":[\#(chain(5))]}"#)
            #expect(try tokenizer(few).encode("a").count >= 1)
            let many = model(#","\#(place)":{"type":"Sequence","\#(list)":[\#(chain(60))]}"#)
            #expect(throws: TokenizerError.self) { try tokenizer(many) }
        }
        let odd = try tokenizer(
            model(
                #","normalizer":{"type":"Replace","pattern":{"String":""},"content":"x"},"#
                    + #""decoder":{"type":"BPEDecoder","suffix":""}"#))
        #expect(odd.encode("ab") == [2])
        #expect(odd.decode([2, 0]) == "aba")
        let empty = try tokenizer(
            model(#","normalizer":{"type":"Replace","pattern":{"Regex":"x*"},"content":"y"}"#))
        #expect(empty.encode("ab") == [2])
    }
}
