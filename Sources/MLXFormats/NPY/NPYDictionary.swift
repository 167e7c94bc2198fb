/// The header of an npy file: a Python dictionary of exactly three entries. This reads the subset
/// of Python literals that NumPy writes (strings, True and False, tuples of whole numbers) and
/// refuses everything else; there is no nesting, so there is no recursion.
struct NPYDictionary {
    private(set) var descr: String?
    private(set) var fortranOrder: Bool?
    private(set) var shape: [Int]?

    private var text: ArraySlice<UInt8>
    private let maximumRank: Int

    /// What is wrong with a header.
    struct Malformed: Error { let message: String }

    init(_ text: ArraySlice<UInt8>, maximumRank: Int) throws(Malformed) {
        self.text = text
        self.maximumRank = maximumRank
        guard self.text.popLast() == UInt8(ascii: "\n") else {
            throw Malformed(message: "the header does not end with a newline")
        }
        try expect("{")
        while peek() != UInt8(ascii: "}") {
            try entry()
            if peek() == UInt8(ascii: ",") { self.text.removeFirst() } else { break }
        }
        try expect("}")
        if peek() != nil { throw Malformed(message: "something follows the header's dictionary") }
    }

    private mutating func entry() throws(Malformed) {
        let key = try string()
        try expect(":")
        switch key {
        case "descr":
            if descr != nil { throw Malformed(message: "'descr' occurs twice") }
            if peek() == UInt8(ascii: "[") || peek() == UInt8(ascii: "(") {
                throw Malformed(message: "structured types are not supported")
            }
            descr = try string()
        case "fortran_order":
            if fortranOrder != nil { throw Malformed(message: "'fortran_order' occurs twice") }
            fortranOrder = try boolean()
        case "shape":
            if shape != nil { throw Malformed(message: "'shape' occurs twice") }
            shape = try tuple()
        default: throw Malformed(message: "the header has an unknown key '\(key.prefix(32))'")
        }
    }

    private mutating func peek() -> UInt8? {
        while let first = text.first, first == 0x20 || first == 0x09 || first == 0x0A {
            text.removeFirst()
        }
        return text.first
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
        guard peek() == UInt8(ascii: character) else {
            throw Malformed(message: "the header lacks a '\(character)'")
        }
        text.removeFirst()
    }

    private mutating func string() throws(Malformed) -> String {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw Malformed(message: "the header lacks a string")
        }
        text.removeFirst()
        guard let end = text.firstIndex(of: quote) else {
            throw Malformed(message: "a string of the header does not end")
        }
        let slice = text[text.startIndex..<end]
        guard slice.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw Malformed(message: "a string of the header is not plain ASCII")
        }
        text = text[(end + 1)...]
        return String(decoding: slice, as: UTF8.self)
    }

    private mutating func boolean() throws(Malformed) -> Bool {
        _ = peek()
        for (word, value) in [("True", true), ("False", false)] where text.starts(with: word.utf8) {
            text.removeFirst(word.utf8.count)
            return value
        }
        throw Malformed(message: "'fortran_order' is neither True nor False")
    }

    /// `()`, `(3,)`, `(3, 4)` or `(3, 4,)`; `(3)` is a number in Python and no tuple.
    private mutating func tuple() throws(Malformed) -> [Int] {
        try expect("(")
        var numbers: [Int] = []
        var commas = 0
        while let byte = peek(), byte != UInt8(ascii: ")") {
            guard commas == numbers.count else {
                throw Malformed(message: "the shape lacks a comma")
            }
            numbers.append(try number())
            guard numbers.count <= maximumRank else {
                throw Malformed(message: "the shape has more than \(maximumRank) axes")
            }
            if peek() == UInt8(ascii: ",") {
                text.removeFirst()
                commas += 1
            }
        }
        try expect(")")
        if numbers.count == 1, commas == 0 { throw Malformed(message: "the shape is no tuple") }
        return numbers
    }

    private mutating func number() throws(Malformed) -> Int {
        let digits = text.prefix { $0 &- 0x30 < 10 }
        guard !digits.isEmpty else {
            throw Malformed(message: "a dimension is not a whole number from 0 on")
        }
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
            throw Malformed(message: "a dimension does not fit 63 bits")
        }
        text = text[digits.endIndex...]
        // Python 2 wrote long integers with a suffix.
        if text.first == UInt8(ascii: "L") { text.removeFirst() }
        return value
    }
}
