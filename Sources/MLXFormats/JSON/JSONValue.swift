import MLXBase

/// A JSON text as a tree, for configurations and tokenizers; formats with large headers use
/// `JSONCursor` instead. Members keep their order, a key that occurs twice is an error, and a
/// number written as an integer that fits an `Int` stays one.
package enum JSONValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Sendable, Hashable {
        package let key: String
        package let value: JSONValue

        package init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Bytes of one text.
    package static let maximumByteCount = 1 << 28

    package init(parsing bytes: [UInt8]) throws(JSONError) {
        guard bytes.count <= JSONValue.maximumByteCount else {
            throw JSONError(offset: 0, message: "more than \(JSONValue.maximumByteCount) bytes")
        }
        var cursor = JSONCursor(bytes)
        self = try JSONValue(reading: &cursor)
        try cursor.expectEnd()
    }

    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// The contents of a file, which must be a regular one: a pipe or a device would not end.
    package init(contentsOf path: String) throws(ArrayError) {
        let source = try FileSource(path: path)
        guard source.byteCount <= JSONValue.maximumByteCount else {
            throw .file("load", path, "has more than \(JSONValue.maximumByteCount) bytes")
        }
        let bytes = try source.contents()
        do throws(JSONError) { try self.init(parsing: bytes) } catch {
            throw .file("load", path, "\(error)")
        }
    }

    init(reading cursor: inout JSONCursor) throws(JSONError) {
        switch cursor.peek() {
        case UInt8(ascii: "{"): self = .object(try JSONValue.members(&cursor))
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try cursor.array { (cursor) throws(JSONError) in
                elements.append(try JSONValue(reading: &cursor))
            }
            self = .array(elements)
        case UInt8(ascii: "\""): self = .string(try cursor.string())
        case UInt8(ascii: "t"):
            try cursor.word("true")
            self = .boolean(true)
        case UInt8(ascii: "f"):
            try cursor.word("false")
            self = .boolean(false)
        case UInt8(ascii: "n"):
            try cursor.word("null")
            self = .null
        case .some: self = try JSONValue.number(&cursor)
        case nil: throw cursor.failure("the text ends early")
        }
    }

    private static func members(_ cursor: inout JSONCursor) throws(JSONError) -> [Member] {
        var members: [Member] = []
        var keys: Set<ExactText> = []
        try cursor.object(
            { (cursor, key) throws(JSONError) in
                guard keys.insert(ExactText(key)).inserted else {
                    throw cursor.failure("the key '\(key)' occurs twice")
                }
                members.append(Member(key, try JSONValue(reading: &cursor)))
            }, failed: { $0 })
        return members
    }

    private static func number(_ cursor: inout JSONCursor) throws(JSONError) -> JSONValue {
        let (text, isInteger) = try cursor.numberText()
        if isInteger, text != "-0", let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw cursor.failure("\(text.prefix(32)) does not fit a double")
        }
        return .number(value)
    }
}

extension JSONValue {
    /// A member of an object; nil when there is none or this is no object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// Any number.
    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    package var boolean: Bool? {
        if case .boolean(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }
}
