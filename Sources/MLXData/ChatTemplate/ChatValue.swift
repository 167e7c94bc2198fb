import MLXFormats

/// A value that a chat template is given: what JSON can say.
public enum ChatValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// No value.
    case null
    /// True or false.
    case boolean(Bool)
    /// A whole number.
    case integer(Int)
    /// Any other number.
    case number(Double)
    /// A text.
    case text(String)
    /// Values in a row.
    case list([ChatValue])
    /// Members in the order in which the template sees them.
    case members([Member])

    /// A name and its value.
    public struct Member: Sendable, Hashable {
        /// What templates call it.
        public let name: String
        /// What it is.
        public let value: ChatValue

        /// A value under a name.
        public init(_ name: String, _ value: ChatValue) {
            self.name = name
            self.value = value
        }
    }

    public init(stringLiteral value: String) { self = .text(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: ChatValue...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, ChatValue)...) {
        self = .members(elements.map { Member($0.0, $0.1) })
    }

    /// The value of a JSON text, such as the description of a tool.
    /// - Throws: ``ChatTemplateError`` for what is no JSON.
    public init(json: String) throws {
        do { self.init(try JSONValue(parsing: json)) } catch {
            throw ChatTemplateError("\(error)", line: 0)
        }
    }

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let text): self = .text(text)
        case .array(let elements): self = .list(elements.map(ChatValue.init))
        case .object(let members):
            self = .members(members.map { Member($0.key, ChatValue($0.value)) })
        }
    }
}

/// A turn of a conversation.
public struct ChatMessage: Sendable, Hashable {
    /// Who speaks: `system`, `user`, `assistant`, `tool`.
    public var role: String
    /// What is said.
    public var content: String
    /// Whatever else the template knows, such as `tool_calls`.
    public var other: [ChatValue.Member]

    /// What somebody says.
    public init(_ role: String, _ content: String, other: [ChatValue.Member] = []) {
        self.role = role
        self.content = content
        self.other = other
    }

    /// As a template sees it.
    public var value: ChatValue {
        .members([.init("role", .text(role)), .init("content", .text(content))] + other)
    }
}

extension ChatValue {
    /// As the interpreter sees it.
    func value(
        _ budget: TemplateBudget, level: Int
    ) throws(ChatTemplateError) -> TemplateValue {
        try budget.check(depth: level)
        switch self {
        case .null: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let text): return .text(text)
        case .list(let elements):
            var values: [TemplateValue] = []
            for element in elements { values.append(try element.value(budget, level: level + 1)) }
            return .list(TemplateList(values))
        case .members(let members):
            var dictionary = TemplateDictionary()
            for member in members {
                dictionary[member.name] = try member.value.value(budget, level: level + 1)
            }
            return .dictionary(dictionary)
        }
    }
}
