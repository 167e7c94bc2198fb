/// Text as Python sees it: scalars, not characters, so that a newline after a carriage return or an
/// accent after its letter is found where it stands.
enum TemplateText {
    /// The first place of a text in another, as offsets of UTF-8 bytes.
    static func range(of needle: String, in text: String, from: Int = 0) -> Range<Int>? {
        let (needle, text) = (Array(needle.utf8), Array(text.utf8))
        guard from + needle.count <= text.count else { return nil }
        for start in from...(text.count - needle.count)
        where text[start..<start + needle.count].elementsEqual(needle) {
            return start..<start + needle.count
        }
        return nil
    }

    static func replacing(_ old: String, with new: String, in text: String, most: Int) -> String {
        let parts = split(text, at: old, most: most)
        return old.isEmpty ? text : parts.joined(separator: new)
    }

    /// The parts between separators.
    /// - Parameter most: how many separators are taken, from the left; below 0 all.
    static func split(_ text: String, at separator: String, most: Int = -1) -> [String] {
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        guard !mark.isEmpty else { return [text] }
        var parts: [String] = []
        var (start, index) = (0, 0)
        while index + mark.count <= bytes.count, most < 0 || parts.count < most {
            if bytes[index] == mark[0], bytes[index..<index + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<index], as: UTF8.self))
                index += mark.count
                start = index
            } else {
                index += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    /// The words between white space.
    static func words(_ text: String) -> [String] {
        text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }
    }

    /// Without white space, or without the given scalars, at its ends.
    static func trim(
        _ text: String, _ characters: String? = nil, left: Bool = true, right: Bool = true
    ) -> String {
        let unwanted = characters.map { Set($0.unicodeScalars) }
        func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
            unwanted?.contains(scalar) ?? scalar.properties.isWhitespace
        }
        var scalars = text.unicodeScalars[...]
        if left { scalars = scalars.drop(while: isUnwanted) }
        if right { while let last = scalars.last, isUnwanted(last) { scalars.removeLast() } }
        return String(scalars)
    }

    /// Each word with an upper first letter and lower others.
    static func titled(_ text: String) -> String {
        var startsWord = true
        var result = ""
        for scalar in text.unicodeScalars {
            result +=
                startsWord ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping
            startsWord = !scalar.properties.isAlphabetic
        }
        return result
    }

    static func capitalized(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return text }
        return first.properties.titlecaseMapping
            + String(text.unicodeScalars.dropFirst()).lowercased()
    }
}
