import Foundation
import MLXFormats

/// Why a chat template cannot be read or rendered, or what it says itself when it refuses a
/// conversation.
public struct ChatTemplateError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public let message: String
    /// The line of the template; 0 when there is none to name.
    public let line: Int

    init(_ message: String, line: Int) {
        self.message = message
        self.line = line
    }

    public var description: String {
        "chat template" + (line > 0 ? ", line \(line)" : "") + ": \(message)"
    }
}

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

    var value: TemplateValue {
        switch self {
        case .null: return .none
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .number(let value): return .number(value)
        case .text(let text): return .text(text)
        case .list(let elements): return .list(elements.map(\.value))
        case .members(let members):
            var dictionary = TemplateDictionary()
            for member in members { dictionary[member.name] = member.value.value }
            return .dictionary(dictionary)
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

/// How a model wants a conversation written down: the `chat_template` that comes with it, a program
/// in the template language Jinja as Hugging Face's `transformers` runs it (newlines after
/// statements and blanks before them do not count).
///
/// ```swift
/// let template = try ChatTemplate(directory: url)
/// let prompt = try template.render([ChatMessage("user", "Hello")])
/// let ids = try Tokenizer(directory: url).encode(prompt, addSpecialTokens: false)
/// ```
public struct ChatTemplate: Sendable {
    private let body: [TemplateStatement]
    private let tokens: [String: String]

    /// A template from its text.
    /// - Parameter specialTokens: names such as `bos_token`, and the tokens they stand for.
    /// - Throws: ``ChatTemplateError`` for what the language does not have.
    public init(_ source: String, specialTokens: [String: String] = [:]) throws {
        body = try StatementParser.parse(source)
        tokens = specialTokens
    }

    /// The template of a model's directory: `chat_template.jinja`, or `chat_template` in
    /// `chat_template.json` or `tokenizer_config.json`.
    /// - Parameter name: which, where the directory has several.
    /// - Throws: ``ChatTemplateError`` when there is none or it cannot be read.
    public init(directory: URL, name: String = "default") throws {
        let configuration = try ChatTemplate.json(directory, "tokenizer_config.json")
        var source: String?
        let file =
            name == "default" ? "chat_template.jinja" : "additional_chat_templates/\(name).jinja"
        guard !name.contains("/"), !name.hasPrefix(".") else {
            throw ChatTemplateError("'\(name)' is no name of a template", line: 0)
        }
        if let data = FileManager.default.contents(
            atPath: directory.appendingPathComponent(file).path)
        {
            source = String(decoding: data, as: UTF8.self)
        }
        let own = try ChatTemplate.json(directory, "chat_template.json")
        source =
            source ?? ChatTemplate.template(own?["chat_template"], name)
            ?? ChatTemplate.template(configuration?["chat_template"], name)
        guard let source else {
            throw ChatTemplateError("the directory has no template '\(name)'", line: 0)
        }
        let map = try ChatTemplate.json(directory, "special_tokens_map.json")
        try self.init(
            source,
            specialTokens: ChatTemplate.tokens(map).merging(ChatTemplate.tokens(configuration)) {
                $1
            })
    }

    /// The text of a conversation.
    /// - Parameters:
    ///   - messages: the turns so far.
    ///   - addGenerationPrompt: end with the beginning of the assistant's turn.
    ///   - tools: descriptions of functions that the model may call.
    ///   - variables: further names that the template knows.
    /// - Throws: ``ChatTemplateError``, also when the template itself refuses the messages.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true, tools: [ChatValue]? = nil,
        variables: [String: ChatValue] = [:]
    ) throws -> String {
        try render(
            messages: messages.map(\.value), addGenerationPrompt: addGenerationPrompt,
            tools: tools, variables: variables)
    }

    /// The same with messages of any form, such as contents of several parts.
    public func render(
        messages: [ChatValue], addGenerationPrompt: Bool = true, tools: [ChatValue]? = nil,
        variables: [String: ChatValue] = [:]
    ) throws -> String {
        var names = tokens.mapValues { TemplateValue.text($0) }
        names["messages"] = .list(messages.map(\.value))
        names["add_generation_prompt"] = .boolean(addGenerationPrompt)
        names["tools"] = tools.map { .list($0.map(\.value)) } ?? TemplateValue.none
        names["documents"] = TemplateValue.none
        for (name, value) in variables { names[name] = value.value }
        return try TemplateRenderer(variables: names).render(body)
    }

    // MARK: - Files

    private static func json(_ directory: URL, _ name: String) throws -> JSONValue? {
        let path = directory.appendingPathComponent(name).path
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do { return try JSONValue(contentsOf: path) } catch {
            throw ChatTemplateError(error.message, line: 0)
        }
    }

    /// One template, or the one of a name out of several.
    private static func template(_ json: JSONValue?, _ name: String) -> String? {
        if let one = json?.string { return name == "default" ? one : nil }
        return json?.array?.first { $0["name"]?.string == name }?["template"]?.string
    }

    /// The members whose names end in `_token`: texts, or objects with a content.
    private static func tokens(_ json: JSONValue?) -> [String: String] {
        var result: [String: String] = [:]
        for member in json?.members ?? [] where member.key.hasSuffix("_token") {
            result[member.key] = member.value.string ?? member.value["content"]?.string
        }
        return result
    }
}
