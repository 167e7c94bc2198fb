import MLX

/// Elements that are the rows of arrays: numbers along the first axis. A batch is one gather from
/// each array, however many elements it has, and is computed with whatever uses it. The arrays are
/// as long as each other, and computed when the data set is made: were they not, every batch would
/// compute them as a whole.
///
/// ```swift
/// let dataset = try ArrayDataset(Example(images, labels))     // (N, 28, 28, 1) and (N)
/// let loader = try DataLoader(dataset, batchSize: 64, shuffle: 1)
/// ```
public struct ArrayDataset<Element: Stackable>: BatchedDataset {
    public let count: Int
    /// All elements in one structure, as a batch has them.
    public let columns: Element

    /// The rows of an array, or of several with the same number of rows.
    /// - Throws: `ArrayError` of kind `shape` for arrays without axes or of different lengths, and
    ///   errors of computing the arrays, or reading them from their files.
    public init(_ columns: Element) throws {
        let arrays = columns.arrays
        guard let first = arrays.first else {
            throw ArrayError(.argument, "dataset", "a data set needs one array at least")
        }
        guard arrays.allSatisfy({ $0.ndim > 0 && $0.dim(0) == first.dim(0) }) else {
            throw ArrayError(
                .shape, "dataset",
                "arrays of a data set are as long as each other along their first axes, not "
                    + arrays.map { "\($0.shape)" }.joined(separator: ", "),
                shapes: arrays.map(\.shape))
        }
        try checkedEval(arrays)
        self.columns = columns
        count = first.dim(0)
    }

    public func element(at index: Int) throws -> Element {
        try check(CollectionOfOne(index))
        return columns.row(index)
    }

    public func batch(at indices: [Int]) throws -> Element {
        try check(indices)
        return columns.rows(indices)
    }
}

extension Stackable {
    /// The element with a number, of a batch or all elements; the caller has checked that it is.
    func row(_ index: Int) -> Self { replacing(arrays.map { $0[index] }) }

    /// The elements with some numbers; the caller has checked that they are.
    func rows(_ indices: [Int]) -> Self {
        // Neighbours are a view, which costs nothing.
        if let first = indices.first, indices.elementsEqual(first..<first + indices.count) {
            return replacing(arrays.map { $0[first..<first + indices.count] })
        }
        let rows = MLXArray(indices)
        return replacing(arrays.map { take($0, rows, axis: 0) })
    }
}
