/// A word of a template's expression language: a name, a number, a text, or a sign.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Equatable {
        case name(String)
        case integer(Int)
        case number(Double)
        case text(String)
        case sign(String)
    }

    let kind: Kind
    let line: Int
}

/// Reads tokens from the inside of a tag. Brackets are counted, so that the braces of a dictionary
/// do not end an output.
struct TemplateScanner {
    private(set) var position: Int
    private let bytes: [UInt8]
    private var line: Int
    private var depth = 0

    /// Names are looked up at every step.
    private static let longestName = 256

    private static let signs: [[UInt8]] = [
        "==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
        "[", "]", "{", "}", ".", ",", ":", "|",
    ].map { Array($0.utf8) }

    init(_ bytes: [UInt8], at position: Int, line: Int) {
        self.bytes = bytes
        self.position = position
        self.line = line
    }

    /// Moves over the sign that may stand at the start of a tag.
    mutating func skip(sign: Bool) {
        if sign, position < bytes.count, "-+".utf8.contains(bytes[position]) { position += 1 }
    }

    /// Moves over the end of the tag, if it is next.
    /// - Returns: the sign before it, 0 for none; nil when the tag goes on.
    mutating func end(_ close: [UInt8]) -> UInt8? {
        skipBlanks()
        guard depth == 0, position < bytes.count else { return nil }
        if bytes[position...].starts(with: close) {
            position += close.count
            return 0
        }
        let sign = bytes[position]
        guard "-+".utf8.contains(sign), bytes[(position + 1)...].starts(with: close) else {
            return nil
        }
        position += 1 + close.count
        return sign
    }

    /// The next token, nil at the end of the template.
    mutating func next() throws(ChatTemplateError) -> TemplateToken? {
        skipBlanks()
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            return token(.text(try text(quote: byte)))
        }
        if TemplateScanner.isDigit(byte) { return token(try number()) }
        if TemplateScanner.isWord(byte) {
            let name = word { TemplateScanner.isWord($0) }
            guard name.utf8.count <= TemplateScanner.longestName else {
                throw ChatTemplateError("a name is too long", line: line, limit: .length)
            }
            return token(.name(name))
        }
        guard let sign = TemplateScanner.signs.first(where: { bytes[position...].starts(with: $0) })
        else {
            throw ChatTemplateError(
                "'\(String(decoding: [byte], as: UTF8.self))' means nothing", line: line)
        }
        position += sign.count
        if "([{".utf8.contains(sign[0]) { depth += 1 }
        if ")]}".utf8.contains(sign[0]) { depth = max(0, depth - 1) }
        return token(.sign(String(decoding: sign, as: UTF8.self)))
    }

    private func token(_ kind: TemplateToken.Kind) -> TemplateToken {
        TemplateToken(kind: kind, line: line)
    }

    private mutating func skipBlanks() {
        while position < bytes.count, TemplateSegments.isBlank(bytes[position]) {
            if bytes[position] == 0x0A { line += 1 }
            position += 1
        }
    }

    private mutating func word(_ belongs: (UInt8) -> Bool) -> String {
        let start = position
        while position < bytes.count, belongs(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func number() throws(ChatTemplateError) -> TemplateToken.Kind {
        var digits = word { TemplateScanner.isDigit($0) || $0 == UInt8(ascii: "_") }
        var isInteger = true
        if position + 1 < bytes.count, bytes[position] == UInt8(ascii: "."),
            TemplateScanner.isDigit(bytes[position + 1])
        {
            position += 1
            digits += "." + word { TemplateScanner.isDigit($0) }
            isInteger = false
        }
        if position + 1 < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            let next = bytes[position + 1]
            let isSigned = "+-".utf8.contains(next) && position + 2 < bytes.count
            if TemplateScanner.isDigit(isSigned ? bytes[position + 2] : next) {
                position += isSigned ? 2 : 1
                let sign = isSigned ? String(decoding: [next], as: UTF8.self) : ""
                digits += "e" + sign + word { TemplateScanner.isDigit($0) }
                isInteger = false
            }
        }
        digits.removeAll { $0 == "_" }
        if isInteger, let value = Int(digits) { return .integer(value) }
        if !isInteger, let value = Double(digits) { return .number(value) }
        throw ChatTemplateError("\(digits) is too large", line: line)
    }

    private mutating func text(quote: UInt8) throws(ChatTemplateError) -> String {
        let start = line
        var result: [UInt8] = []
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote { return String(decoding: result, as: UTF8.self) }
            if byte == 0x0A { line += 1 }
            if byte == UInt8(ascii: "\\"), position < bytes.count {
                escape(into: &result)
            } else {
                result.append(byte)
            }
        }
        throw ChatTemplateError("a text has no end", line: start)
    }

    /// What follows a backslash, as in Python.
    private mutating func escape(into result: inout [UInt8]) {
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "0"): result.append(0)
        case 0x0A: line += 1
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): result.append(byte)
        case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "x") ? 2 : byte == UInt8(ascii: "u") ? 4 : 8
            let end = min(position + count, bytes.count)
            let digits = String(decoding: bytes[position..<end], as: UTF8.self)
            if let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) {
                position = end
                result += String(Character(scalar)).utf8
            } else {
                result += [UInt8(ascii: "\\"), byte]
            }
        default: result += [UInt8(ascii: "\\"), byte]
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
