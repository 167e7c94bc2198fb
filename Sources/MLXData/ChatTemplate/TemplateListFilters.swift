/// The filters of lists and dictionaries, which go over elements or a member of each.
enum TemplateListFilters {
    typealias Arguments = TemplateFunction.Arguments

    /// - Returns: nil when there is no such filter, or the value has no elements.
    static func apply(
        _ name: String, to value: TemplateValue, _ arguments: Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue? {
        if case .dictionary(let members) = value {
            switch name {
            case "items":
                return try TemplateFilters.items(members, keys: members.keys, renderer)
            case "dictsort":
                let order = try TemplateValue.order(
                    of: try folded(members.keys.map { .text($0) }, renderer.budget),
                    renderer.budget)
                return try TemplateFilters.items(
                    members, keys: order.map { members.keys[$0] }, renderer)
            default: break
            }
        }
        switch value {
        case .list, .dictionary, .text, .undefined: break
        default: return nil
        }
        let budget = renderer.budget
        let elements = try renderer.sequence(value)
        switch name {
        case "length", "count": return .integer(elements.count)
        case "first": return elements.first ?? .undefined("first")
        case "last": return elements.last ?? .undefined("last")
        case "list", "items": return try renderer.list(elements)
        case "reverse":
            if case .text(let text) = value {
                try budget.make(text.utf8.count)
                return .text(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            }
            return try renderer.list(elements.reversed())
        case "join":
            let separator = try arguments.value(0, "d")?.printed(budget) ?? ""
            let parts = try members(
                elements, attribute: arguments.value(1, "attribute"), renderer)
            return .text(try TemplateText.joined(parts, by: separator, budget))
        case "sum":
            var total = TemplateValue.integer(0)
            for element in try members(
                elements, attribute: arguments.value(0, "attribute"), renderer)
            {
                total = try TemplateOperators.apply("+", total, element, renderer)
            }
            return total
        case "min", "max", "sort": return try ordered(name, elements, arguments, renderer)
        case "unique": return try renderer.list(try TemplateValue.unique(elements, budget))
        case "map": return try renderer.list(try mapped(elements, arguments, renderer))
        case "select", "reject", "selectattr", "rejectattr":
            return try renderer.list(try selected(name, elements, arguments, renderer))
        default: return nil
        }
    }

    /// The elements, or a member of each; a path of several names is followed.
    private static func members(
        _ elements: [TemplateValue], attribute: TemplateValue?, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> [TemplateValue] {
        guard let attribute else { return elements }
        var result: [TemplateValue] = []
        for element in elements { result.append(try member(attribute, of: element, renderer)) }
        return result
    }

    private static func member(
        _ path: TemplateValue, of element: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        guard case .text(let names) = path else {
            return try TemplateMembers.item(path, of: element, renderer)
        }
        var value = element
        for name in try TemplateText.split(names, at: ".", renderer.budget) {
            value = try TemplateMembers.item(
                Int(name).map { .integer($0) } ?? .text(name), of: value, renderer)
        }
        return value
    }

    private static func mapped(
        _ elements: [TemplateValue], _ arguments: Arguments, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var result: [TemplateValue] = []
        if let attribute = arguments.named.first(where: { $0.name == "attribute" })?.value {
            let fallback = arguments.named.first { $0.name == "default" }?.value
            for value in try members(elements, attribute: attribute, renderer) {
                if case .undefined = value, let fallback {
                    result.append(fallback)
                } else {
                    result.append(value)
                }
            }
            return result
        }
        guard case .text(let filter)? = arguments.positional.first else {
            throw renderer.failure("'map' takes a filter or an attribute")
        }
        let rest = Arguments(
            positional: Array(arguments.positional.dropFirst()), named: arguments.named)
        for element in elements {
            result.append(try TemplateFilters.apply(filter, to: element, rest, renderer))
        }
        return result
    }

    private static func selected(
        _ name: String, _ elements: [TemplateValue], _ arguments: Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var rest = arguments.positional[...]
        let attribute = name.hasSuffix("attr") ? rest.popFirst() : nil
        var test: String?
        if let named = rest.popFirst() {
            guard case .text(let text) = named else {
                throw renderer.failure("'\(name)' takes the name of a test")
            }
            test = text
        }
        let wants = name.hasPrefix("select")
        var kept: [TemplateValue] = []
        for element in elements {
            try renderer.budget.step(2)
            let value =
                try attribute.map { (path) throws(ChatTemplateError) in
                    try member(path, of: element, renderer)
                } ?? element
            let holds =
                try test.map { (test) throws(ChatTemplateError) in
                    try TemplateTests.holds(test, value, Array(rest), renderer)
                } ?? value.isTrue
            if holds == wants { kept.append(element) }
        }
        return kept
    }

    private static func ordered(
        _ name: String, _ elements: [TemplateValue], _ arguments: Arguments,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        let attribute = arguments.named.first { $0.name == "attribute" }?.value
        let sensesCase =
            arguments.named.first { $0.name == "case_sensitive" }?.value.isTrue ?? false
        var keys = try members(elements, attribute: attribute, renderer)
        if !sensesCase { keys = try folded(keys, renderer.budget) }
        let order = try TemplateValue.order(of: keys, renderer.budget)
        switch name {
        case "min": return order.first.map { elements[$0] } ?? .undefined("min")
        case "max": return order.last.map { elements[$0] } ?? .undefined("max")
        default:
            let isReversed =
                (arguments.positional.first
                ?? arguments.named.first { $0.name == "reverse" }?.value)?.isTrue ?? false
            let sorted = order.map { elements[$0] }
            return try renderer.list(isReversed ? sorted.reversed() : sorted)
        }
    }

    /// Keys to sort by, texts without their case.
    private static func folded(
        _ keys: [TemplateValue], _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [TemplateValue] {
        try budget.make(elements: keys.count)
        var result: [TemplateValue] = []
        for key in keys {
            if case .text(let text) = key {
                result.append(.text(try TemplateText.cased(text, budget) { $0.lowercased() }))
            } else {
                result.append(key)
            }
        }
        return result
    }
}
