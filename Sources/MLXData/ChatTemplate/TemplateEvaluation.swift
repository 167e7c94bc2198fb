/// The values of a template's expressions.
extension TemplateRenderer {
    /// The value of an expression.
    func evaluate(_ expression: TemplateExpression) throws(ChatTemplateError) -> TemplateValue {
        try budget.step()
        try budget.enter()
        defer { budget.leave() }
        switch expression {
        case .none: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let text): return .text(text)
        case .name(let name): return try lookUp(name)
        case .list(let elements): return try list(try evaluate(elements))
        case .dictionary(let members): return try dictionary(members)
        case .attribute(let base, let name):
            return try TemplateMembers.attribute(name, of: try evaluate(base), self)
        case .item(let base, let index):
            return try TemplateMembers.item(try evaluate(index), of: try evaluate(base), self)
        case .slice(let base, let start, let end, let stride):
            return try slice(base, start, end, stride)
        case .call(let callee, let arguments): return try call(callee, arguments)
        case .filter(let base, let name, let arguments):
            return try TemplateFilters.apply(
                name, to: try evaluate(base), try self.arguments(arguments), self)
        case .test(let base, let name, let arguments):
            return .boolean(
                try TemplateTests.holds(
                    name, try evaluate(base), try self.arguments(arguments).positional, self))
        case .not(let inner): return .boolean(!(try evaluate(inner).isTrue))
        case .negative(let inner):
            return try TemplateOperators.apply("-", .integer(0), try evaluate(inner), self)
        case .binary(let sign, let left, let right): return try binary(sign, left, right)
        case .comparison(let first, let rest): return try comparison(first, rest)
        case .conditional(let test, let then, let otherwise):
            if try evaluate(test).isTrue { return try evaluate(then) }
            return try otherwise.map(evaluate) ?? .undefined("a condition without 'else'")
        }
    }

    private func evaluate(_ all: [TemplateExpression])
        throws(ChatTemplateError) -> [TemplateValue]
    {
        var result: [TemplateValue] = []
        for expression in all { result.append(try evaluate(expression)) }
        return result
    }

    private func dictionary(
        _ members: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(ChatTemplateError) -> TemplateValue {
        var result = TemplateDictionary()
        for member in members {
            guard case .text(let key) = try evaluate(member.key) else {
                throw failure("keys of dictionaries are texts")
            }
            try budget.look(key)
            result[key] = try evaluate(member.value)
        }
        return try dictionary(result)
    }

    private func slice(
        _ base: TemplateExpression, _ start: TemplateExpression?, _ end: TemplateExpression?,
        _ stride: TemplateExpression?
    ) throws(ChatTemplateError) -> TemplateValue {
        func bound(_ expression: TemplateExpression?) throws(ChatTemplateError) -> Int? {
            guard let expression else { return nil }
            let value = try evaluate(expression)
            if case .none = value { return nil }
            guard let integer = value.asInteger else {
                throw failure("\(value.kindName) is no bound of a slice")
            }
            return integer
        }
        return try TemplateMembers.slice(
            try evaluate(base), try bound(start), try bound(end), try bound(stride) ?? 1, self)
    }

    private func call(_ callee: TemplateExpression, _ arguments: TemplateArguments)
        throws(ChatTemplateError) -> TemplateValue
    {
        let given = try self.arguments(arguments)
        if case .attribute(let base, let name) = callee {
            let owner = try evaluate(base)
            if let result = try TemplateMethods.call(name, on: owner, given, self) {
                return result
            }
        }
        let value = try evaluate(callee)
        guard case .function(let function) = value else {
            throw failure("\(value.kindName) cannot be called")
        }
        try budget.step(4)
        do { return try function.body(given) } catch {
            throw error.line == 0 ? budget.failure(error.message, error.limit) : error
        }
    }

    func arguments(_ arguments: TemplateArguments)
        throws(ChatTemplateError) -> TemplateFunction.Arguments
    {
        var result = TemplateFunction.Arguments(positional: try evaluate(arguments.positional))
        for argument in arguments.named {
            result.named.append((argument.name, try evaluate(argument.value)))
        }
        return result
    }

    private func binary(_ sign: String, _ left: TemplateExpression, _ right: TemplateExpression)
        throws(ChatTemplateError) -> TemplateValue
    {
        let first = try evaluate(left)
        if sign == "and" { return first.isTrue ? try evaluate(right) : first }
        if sign == "or" { return first.isTrue ? first : try evaluate(right) }
        return try TemplateOperators.apply(sign, first, try evaluate(right), self)
    }

    private func comparison(
        _ first: TemplateExpression, _ rest: [(sign: String, other: TemplateExpression)]
    ) throws(ChatTemplateError) -> TemplateValue {
        var left = try evaluate(first)
        for (sign, other) in rest {
            let right = try evaluate(other)
            guard try TemplateOperators.holds(sign, left, right, self) else {
                return .boolean(false)
            }
            left = right
        }
        return .boolean(true)
    }

    /// The elements that a loop goes over.
    func sequence(_ value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
        switch value {
        case .list(let elements): return elements.elements
        case .dictionary(let members):
            try budget.make(elements: members.keys.count)
            return members.keys.map { .text($0) }
        case .text(let text):
            try budget.make(elements: text.utf8.count)
            return text.unicodeScalars.map { .text(String($0)) }
        case .undefined: return []
        default: throw failure("\(value.kindName) has no elements")
        }
    }
}
