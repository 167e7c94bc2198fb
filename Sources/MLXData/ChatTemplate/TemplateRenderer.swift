import MLXFormats

/// Runs a parsed template. Loops and macros open scopes; names written in one are gone at its end,
/// as in Jinja. Steps, the length of the result and the depth of calls are limited: templates come
/// with models from anywhere.
final class TemplateRenderer {
    private enum Flow { case next, breakLoop, continueLoop }

    private var scopes: [[String: TemplateValue]]
    private var output = ""
    private var line = 0
    private var steps = 0
    private var calls = 0

    private static let mostSteps = 500_000
    private static let mostBytes = 1 << 26
    private static let mostCalls = 40

    init(variables: [String: TemplateValue]) {
        scopes = [TemplateFunctions.globals.merging(variables) { $1 }, [:]]
    }

    /// The text that the statements make.
    func render(_ body: [TemplateStatement]) throws(ChatTemplateError) -> String {
        _ = try run(body)
        return output
    }

    func failure(_ message: String) -> ChatTemplateError { ChatTemplateError(message, line: line) }

    // MARK: - Statements

    private func run(_ body: [TemplateStatement]) throws(ChatTemplateError) -> Flow {
        for statement in body {
            try step(statement.line)
            let flow = try run(statement)
            if flow != .next { return flow }
        }
        return .next
    }

    private func step(_ line: Int) throws(ChatTemplateError) {
        if line > 0 { self.line = line }
        steps += 1
        if steps > TemplateRenderer.mostSteps { throw failure("the template takes too many steps") }
        if output.utf8.count > TemplateRenderer.mostBytes {
            throw failure("the text becomes too long")
        }
    }

    private func run(_ statement: TemplateStatement) throws(ChatTemplateError) -> Flow {
        switch statement.kind {
        case .text(let text): output += text
        case .output(let expression): output += try evaluate(expression).printed
        case .evaluation(let expression): _ = try evaluate(expression)
        case .conditional(let branches):
            for branch in branches where try evaluate(branch.test).isTrue {
                return try run(branch.body)
            }
        case .loop(let loop): try run(loop)
        case .set(let targets, let expression): try set(targets, try evaluate(expression))
        case .capture(let target, let filters, let body):
            try write(try apply(filters, to: try captured(body)), to: target)
        case .filtered(let filters, let body):
            output += try apply(filters, to: try captured(body)).printed
        case .macro(let macro): define(macro)
        case .scope(let body):
            scopes.append([:])
            defer { scopes.removeLast() }
            return try run(body)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    private func captured(_ body: [TemplateStatement]) throws(ChatTemplateError) -> TemplateValue {
        let before = output
        output = ""
        defer { output = before }
        scopes.append([:])
        defer { scopes.removeLast() }
        _ = try run(body)
        return .text(output)
    }

    private func apply(_ filters: [TemplateFilterUse], to value: TemplateValue)
        throws(ChatTemplateError) -> TemplateValue
    {
        var value = value
        for use in filters {
            value = try TemplateFilters.apply(
                use.name, to: value, try arguments(use.arguments), self)
        }
        return value
    }

    private func run(_ loop: TemplateLoop) throws(ChatTemplateError) {
        var elements = try sequence(try evaluate(loop.source))
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                scopes.append([:])
                defer { scopes.removeLast() }
                try assign(loop.targets.map { .name($0) }, element)
                if try evaluate(condition).isTrue { kept.append(element) }
            }
            elements = kept
        }
        if elements.isEmpty {
            scopes.append([:])
            defer { scopes.removeLast() }
            _ = try run(loop.otherwise)
            return
        }
        for (index, element) in elements.enumerated() {
            scopes.append(["loop": loopState(elements, index)])
            defer { scopes.removeLast() }
            try assign(loop.targets.map { .name($0) }, element)
            try step(0)
            if try run(loop.body) == .breakLoop { break }
        }
    }

    private func loopState(_ elements: [TemplateValue], _ index: Int) -> TemplateValue {
        let count = elements.count
        var state = TemplateDictionary()
        state["index"] = .integer(index + 1)
        state["index0"] = .integer(index)
        state["revindex"] = .integer(count - index)
        state["revindex0"] = .integer(count - index - 1)
        state["first"] = .boolean(index == 0)
        state["last"] = .boolean(index == count - 1)
        state["length"] = .integer(count)
        if index > 0 { state["previtem"] = elements[index - 1] }
        if index + 1 < count { state["nextitem"] = elements[index + 1] }
        state["cycle"] = .function(
            TemplateFunction("cycle") { arguments in
                let all = arguments.positional
                return all.isEmpty ? .none : all[index % all.count]
            })
        return .dictionary(state)
    }

    // MARK: - Names

    private func set(_ targets: [TemplateTarget], _ value: TemplateValue)
        throws(ChatTemplateError)
    {
        try assign(targets, value)
    }

    /// One target takes the value, several take its elements.
    private func assign(_ targets: [TemplateTarget], _ value: TemplateValue)
        throws(ChatTemplateError)
    {
        guard targets.count > 1 else { return try write(value, to: targets[0]) }
        let elements = try sequence(value)
        guard elements.count == targets.count else {
            throw failure("\(elements.count) values for \(targets.count) names")
        }
        for (target, element) in zip(targets, elements) { try write(element, to: target) }
    }

    private func write(_ value: TemplateValue, to target: TemplateTarget)
        throws(ChatTemplateError)
    {
        switch target {
        case .name(let name): scopes[scopes.count - 1][name] = value
        case .member(let name, let member):
            guard case .namespace(let space) = lookUp(name) else {
                throw failure("'\(name)' is no namespace, so its members cannot be set")
            }
            space.members[member] = value
        }
    }

    private func lookUp(_ name: String) -> TemplateValue {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return .undefined(name)
    }

    /// A macro sees what is outside of it where it is called last in the outermost scope.
    private func define(_ macro: TemplateMacro) {
        let function = TemplateFunction(macro.name) {
            [unowned self] (arguments) throws(ChatTemplateError) in
            calls += 1
            defer { calls -= 1 }
            guard calls < TemplateRenderer.mostCalls else {
                throw failure("macros call each other without end")
            }
            let outer = scopes
            scopes = [outer[0], outer[1], [:]]
            defer { scopes = outer }
            for (index, parameter) in macro.parameters.enumerated() {
                if let value = arguments.value(index, parameter.name) {
                    scopes[2][parameter.name] = value
                } else if let fallback = parameter.fallback {
                    scopes[2][parameter.name] = try evaluate(fallback)
                } else {
                    scopes[2][parameter.name] = .undefined(parameter.name)
                }
            }
            return try captured(macro.body)
        }
        scopes[scopes.count - 1][macro.name] = .function(function)
    }

    // MARK: - Expressions

    /// The value of an expression.
    func evaluate(_ expression: TemplateExpression) throws(ChatTemplateError) -> TemplateValue {
        switch expression {
        case .none: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let text): return .text(text)
        case .name(let name): return lookUp(name)
        case .list(let elements): return .list(try evaluate(elements))
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
            result[key] = try evaluate(member.value)
        }
        return .dictionary(result)
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
        try step(0)
        do { return try function.body(given) } catch {
            throw error.line == 0 ? failure(error.message) : error
        }
    }

    private func arguments(_ arguments: TemplateArguments)
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
        case .list(let elements): return elements
        case .dictionary(let members): return members.keys.map { .text($0) }
        case .text(let text): return text.unicodeScalars.map { .text(String($0)) }
        case .undefined: return []
        default: throw failure("\(value.kindName) has no elements")
        }
    }
}
