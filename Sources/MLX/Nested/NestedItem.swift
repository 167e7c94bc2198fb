/// A node of a tree whose leaves are values and whose inner nodes are arrays and dictionaries:
/// the parameters of a model, say. It is a value and knows nothing of models. Everything that
/// visits a tree does so in one order: arrays by index, dictionaries by sorted key.
public enum NestedItem<Key: Hashable, Element>: IndentedDescription {
    /// Nothing; keeps the place of an element in an array.
    case none
    /// One element.
    case value(Element)
    /// Items by position.
    case array([NestedItem<Key, Element>])
    /// Items by key.
    case dictionary([Key: NestedItem<Key, Element>])

    /// The plain Swift value: the element, an array, a dictionary, or nil.
    public func unwrap() -> Any? {
        switch self {
        case .none: nil
        case .value(let element): element
        case .array(let items): items.map { $0.unwrap() }
        case .dictionary(let items): items.mapValues { $0.unwrap() }
        }
    }

    /// Whether no value is left in the tree.
    var isVoid: Bool {
        switch self {
        case .none: true
        case .value: false
        case .array(let items): items.isEmpty
        case .dictionary(let items): items.isEmpty
        }
    }

    /// The entries of a dictionary in the order of every visit.
    static func sorted<Value>(_ items: [Key: Value]) -> [(key: Key, value: Value)] {
        if let strings = items as? [String: Value] {
            return strings.sorted { $0.key < $1.key }.map { ($0.key as! Key, $0.value) }
        }
        return items.map { ("\($0.key)", $0) }.sorted { $0.0 < $1.0 }.map { ($1.key, $1.value) }
    }

    // MARK: - Reading

    /// Folds the values in order.
    public func reduce<R>(
        _ initialValue: R, _ reducer: (R, Element) throws -> R
    ) rethrows -> R {
        switch self {
        case .none: initialValue
        case .value(let element): try reducer(initialValue, element)
        case .array(let items):
            try items.reduce(initialValue) { try $1.reduce($0, reducer) }
        case .dictionary(let items):
            try Self.sorted(items).reduce(initialValue) { try $1.value.reduce($0, reducer) }
        }
    }

    /// The values with their paths, such as `layers.0.weight`.
    /// - Parameter prefix: put before each path, with a dot.
    public func flattened(prefix: String? = nil) -> [(String, Element)] {
        var result: [(String, Element)] = []
        appendFlattened(prefix, to: &result)
        return result
    }

    private func appendFlattened(_ path: String?, to result: inout [(String, Element)]) {
        func extended(_ key: some CustomStringConvertible) -> String {
            path.map { "\($0).\(key)" } ?? "\(key)"
        }
        switch self {
        case .none: break
        case .value(let element): result.append((path ?? "", element))
        case .array(let items):
            for (index, item) in items.enumerated() {
                item.appendFlattened(extended(index), to: &result)
            }
        case .dictionary(let items):
            for (key, item) in Self.sorted(items) {
                item.appendFlattened(extended("\(key)"), to: &result)
            }
        }
    }

    /// The values in order.
    public func flattenedValues() -> [Element] {
        var result: [Element] = []
        appendValues(to: &result)
        return result
    }

    private func appendValues(to result: inout [Element]) {
        switch self {
        case .none: break
        case .value(let element): result.append(element)
        case .array(let items): for item in items { item.appendValues(to: &result) }
        case .dictionary(let items):
            for (_, item) in Self.sorted(items) { item.appendValues(to: &result) }
        }
    }

    /// The tree with its values taken from `values`, which come in the order of the visit.
    func replacingValues(_ values: inout some IteratorProtocol<Element>) -> Self {
        switch self {
        case .none: return .none
        case .value:
            guard let value = values.next() else {
                preconditionFailure("replacingValues needs as many values as the structure has")
            }
            return .value(value)
        case .array(let items):
            var result: [Self] = []
            for item in items { result.append(item.replacingValues(&values)) }
            return .array(result)
        case .dictionary(let items):
            var result: [Key: Self] = [:]
            for (key, item) in Self.sorted(items) { result[key] = item.replacingValues(&values) }
            return .dictionary(result)
        }
    }

    // MARK: - Printing

    public func description(indent: Int) -> String {
        switch self {
        case .none: "none"
        case .value(let element): indentedDescription(element, indent)
        case .array(let items):
            Self.block(items.map { $0.description(indent: indent + 2) }, indent)
        case .dictionary(let items):
            Self.block(
                Self.sorted(items).map { "\($0.key): \($0.value.description(indent: indent + 2))" },
                indent)
        }
    }

    private static func block(_ entries: [String], _ indent: Int) -> String {
        guard !entries.isEmpty else { return "[]" }
        let margin = String(repeating: " ", count: indent)
        return "[\n" + entries.map { "\(margin)  \($0)" }.joined(separator: ",\n") + "\n\(margin)]"
    }
}

extension NestedItem: Equatable where Element: Equatable {}

extension NestedItem: Sendable where Element: Sendable, Key: Sendable {}
