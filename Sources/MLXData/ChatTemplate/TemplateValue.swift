import MLXFormats

/// A value while a template is rendered, with the meaning of Python's: truth, equality, order and
/// how it prints. Texts are compared by their scalars, since token ids depend on them. Tuples are
/// lists, and print as such.
enum TemplateValue {
    /// What has no value, with the name it was asked for by.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([TemplateValue])
    case dictionary(TemplateDictionary)
    case namespace(TemplateNamespace)
    case function(TemplateFunction)

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .none
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .number(let value): self = .number(value)
        case .string(let text): self = .text(text)
        case .array(let elements): self = .list(elements.map(TemplateValue.init))
        case .object(let members):
            var dictionary = TemplateDictionary()
            for member in members { dictionary[member.key] = TemplateValue(member.value) }
            self = .dictionary(dictionary)
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .boolean(let value): value
        case .integer(let value): value != 0
        case .number(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let elements): !elements.isEmpty
        case .dictionary(let members): !members.keys.isEmpty
        case .namespace, .function: true
        }
    }

    /// As a number; truths count as 0 and 1.
    var asNumber: Double? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var asInteger: Int? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .integer(let value): value
        default: nil
        }
    }

    /// What a value is, in messages.
    var kindName: String {
        switch self {
        case .undefined(let name): "'\(name)', which is not defined,"
        case .none: "none"
        case .boolean: "a truth"
        case .integer: "an integer"
        case .number: "a number"
        case .text: "a text"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .namespace: "a namespace"
        case .function: "a function"
        }
    }

    // MARK: - Printing

    /// As an output prints it.
    var printed: String {
        switch self {
        case .undefined: ""
        case .text(let text): text
        default: representation
        }
    }

    /// As it prints inside of a list.
    private var representation: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "None"
        case .boolean(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .number(let value): "\(value)"
        case .text(let text): TemplateValue.quoted(text)
        case .list(let elements):
            "[" + elements.map(\.representation).joined(separator: ", ") + "]"
        case .dictionary(let members):
            "{"
                + members.keys.map {
                    TemplateValue.quoted($0) + ": " + (members[$0] ?? .none).representation
                }.joined(separator: ", ") + "}"
        case .namespace: "<Namespace>"
        case .function(let function): "<\(function.name)>"
        }
    }

    private static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar =
            text.utf8.contains(0x27) && !text.utf8.contains(0x22) ? "\"" : "'"
        var result = String(quote)
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
        return result
    }

    // MARK: - Comparing

    static func areEqual(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
        switch (a, b) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let a), .text(let b)): return ExactText(a) == ExactText(b)
        case (.list(let a), .list(let b)):
            return a.count == b.count && zip(a, b).allSatisfy(areEqual)
        case (.dictionary(let a), .dictionary(let b)):
            return a.keys.count == b.keys.count
                && a.keys.allSatisfy { key in
                    guard let left = a[key], let right = b[key] else { return false }
                    return areEqual(left, right)
                }
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.function(let a), .function(let b)): return a === b
        default:
            guard let left = a.asNumber, let right = b.asNumber else { return false }
            return left == right
        }
    }

    /// Whether one comes before the other; nil when they have no order.
    static func isLess(_ a: TemplateValue, _ b: TemplateValue) -> Bool? {
        switch (a, b) {
        case (.text(let a), .text(let b)):
            return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
        case (.list(let a), .list(let b)):
            for (left, right) in zip(a, b) where !areEqual(left, right) {
                return isLess(left, right)
            }
            return a.count < b.count
        default:
            guard let left = a.asNumber, let right = b.asNumber else { return nil }
            return left < right
        }
    }
}

/// Members by name, in the order they came.
struct TemplateDictionary {
    private(set) var keys: [String] = []
    private var values: [ExactText: TemplateValue] = [:]

    subscript(key: String) -> TemplateValue? {
        get { values[ExactText(key)] }
        set {
            let exact = ExactText(key)
            if newValue == nil {
                keys.removeAll { ExactText($0) == exact }
            } else if values[exact] == nil {
                keys.append(key)
            }
            values[exact] = newValue
        }
    }
}

/// Members that `set` may change, in an inner scope too.
final class TemplateNamespace {
    var members: TemplateDictionary

    init(_ members: TemplateDictionary) { self.members = members }
}

/// Something that can be called: of the language, or a macro of the template.
final class TemplateFunction {
    struct Arguments {
        var positional: [TemplateValue] = []
        var named: [(name: String, value: TemplateValue)] = []

        /// The argument at a position or of a name.
        func value(_ index: Int, _ name: String) -> TemplateValue? {
            index < positional.count ? positional[index] : named.first { $0.name == name }?.value
        }
    }

    let name: String
    let body: (Arguments) throws(ChatTemplateError) -> TemplateValue

    init(
        _ name: String, _ body: @escaping (Arguments) throws(ChatTemplateError) -> TemplateValue
    ) {
        self.name = name
        self.body = body
    }
}
