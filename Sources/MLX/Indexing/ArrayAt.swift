import MLXBase
import MLXGraph
import MLXOps

/// Indexed updates that give a new array and, unlike assignment, let elements that are named more
/// than once accumulate: `a.at[indices].add(1)`.
public struct ArrayAt {
    let array: MLXArray

    /// The elements that the indices name, to be updated: `a.at[i].add(1)` adds once for each time
    /// that an element is named.
    public subscript(
        indices: any MLXArrayIndex..., stream stream: StreamOrDevice = .default
    ) -> ArrayAtIndices {
        ArrayAtIndices(
            array: array, operations: indices.map(\.mlxArrayIndexOperation), stream: stream)
    }

    /// The elements that the indices name, to be updated.
    public subscript(
        indices: some Sequence<any MLXArrayIndex>, stream stream: StreamOrDevice = .default
    ) -> ArrayAtIndices {
        ArrayAtIndices(
            array: array, operations: indices.map(\.mlxArrayIndexOperation), stream: stream)
    }
}

/// The elements that an indexed update changes.
public struct ArrayAtIndices {
    let array: MLXArray
    let operations: [MLXArrayIndexOperation]
    let stream: StreamOrDevice

    /// The array with values added.
    public func add(_ values: some ScalarOrArray) -> MLXArray { updated(.add, values) }

    /// The array with values subtracted.
    public func subtract(_ values: some ScalarOrArray) -> MLXArray {
        updated(.add, -values.asMLXArray(dtype: array.dtype))
    }

    /// The array with elements multiplied by values.
    public func multiply(_ values: some ScalarOrArray) -> MLXArray { updated(.multiply, values) }

    /// The array with elements divided by values.
    public func divide(_ values: some ScalarOrArray) -> MLXArray {
        updated(.multiply, reciprocal(values.asMLXArray(dtype: array.dtype)))
    }

    /// The array with the smaller of elements and values.
    public func minimum(_ values: some ScalarOrArray) -> MLXArray { updated(.minimum, values) }

    /// The array with the larger of elements and values.
    public func maximum(_ values: some ScalarOrArray) -> MLXArray { updated(.maximum, values) }

    private func updated(_ update: IndexUpdate, _ values: some ScalarOrArray) -> MLXArray {
        array.updated(
            operations, values.asMLXArray(dtype: array.dtype), update, stream.id)
    }
}

extension MLXArray {
    /// Indexed updates that accumulate.
    public var at: ArrayAt { ArrayAt(array: self) }
}

extension MLXArray: Sequence {
    /// The sub-arrays along the first axis.
    public func makeIterator() -> some IteratorProtocol<MLXArray> {
        (0..<count).lazy.map { self[$0] }.makeIterator()
    }
}
