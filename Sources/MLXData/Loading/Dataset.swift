import MLX

/// Elements by number: what a `DataLoader` draws its batches from. A data set is a value that may
/// be read from any task; the same number gives the same element each time, and whatever is random
/// about it comes from a `RandomKey` and the epoch. It knows neither order nor batches.
///
/// ```swift
/// struct Squares: Dataset {
///     let count = 100
///     func element(at index: Int) throws -> Example {
///         Example(MLXArray(Float(index)), MLXArray(Float(index * index)))
///     }
/// }
/// ```
public protocol Dataset<Element>: Sendable {
    /// What it has many of.
    associatedtype Element: Sendable

    /// How many elements there are.
    var count: Int { get }

    /// The element with a number.
    /// - Parameter index: from 0 to before `count`.
    /// - Throws: `ArrayError` of kind `index` for another number; an error of reading the element.
    func element(at index: Int) throws -> Element

    /// The data set as an epoch sees it. Only data sets with something random about them differ
    /// from one to another; all others need not implement this.
    func inEpoch(_ epoch: Int) -> Self
}

extension Dataset {
    public func inEpoch(_ epoch: Int) -> Self { self }

    /// Throws unless all the numbers belong to elements.
    func check(_ indices: some Sequence<Int>) throws(ArrayError) {
        for index in indices where index < 0 || index >= count {
            throw ArrayError(.index, "element", "there is no element \(index) of \(count)")
        }
    }
}

/// A data set that has a faster way to a batch than one element after the other: arrays gather
/// rows, a folder of images decodes into one block.
public protocol BatchedDataset<Batch>: Dataset where Element: Collatable {
    /// What elements become together.
    associatedtype Batch: Sendable = Element.Batch

    /// The elements with these numbers, in this order, as `Element.collate` would put them
    /// together.
    /// - Throws: as `element(at:)`.
    func batch(at indices: [Int]) throws -> Batch
}

extension Dataset where Element: Collatable {
    /// A batch by the fastest way that the data set has.
    func collated(_ indices: [Int]) throws -> Element.Batch {
        if let batched = self as? any BatchedDataset<Element.Batch> {
            return try batched.batch(at: indices)
        }
        return try Element.collate(indices.map(element(at:)))
    }
}

/// Elements in memory.
///
/// ```swift
/// let lines = ElementDataset(["one", "two"])
/// ```
public struct ElementDataset<Element: Sendable>: Dataset {
    /// The elements, in their order.
    public let elements: [Element]

    /// A data set of these elements.
    public init(_ elements: [Element]) { self.elements = elements }

    public var count: Int { elements.count }

    public func element(at index: Int) throws -> Element {
        try check(CollectionOfOne(index))
        return elements[index]
    }
}
