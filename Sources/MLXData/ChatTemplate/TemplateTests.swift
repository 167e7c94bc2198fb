/// What `is` asks of a value: its kind, or how it compares with another one.
enum TemplateTests {
    static func holds(
        _ name: String, _ value: TemplateValue, _ arguments: [TemplateValue],
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> Bool {
        try renderer.budget.step(2)
        if let holds = ofKind(name, value) { return holds }
        if case .text(let text) = value, name == "lower" || name == "upper" {
            let lower = try TemplateText.cased(text, renderer.budget) { $0.lowercased() }
            let upper = try TemplateText.cased(text, renderer.budget) { $0.uppercased() }
            return name == "lower" ? text == lower && text != upper : text == upper && text != lower
        }
        if let sign = signs[name] {
            guard let other = arguments.first else {
                throw renderer.failure("the test '\(name)' takes a value")
            }
            return try TemplateOperators.holds(sign, value, other, renderer)
        }
        switch (name, value.asInteger) {
        case ("odd", let integer?): return integer % 2 != 0
        case ("even", let integer?): return integer % 2 == 0
        case ("divisibleby", let integer?):
            guard let divisor = arguments.first?.asInteger, divisor != 0, divisor != -1 else {
                throw renderer.failure("the test '\(name)' takes an integer")
            }
            return integer % divisor == 0
        default: throw renderer.failure("the test '\(name)' is not known for \(value.kindName)")
        }
    }

    private static let signs = [
        "==": "==", "eq": "==", "equalto": "==", "sameas": "==", "!=": "!=", "ne": "!=", "<": "<",
        "lt": "<", "lessthan": "<", "<=": "<=", "le": "<=", ">": ">", "gt": ">",
        "greaterthan": ">", ">=": ">=", "ge": ">=", "in": "in",
    ]

    private static func ofKind(_ name: String, _ value: TemplateValue) -> Bool? {
        switch (name, value) {
        case ("defined", .undefined): false
        case ("defined", _): true
        case ("undefined", .undefined): true
        case ("undefined", _): false
        case ("none", .none): true
        case ("none", _): false
        case ("boolean", .boolean): true
        case ("boolean", _): false
        case ("true", .boolean(let value)): value
        case ("true", _): false
        case ("false", .boolean(let value)): !value
        case ("false", _): false
        case ("integer", .integer): true
        case ("integer", _): false
        case ("float", .number): true
        case ("float", _): false
        case ("number", .integer), ("number", .number), ("number", .boolean): true
        case ("number", _): false
        case ("string", .text): true
        case ("string", _): false
        case ("mapping", .dictionary): true
        case ("mapping", _): false
        case ("sequence", .list), ("sequence", .text), ("sequence", .dictionary): true
        case ("sequence", _): false
        case ("iterable", .list), ("iterable", .text), ("iterable", .dictionary): true
        case ("iterable", .undefined): true
        case ("iterable", _): false
        case ("callable", .function): true
        case ("callable", _): false
        default: nil
        }
    }
}
