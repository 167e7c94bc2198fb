/// A tree of values whose root is a dictionary: parameters, gradients, optimizer states, modules.
/// It is a value type; visits go by sorted key. As a collection it has the entries of the root.
public struct NestedDictionary<Key: Hashable, Element>: CustomStringConvertible {
    var contents: [Key: NestedItem<Key, Element>]

    /// A tree with nothing in it.
    public init() { contents = [:] }

    /// A tree with the given entries at its root.
    public init(values: [Key: NestedItem<Key, Element>]) { contents = values }

    /// The tree under an item that is a dictionary; any other item has none.
    public init(item: NestedItem<Key, Element>) {
        switch item {
        case .dictionary(let items): contents = items
        case .none, .value, .array: contents = [:]
        }
    }

    /// The entry of a key at the root; assigning nil removes it.
    public subscript(key: Key) -> NestedItem<Key, Element>? {
        get { contents[key] }
        set { contents[key] = newValue }
    }

    /// The value of an entry; nil when there is none or it is not a single value.
    public subscript(unwrapping key: Key) -> Element? {
        if case .value(let element) = contents[key] { element } else { nil }
    }

    /// The keys at the root, in no order.
    public var keys: Dictionary<Key, NestedItem<Key, Element>>.Keys { contents.keys }
    /// The entries at the root, in no order.
    public var values: Dictionary<Key, NestedItem<Key, Element>>.Values { contents.values }
    /// Whether the root has no entries.
    public var isEmpty: Bool { contents.isEmpty }
    /// How many entries the root has.
    public var count: Int { contents.count }

    /// The tree as an item.
    public func asItem() -> NestedItem<Key, Element> { .dictionary(contents) }

    /// Plain Swift dictionaries, arrays and elements.
    public func asDictionary() -> [Key: Any?] { contents.mapValues { $0.unwrap() } }

    public var description: String { asItem().description(indent: 0) }

    // MARK: - Flattening

    /// Folds the values in order.
    public func reduce<R>(
        _ initialValue: R, _ reducer: (R, Element) throws -> R
    ) rethrows -> R {
        try asItem().reduce(initialValue, reducer)
    }

    /// The values with their paths, such as `layers.0.weight`.
    /// - Parameter prefix: put before each path, with a dot.
    public func flattened(prefix: String? = nil) -> [(String, Element)] {
        asItem().flattened(prefix: prefix)
    }

    /// The tree with these paths. A level below the root whose keys are all numbers is an array.
    public static func unflattened(_ flat: some Collection<(String, Element)>) -> Self
    where Key == String {
        Self(
            values: NestedItem.dictionary(flat.map { (Substring($0.0), $0.1) }, depth: 0))
    }

    /// The tree with these paths.
    public static func unflattened(_ flat: [String: Element]) -> Self where Key == String {
        unflattened(flat.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    /// The values in order.
    public func flattenedValues() -> [Element] { asItem().flattenedValues() }

    /// The same structure with other values.
    /// - Parameter values: as many as there are, in the order of `flattenedValues()`.
    public func replacingValues(with values: some Collection<Element>) -> Self {
        var iterator = values.makeIterator()
        return Self(item: asItem().replacingValues(&iterator))
    }
}

// MARK: - Mapping

extension NestedDictionary {
    /// The tree with each value transformed.
    public func mapValues<Result>(
        transform: (Element) throws -> Result
    ) rethrows -> NestedDictionary<Key, Result> {
        NestedDictionary<Key, Result>(item: try asItem().mapValues(transform))
    }

    /// The tree with each value transformed, knowing its path.
    public func mapValues<Result>(
        transform: (String, Element) throws -> Result
    ) rethrows -> NestedDictionary<Key, Result> {
        NestedDictionary<Key, Result>(item: try asItem().mapValues(prefix: nil, transform))
    }

    /// A tree from the values of two trees; this one gives the structure.
    public func mapValues<E2, R1>(
        _ dictionary1: NestedDictionary<Key, E2>, transform: (Element, E2?) -> R1
    ) -> NestedDictionary<Key, R1> {
        mapValues(dictionary1) { (first, second) -> (R1, R1?) in
            (transform(first, second), nil)
        }.0
    }

    /// Two trees from the values of two trees; this one gives the structure.
    public func mapValues<E2, R1, R2>(
        _ dictionary1: NestedDictionary<Key, E2>,
        transform: (Element, E2?) throws -> (R1, R2?)
    ) rethrows -> (NestedDictionary<Key, R1>, NestedDictionary<Key, R2>) {
        let items = try asItem().mapValues(dictionary1.asItem(), transform)
        return (NestedDictionary<Key, R1>(item: items.0), NestedDictionary<Key, R2>(item: items.1))
    }

    /// Two trees from the values of three trees; this one gives the structure.
    public func mapValues<E2, E3, R1, R2>(
        _ dictionary1: NestedDictionary<Key, E2>, _ dictionary2: NestedDictionary<Key, E3>,
        transform: (Element, E2?, E3?) -> (R1, R2?)
    ) -> (NestedDictionary<Key, R1>, NestedDictionary<Key, R2>) {
        let (first, second, _) = mapValues(dictionary1, dictionary2) {
            (first, second, third) -> (R1, R2?, Never?) in
            let results = transform(first, second, third)
            return (results.0, results.1, nil)
        }
        return (first, second)
    }

    /// Three trees from the values of three trees; this one gives the structure.
    public func mapValues<E2, E3, R1, R2, R3>(
        _ dictionary1: NestedDictionary<Key, E2>, _ dictionary2: NestedDictionary<Key, E3>,
        transform: (Element, E2?, E3?) throws -> (R1, R2?, R3?)
    ) rethrows -> (
        NestedDictionary<Key, R1>, NestedDictionary<Key, R2>, NestedDictionary<Key, R3>
    ) {
        let items = try asItem().mapValues(
            dictionary1.asItem(), dictionary2.asItem(), transform)
        return (
            NestedDictionary<Key, R1>(item: items.0), NestedDictionary<Key, R2>(item: items.1),
            NestedDictionary<Key, R3>(item: items.2)
        )
    }

    /// The tree of the values that `transform` keeps; subtrees with nothing left are dropped.
    public func compactMapValues<Result>(
        transform: (Element) throws -> Result?
    ) rethrows -> NestedDictionary<Key, Result> {
        NestedDictionary<Key, Result>(item: try asItem().compactMapValues(transform))
    }
}

// MARK: - Conformances

extension NestedDictionary: Equatable where Element: Equatable {}

extension NestedDictionary: Sendable where Element: Sendable, Key: Sendable {}

extension NestedDictionary: Collection {
    /// A key of the root and its entry.
    public typealias CollectionElement = Dictionary<Key, NestedItem<Key, Element>>.Element
    public typealias Index = Dictionary<Key, NestedItem<Key, Element>>.Index

    public var startIndex: Index { contents.startIndex }
    public var endIndex: Index { contents.endIndex }
    public subscript(position: Index) -> CollectionElement { contents[position] }
    public func index(after i: Index) -> Index { contents.index(after: i) }
}

// MARK: - Arrays

extension NestedItem: Evaluatable where Element: Evaluatable {
    public func innerState() -> [MLXArray] { flattenedValues().flatMap { $0.innerState() } }
}

extension NestedDictionary: Evaluatable where Element: Evaluatable {
    public func innerState() -> [MLXArray] { asItem().innerState() }
}

extension NestedDictionary: Updatable where Element: Updatable {}

extension Array: Evaluatable where Element == MLXArray {
    public func innerState() -> [MLXArray] { self }
}

extension Array: Updatable where Element == MLXArray {}

/// A function that returns `f`'s outputs and the gradients of the first of them by all parameters.
public func valueAndGrad<T>(
    _ f: @escaping (NestedDictionary<String, MLXArray>, T) -> [MLXArray]
) -> (NestedDictionary<String, MLXArray>, T) -> ([MLXArray], NestedDictionary<String, MLXArray>) {
    { parameters, arguments in
        let flat = parameters.flattenedValues()
        let differentiated = valueAndGrad(
            { f(parameters.replacingValues(with: $0), arguments) },
            argumentNumbers: Array(flat.indices))
        let (outputs, gradients) = differentiated(flat)
        return (outputs, parameters.replacingValues(with: gradients))
    }
}
