/// Blanks comments and the contents of strings in Swift and C, keeping lines and columns. It knows
/// nested comments, escapes, interpolation, multi-line and raw strings; not regular-expression
/// literals, which this repository has none of.
enum CodeOnly {
    static func lines(of text: String) -> [String] {
        var scanner = Scanner(bytes: Array(text.utf8))
        scanner.code(until: nil)
        return String(decoding: scanner.output, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var output: [UInt8] = []
        var position = 0

        /// What may begin a comment, a string or a parenthesis; all else is passed through.
        private static let starters = Array("/\"#'()".utf8)

        init(bytes: [UInt8]) {
            self.bytes = bytes
            output.reserveCapacity(bytes.count)
        }

        func at(_ text: StaticString) -> Bool {
            let count = text.utf8CodeUnitCount
            guard position + count <= bytes.count else { return false }
            return (0..<count).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
        }

        /// Takes bytes as they are, or as blanks; newlines always stay.
        mutating func take(_ count: Int, blank: Bool) {
            for _ in 0..<count where position < bytes.count {
                let byte = bytes[position]
                output.append(blank && byte != 0x0A ? 0x20 : byte)
                position += 1
            }
        }

        /// Code up to the end, or up to the parenthesis that closes an interpolation.
        mutating func code(until closing: UInt8?) {
            var depth = 0
            while position < bytes.count {
                if !Scanner.starters.contains(bytes[position]) {
                    take(1, blank: false)
                } else if at("//") {
                    while position < bytes.count, bytes[position] != 0x0A { take(1, blank: true) }
                } else if at("/*") {
                    comment()
                } else if at("\"") || at("#\"") || at("##\"") {
                    string()
                } else if at("'") {
                    character()
                } else {
                    let byte = bytes[position]
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") {
                        if depth == 0, closing == byte { return }
                        depth -= 1
                    }
                    take(1, blank: false)
                }
            }
        }

        mutating func comment() {
            var depth = 0
            repeat {
                if at("/*") {
                    depth += 1
                    take(2, blank: true)
                } else if at("*/") {
                    depth -= 1
                    take(2, blank: true)
                } else {
                    take(1, blank: true)
                }
            } while depth > 0 && position < bytes.count
        }

        /// A character of C, such as '"' or '\''.
        mutating func character() {
            take(1, blank: false)
            let end = min(position + 4, bytes.count)
            guard
                let close = (position..<end).first(where: {
                    bytes[$0] == UInt8(ascii: "'") && bytes[$0 - 1] != UInt8(ascii: "\\")
                })
            else { return }
            take(close - position, blank: true)
            take(1, blank: false)
        }

        mutating func string() {
            var hashes = 0
            while at("#") {
                hashes += 1
                take(1, blank: false)
            }
            let quotes = at("\"\"\"") ? 3 : 1
            take(quotes, blank: false)
            while position < bytes.count {
                if closes(quotes, hashes) {
                    take(quotes + hashes, blank: false)
                    return
                }
                if quotes == 1, bytes[position] == 0x0A { return }
                guard at("\\"), hashes == 0 || followsHashes(hashes) else {
                    take(1, blank: true)
                    continue
                }
                take(1 + hashes, blank: true)
                if at("(") {
                    take(1, blank: true)
                    code(until: UInt8(ascii: ")"))
                }
                take(1, blank: true)
            }
        }

        func closes(_ quotes: Int, _ hashes: Int) -> Bool {
            guard position + quotes + hashes <= bytes.count else { return false }
            return (0..<quotes).allSatisfy { bytes[position + $0] == UInt8(ascii: "\"") }
                && (0..<hashes).allSatisfy { bytes[position + quotes + $0] == UInt8(ascii: "#") }
        }

        func followsHashes(_ hashes: Int) -> Bool {
            position + 1 + hashes <= bytes.count
                && (1...hashes).allSatisfy { bytes[position + $0] == UInt8(ascii: "#") }
        }
    }
}
