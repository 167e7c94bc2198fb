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
            case "items": return .list(TemplateFilters.items(members))
            case "dictsort":
                let keys = members.keys.sorted { $0.lowercased() < $1.lowercased() }
                return .list(keys.map { .list([.text($0), members[$0] ?? .none]) })
            default: break
            }
        }
        switch value {
        case .list, .dictionary, .text, .undefined: break
        default: return nil
        }
        let elements = try renderer.sequence(value)
        switch name {
        case "length", "count": return .integer(elements.count)
        case "first": return elements.first ?? .undefined("first")
        case "last": return elements.last ?? .undefined("last")
        case "list", "items": return .list(elements)
        case "reverse":
            if case .text(let text) = value {
                return .text(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            }
            return .list(elements.reversed())
        case "join":
            let separator = arguments.value(0, "d")?.printed ?? ""
            let parts = try members(
                elements, attribute: arguments.value(1, "attribute"), renderer)
            return .text(parts.map(\.printed).joined(separator: separator))
        case "sum":
            var total = TemplateValue.integer(0)
            for element in try members(
                elements, attribute: arguments.value(0, "attribute"), renderer)
            {
                total = try TemplateOperators.apply("+", total, element, renderer)
            }
            return total
        case "min", "max", "sort": return try ordered(name, elements, arguments, renderer)
        case "unique":
            var kept: [TemplateValue] = []
            for element in elements
            where !kept.contains(where: { TemplateValue.areEqual($0, element) }) {
                kept.append(element)
            }
            return .list(kept)
        case "map": return .list(try mapped(elements, arguments, renderer))
        case "select", "reject", "selectattr", "rejectattr":
            return .list(try selected(name, elements, arguments, renderer))
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
        for name in TemplateText.split(names, at: ".") {
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
        let keys = try members(elements, attribute: attribute, renderer).map { key in
            if case .text(let text) = key, !sensesCase {
                TemplateValue.text(text.lowercased())
            } else {
                key
            }
        }
        // Insertion keeps equal elements in order, and can throw; lists of templates are short.
        var order: [Int] = []
        for index in keys.indices {
            var place = order.count
            while place > 0 {
                guard let isLess = TemplateValue.isLess(keys[index], keys[order[place - 1]]) else {
                    throw renderer.failure("the elements have no order")
                }
                if !isLess { break }
                place -= 1
            }
            order.insert(index, at: place)
        }
        switch name {
        case "min": return order.first.map { elements[$0] } ?? .undefined("min")
        case "max": return order.last.map { elements[$0] } ?? .undefined("max")
        default:
            let isReversed =
                (arguments.positional.first
                ?? arguments.named.first { $0.name == "reverse" }?.value)?.isTrue ?? false
            let sorted = order.map { elements[$0] }
            return .list(isReversed ? sorted.reversed() : sorted)
        }
    }
}
