import MLXFormats

/// Runs a parsed template. Loops and macros open scopes; names written in one are gone at its end,
/// as in Jinja. Everything it does is charged to a budget: templates come with models from
/// anywhere.
final class TemplateRenderer {
    private enum Flow { case next, breakLoop, continueLoop }

    let budget: TemplateBudget
    private var scopes: [[String: TemplateValue]]
    private var output = ""
    /// All that were made. A namespace can hold itself, so they are emptied when it is over.
    private var spaces: [TemplateNamespace] = []

    /// What a loop's round costs beside its body, most of it for `loop`.
    private static let stepsOfRound = 40

    init(variables: [String: TemplateValue], _ budget: TemplateBudget) {
        self.budget = budget
        scopes = [variables, [:]]
    }

    /// The text that the statements make.
    func render(_ body: [TemplateStatement]) throws(ChatTemplateError) -> String {
        scopes[0] = TemplateFunctions.globals(self).merging(scopes[0]) { $1 }
        defer {
            scopes = []
            for space in spaces { space.members = TemplateDictionary() }
        }
        _ = try run(body)
        return output
    }

    func failure(_ message: String) -> ChatTemplateError { budget.failure(message) }

    // MARK: - Values

    /// A list, charged for.
    func list(_ elements: [TemplateValue]) throws(ChatTemplateError) -> TemplateValue {
        try budget.make(elements: elements.count + 1)
        let list = TemplateList(elements)
        try budget.check(depth: list.depth)
        return .list(list)
    }

    /// A text, charged for.
    func text(_ text: String) throws(ChatTemplateError) -> TemplateValue {
        try budget.make(text.utf8.count)
        return .text(text)
    }

    /// A dictionary, charged for.
    func dictionary(_ members: TemplateDictionary) throws(ChatTemplateError) -> TemplateValue {
        try budget.make(elements: 2 * members.keys.count + 1)
        try budget.check(depth: members.depth)
        return .dictionary(members)
    }

    /// A namespace that lives until the rendering ends.
    func namespace(_ members: TemplateDictionary) throws(ChatTemplateError) -> TemplateValue {
        try budget.make(elements: 8)
        let space = TemplateNamespace(members)
        spaces.append(space)
        return .namespace(space)
    }

    // MARK: - Statements

    private func run(_ body: [TemplateStatement]) throws(ChatTemplateError) -> Flow {
        for statement in body {
            if statement.line > 0 { budget.line = statement.line }
            try budget.step(4)
            try budget.enter()
            defer { budget.leave() }
            let flow = try run(statement)
            if flow != .next { return flow }
        }
        return .next
    }

    private func run(_ statement: TemplateStatement) throws(ChatTemplateError) -> Flow {
        switch statement.kind {
        case .text(let text): try TemplateValue.text(text).print(into: &output, budget)
        case .output(let expression):
            try evaluate(expression).print(into: &output, budget)
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
            try apply(filters, to: try captured(body)).print(into: &output, budget)
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
        let source = try evaluate(loop.source)
        var elements = try sequence(source)
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                try budget.step(8)
                scopes.append([:])
                defer { scopes.removeLast() }
                try assign(loop.targets.map { .name($0) }, element)
                if try evaluate(condition).isTrue { kept.append(element) }
            }
            try budget.make(elements: kept.count)
            elements = kept
        }
        if elements.isEmpty {
            scopes.append([:])
            defer { scopes.removeLast() }
            _ = try run(loop.otherwise)
            return
        }
        for (index, element) in elements.enumerated() {
            try budget.step(TemplateRenderer.stepsOfRound)
            scopes.append(["loop": loopState(elements, index)])
            defer { scopes.removeLast() }
            try assign(loop.targets.map { .name($0) }, element)
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
        try budget.step(4 * targets.count)
        for (target, element) in zip(targets, elements) { try write(element, to: target) }
    }

    private func write(_ value: TemplateValue, to target: TemplateTarget)
        throws(ChatTemplateError)
    {
        switch target {
        case .name(let name):
            try budget.step(2)
            scopes[scopes.count - 1][name] = value
        case .member(let name, let member):
            guard case .namespace(let space) = try lookUp(name) else {
                throw failure("'\(name)' is no namespace, so its members cannot be set")
            }
            if space.members[member] == nil { try budget.make(elements: 2) }
            space.members[member] = value
        }
    }

    func lookUp(_ name: String) throws(ChatTemplateError) -> TemplateValue {
        try budget.step(1 + scopes.count / 4)
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return .undefined(name)
    }

    /// A macro sees what is outside of it where it is called last in the outermost scope.
    private func define(_ macro: TemplateMacro) {
        let function = TemplateFunction(macro.name) {
            [unowned self] (arguments) throws(ChatTemplateError) in
            // What stands before a call is on the stack with it.
            try budget.enter()
            defer { budget.leave() }
            try budget.step(8 * macro.parameters.count * (1 + arguments.named.count / 4))
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
}
