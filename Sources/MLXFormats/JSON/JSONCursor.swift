/// A strict pull parser for JSON (RFC 8259) over bytes in memory: the caller says what it expects
/// next, and nothing is built that it did not ask for. Strings are checked to be UTF-8, integers
/// are exact, nesting is limited, and every error names its offset. It never reads past the end.
package struct JSONCursor {
    package static let maximumDepth = 128
    /// Characters of one number; more serve only to cost time.
    package static let maximumNumberLength = 1024

    let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int
    private var depth = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.position = 0
        self.end = bytes.count
    }

    func failure(_ message: String) -> JSONError { JSONError(offset: position, message: message) }

    // MARK: Bytes

    /// The next byte that is not white space; nil at the end.
    package mutating func peek() -> UInt8? {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return bytes[position]
            }
        }
        return nil
    }

    mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
        guard peek() == UInt8(ascii: character) else { throw failure("expected '\(character)'") }
        position += 1
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    package mutating func expectEnd() throws(JSONError) {
        if peek() != nil { throw failure("something follows the value") }
    }

    // MARK: Containers

    /// Reads `{...}`; `member` is called with each key and must read its value.
    package mutating func object<E: Error>(
        _ member: (inout JSONCursor, String) throws(E) -> Void, failed: (JSONError) -> E
    ) throws(E) {
        do throws(JSONError) { try enter("{") } catch { throw failed(error) }
        if !take("}") {
            while true {
                let key: String
                do throws(JSONError) {
                    key = try string()
                    try expect(":")
                } catch { throw failed(error) }
                try member(&self, key)
                if take(",") { continue }
                do throws(JSONError) { try expect("}") } catch { throw failed(error) }
                break
            }
        }
        depth -= 1
    }

    /// Reads `[...]`; `element` must read one value.
    package mutating func array(
        _ element: (inout JSONCursor) throws(JSONError) -> Void
    ) throws(JSONError) {
        try enter("[")
        if !take("]") {
            while true {
                try element(&self)
                if take(",") { continue }
                try expect("]")
                break
            }
        }
        depth -= 1
    }

    private mutating func enter(_ bracket: Unicode.Scalar) throws(JSONError) {
        try expect(bracket)
        depth += 1
        if depth > JSONCursor.maximumDepth {
            throw failure("nested deeper than \(JSONCursor.maximumDepth)")
        }
    }

    // MARK: Words and numbers

    mutating func word(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard count <= end - position else { throw failure("expected '\(word)'") }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] {
            throw failure("expected '\(word)'")
        }
        position += count
    }

    /// A number's characters, checked against the grammar, and whether it is written as an
    /// integer.
    mutating func numberText() throws(JSONError) -> (text: String, isInteger: Bool) {
        _ = peek()
        let start = position
        if position < end, bytes[position] == UInt8(ascii: "-") { position += 1 }
        let digitsStart = position
        try digits()
        if bytes[digitsStart] == UInt8(ascii: "0"), position > digitsStart + 1 {
            throw failure("a number starts with 0")
        }
        var isInteger = true
        if position < end, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < end,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            try digits()
        }
        guard position - start <= JSONCursor.maximumNumberLength else {
            throw failure("a number of more than \(JSONCursor.maximumNumberLength) characters")
        }
        return (String(decoding: bytes[start..<position], as: UTF8.self), isInteger)
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < end, bytes[position] &- 0x30 < 10 { position += 1 }
        if position == start { throw failure("expected a digit") }
    }

    /// A whole number from 0 on, written without sign, fraction or exponent, that fits an `Int`.
    package mutating func count() throws(JSONError) -> Int {
        if let value = plainCount() { return value }
        let start = position
        let (text, isInteger) = try numberText()
        guard isInteger, !text.hasPrefix("-"), let value = Int(text) else {
            position = start
            throw failure("\(text.prefix(32)) is not a count")
        }
        return value
    }

    /// A count of up to 18 digits, which is what the headers of large files have thousands of; nil,
    /// with nothing read, for anything else.
    private mutating func plainCount() -> Int? {
        _ = peek()
        var place = position
        var value = 0
        while place < end, bytes[place] &- 0x30 < 10 {
            value = value &* 10 &+ Int(bytes[place] &- 0x30)
            place += 1
        }
        let digitCount = place - position
        guard place < end, 1...18 ~= digitCount,
            digitCount == 1 || bytes[position] != UInt8(ascii: "0")
        else { return nil }
        switch bytes[place] {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default:
            position = place
            return value
        }
    }

    /// Reads one value and drops it.
    package mutating func skip() throws(JSONError) {
        switch peek() {
        case UInt8(ascii: "{"):
            try object(
                { (cursor, _) throws(JSONError) in try cursor.skip() }, failed: { $0 })
        case UInt8(ascii: "["): try array { (cursor) throws(JSONError) in try cursor.skip() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case .some: _ = try numberText()
        case nil: throw failure("the text ends early")
        }
    }

    // MARK: Strings

    package mutating func string() throws(JSONError) -> String {
        try expect("\"")
        let start = position
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try utf8(bytes[start..<position])
                position += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw failure("a control character in a string")
            default: position += 1
            }
        }
        throw failure("a string does not end")
    }

    private func utf8(_ slice: some Sequence<UInt8>) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw failure("a string is not UTF-8")
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text = Array(bytes[start..<position])
        while position < end {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try utf8(text)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("a control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard position < end else { throw failure("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try unicodeEscape()).utf8)
        default: throw failure("an unknown escape")
        }
    }

    /// The scalar of `\uXXXX`, or of a pair of surrogates written as two of them.
    private mutating func unicodeEscape() throws(JSONError) -> Character {
        var code = try hexWord()
        if code >> 10 == 0xD800 >> 10 {
            guard end - position >= 6, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw failure("half a surrogate pair") }
            position += 2
            let low = try hexWord()
            guard low >> 10 == 0xDC00 >> 10 else { throw failure("half a surrogate pair") }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
        return Character(scalar)
    }

    private mutating func hexWord() throws(JSONError) -> UInt32 {
        guard end - position >= 4 else { throw failure("a short escape") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw failure("a short escape")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}

/// What is wrong with a JSON text, and where.
package struct JSONError: Error, CustomStringConvertible {
    package let offset: Int
    package let message: String

    package var description: String { "\(message), at byte \(offset) of the JSON text" }
}
