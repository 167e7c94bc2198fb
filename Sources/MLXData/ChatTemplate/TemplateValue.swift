import MLXFormats

/// A value while a template is rendered, with the meaning of Python's: truth, equality, order and
/// how it prints. Texts are compared by their scalars, since token ids depend on them. Tuples are
/// lists, and print as such. Whatever looks at a whole value charges a budget, since shared
/// values make trees that no memory could hold.
enum TemplateValue {
    /// What has no value, with the name it was asked for by.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list(TemplateList)
    case dictionary(TemplateDictionary)
    case namespace(TemplateNamespace)
    case function(TemplateFunction)

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

    /// How deep lists and dictionaries nest in it. What a namespace holds does not count, because
    /// nothing looks into one by itself.
    var depth: Int {
        switch self {
        case .list(let elements): elements.depth
        case .dictionary(let members): members.depth
        default: 0
        }
    }
}

/// Elements, with how deep lists and dictionaries nest in them.
struct TemplateList: RandomAccessCollection {
    let elements: [TemplateValue]
    let depth: Int

    init(_ elements: [TemplateValue]) {
        self.elements = elements
        depth = 1 + (elements.lazy.map(\.depth).max() ?? 0)
    }

    var startIndex: Int { 0 }
    var endIndex: Int { elements.count }
    subscript(index: Int) -> TemplateValue { elements[index] }
}

/// Members by name, in the order they came.
struct TemplateDictionary {
    private(set) var keys: [String] = []
    private(set) var depth = 1
    private var values: [ExactText: TemplateValue] = [:]

    subscript(key: String) -> TemplateValue? {
        get { values[ExactText(key)] }
        set {
            let exact = ExactText(key)
            if let newValue { depth = max(depth, newValue.depth + 1) }
            if values.updateValue(newValue ?? .none, forKey: exact) == nil { keys.append(key) }
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
