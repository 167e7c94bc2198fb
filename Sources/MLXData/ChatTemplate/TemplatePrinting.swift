/// How values print, as Python prints them.
extension TemplateValue {
    /// As an output prints it.
    func printed(_ budget: TemplateBudget) throws(ChatTemplateError) -> String {
        if case .text(let text) = self { return text }
        var result = ""
        try print(into: &result, budget)
        return result
    }

    /// Appends what an output prints.
    func print(
        into result: inout String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) {
        switch self {
        case .undefined: break
        case .text(let text):
            try budget.make(text.utf8.count)
            result += text
        default: try represent(into: &result, budget)
        }
    }

    /// As it prints inside of a list.
    private func represent(
        into result: inout String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) {
        try budget.make(8)
        switch self {
        case .undefined: result += "Undefined"
        case .none: result += "None"
        case .boolean(let value): result += value ? "True" : "False"
        case .integer(let value): result += String(value)
        case .number(let value): result += "\(value)"
        case .text(let text): try TemplateValue.quote(text, into: &result, budget)
        case .list(let elements):
            result += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { result += ", " }
                try element.represent(into: &result, budget)
            }
            result += "]"
        case .dictionary(let members):
            result += "{"
            for (index, key) in members.keys.enumerated() {
                if index > 0 { result += ", " }
                try TemplateValue.quote(key, into: &result, budget)
                result += ": "
                try (members[key] ?? .none).represent(into: &result, budget)
            }
            result += "}"
        case .namespace: result += "<Namespace>"
        case .function(let function):
            try budget.make(function.name.utf8.count)
            result += "<\(function.name)>"
        }
    }

    private static func quote(
        _ text: String, into result: inout String, _ budget: TemplateBudget
    ) throws(ChatTemplateError) {
        // Every character may need a backslash.
        try budget.make(2 * text.utf8.count)
        try budget.look(text)
        let quote: Unicode.Scalar =
            text.utf8.contains(0x27) && !text.utf8.contains(0x22) ? "\"" : "'"
        result.unicodeScalars.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\\": result += "\\\\"
            case quote: result += "\\" + String(quote)
            default: result.unicodeScalars.append(scalar)
            }
        }
        result.unicodeScalars.append(quote)
    }
}
