import MLX

// Data sets made of others: parts, rows of several, and elements that a function makes. They hold
// numbers and functions, never elements; what the data sets below can do fast stays fast.

/// Some elements of a data set, in an order of its own.
public struct Subset<Base: Dataset>: Dataset {
    /// What the elements are from.
    public let base: Base
    /// The number in `base` of each element.
    public let indices: [Int]

    init(_ base: Base, _ indices: [Int]) {
        self.base = base
        self.indices = indices
    }

    public var count: Int { indices.count }

    public func element(at index: Int) throws -> Base.Element {
        try check(CollectionOfOne(index))
        return try base.element(at: indices[index])
    }

    public func inEpoch(_ epoch: Int) -> Subset { Subset(base.inEpoch(epoch), indices) }
}

extension Subset: BatchedDataset where Base: BatchedDataset {
    public func batch(at indices: [Int]) throws -> Base.Batch {
        try check(indices)
        return try base.batch(at: indices.map { self.indices[$0] })
    }
}

/// The elements of several data sets, one data set after the other.
public struct ConcatenatedDataset<Base: Dataset>: Dataset {
    /// The data sets in their order.
    public let parts: [Base]
    /// Where each part begins, and the number of all elements.
    private let starts: [Int]

    init(_ parts: [Base]) {
        self.parts = parts
        starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    }

    public var count: Int { starts[parts.count] }

    public func element(at index: Int) throws -> Base.Element {
        try check(CollectionOfOne(index))
        let part = part(of: index)
        return try parts[part].element(at: index - starts[part])
    }

    /// The part that has an element; empty parts before it begin at the same number.
    private func part(of index: Int) -> Int { starts.lastIndex { $0 <= index } ?? 0 }

    public func inEpoch(_ epoch: Int) -> ConcatenatedDataset {
        ConcatenatedDataset(parts.map { $0.inEpoch(epoch) })
    }
}

extension ConcatenatedDataset: BatchedDataset
where Base: BatchedDataset, Base.Batch: Stackable, Base.Batch == Base.Element.Batch {
    /// A batch from each part, and of these one in the order that was asked for.
    public func batch(at indices: [Int]) throws -> Base.Batch {
        try check(indices)
        var numbers = [[Int]](repeating: [], count: parts.count)
        var places: [(part: Int, row: Int)] = []
        for index in indices {
            let part = part(of: index)
            places.append((part, numbers[part].count))
            numbers[part].append(index - starts[part])
        }
        let used = numbers.indices.filter { !numbers[$0].isEmpty }
        let batches = try used.map { try parts[$0].batch(at: numbers[$0]) }
        guard batches.count != 1 else { return batches[0] }
        let whole = try Base.Batch.joined(batches)
        var offsets = [Int](repeating: 0, count: parts.count)
        for (earlier, part) in zip(used, used.dropFirst()) {
            offsets[part] = offsets[earlier] + numbers[earlier].count
        }
        return whole.rows(places.map { offsets[$0.part] + $0.row })
    }
}

/// Elements that a function makes of another data set's, one by one, when they are read.
public struct MappedDataset<Base: Dataset, Element: Sendable>: Dataset {
    /// What the elements are made of.
    public let base: Base
    private let key: RandomKey
    private let epoch: Int
    private let transform: @Sendable (Base.Element, RandomKey) throws -> Element

    init(
        _ base: Base, key: RandomKey, epoch: Int = 0,
        _ transform: @escaping @Sendable (Base.Element, RandomKey) throws -> Element
    ) {
        self.base = base
        self.key = key
        self.epoch = epoch
        self.transform = transform
    }

    public var count: Int { base.count }

    public func element(at index: Int) throws -> Element {
        try transform(base.element(at: index), key.derived(epoch).derived(index))
    }

    public func inEpoch(_ epoch: Int) -> MappedDataset {
        MappedDataset(base.inEpoch(epoch), key: key, epoch: epoch, transform)
    }
}

extension Dataset {
    /// The elements that a function makes of these, one by one, when they are read.
    ///
    /// ```swift
    /// let dark = digits.map { Example(1 - $0.input, $0.target) }
    /// ```
    public func map<Result: Sendable>(
        _ transform: @escaping @Sendable (Element) throws -> Result
    ) -> MappedDataset<Self, Result> {
        MappedDataset(self, key: 0) { element, _ in try transform(element) }
    }

    /// The elements that a function with something random makes of these. It is given a key that
    /// belongs to the epoch and the element's number, so augmentation is the same when an epoch is
    /// read again, in any order.
    ///
    /// ```swift
    /// let flipped = photos.map(key: 3) { photo, key in
    ///     var generator = key.generator()
    ///     return Bool.random(using: &generator) ? photo : mirrored(photo)
    /// }
    /// ```
    public func map<Result: Sendable>(
        key: RandomKey,
        _ transform: @escaping @Sendable (Element, RandomKey) throws -> Result
    ) -> MappedDataset<Self, Result> {
        MappedDataset(self, key: key, transform)
    }

    /// Some of the elements, in the given order; a number may come several times.
    ///
    /// ```swift
    /// let odd = try digits.subset(Array(stride(from: 1, to: digits.count, by: 2)))
    /// ```
    /// - Throws: `ArrayError` of kind `index` for a number that no element has.
    public func subset(_ indices: some Sequence<Int>) throws -> Subset<Self> {
        let indices = Array(indices)
        try check(indices)
        return Subset(self, indices)
    }

    /// Parts of given sizes that have no element in common. What is left over is in none.
    ///
    /// ```swift
    /// let parts = try digits.split(counts: [1000, 400], key: 5)
    /// ```
    /// - Parameters:
    ///   - counts: how many elements each part has.
    ///   - key: what the choice is derived from; nil for the data set's own order.
    /// - Throws: `ArrayError` when a count is negative, or there are not so many elements.
    public func split(counts: [Int], key: RandomKey? = nil) throws -> [Subset<Self>] {
        var rest = count
        for part in counts {
            guard part >= 0, part <= rest else {
                throw ArrayError(
                    .argument, "split", "\(count) elements cannot be split into parts of \(counts)")
            }
            rest -= part
        }
        let order = key?.permutation(count) ?? Array(0..<count)
        var start = 0
        return counts.map { part in
            defer { start += part }
            return Subset(self, Array(order[start..<start + part]))
        }
    }

    /// Two parts that have no element in common and all of them together.
    ///
    /// ```swift
    /// let (training, validation) = try dataset.split(fraction: 0.9, key: 5)
    /// ```
    /// - Parameters:
    ///   - fraction: the share of the first part, from 0 to 1; its size is rounded to the nearest.
    ///   - key: what the choice is derived from; nil for the data set's own order.
    /// - Throws: `ArrayError` for another fraction.
    public func split(
        fraction: Double, key: RandomKey? = nil
    ) throws -> (Subset<Self>, Subset<Self>) {
        guard fraction >= 0, fraction <= 1 else {
            throw ArrayError(.argument, "split", "\(fraction) is no fraction from 0 to 1")
        }
        let first = Int((Double(count) * fraction).rounded())
        let parts = try split(counts: [first, count - first], key: key)
        return (parts[0], parts[1])
    }

    /// These elements and after them those of another data set of the same type.
    ///
    /// ```swift
    /// let all = training.concatenated(with: test)
    /// ```
    public func concatenated(with others: Self...) -> ConcatenatedDataset<Self> {
        ConcatenatedDataset([self] + others)
    }
}
