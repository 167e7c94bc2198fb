import Testing

@testable import MLXFormats

// The JSON reader accepts what RFC 8259 allows and nothing else, and the writer's texts are read
// back to the same tree.

@Suite struct JSONTests {
    @Test("Values of every kind")
    func values() throws {
        let text = """
            {"a": [1, -2, 3.5, 1e3, -0, 0, true, false, null],
             "b": {"c": "é\\u00e9\\n\\ud83d\\ude00"},
             "max": 9223372036854775807, "min": -9223372036854775808, "over": 9223372036854775808}
            """
        let value = try JSONValue(parsing: text)
        let list: [JSONValue] = [
            .integer(1), .integer(-2), .number(3.5), .number(1000), .number(-0.0), .integer(0),
            .boolean(true), .boolean(false), .null,
        ]
        #expect(value["a"]?.array == list)
        #expect(value["b"]?["c"]?.string == "éé\n😀")
        #expect(value["max"]?.integer == .max)
        #expect(value["min"]?.integer == .min)
        #expect(value["over"]?.double == 0x1p63)
        #expect(value["missing"] == nil)
        #expect(value.members?.map(\.key) == ["a", "b", "max", "min", "over"])
    }

    @Test(
        "Texts that are not JSON",
        arguments: [
            "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
            "{\"a\":1,}", "{,}", "{1:2}", "{'a':1}", "{a:1}", "01", "-", "-01", "+1", ".5", "1.",
            "1e", "1e+", "0x1", "1_0", "NaN", "Infinity", "-Infinity", "nul", "nulll", "True",
            "truefalse", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
            "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\n\"", "\"\t\"", "\"\u{1F}\"", "1 2", "[1 2]",
            "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":1}", "1e999",
            "/**/1", "1//", "\u{FEFF}1", "[1]\u{0}", "\"\\u+123\"",
        ])
    func malformed(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test("Keys are equal when their bytes are, not when they look the same")
    func equivalentKeys() throws {
        let members = try JSONValue(parsing: "{\"é\":1,\"e\u{301}\":2}").members
        #expect(members?.map { Array($0.key.utf8).count } == [2, 3])
    }

    @Test("Bytes that are not UTF-8")
    func notUTF8() {
        for bad in [[0x80], [0xC1, 0x81], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3]] {
            let bytes = [0x22] + bad.map(UInt8.init) + [0x22]
            #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E] + bytes) }
        }
    }

    @Test("Nesting and numbers have limits")
    func limits() throws {
        let depth = JSONCursor.maximumDepth
        let nested = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        _ = try JSONValue(parsing: nested(depth))
        #expect(throws: JSONError.self) { try JSONValue(parsing: nested(depth + 1)) }
        let digits = String(repeating: "1", count: JSONCursor.maximumNumberLength)
        #expect(throws: JSONError.self) { try JSONValue(parsing: "0." + digits) }
        var cursor = JSONCursor(Array(nested(depth + 1).utf8))
        #expect(throws: JSONError.self) { try cursor.skip() }
    }

    @Test("What is written is read again")
    func roundTrip() throws {
        let value = JSONValue.object([
            .init("", .array([])), .init("\u{0}\u{1F}\"\\/\u{7F}é😀", .object([])),
            .init(
                "numbers", .array([.integer(.min), .number(0.1), .number(-1e-300), .number(2)])),
            .init("words", .array([.null, .boolean(true), .boolean(false), .string("\r\n\t")])),
        ])
        let bytes = JSONWriter.bytes(of: value)
        #expect(try JSONValue(parsing: bytes) == value)
        #expect(JSONWriter.bytes(of: .number(.nan)) == Array("null".utf8))
    }
}
