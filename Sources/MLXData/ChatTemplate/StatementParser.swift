/// Parses the statements of a template: bodies up to the tag that ends them. An unknown tag is an
/// error, because leaving it out would make another prompt.
struct StatementParser {
    private let segments: [TemplateSegments.Segment]
    private var index = 0
    private var depth = 0

    private static let deepest = 40
    private static let mostBytes = 1 << 20

    /// The statements of a template.
    static func parse(_ source: String) throws(ChatTemplateError) -> [TemplateStatement] {
        guard source.utf8.count <= mostBytes else {
            throw ChatTemplateError(
                "the template has more than \(mostBytes) bytes", line: 1, limit: .length)
        }
        var parser = StatementParser(segments: try TemplateSegments(source).segments)
        let (body, end) = try parser.body(until: [])
        if let end { throw end.failure("a tag ends what was not begun") }
        return body
    }

    private init(segments: [TemplateSegments.Segment]) { self.segments = segments }

    /// Statements up to a tag that starts with one of the words.
    /// - Returns: them, and the parser of that tag after its word; nil at the end of the template.
    private mutating func body(until words: Set<String>)
        throws(ChatTemplateError) -> ([TemplateStatement], Tag?)
    {
        depth += 1
        defer { depth -= 1 }
        var result: [TemplateStatement] = []
        while index < segments.count {
            let segment = segments[index]
            index += 1
            switch segment {
            case .text(let text): result.append(TemplateStatement(line: 0, kind: .text(text)))
            case .output(let tokens):
                var parser = ExpressionParser(tokens, line: tokens.first?.line ?? 0)
                let value = try parser.expressions()
                try parser.expectEnd()
                result.append(TemplateStatement(line: parser.line, kind: .output(value)))
            case .statement(let tokens):
                var tag = Tag(tokens)
                let word = try tag.parser.name()
                if words.contains(word) { return (result, Tag(word, tag.parser)) }
                guard depth < StatementParser.deepest else {
                    throw tag.failure("nested too deeply", .depth)
                }
                result.append(
                    TemplateStatement(line: tag.parser.line, kind: try statement(word, &tag)))
                try tag.parser.expectEnd()
            }
        }
        if let missing = words.first(where: { $0.hasPrefix("end") }) {
            throw ChatTemplateError("'\(missing)' is missing", line: 0)
        }
        return (result, nil)
    }

    /// A tag whose first word has been read.
    private struct Tag {
        let word: String
        var parser: ExpressionParser

        init(_ tokens: [TemplateToken]) {
            word = ""
            parser = ExpressionParser(tokens, line: tokens.first?.line ?? 0)
        }

        init(_ word: String, _ parser: ExpressionParser) {
            self.word = word
            self.parser = parser
        }

        func failure(
            _ message: String, _ limit: ChatTemplateError.Limit? = nil
        ) -> ChatTemplateError {
            parser.failure(message, limit)
        }
    }

    private mutating func statement(_ word: String, _ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        switch word {
        case "if": return try conditional(&tag)
        case "for": return try loop(&tag)
        case "set": return try assignment(&tag)
        case "macro": return try macro(&tag)
        case "filter":
            let filters = try self.filters(&tag)
            return .filtered(filters, body: try plain(&tag, until: "endfilter"))
        // The part that a model is trained on; rendering takes no notice.
        case "generation": return .scope(try plain(&tag, until: "endgeneration"))
        case "with": return try with(&tag)
        case "do": return .evaluation(try tag.parser.expressions())
        case "break": return .breakLoop
        case "continue": return .continueLoop
        default: throw tag.failure("the tag '\(word)' is not known")
        }
    }

    private mutating func plain(_ tag: inout Tag, until end: String)
        throws(ChatTemplateError) -> [TemplateStatement]
    {
        try tag.parser.expectEnd()
        let (body, close) = try body(until: [end])
        if let close { tag = close }
        // A name after the end of a macro or block is allowed.
        if end == "endmacro" { _ = tag.parser.isAtEnd ? nil : try tag.parser.name() }
        return body
    }

    private mutating func conditional(_ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
        var test = try tag.parser.expressions()
        while true {
            try tag.parser.expectEnd()
            let (body, close) = try body(until: ["elif", "else", "endif"])
            branches.append((test, body))
            guard var close else { return .conditional(branches) }
            switch close.word {
            case "elif": test = try close.parser.expressions()
            case "else": test = .boolean(true)
            default:
                tag = close
                return .conditional(branches)
            }
            tag = close
        }
    }

    private mutating func loop(_ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        let hasParenthesis = tag.parser.take(sign: "(")
        var targets = [try tag.parser.name()]
        while tag.parser.take(sign: ",") { targets.append(try tag.parser.name()) }
        if hasParenthesis { try tag.parser.expect(sign: ")") }
        guard tag.parser.take(word: "in") else { throw tag.failure("'in' is missing") }
        let source = try tag.parser.expression(takesCondition: false)
        let condition = tag.parser.take(word: "if") ? try tag.parser.expression() : nil
        try tag.parser.expectEnd()
        var (inner, close) = try body(until: ["else", "endfor"])
        var otherwise: [TemplateStatement] = []
        if let found = close, found.word == "else" {
            try found.parser.expectEnd()
            (otherwise, close) = try body(until: ["endfor"])
        }
        if let close { tag = close }
        return .loop(
            TemplateLoop(
                targets: targets, source: source, condition: condition, body: inner,
                otherwise: otherwise))
    }

    private mutating func assignment(_ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        var targets = [try target(&tag)]
        while tag.parser.take(sign: ",") { targets.append(try target(&tag)) }
        if tag.parser.take(sign: "=") { return .set(targets, try tag.parser.expressions()) }
        guard targets.count == 1 else { throw tag.failure("'=' is missing") }
        var uses: [TemplateFilterUse] = []
        while tag.parser.take(sign: "|") { uses.append(try tag.parser.filterUse()) }
        return .capture(targets[0], filters: uses, body: try plain(&tag, until: "endset"))
    }

    private func target(_ tag: inout Tag) throws(ChatTemplateError) -> TemplateTarget {
        let name = try tag.parser.name()
        return tag.parser.take(sign: ".") ? .member(name, try tag.parser.name()) : .name(name)
    }

    private func filters(_ tag: inout Tag) throws(ChatTemplateError) -> [TemplateFilterUse] {
        var uses = [try tag.parser.filterUse()]
        while tag.parser.take(sign: "|") { uses.append(try tag.parser.filterUse()) }
        return uses
    }

    private mutating func macro(_ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        let name = try tag.parser.name()
        try tag.parser.expect(sign: "(")
        var parameters: [(name: String, fallback: TemplateExpression?)] = []
        while !tag.parser.take(sign: ")") {
            let parameter = try tag.parser.name()
            let fallback = tag.parser.take(sign: "=") ? try tag.parser.expression() : nil
            parameters.append((parameter, fallback))
            if !tag.parser.take(sign: ",") {
                try tag.parser.expect(sign: ")")
                break
            }
        }
        let body = try plain(&tag, until: "endmacro")
        return .macro(TemplateMacro(name: name, parameters: parameters, body: body))
    }

    /// `with a = 1, b = 2`: names that are gone at its end.
    private mutating func with(_ tag: inout Tag)
        throws(ChatTemplateError) -> TemplateStatement.Kind
    {
        var result: [TemplateStatement] = []
        while !tag.parser.isAtEnd {
            let name = try tag.parser.name()
            try tag.parser.expect(sign: "=")
            let value = try tag.parser.expression()
            result.append(
                TemplateStatement(line: tag.parser.line, kind: .set([.name(name)], value)))
            if !tag.parser.take(sign: ",") { break }
        }
        return .scope(result + (try plain(&tag, until: "endwith")))
    }
}
