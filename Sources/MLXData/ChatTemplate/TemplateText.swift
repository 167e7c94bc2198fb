/// Text as Python sees it: scalars, not characters, so that a newline after a carriage return or an
/// accent after its letter is found where it stands. Callers have charged the length of the text;
/// what is made of it is charged here.
enum TemplateText {
    /// The places of a text in another, as offsets of UTF-8 bytes, without overlaps.
    /// - Parameter most: how many, from the left; below 0 all.
    static func ranges(
        of needle: String, in text: String, most: Int = -1, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [Range<Int>] {
        guard needle.utf8.count <= text.utf8.count else { return [] }
        try budget.look(text)
        try budget.look(needle)
        let found = TextSearch(Array(needle.utf8)).ranges(in: Array(text.utf8)[...], most: most)
        try budget.make(found.count, times: 16)
        return found
    }

    /// Whether a text is in another; the empty one is in all.
    static func contains(
        _ needle: String, in text: String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Bool {
        if needle.isEmpty { return true }
        return try !ranges(of: needle, in: text, most: 1, budget).isEmpty
    }

    static func replacing(
        _ old: String, with new: String, in text: String, most: Int, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> String {
        let places = try ranges(of: old, in: text, most: most, budget)
        if places.isEmpty { return text }
        try budget.make(new.utf8.count, times: places.count)
        try budget.make(text.utf8.count)
        try budget.step(places.count)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var start = 0
        for place in places {
            result += bytes[start..<place.lowerBound]
            result += new.utf8
            start = place.upperBound
        }
        return String(decoding: result + bytes[start...], as: UTF8.self)
    }

    /// The parts between separators.
    /// - Parameter most: how many separators are taken, from the left; below 0 all.
    static func split(
        _ text: String, at separator: String, most: Int = -1, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [String] {
        let places = try ranges(of: separator, in: text, most: most, budget)
        try budget.make(elements: places.count + 1)
        try budget.make(text.utf8.count)
        let bytes = Array(text.utf8)
        var parts: [String] = []
        var start = 0
        for place in places {
            parts.append(String(decoding: bytes[start..<place.lowerBound], as: UTF8.self))
            start = place.upperBound
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    /// The words between white space.
    static func words(
        _ text: String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [String] {
        try budget.step(text.utf8.count)
        let words = text.unicodeScalars.split { $0.properties.isWhitespace }
        try budget.make(elements: words.count)
        try budget.make(text.utf8.count)
        return words.map { String($0) }
    }

    /// A text several times, by doubling: appending a letter at a time takes seconds for a text of
    /// the largest size.
    static func repeated(_ text: String, _ count: Int) -> String {
        var result: [UInt8] = []
        var part = Array(text.utf8)
        var rest = part.isEmpty ? 0 : count
        while rest > 0 {
            if rest & 1 == 1 { result += part }
            rest >>= 1
            if rest > 0 { part += part }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Texts in a row, with another one between them.
    static func joined(
        _ parts: [TemplateValue], by separator: String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> String {
        try budget.make(separator.utf8.count, times: parts.count)
        var result = ""
        for (index, part) in parts.enumerated() {
            if index > 0 { result += separator }
            try part.print(into: &result, budget)
        }
        return result
    }

    /// Without white space, or without the given scalars, at its ends.
    static func trim(
        _ text: String, _ budget: TemplateBudget, without characters: String? = nil,
        left: Bool = true, right: Bool = true
    ) throws(ChatTemplateError) -> String {
        try budget.make(text.utf8.count)
        try budget.step((characters ?? "").utf8.count)
        let unwanted = characters.map { Set($0.unicodeScalars) }
        var count = 0
        func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
            count += 1
            return unwanted?.contains(scalar) ?? scalar.properties.isWhitespace
        }
        var scalars = text.unicodeScalars[...]
        if left { scalars = scalars.drop(while: isUnwanted) }
        if right { while let last = scalars.last, isUnwanted(last) { scalars.removeLast() } }
        try budget.step(count)
        return String(scalars)
    }

    /// A text in another case: each word with an upper first letter and lower others, or one of
    /// those that the cases of Swift give.
    static func cased(
        _ text: String, _ budget: TemplateBudget, _ change: (String) -> String
    ) throws(ChatTemplateError) -> String {
        // Letters become at most three.
        try budget.make(text.utf8.count)
        try budget.step(text.utf8.count)
        let result = change(text)
        try budget.make(max(0, result.utf8.count - text.utf8.count))
        return result
    }

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
