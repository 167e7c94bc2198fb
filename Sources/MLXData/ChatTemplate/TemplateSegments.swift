/// Cuts a template into text, outputs `{{ }}` and statements `{% %}`, and takes away the white
/// space around tags as chat templates expect it: the newline after a statement or comment, the
/// blanks before one that starts its line, and all of it on the side of a minus sign. Comments
/// vanish.
struct TemplateSegments {
    enum Segment {
        case text(String)
        case output([TemplateToken])
        case statement([TemplateToken])
    }

    private(set) var segments: [Segment] = []
    private let bytes: [UInt8]
    private var position = 0
    private var counted = (offset: 0, line: 1)
    /// Whether what is next starts a line, so far as tags before it tell.
    private var startsLine = true

    /// - Throws: ``ChatTemplateError`` for a tag that has no end or holds what is no token.
    init(_ source: String) throws(ChatTemplateError) {
        bytes = TemplateSegments.withoutReturns(source)
        while position < bytes.count { try next() }
    }

    /// With newlines alone as ends of lines, and none at the end.
    private static func withoutReturns(_ source: String) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(source.utf8.count)
        var afterReturn = false
        for byte in source.utf8 {
            if byte == 0x0D {
                result.append(0x0A)
            } else if byte != 0x0A || !afterReturn {
                result.append(byte)
            }
            afterReturn = byte == 0x0D
        }
        if result.last == 0x0A { result.removeLast() }
        return result
    }

    private mutating func next() throws(ChatTemplateError) {
        guard let tag = nextTag() else {
            append(text: bytes[position...])
            position = bytes.count
            return
        }
        var before = bytes[position..<tag]
        let kind = bytes[tag + 1]
        var start = tag + 2
        let sign = start < bytes.count ? bytes[start] : 0
        if sign == UInt8(ascii: "-") {
            before = before.dropLast(while: { TemplateSegments.isBlank($0) })
            start += 1
        } else if sign == UInt8(ascii: "+") && kind != UInt8(ascii: "{") {
            start += 1
        } else if kind != UInt8(ascii: "{") {
            before = withoutIndent(before)
        }
        append(text: before)
        position = start
        if kind == UInt8(ascii: "#") { return try skipComment(from: tag) }
        try scanTag(isOutput: kind == UInt8(ascii: "{"), from: tag)
    }

    private func nextTag() -> Int? {
        var index = position
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "{"), "{%#".utf8.contains(bytes[index + 1]) {
                return index
            }
            index += 1
        }
        return nil
    }

    private mutating func append(text: ArraySlice<UInt8>) {
        if !text.isEmpty { segments.append(.text(String(decoding: text, as: UTF8.self))) }
    }

    private func withoutIndent(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let shorter = text.dropLast(while: { TemplateSegments.isBlank($0) && $0 != 0x0A })
        if shorter.isEmpty { return startsLine ? shorter : text }
        return shorter.last == 0x0A ? shorter : text
    }

    private mutating func skipComment(from tag: Int) throws(ChatTemplateError) {
        while position + 1 < bytes.count {
            if bytes[position] == UInt8(ascii: "#"), bytes[position + 1] == UInt8(ascii: "}") {
                let sign = bytes[position - 1]
                position += 2
                skipAfter(sign: sign, takesNewline: true)
                return
            }
            position += 1
        }
        throw ChatTemplateError("a comment has no end", line: line(of: tag))
    }

    private mutating func scanTag(isOutput: Bool, from tag: Int) throws(ChatTemplateError) {
        var scanner = TemplateScanner(bytes, at: position, line: line(of: tag))
        var tokens: [TemplateToken] = []
        let close: [UInt8] = Array((isOutput ? "}}" : "%}").utf8)
        while true {
            if let sign = scanner.end(close) {
                position = scanner.position
                if !isOutput, tokens.count == 1, tokens[0].kind == .name("raw") {
                    return try scanRaw(sign: sign, from: tag)
                }
                segments.append(isOutput ? .output(tokens) : .statement(tokens))
                skipAfter(sign: sign, takesNewline: !isOutput)
                return
            }
            guard let token = try scanner.next() else {
                throw ChatTemplateError("a tag has no end", line: line(of: tag))
            }
            tokens.append(token)
        }
    }

    /// Text up to `{% endraw %}`, whatever is in it.
    private mutating func scanRaw(sign: UInt8, from tag: Int) throws(ChatTemplateError) {
        skipAfter(sign: sign, takesNewline: true)
        let start = position
        while let tag = nextTag() {
            var scanner = TemplateScanner(bytes, at: tag + 2, line: 0)
            scanner.skip(sign: true)
            position = tag + 2
            guard bytes[tag + 1] == UInt8(ascii: "%"),
                let token = try? scanner.next(), token.kind == .name("endraw"),
                let end = scanner.end(Array("%}".utf8))
            else { continue }
            var text = bytes[start..<tag]
            if bytes[tag + 2] == UInt8(ascii: "-") {
                text = text.dropLast(while: { TemplateSegments.isBlank($0) })
            } else {
                text = withoutIndent(text)
            }
            append(text: text)
            position = scanner.position
            skipAfter(sign: end, takesNewline: true)
            return
        }
        throw ChatTemplateError("raw text has no end", line: line(of: tag))
    }

    private mutating func skipAfter(sign: UInt8, takesNewline: Bool) {
        startsLine = false
        if sign == UInt8(ascii: "-") {
            while position < bytes.count, TemplateSegments.isBlank(bytes[position]) {
                startsLine = bytes[position] == 0x0A
                position += 1
            }
        } else if takesNewline, sign != UInt8(ascii: "+"), position < bytes.count,
            bytes[position] == 0x0A
        {
            startsLine = true
            position += 1
        }
    }

    /// Counted on from the last one that was asked for: from the start each time would be
    /// quadratic in the number of tags.
    private mutating func line(of offset: Int) -> Int {
        if offset < counted.offset { counted = (0, 1) }
        counted.line += bytes[counted.offset..<offset].count { $0 == 0x0A }
        counted.offset = offset
        return counted.line
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

extension ArraySlice<UInt8> {
    /// Without the longest end of elements that all are `unwanted`.
    fileprivate func dropLast(while unwanted: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        self[startIndex..<((lastIndex { !unwanted($0) }).map { $0 + 1 } ?? startIndex)]
    }
}
