/// The parts of a chat template, a program of the Jinja language, as trees of plain values.
indirect enum TemplateExpression: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case name(String)
    case list([TemplateExpression])
    case dictionary([(key: TemplateExpression, value: TemplateExpression)])
    case attribute(TemplateExpression, String)
    case item(TemplateExpression, TemplateExpression)
    case slice(
        TemplateExpression, TemplateExpression?, TemplateExpression?, TemplateExpression?)
    case call(TemplateExpression, TemplateArguments)
    case filter(TemplateExpression, String, TemplateArguments)
    case test(TemplateExpression, String, TemplateArguments)
    case not(TemplateExpression)
    case negative(TemplateExpression)
    case binary(String, TemplateExpression, TemplateExpression)
    case comparison(TemplateExpression, [(sign: String, other: TemplateExpression)])
    case conditional(
        TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
}

/// What a call passes on, by position and by name.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
}

/// A statement, with the line it starts in for messages.
struct TemplateStatement: Sendable {
    let line: Int
    let kind: Kind

    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        case conditional([(test: TemplateExpression, body: [TemplateStatement])])
        case loop(TemplateLoop)
        case set([TemplateTarget], TemplateExpression)
        case capture(TemplateTarget, filters: [TemplateFilterUse], body: [TemplateStatement])
        case macro(TemplateMacro)
        case filtered([TemplateFilterUse], body: [TemplateStatement])
        case evaluation(TemplateExpression)
        case scope([TemplateStatement])
        case breakLoop
        case continueLoop
    }
}

/// `for target in source if condition`.
struct TemplateLoop: Sendable {
    let targets: [String]
    let source: TemplateExpression
    let condition: TemplateExpression?
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
}

/// What `set` writes to: a name, or a member of a namespace.
enum TemplateTarget: Sendable {
    case name(String)
    case member(String, String)
}

/// A filter of a block.
struct TemplateFilterUse: Sendable {
    let name: String
    let arguments: TemplateArguments
}

/// A named piece of template with parameters.
struct TemplateMacro: Sendable {
    let name: String
    let parameters: [(name: String, fallback: TemplateExpression?)]
    let body: [TemplateStatement]
}
