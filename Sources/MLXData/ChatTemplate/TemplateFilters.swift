/// The filters of the template language: those of Jinja that make sense for prompts. One that is
/// not known is an error.
enum TemplateFilters {
    typealias Arguments = TemplateFunction.Arguments

    static func apply(
        _ name: String, to value: TemplateValue, _ arguments: Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        switch name {
        case "default", "d":
            let fallback = arguments.value(0, "default_value") ?? .text("")
            let takesFalse = arguments.value(1, "boolean")?.isTrue ?? false
            if case .undefined = value { return fallback }
            return takesFalse && !value.isTrue ? fallback : value
        case "tojson":
            let indent = arguments.named.first { $0.name == "indent" }?.value.asInteger
            return .text(try TemplateJSON.text(value, indent: indent, renderer))
        case "string": return .text(value.printed)
        case "safe": return value
        case "int":
            return .integer(
                whole(value) ?? arguments.value(0, "default")?.asInteger ?? 0)
        case "float": return .number(number(value) ?? arguments.value(0, "default")?.asNumber ?? 0)
        case "abs":
            if let integer = value.asInteger, integer != .min { return .integer(abs(integer)) }
            guard let number = value.asNumber else { break }
            return .number(abs(number))
        case "round":
            guard let number = value.asNumber else { break }
            let places = min(max(arguments.value(0, "precision")?.asInteger ?? 0, -15), 15)
            let scale = (0..<abs(places)).reduce(1.0) { scale, _ in scale * 10 }
            let scaled = places < 0 ? number / scale : number * scale
            let rounded = scaled.rounded(.toNearestOrEven)
            return .number(places < 0 ? rounded * scale : rounded / scale)
        default:
            if case .text(let text) = value,
                let result = try onText(name, text, arguments, renderer)
            {
                return result
            }
            if let result = try TemplateListFilters.apply(name, to: value, arguments, renderer) {
                return result
            }
            if let result = try onText(name, value.printed, arguments, renderer) { return result }
        }
        throw renderer.failure("the filter '\(name)' is not known for \(value.kindName)")
    }

    private static func whole(_ value: TemplateValue) -> Int? {
        if case .text(let text) = value {
            return Int(TemplateText.trim(text))
                ?? number(value).flatMap { Int(exactly: $0.rounded(.towardZero)) }
        }
        return value.asInteger ?? value.asNumber.flatMap { Int(exactly: $0.rounded(.towardZero)) }
    }

    private static func number(_ value: TemplateValue) -> Double? {
        if case .text(let text) = value { return Double(TemplateText.trim(text)) }
        return value.asNumber
    }

    private static func onText(
        _ name: String, _ text: String, _ arguments: Arguments, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        switch name {
        case "trim":
            if case .text(let set)? = arguments.value(0, "chars") {
                return .text(TemplateText.trim(text, set))
            }
            return .text(TemplateText.trim(text))
        case "upper": return .text(text.uppercased())
        case "lower": return .text(text.lowercased())
        case "title": return .text(TemplateText.titled(text))
        case "capitalize": return .text(TemplateText.capitalized(text))
        case "length", "count": return .integer(text.unicodeScalars.count)
        case "wordcount": return .integer(TemplateText.words(text).count)
        case "escape", "e": return .text(escaped(text))
        case "indent": return .text(indented(text, arguments))
        case "replace":
            guard case .text(let old)? = arguments.value(0, "old"),
                let new = arguments.value(1, "new")
            else { throw renderer.failure("'replace' takes two texts") }
            return .text(
                TemplateText.replacing(
                    old, with: new.printed, in: text,
                    most: arguments.value(2, "count")?.asInteger ?? -1))
        default: return nil
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Every line but the first, or all, moved to the right; empty ones stay empty.
    private static func indented(_ text: String, _ arguments: Arguments) -> String {
        var blanks = String(repeating: " ", count: 4)
        switch arguments.value(0, "width") {
        case .text(let text): blanks = text
        case let width?:
            blanks = String(repeating: " ", count: min(max(width.asInteger ?? 4, 0), 1 << 10))
        case nil: break
        }
        let movesFirst = arguments.value(1, "first")?.isTrue ?? false
        let movesEmpty = arguments.value(2, "blank")?.isTrue ?? false
        return TemplateText.split(text, at: "\n").enumerated().map { index, line in
            let isMoved = index == 0 ? movesFirst : movesEmpty || !line.isEmpty
            return isMoved ? blanks + line : line
        }.joined(separator: "\n")
    }

    /// Pairs of key and value.
    static func items(_ members: TemplateDictionary) -> [TemplateValue] {
        members.keys.map { .list([.text($0), members[$0] ?? .none]) }
    }
}
