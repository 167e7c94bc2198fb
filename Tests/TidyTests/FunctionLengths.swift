/// Finds functions and how long they are by counting braces in code without comments and strings:
/// from the line of `func`, `init`, `deinit` or `subscript` to the closing brace.
enum FunctionLengths {
    struct Function {
        let name: String
        let line: Int
        let lineCount: Int
    }

    static func swift(_ code: [String]) -> [Function] {
        var tokens = Tokens(code)
        var functions: [Function] = []
        var previous = ""
        while let token = tokens.next() {
            if ["func", "deinit", "subscript"].contains(token.text)
                || (token.text == "init" && previous != "." && previous != "self")
            {
                if let function = body(of: token, tokens) { functions.append(function) }
            }
            previous = token.text
        }
        return functions
    }

    /// The body that follows a declaration's first word; nil when it has none (in a protocol) or
    /// the word was a call.
    private static func body(of start: Tokens.Token, _ rest: Tokens) -> Function? {
        var tokens = rest
        var name = start.text
        var parentheses = 0
        var braces = 0
        while let token = tokens.next() {
            if name == "func" { name = token.text }
            switch token.text {
            case "(", "[": parentheses += 1
            case ")", "]": parentheses -= 1
            case "{" where parentheses == 0: braces += 1
            case "}" where parentheses == 0:
                braces -= 1
                if braces < 0 { return nil }
                if braces == 0 {
                    return Function(
                        name: name, line: start.line, lineCount: token.line - start.line + 1)
                }
            case _ where braces == 0 && parentheses == 0 && startsDeclaration.contains(token.text):
                return nil
            default: break
            }
            if parentheses < 0 { return nil }
        }
        return nil
    }

    private static let startsDeclaration: Set<String> = [
        "func", "var", "let", "init", "deinit", "subscript", "associatedtype", "static",
        "mutating", "public", "package", "private", "struct", "class", "enum", "extension", "=",
    ]

    /// C: a line that starts in the first column and ends with a brace, to a brace in the first.
    static func c(_ code: [String]) -> [Function] {
        var functions: [Function] = []
        var start: Int?
        for (index, line) in code.enumerated() {
            if line.hasPrefix("}"), let begin = start {
                functions.append(
                    Function(name: code[begin], line: begin + 1, lineCount: index - begin + 1))
                start = nil
            } else if let first = line.first, first.isLetter || first == "_" {
                let isType = ["typedef", "struct", "enum", "union"].contains {
                    line.hasPrefix($0 + " ") && !line.contains("(")
                }
                if !isType, line.contains("(") { start = index }
                if line.hasSuffix(";") { start = nil }
            }
        }
        return functions
    }

    /// Words and marks with their lines.
    private struct Tokens {
        struct Token {
            let text: String
            let line: Int
        }

        private let code: [[UInt8]]
        private var line = 0
        private var column = 0

        init(_ code: [String]) { self.code = code.map { Array($0.utf8) } }

        mutating func next() -> Token? {
            while line < code.count {
                let bytes = code[line]
                while column < bytes.count, bytes[column] == 0x20 { column += 1 }
                guard column < bytes.count else {
                    line += 1
                    column = 0
                    continue
                }
                let start = column
                column += 1
                if Tokens.isWord(bytes[start]) {
                    while column < bytes.count, Tokens.isWord(bytes[column]) { column += 1 }
                }
                let text = String(decoding: bytes[start..<column], as: UTF8.self)
                return Token(text: text, line: line + 1)
            }
            return nil
        }

        private static func isWord(_ byte: UInt8) -> Bool {
            byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte)
                || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
    }
}
