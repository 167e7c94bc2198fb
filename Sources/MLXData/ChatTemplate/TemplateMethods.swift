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
        case .dictionary(let members):
            return try call(name, on: members, arguments, renderer)
        case .list(let elements): return try call(name, on: elements, arguments, renderer)
        default: return nil
        }
    }

    private static func call(
        _ name: String, on members: TemplateDictionary, _ arguments: TemplateFunction.Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch name {
        case "items": return try TemplateFilters.items(members, keys: members.keys, renderer)
        case "keys", "values":
            try renderer.budget.make(elements: members.keys.count)
            let isKeys = name == "keys"
            return try renderer.list(
                members.keys.map { isKeys ? .text($0) : members[$0] ?? .none })
        case "get":
            guard case .text(let key)? = arguments.value(0, "key") else {
                return TemplateValue.none
            }
            try renderer.budget.look(key)
            return members[key] ?? arguments.value(1, "default") ?? TemplateValue.none
        default: return nil
        }
    }

    private static func call(
        _ name: String, on elements: TemplateList, _ arguments: TemplateFunction.Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        guard name == "index" || name == "count" else { return nil }
        guard let wanted = arguments.value(0, "value") else {
            throw renderer.failure("'\(name)' takes a value")
        }
        if name == "count" {
            var count = 0
            for element in elements
            where try TemplateValue.areEqual(element, wanted, renderer.budget) { count += 1 }
            return .integer(count)
        }
        guard let index = try TemplateValue.firstIndex(of: wanted, in: elements, renderer.budget)
        else {
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
        let budget = renderer.budget
        switch name {
        case "strip": return .text(try TemplateText.trim(text, budget, without: characters))
        case "lstrip":
            return .text(
                try TemplateText.trim(text, budget, without: characters, right: false))
        case "rstrip":
            return .text(
                try TemplateText.trim(text, budget, without: characters, left: false))
        case "upper", "lower", "title", "capitalize":
            return try TemplateFilters.apply(name, to: .text(text), .init(), renderer)
        case "startswith":
            return .boolean(try anyOf(arguments, renderer) { starts(text, with: $0) })
        case "endswith": return .boolean(try anyOf(arguments, renderer) { ends(text, with: $0) })
        case "removeprefix":
            let prefix = try part(0, "prefix")
            try budget.make(text.utf8.count)
            try budget.look(prefix)
            return .text(
                starts(text, with: prefix)
                    ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
                    : text)
        case "removesuffix":
            let suffix = try part(0, "suffix")
            try budget.make(text.utf8.count)
            try budget.look(suffix)
            return .text(
                ends(text, with: suffix)
                    ? String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : text)
        case "replace":
            return .text(
                try TemplateText.replacing(
                    try part(0, "old"), with: try part(1, "new"), in: text,
                    most: arguments.value(2, "count")?.asInteger ?? -1, budget))
        case "split", "rsplit":
            return try split(text, arguments, isLast: name == "rsplit", renderer)
        case "splitlines":
            try budget.step(text.utf8.count)
            let lines = text.split(whereSeparator: \.isNewline)
            try budget.make(text.utf8.count)
            return try renderer.list(lines.map { .text(String($0)) })
        case "find":
            return .integer(try place(of: try part(0, "sub"), in: text, budget))
        case "count":
            return .integer(try TemplateText.ranges(of: try part(0, "sub"), in: text, budget).count)
        case "join":
            let elements = try renderer.sequence(arguments.value(0, "iterable") ?? .text(""))
            return .text(try TemplateText.joined(elements, by: text, budget))
        case "isdigit":
            try budget.step(text.utf8.count)
            return .boolean(
                !text.isEmpty
                    && text.unicodeScalars.allSatisfy { $0.properties.numericType != nil })
        default: return nil
        }
    }

    /// Where a text is first found in another, in scalars; -1 where it is not.
    private static func place(
        of wanted: String, in text: String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Int {
        if wanted.isEmpty { return 0 }
        guard let range = try TemplateText.ranges(of: wanted, in: text, most: 1, budget).first
        else { return -1 }
        return String(decoding: text.utf8.prefix(range.lowerBound), as: UTF8.self)
            .unicodeScalars.count
    }

    /// The argument is a text or a list of texts, of which one must do.
    private static func anyOf(
        _ arguments: TemplateFunction.Arguments, _ renderer: TemplateRenderer,
        _ holds: (String) -> Bool
    ) throws(ChatTemplateError) -> Bool {
        switch arguments.value(0, "prefix") ?? arguments.value(0, "suffix") {
        case .text(let part):
            try renderer.budget.look(part)
            return holds(part)
        case .list(let parts):
            for case .text(let part) in parts {
                try renderer.budget.look(part)
                if holds(part) { return true }
            }
            return false
        default: throw renderer.failure("a prefix or suffix is a text")
        }
    }

    private static func starts(_ text: String, with prefix: String) -> Bool {
        text.utf8.starts(with: prefix.utf8)
    }

    private static func ends(_ text: String, with suffix: String) -> Bool {
        text.utf8.count >= suffix.utf8.count
            && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    private static func split(
        _ text: String, _ arguments: TemplateFunction.Arguments, isLast: Bool,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        let most = arguments.value(1, "maxsplit")?.asInteger ?? -1
        guard case .text(let separator)? = arguments.value(0, "sep") else {
            return try renderer.list(
                try TemplateText.words(text, renderer.budget).map { .text($0) })
        }
        var parts = try TemplateText.split(
            text, at: separator, most: isLast ? -1 : most, renderer.budget)
        if isLast, most >= 0, parts.count - 1 > most {
            let joined = parts.dropLast(most).joined(separator: separator)
            parts = [joined] + parts.suffix(most)
        }
        return try renderer.list(parts.map { .text($0) })
    }
}
