/// The methods of texts, dictionaries and lists that templates call: those of Python that change
/// nothing.
enum TemplateMethods {
    /// - Returns: what the method gives; nil when the value has none of that name.
    static func call(
        _ name: String, on value: TemplateValue, _ arguments: TemplateFunction.Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch value {
        case .text(let text): return try call(name, on: text, arguments, renderer)
        case .dictionary(let members): return call(name, on: members, arguments)
        case .list(let elements): return try call(name, on: elements, arguments, renderer)
        default: return nil
        }
    }

    private static func call(
        _ name: String, on members: TemplateDictionary, _ arguments: TemplateFunction.Arguments
    ) -> TemplateValue? {
        switch name {
        case "items": return .list(TemplateFilters.items(members))
        case "keys": return .list(members.keys.map { .text($0) })
        case "values": return .list(members.keys.map { members[$0] ?? .none })
        case "get":
            guard case .text(let key)? = arguments.value(0, "key") else {
                return TemplateValue.none
            }
            return members[key] ?? arguments.value(1, "default") ?? TemplateValue.none
        default: return nil
        }
    }

    private static func call(
        _ name: String, on elements: [TemplateValue], _ arguments: TemplateFunction.Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        guard name == "index" || name == "count" else { return nil }
        guard let wanted = arguments.value(0, "value") else {
            throw renderer.failure("'\(name)' takes a value")
        }
        if name == "count" {
            return .integer(elements.count { TemplateValue.areEqual($0, wanted) })
        }
        guard let index = elements.firstIndex(where: { TemplateValue.areEqual($0, wanted) }) else {
            throw renderer.failure("the value is not in the list")
        }
        return .integer(index)
    }

    private static func call(
        _ name: String, on text: String, _ arguments: TemplateFunction.Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        func part(_ index: Int, _ label: String) throws(ChatTemplateError) -> String {
            guard case .text(let part)? = arguments.value(index, label) else {
                throw renderer.failure("'\(name)' takes a text")
            }
            return part
        }
        var characters: String? {
            if case .text(let set)? = arguments.value(0, "chars") { set } else { nil }
        }
        switch name {
        case "strip": return .text(TemplateText.trim(text, characters))
        case "lstrip": return .text(TemplateText.trim(text, characters, right: false))
        case "rstrip": return .text(TemplateText.trim(text, characters, left: false))
        case "upper": return .text(text.uppercased())
        case "lower": return .text(text.lowercased())
        case "title": return .text(TemplateText.titled(text))
        case "capitalize": return .text(TemplateText.capitalized(text))
        case "startswith":
            return .boolean(try anyOf(arguments, renderer) { starts(text, with: $0) })
        case "endswith": return .boolean(try anyOf(arguments, renderer) { ends(text, with: $0) })
        case "removeprefix":
            let prefix = try part(0, "prefix")
            return .text(
                starts(text, with: prefix)
                    ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
                    : text)
        case "removesuffix":
            let suffix = try part(0, "suffix")
            return .text(
                ends(text, with: suffix)
                    ? String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : text)
        case "replace":
            return .text(
                TemplateText.replacing(
                    try part(0, "old"), with: try part(1, "new"), in: text,
                    most: arguments.value(2, "count")?.asInteger ?? -1))
        case "split", "rsplit": return .list(split(text, arguments, isLast: name == "rsplit"))
        case "splitlines":
            return .list(text.split(whereSeparator: \.isNewline).map { .text(String($0)) })
        case "find":
            guard let range = TemplateText.range(of: try part(0, "sub"), in: text) else {
                return .integer(-1)
            }
            let before = String(decoding: text.utf8.prefix(range.lowerBound), as: UTF8.self)
            return .integer(before.unicodeScalars.count)
        case "count": return .integer(TemplateText.split(text, at: try part(0, "sub")).count - 1)
        case "join":
            let elements = try renderer.sequence(arguments.value(0, "iterable") ?? .list([]))
            return .text(elements.map(\.printed).joined(separator: text))
        case "isdigit":
            return .boolean(
                !text.isEmpty
                    && text.unicodeScalars.allSatisfy { $0.properties.numericType != nil })
        default: return nil
        }
    }

    /// The argument is a text or a list of texts, of which one must do.
    private static func anyOf(
        _ arguments: TemplateFunction.Arguments, _ renderer: TemplateRenderer,
        _ holds: (String) -> Bool
    ) throws(ChatTemplateError) -> Bool {
        switch arguments.value(0, "prefix") ?? arguments.value(0, "suffix") {
        case .text(let part): return holds(part)
        case .list(let parts):
            return parts.contains { if case .text(let part) = $0 { holds(part) } else { false } }
        default: throw renderer.failure("a prefix or suffix is a text")
        }
    }

    private static func starts(_ text: String, with prefix: String) -> Bool {
        text.utf8.starts(with: prefix.utf8)
    }

    private static func ends(_ text: String, with suffix: String) -> Bool {
        text.utf8.reversed().starts(with: suffix.utf8.reversed())
    }

    private static func split(
        _ text: String, _ arguments: TemplateFunction.Arguments, isLast: Bool
    ) -> [TemplateValue] {
        let most = arguments.value(1, "maxsplit")?.asInteger ?? -1
        guard case .text(let separator)? = arguments.value(0, "sep") else {
            return TemplateText.words(text).map { .text($0) }
        }
        var parts = TemplateText.split(text, at: separator, most: isLast ? -1 : most)
        if isLast, most >= 0, parts.count > most + 1 {
            let joined = parts.dropLast(most).joined(separator: separator)
            parts = [joined] + parts.suffix(most)
        }
        return parts.map { .text($0) }
    }
}
