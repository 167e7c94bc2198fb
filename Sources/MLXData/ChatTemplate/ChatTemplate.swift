import Foundation
import MLXFormats

/// Why a chat template cannot be read or rendered, or what it says itself when it refuses a
/// conversation.
public struct ChatTemplateError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public let message: String
    /// The line of the template; 0 when there is none to name.
    public let line: Int
    /// The limit that was reached, if one was: templates come with models from anywhere, and none
    /// may take more than its part of time and memory.
    public let limit: Limit?

    /// What a template may only have so much of.
    public enum Limit: String, Sendable, CaseIterable {
        /// Work: statements, expressions, elements and characters that are looked at.
        case steps
        /// Bytes of all texts and values that are made.
        case memory
        /// How deep expressions, statements, macros or values nest.
        case depth
        /// How long the template, a name in it or the text that it makes is.
        case length
    }

    init(_ message: String, line: Int, limit: Limit? = nil) {
        self.message = message
        self.line = line
        self.limit = limit
    }

    public var description: String {
        "chat template" + (line > 0 ? ", line \(line)" : "") + ": \(message)"
    }
}

/// How a model wants a conversation written down: the `chat_template` that comes with it, a program
/// in the template language Jinja as Hugging Face's `transformers` runs it (newlines after
/// statements and blanks before them do not count).
///
/// ```swift
/// let template = try ChatTemplate(directory: url)
/// let prompt = try template.render([ChatMessage("user", "Hello")])
/// let ids = try Tokenizer(directory: url).checkedEncode(prompt, addSpecialTokens: false)
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
        let path = directory.appendingPathComponent(file).path
        if FileManager.default.fileExists(atPath: path) {
            do {
                source = String(decoding: try FileSource(path: path).contents(), as: UTF8.self)
            } catch {
                throw ChatTemplateError(error.message, line: 0)
            }
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
        var all = tokens.mapValues { ChatValue.text($0) }
        all["messages"] = .list(messages)
        all["add_generation_prompt"] = .boolean(addGenerationPrompt)
        all["tools"] = tools.map { .list($0) } ?? .null
        all["documents"] = .null
        return try render(all.merging(variables) { $1 }, TemplateBudget())
    }

    /// The same with all names that the template sees, and a budget.
    func render(
        _ variables: [String: ChatValue], _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> String {
        var names: [String: TemplateValue] = [:]
        for (name, value) in variables { names[name] = try value.value(budget, level: 0) }
        return try TemplateRenderer(variables: names, budget).render(body)
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
