/// The filters of the template language: those of Jinja that make sense for prompts. One that is
/// not known is an error.
enum TemplateFilters {
    typealias Arguments = TemplateFunction.Arguments

    static func apply(
        _ name: String, to value: TemplateValue, _ arguments: Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        let budget = renderer.budget
        try budget.step(4)
        switch name {
        case "default", "d":
            let fallback = arguments.value(0, "default_value") ?? .text("")
            let takesFalse = arguments.value(1, "boolean")?.isTrue ?? false
            if case .undefined = value { return fallback }
            return takesFalse && !value.isTrue ? fallback : value
        case "tojson":
            let indent = arguments.named.first { $0.name == "indent" }?.value.asInteger
            return .text(try TemplateJSON.text(value, indent: indent, budget))
        case "string": return .text(try value.printed(budget))
        case "safe": return value
        case "int":
            return .integer(
                try whole(value, budget) ?? arguments.value(0, "default")?.asInteger ?? 0)
        case "float":
            return .number(
                try number(value, budget) ?? arguments.value(0, "default")?.asNumber ?? 0)
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
            let text = try value.printed(budget)
            if let result = try onText(name, text, arguments, renderer) { return result }
        }
        throw renderer.failure("the filter '\(name)' is not known for \(value.kindName)")
    }

    /// Texts beyond this are no numbers; Python draws its line there too.
    private static let longestNumber = 4300

    private static func whole(
        _ value: TemplateValue, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Int? {
        if case .text(let text) = value, text.utf8.count <= longestNumber,
            let integer = Int(try TemplateText.trim(text, budget))
        {
            return integer
        }
        if let integer = value.asInteger { return integer }
        return try number(value, budget).flatMap { Int(exactly: $0.rounded(.towardZero)) }
    }

    private static func number(
        _ value: TemplateValue, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Double? {
        guard case .text(let text) = value else { return value.asNumber }
        if text.utf8.count > longestNumber { return nil }
        try budget.look(text)
        return Double(try TemplateText.trim(text, budget))
    }

    private static func onText(
        _ name: String, _ text: String, _ arguments: Arguments, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        let budget = renderer.budget
        switch name {
        case "trim":
            if case .text(let set)? = arguments.value(0, "chars") {
                return .text(try TemplateText.trim(text, budget, without: set))
            }
            return .text(try TemplateText.trim(text, budget))
        case "upper": return .text(try TemplateText.cased(text, budget) { $0.uppercased() })
        case "lower": return .text(try TemplateText.cased(text, budget) { $0.lowercased() })
        case "title": return .text(try TemplateText.cased(text, budget, TemplateText.titled))
        case "capitalize":
            return .text(try TemplateText.cased(text, budget, TemplateText.capitalized))
        case "length", "count":
            try budget.look(text)
            return .integer(text.unicodeScalars.count)
        case "wordcount": return .integer(try TemplateText.words(text, budget).count)
        case "escape", "e":
            // A character takes six at most.
            try budget.make(6 * text.utf8.count)
            try budget.look(text)
            return .text(escaped(text))
        case "indent": return .text(try indented(text, arguments, budget))
        case "replace":
            guard case .text(let old)? = arguments.value(0, "old"),
                let new = arguments.value(1, "new")
            else { throw renderer.failure("'replace' takes two texts") }
            return .text(
                try TemplateText.replacing(
                    old, with: try new.printed(budget), in: text,
                    most: arguments.value(2, "count")?.asInteger ?? -1, budget))
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
    private static func indented(
        _ text: String, _ arguments: Arguments, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> String {
        var blanks = String(repeating: " ", count: 4)
        switch arguments.value(0, "width") {
        case .text(let text): blanks = text
        case let width?:
            blanks = String(repeating: " ", count: min(max(width.asInteger ?? 4, 0), 1 << 10))
        case nil: break
        }
        let movesFirst = arguments.value(1, "first")?.isTrue ?? false
        let movesEmpty = arguments.value(2, "blank")?.isTrue ?? false
        let lines = try TemplateText.split(text, at: "\n", budget)
        try budget.make(blanks.utf8.count, times: lines.count)
        try budget.make(text.utf8.count)
        var result = ""
        for (index, line) in lines.enumerated() {
            if index > 0 { result += "\n" }
            if index == 0 ? movesFirst : movesEmpty || !line.isEmpty { result += blanks }
            result += line
        }
        return result
    }

    /// Pairs of key and value.
    static func items(
        _ members: TemplateDictionary, keys: [String], _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        var pairs: [TemplateValue] = []
        for key in keys {
            try renderer.budget.look(key)
            pairs.append(try renderer.list([.text(key), members[key] ?? .none]))
        }
        return try renderer.list(pairs)
    }
}
