import MLXFormats

/// Values as JSON in the spacing of Python's `json.dumps`, which is what models were trained on.
struct TemplateJSON {
    private let indent: Int?
    private let budget: TemplateBudget
    private var result = ""

    static func text(
        _ value: TemplateValue, indent: Int?, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> String {
        var writer = TemplateJSON(indent: indent.map { min(max($0, 0), 16) }, budget: budget)
        try writer.append(value, level: 0)
        return writer.result
    }

    private init(indent: Int?, budget: TemplateBudget) {
        self.indent = indent
        self.budget = budget
    }

    private mutating func append(
        _ value: TemplateValue, level: Int
    ) throws(ChatTemplateError) {
        try budget.make(8)
        switch value {
        case .none: result += "null"
        case .boolean(let value): result += value ? "true" : "false"
        case .integer(let value): result += String(value)
        case .number(let value): result += "\(value)"
        case .text(let text): try append(text)
        case .list(let elements):
            result += "["
            for (index, element) in elements.enumerated() {
                try separate(index, level + 1)
                try append(element, level: level + 1)
            }
            if !elements.isEmpty { try breakLine(level) }
            result += "]"
        case .dictionary(let members):
            result += "{"
            for (index, key) in members.keys.enumerated() {
                try separate(index, level + 1)
                try append(key)
                result += ": "
                try append(members[key] ?? .none, level: level + 1)
            }
            if !members.keys.isEmpty { try breakLine(level) }
            result += "}"
        case .undefined, .namespace, .function:
            throw budget.failure("\(value.kindName) has no JSON")
        }
    }

    private mutating func append(_ text: String) throws(ChatTemplateError) {
        // A character takes six at most.
        try budget.make(6 * text.utf8.count)
        try budget.step(text.utf8.count)
        result += JSONWriter.text(of: .string(text))
    }

    /// What stands before an element.
    private mutating func separate(_ index: Int, _ level: Int) throws(ChatTemplateError) {
        if index > 0 { result += indent == nil ? ", " : "," }
        try breakLine(level)
    }

    private mutating func breakLine(_ level: Int) throws(ChatTemplateError) {
        guard let indent else { return }
        try budget.make(indent * level + 1)
        result += "\n" + String(repeating: " ", count: indent * level)
    }
}
