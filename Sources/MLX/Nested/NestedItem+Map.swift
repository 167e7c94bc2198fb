/// Transforming trees, one or several at a time. The first tree gives the structure; the others
/// are walked beside it and give nil where they have no value at the same place.
extension NestedItem {
    /// The tree with each value transformed.
    public func mapValues<Result>(
        _ transform: (Element) throws -> Result
    ) rethrows -> NestedItem<Key, Result> {
        switch self {
        case .none: .none
        case .value(let element): .value(try transform(element))
        case .array(let items): .array(try items.map { try $0.mapValues(transform) })
        case .dictionary(let items):
            .dictionary(try items.mapValues { try $0.mapValues(transform) })
        }
    }

    /// Two trees from the values of two trees.
    public func mapValues<E2, R1, R2>(
        _ item: NestedItem<Key, E2>, _ transform: (Element, E2?) throws -> (R1, R2?)
    ) rethrows -> (NestedItem<Key, R1>, NestedItem<Key, R2>) {
        let none = NestedItem<Key, Never>.none
        let (first, second, _) = try mapValues(item, none) {
            element, other, _ -> (R1, R2?, Never?) in
            let (first, second) = try transform(element, other)
            return (first, second, nil)
        }
        return (first, second)
    }

    /// Three trees from the values of three trees.
    public func mapValues<E2, E3, R1, R2, R3>(
        _ item1: NestedItem<Key, E2>, _ item2: NestedItem<Key, E3>,
        _ transform: (Element, E2?, E3?) throws -> (R1, R2?, R3?)
    ) rethrows -> (NestedItem<Key, R1>, NestedItem<Key, R2>, NestedItem<Key, R3>) {
        switch self {
        case .none: return (.none, .none, .none)
        case .value(let element):
            let (first, second, third) = try transform(element, item1.element, item2.element)
            return (
                .value(first), second.map { .value($0) } ?? .none,
                third.map { .value($0) } ?? .none
            )
        case .array(let items):
            var (first, second, third):
                ([NestedItem<Key, R1>], [NestedItem<Key, R2>], [NestedItem<Key, R3>])
            (first, second, third) = ([], [], [])
            for (index, item) in items.enumerated() {
                let parts = try item.mapValues(item1[index], item2[index], transform)
                first.append(parts.0)
                second.append(parts.1)
                third.append(parts.2)
            }
            return (.array(first), .array(second), .array(third))
        case .dictionary(let items):
            var first: [Key: NestedItem<Key, R1>] = [:]
            var second: [Key: NestedItem<Key, R2>] = [:]
            var third: [Key: NestedItem<Key, R3>] = [:]
            for (key, item) in Self.sorted(items) {
                let parts = try item.mapValues(item1[key: key], item2[key: key], transform)
                first[key] = parts.0
                second[key] = parts.1
                third[key] = parts.2
            }
            return (.dictionary(first), .dictionary(second), .dictionary(third))
        }
    }

    /// The tree of the values that `transform` keeps. What it drops leaves no gap in an array,
    /// and a subtree with nothing left is dropped as well.
    public func compactMapValues<Result>(
        _ transform: (Element) throws -> Result?
    ) rethrows -> NestedItem<Key, Result> {
        switch self {
        case .none: return .none
        case .value(let element): return try transform(element).map { .value($0) } ?? .none
        case .array(let items):
            let kept = try items.map { try $0.compactMapValues(transform) }.filter { !$0.isVoid }
            return kept.isEmpty ? .none : .array(kept)
        case .dictionary(let items):
            let kept = try items.mapValues { try $0.compactMapValues(transform) }
                .filter { !$0.value.isVoid }
            return kept.isEmpty ? .none : .dictionary(kept)
        }
    }

    /// The tree with each value transformed, knowing its path.
    /// - Parameter prefix: put before each path, with a dot.
    public func mapValues<Result>(
        prefix: String? = nil, _ transform: (String, Element) throws -> Result
    ) rethrows -> NestedItem<Key, Result> {
        func path(_ key: String) -> String { prefix.map { "\($0).\(key)" } ?? key }
        switch self {
        case .none: return .none
        case .value(let element): return .value(try transform(prefix ?? "", element))
        case .array(let items):
            return .array(
                try items.enumerated().map {
                    try $0.element.mapValues(prefix: path("\($0.offset)"), transform)
                })
        case .dictionary(let items):
            var result: [Key: NestedItem<Key, Result>] = [:]
            for (key, item) in Self.sorted(items) {
                result[key] = try item.mapValues(prefix: path("\(key)"), transform)
            }
            return .dictionary(result)
        }
    }

    // MARK: - Looking beside

    private var element: Element? {
        if case .value(let element) = self { element } else { nil }
    }

    private subscript(index: Int) -> Self {
        if case .array(let items) = self, index < items.count { items[index] } else { .none }
    }

    private subscript(key key: Key) -> Self {
        if case .dictionary(let items) = self { items[key] ?? .none } else { .none }
    }
}
