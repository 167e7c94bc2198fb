import MLXFormats

/// Values as JSON in the spacing of Python's `json.dumps`, which is what models were trained on.
enum TemplateJSON {
    static func text(_ value: TemplateValue, indent: Int?, _ renderer: TemplateRenderer)
        throws(ChatTemplateError) -> String
    {
        try text(value, indent.map { min(max($0, 0), 16) }, level: 0, renderer)
    }

    private static func text(
        _ value: TemplateValue, _ indent: Int?, level: Int, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> String {
        switch value {
        case .none: return "null"
        case .boolean(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .number(let value): return "\(value)"
        case .text(let text): return JSONWriter.text(of: .string(text))
        case .list(let elements):
            var parts: [String] = []
            for element in elements {
                parts.append(try text(element, indent, level: level + 1, renderer))
            }
            return joined(parts, "[", "]", indent, level)
        case .dictionary(let members):
            var parts: [String] = []
            for key in members.keys {
                let inner = try text(members[key] ?? .none, indent, level: level + 1, renderer)
                parts.append(JSONWriter.text(of: .string(key)) + ": " + inner)
            }
            return joined(parts, "{", "}", indent, level)
        case .undefined, .namespace, .function:
            throw renderer.failure("\(value.kindName) has no JSON")
        }
    }

    private static func joined(
        _ parts: [String], _ open: String, _ close: String, _ indent: Int?, _ level: Int
    ) -> String {
        guard let indent, !parts.isEmpty else {
            return open + parts.joined(separator: ", ") + close
        }
        let inner = "\n" + String(repeating: " ", count: indent * (level + 1))
        let outer = "\n" + String(repeating: " ", count: indent * level)
        return open + inner + parts.joined(separator: "," + inner) + outer + close
    }
}
