/// Parses the expressions of a template by recursive descent, one function for each level of
/// precedence. How deep they nest is limited, so a hostile template is an error and not the end of
/// the stack.
struct ExpressionParser {
    private(set) var index = 0
    let line: Int
    private let tokens: [TemplateToken]
    private var depth = 0

    private var links = 0

    private static let deepest = 40
    /// How many operators, members and filters a tag may chain: a chain is a tree as deep.
    private static let mostLinks = 200

    init(_ tokens: [TemplateToken], line: Int) {
        self.tokens = tokens
        self.line = line
    }

    // MARK: - Tokens

    var isAtEnd: Bool { index == tokens.count }

    private var current: TemplateToken.Kind? { index < tokens.count ? tokens[index].kind : nil }

    mutating func take(sign: String) -> Bool {
        guard current == .sign(sign) else { return false }
        index += 1
        return true
    }

    /// Called where a chain becomes longer.
    private mutating func link() throws(ChatTemplateError) {
        links += 1
        if links > ExpressionParser.mostLinks { throw failure("an expression is too long", .depth) }
    }

    mutating func take(word: String) -> Bool {
        guard current == .name(word) else { return false }
        index += 1
        return true
    }

    mutating func expect(sign: String) throws(ChatTemplateError) {
        if !take(sign: sign) { throw failure("'\(sign)' is missing") }
    }

    func expectEnd() throws(ChatTemplateError) {
        if !isAtEnd { throw failure("a tag has more than it can use") }
    }

    mutating func name() throws(ChatTemplateError) -> String {
        guard case .name(let name) = current else { throw failure("a name is missing") }
        index += 1
        return name
    }

    func failure(
        _ message: String, _ limit: ChatTemplateError.Limit? = nil
    ) -> ChatTemplateError {
        ChatTemplateError(
            message, line: index < tokens.count ? tokens[index].line : line, limit: limit)
    }

    // MARK: - Levels

    /// An expression; with commas a list of several.
    mutating func expressions() throws(ChatTemplateError) -> TemplateExpression {
        let first = try expression()
        guard current == .sign(",") else { return first }
        var all = [first]
        while take(sign: ","), !isAtEnd { all.append(try expression()) }
        return .list(all)
    }

    /// - Parameter takesCondition: whether `a if b else c` belongs to it; the condition of a loop
    ///   must not be taken for one.
    mutating func expression(takesCondition: Bool = true)
        throws(ChatTemplateError) -> TemplateExpression
    {
        depth += 1
        defer { depth -= 1 }
        guard depth < ExpressionParser.deepest else { throw failure("nested too deeply", .depth) }
        var result = try disjunction()
        while takesCondition, take(word: "if") {
            try link()
            let test = try disjunction()
            let otherwise = take(word: "else") ? try expression() : nil
            result = .conditional(test, then: result, otherwise: otherwise)
        }
        return result
    }

    private mutating func disjunction() throws(ChatTemplateError) -> TemplateExpression {
        var left = try conjunction()
        while take(word: "or") {
            try link()
            left = .binary("or", left, try conjunction())
        }
        return left
    }

    private mutating func conjunction() throws(ChatTemplateError) -> TemplateExpression {
        var left = try negation()
        while take(word: "and") {
            try link()
            left = .binary("and", left, try negation())
        }
        return left
    }

    private mutating func negation() throws(ChatTemplateError) -> TemplateExpression {
        guard take(word: "not") else { return try comparison() }
        depth += 1
        defer { depth -= 1 }
        guard depth < ExpressionParser.deepest else { throw failure("nested too deeply", .depth) }
        return .not(try negation())
    }

    private mutating func comparison() throws(ChatTemplateError) -> TemplateExpression {
        let left = try sum()
        var rest: [(sign: String, other: TemplateExpression)] = []
        while let sign = comparisonSign() { rest.append((sign, try sum())) }
        return rest.isEmpty ? left : .comparison(left, rest)
    }

    private mutating func comparisonSign() -> String? {
        for sign in ["==", "!=", "<=", ">=", "<", ">"] where take(sign: sign) { return sign }
        if take(word: "in") { return "in" }
        let start = index
        if take(word: "not"), take(word: "in") { return "not in" }
        index = start
        return nil
    }

    private mutating func sum() throws(ChatTemplateError) -> TemplateExpression {
        var left = try joined()
        while let sign = ["+", "-"].first(where: { current == .sign($0) }) {
            index += 1
            try link()
            left = .binary(sign, left, try joined())
        }
        return left
    }

    private mutating func joined() throws(ChatTemplateError) -> TemplateExpression {
        var left = try product()
        while take(sign: "~") {
            try link()
            left = .binary("~", left, try product())
        }
        return left
    }

    private mutating func product() throws(ChatTemplateError) -> TemplateExpression {
        var left = try power()
        while let sign = ["*", "//", "/", "%"].first(where: { current == .sign($0) }) {
            index += 1
            try link()
            left = .binary(sign, left, try power())
        }
        return left
    }

    private mutating func power() throws(ChatTemplateError) -> TemplateExpression {
        var left = try signed()
        while take(sign: "**") {
            try link()
            left = .binary("**", left, try signed())
        }
        return left
    }

    /// Filters belong to the whole with its sign: `-3 | abs` is 3.
    private mutating func signed(takesFilters: Bool = true)
        throws(ChatTemplateError) -> TemplateExpression
    {
        depth += 1
        defer { depth -= 1 }
        guard depth < ExpressionParser.deepest else { throw failure("nested too deeply", .depth) }
        let result: TemplateExpression
        if take(sign: "-") {
            result = .negative(try signed(takesFilters: false))
        } else if take(sign: "+") {
            result = try signed(takesFilters: false)
        } else {
            result = try postfixed(try primary())
        }
        return takesFilters ? try filtered(result) : result
    }

    // MARK: - Primaries

    private mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
        guard let kind = current else { throw failure("an expression is missing") }
        index += 1
        switch kind {
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(var text):
            while case .text(let more) = current {
                text += more
                index += 1
            }
            return .text(text)
        case .name(let name):
            switch name {
            case "true", "True": return .boolean(true)
            case "false", "False": return .boolean(false)
            case "none", "None": return .none
            default: return .name(name)
            }
        case .sign("("):
            if take(sign: ")") { return .list([]) }
            let inner = try listed(until: ")")
            return inner.isOne ? inner.elements[0] : .list(inner.elements)
        case .sign("["):
            if take(sign: "]") { return .list([]) }
            return .list(try listed(until: "]").elements)
        case .sign("{"): return try dictionary()
        default:
            index -= 1
            throw failure("an expression is missing")
        }
    }

    private mutating func listed(until close: String)
        throws(ChatTemplateError) -> (elements: [TemplateExpression], isOne: Bool)
    {
        var elements = [try expression()]
        var hasComma = false
        while take(sign: ",") {
            hasComma = true
            if current == .sign(close) { break }
            elements.append(try expression())
        }
        try expect(sign: close)
        return (elements, !hasComma)
    }

    private mutating func dictionary() throws(ChatTemplateError) -> TemplateExpression {
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !take(sign: "}") {
            let key = try expression()
            try expect(sign: ":")
            members.append((key, try expression()))
            if !take(sign: ",") {
                try expect(sign: "}")
                break
            }
        }
        return .dictionary(members)
    }

    private mutating func postfixed(_ base: TemplateExpression)
        throws(ChatTemplateError) -> TemplateExpression
    {
        var result = base
        while true {
            try link()
            if take(sign: ".") {
                if case .integer(let number) = current {
                    index += 1
                    result = .item(result, .integer(number))
                } else {
                    result = .attribute(result, try name())
                }
            } else if take(sign: "[") {
                result = try subscripted(result)
            } else if take(sign: "(") {
                result = .call(result, try arguments())
            } else {
                return result
            }
        }
    }

    private mutating func subscripted(_ base: TemplateExpression)
        throws(ChatTemplateError) -> TemplateExpression
    {
        var bounds: [TemplateExpression?] = [nil]
        while !take(sign: "]") {
            if take(sign: ":") {
                bounds.append(nil)
                guard bounds.count <= 3 else { throw failure("a slice has three parts") }
            } else if bounds[bounds.count - 1] == nil {
                bounds[bounds.count - 1] = try expression()
            } else {
                throw failure("']' is missing")
            }
        }
        if bounds.count == 1 {
            guard let only = bounds[0] else { throw failure("an index is missing") }
            return .item(base, only)
        }
        return .slice(base, bounds[0], bounds[1], bounds.count == 3 ? bounds[2] : nil)
    }

    /// What follows an opening parenthesis.
    mutating func arguments() throws(ChatTemplateError) -> TemplateArguments {
        var result = TemplateArguments()
        while !take(sign: ")") {
            let start = index
            if case .name(let name) = current {
                index += 1
                if take(sign: "=") {
                    result.named.append((name, try expression()))
                } else {
                    index = start
                    result.positional.append(try expression())
                }
            } else {
                result.positional.append(try expression())
            }
            if !take(sign: ",") {
                try expect(sign: ")")
                break
            }
        }
        return result
    }

    // MARK: - Filters and tests

    private mutating func filtered(_ base: TemplateExpression)
        throws(ChatTemplateError) -> TemplateExpression
    {
        var result = base
        while true {
            try link()
            if take(sign: "|") {
                let use = try filterUse()
                result = try postfixed(.filter(result, use.name, use.arguments))
            } else if take(word: "is") {
                let isNegated = take(word: "not")
                let test = TemplateExpression.test(result, try name(), try testArguments())
                result = isNegated ? .not(test) : test
            } else {
                return result
            }
        }
    }

    /// A filter's name and what it is given.
    mutating func filterUse() throws(ChatTemplateError) -> TemplateFilterUse {
        let name = try name()
        return TemplateFilterUse(
            name: name, arguments: take(sign: "(") ? try arguments() : TemplateArguments())
    }

    /// In parentheses, or one primary on its own: `is divisibleby 3`.
    private mutating func testArguments() throws(ChatTemplateError) -> TemplateArguments {
        if take(sign: "(") { return try arguments() }
        switch current {
        case .integer, .number, .text, .sign("["), .sign("{"): break
        case .name(let name) where !["else", "or", "and", "is", "if", "in", "not"].contains(name):
            break
        default: return TemplateArguments()
        }
        return TemplateArguments(positional: [try postfixed(try primary())])
    }
}
