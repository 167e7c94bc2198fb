import Foundation
import MLXFormats
import Testing

@testable import MLXData

/// Chat templates against Hugging Face's renderer (Scripts/chat-fixtures), and hostile ones.
@Suite("Chat templates")
struct ChatTemplateTests {
    private struct Case {
        let name: String
        let template: String
        let variables: [String: ChatValue]
        let text: String?
    }

    private func cases() throws -> [Case] {
        let file = try #require(
            Bundle.module.url(forResource: "chats", withExtension: "json", subdirectory: "Fixtures")
        )
        let tree = try JSONValue(parsing: [UInt8](Data(contentsOf: file)))
        return try (tree.array ?? []).map { json in
            var variables: [String: ChatValue] = [:]
            for member in json["variables"]?.members ?? [] {
                variables[member.key] = ChatValue(member.value)
            }
            return Case(
                name: try #require(json["name"]?.string),
                template: try #require(json["template"]?.string), variables: variables,
                text: json["text"]?.string)
        }
    }

    private func render(_ item: Case) throws -> String {
        try ChatTemplate(item.template).render(messages: [], variables: item.variables)
    }

    @Test("templates render as Hugging Face renders them, and fail where it fails")
    func rendersAsTheOracle() throws {
        let all = try cases()
        #expect(all.count > 100)
        for item in all {
            if let text = item.text {
                do {
                    let own = try render(item)
                    #expect(
                        own.utf8.elementsEqual(text.utf8),
                        "\(item.name): \(own.debugDescription) is not \(text.debugDescription)")
                } catch {
                    Issue.record("\(item.name): \(error), not \(text.debugDescription)")
                }
            } else {
                #expect(throws: ChatTemplateError.self, "\(item.name)") { try render(item) }
            }
        }
    }

    @Test("an error says the line and what is wrong")
    func errorsNameTheLine() {
        let error = #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(
                "a\n{% if 1 %}\n{{ raise_exception('roles must alternate') }}{% endif %}"
            )
            .render([])
        }
        #expect(error?.line == 3)
        #expect(error?.description == "chat template, line 3: roles must alternate")
        let tag = #expect(throws: ChatTemplateError.self) { try ChatTemplate("\n\n{% nonsense %}") }
        #expect(tag?.description == "chat template, line 3: the tag 'nonsense' is not known")
    }

    @Test(
        "templates without end or measure are errors",
        arguments: [
            "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{{ range(10 ** 18) }}", "{{ 'a' * 10 ** 12 }}", "{{ 10 ** 9 * 10 ** 9 * 10 ** 9 }}",
            "{% set ns = namespace(t='aaaaaaaaaaaaaaaaaaaa') %}{% for a in range(60) %}"
                + "{% set ns.t = ns.t ~ ns.t %}{{ ns.t }}{% endfor %}",
            "{{ " + String(repeating: "(", count: 5000) + "1",
            "{{ " + String(repeating: "not ", count: 5000) + "1 }}",
            "{{ " + String(repeating: "- ", count: 5000) + "1 }}",
            "{{ 1" + String(repeating: " + 1", count: 5000) + " }}",
            "{{ a" + String(repeating: ".b", count: 5000) + " }}",
            String(repeating: "{% if 1 %}", count: 5000),
            "{{ -9223372036854775807 - 1 }}{{ (-9223372036854775807 - 1) // -1 }}",
            "{{ [1][9223372036854775807] }}{{ [1][-9223372036854775807:9223372036854775807:9] }}{{",
        ])
    func hostileTemplatesEnd(template: String) {
        #expect(throws: ChatTemplateError.self) { try ChatTemplate(template).render([]) }
    }

    @Test("no cut or change of a template ends the process")
    func damagedTemplatesAreErrors() throws {
        var random = SystemRandomNumberGenerator()
        for item in try cases().prefix(12) {
            let bytes = Array(item.template.utf8)
            for _ in 0..<60 {
                var damaged = bytes
                if Bool.random(using: &random) {
                    damaged.removeSubrange(Int.random(in: 0..<damaged.count)...)
                } else {
                    damaged[Int.random(in: 0..<damaged.count)] = "{}%'\"|.(-#".utf8.randomElement()!
                }
                let text = String(decoding: damaged, as: UTF8.self)
                _ = try? ChatTemplate(text).render(messages: [], variables: item.variables)
            }
        }
    }

    @Test("a directory's template, tokens and named templates are found")
    func directories() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("chat-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: ChatTemplateError.self) { try ChatTemplate(directory: folder) }
        let configuration = """
            {"bos_token": {"content": "<b>", "special": true}, "eos_token": "<e>",
             "chat_template": [{"name": "default", "template": "{{ bos_token }}1"},
                               {"name": "tool_use",
                                "template": "{{ tools | length }}{{ eos_token }}"}]}
            """
        try configuration.write(
            to: folder.appendingPathComponent("tokenizer_config.json"), atomically: true,
            encoding: .utf8)
        #expect(try ChatTemplate(directory: folder).render([]) == "<b>1")
        let named = try ChatTemplate(directory: folder, name: "tool_use")
        #expect(try named.render([], tools: [["name": "f"]]) == "1<e>")
        #expect(throws: ChatTemplateError.self) {
            try ChatTemplate(directory: folder, name: "../x")
        }
        try "{{ messages[0].content }}{{ eos_token }}".write(
            to: folder.appendingPathComponent("chat_template.jinja"), atomically: true,
            encoding: .utf8)
        let own = try ChatTemplate(directory: folder)
        #expect(try own.render([ChatMessage("user", "hello")]) == "hello<e>")
    }
}
