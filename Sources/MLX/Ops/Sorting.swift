import MLXBase
import MLXGraph
import MLXOps

// Sorting and selecting. The order of all functions here: ascending and stable, NaN after
// everything else, complex numbers by real part and then by imaginary part.

/// The elements in ascending order along an axis.
/// ```
/// sorted(MLXArray([3, 1, 2]), axis: 0)  // [1, 2, 3]
/// ```
public func sorted(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    alongAxis(array, axis, "sort", stream) { Ops.record(.sort, [$0], stream: stream.id) }
}

/// All elements in ascending order, as a vector.
/// ```
/// sorted(MLXArray([3, 1, 2, 0], [2, 2]))  // [0, 1, 2, 3]
/// ```
public func sorted(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    sorted(flattened(array, stream: stream), axis: 0, stream: stream)
}

/// The positions along an axis, uint32, from which `sorted` takes its elements.
/// ```
/// argSort(MLXArray([3, 1, 2]), axis: 0)  // [1, 2, 0]
/// ```
public func argSort(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    alongAxis(array, axis, "argsort", stream) { Ops.argSort($0, stream: stream.id) }
}

/// The positions in the flattened array, uint32, from which `sorted` takes its elements.
/// ```
/// argSort(MLXArray([3, 1, 2]))  // [1, 2, 0]
/// ```
public func argSort(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    argSort(flattened(array, stream: stream), axis: 0, stream: stream)
}

/// The elements along an axis, with the one of rank `kth` where sorting would put it, smaller ones
/// before and larger ones after it, in no particular order. A negative rank counts from the end.
/// ```
/// partitioned(MLXArray([5, 1, 4, 2]), kth: 1, axis: 0)[1]  // 2
/// ```
public func partitioned(
    _ array: MLXArray, kth: Int, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    partition(.partition, array, kth, axis, stream)
}

/// As `partitioned` along an axis, for the flattened array.
/// ```
/// partitioned(MLXArray([5, 1, 4, 2]), kth: -1)[3]  // 5
/// ```
public func partitioned(
    _ array: MLXArray, kth: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    partitioned(flattened(array, stream: stream), kth: kth, axis: 0, stream: stream)
}

/// The positions along an axis, uint32, from which `partitioned` takes its elements.
/// ```
/// argPartition(MLXArray([5, 1, 4, 2]), kth: 0, axis: 0)[0]  // 1
/// ```
public func argPartition(
    _ array: MLXArray, kth: Int, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    partition(.argPartition, array, kth, axis, stream)
}

/// The positions in the flattened array from which `partitioned` takes its elements.
/// ```
/// argPartition(MLXArray([5, 1, 4, 2]), kth: 0)[0]  // 1
/// ```
public func argPartition(
    _ array: MLXArray, kth: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    argPartition(flattened(array, stream: stream), kth: kth, axis: 0, stream: stream)
}

/// The `k` largest elements along an axis, in no particular order.
/// ```
/// top(MLXArray([5, 1, 4, 2]), k: 2, axis: 0)  // 4 and 5
/// ```
public func top(
    _ array: MLXArray, k: Int, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: "topk")
        let length = array.dim(axis)
        guard k >= 0, k <= length else {
            throw ArrayError(
                .argument, "topk", "\(k) of \(length) elements along axis \(axis)",
                shapes: [array.shape])
        }
        if k == length { return array.aliased() }
        let rank = Swift.min(length - k, length - 1)
        let parted = partitioned(array, kth: rank, axis: axis, stream: stream)
        return Ops.slice(parted, axis: axis, length - k, k, stream: stream.id)
    }
}

/// The `k` largest of all elements, in no particular order.
/// ```
/// top(MLXArray([5, 1, 4, 2], [2, 2]), k: 1)  // [5]
/// ```
public func top(
    _ array: MLXArray, k: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    top(flattened(array, stream: stream), k: k, axis: 0, stream: stream)
}

/// Applies a function of the last axis to another one.
private func alongAxis(
    _ array: MLXArray, _ axis: Int, _ operation: String, _ stream: StreamOrDevice,
    _ function: (MLXArray) throws(ArrayError) -> MLXArray
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: operation)
        let result = try function(Ops.axisLast(array, axis, stream: stream.id))
        return Ops.axisBack(result, axis, stream: stream.id)
    }
}

private func partition(
    _ op: OpCode, _ array: MLXArray, _ kth: Int, _ axis: Int, _ stream: StreamOrDevice
) -> MLXArray {
    let name = OpTable.name(op)
    return alongAxis(array, axis, name, stream) { (turned) throws(ArrayError) in
        let length = turned.dim(-1)
        guard kth >= -length, kth < length else {
            throw ArrayError(
                .argument, name, "rank \(kth) of \(length) elements", shapes: [array.shape])
        }
        let rank = kth < 0 ? kth + length : kth
        return Ops.record(op, [turned], Attributes(word: UInt64(rank)), stream: stream.id)
    }
}

/// Where values go among equal elements.
public enum SearchSide: String, Sendable {
    /// Before the first equal element.
    case left
    /// After the last equal element.
    case right
}

/// The positions, uint32 and in the shape of `values`, at which values could be inserted into an
/// ascending vector so that it stays ascending.
/// ```
/// searchSorted(MLXArray([1, 3, 5]), MLXArray([0, 3, 9]))  // [0, 1, 3]
/// ```
public func searchSorted(
    _ array: MLXArray, _ values: some ScalarOrArray, side: SearchSide = .left,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.record(
        .searchSorted, [array, values.asMLXArray(dtype: array.dtype)],
        Attributes(words: [0, side == .right ? 1 : 0]), stream: stream.id)
}

// MARK: - Medians

/// The median over an axis: the middle element in order, or the mean of the two in the middle.
/// Integers give float32; NaN anywhere gives NaN.
/// ```
/// median(MLXArray([4, 1, 2] as [Float]), axis: 0)  // 2
/// ```
public func median(
    _ a: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    median(a, axes: [axis], keepDims: keepDims, stream: stream)
}

/// The median over several axes taken together.
/// ```
/// median(MLXArray([4, 1, 2, 3], [2, 2]), axes: [0, 1])  // 2.5
/// ```
public func median(
    _ a: MLXArray, axes: [Int], keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a]) { () throws(ArrayError) in
        let shape = a.shape
        let axes = try Axes.normalize(axes, rank: shape.count, operation: "median")
        let kept = shape.indices.filter { !axes.contains($0) }
        let length = axes.reduce(1) { $0 * shape[$1] }
        guard length > 0 else {
            throw ArrayError(.argument, "median", "of no elements", shapes: [shape])
        }
        let x = Ops.cast(a, to: a.dtype.atLeastFloat, stream: stream.id)
        let rows = Ops.reshape(
            Ops.transpose(x, kept + axes, stream: stream.id),
            kept.map { shape[$0] } + [length], stream: stream.id)
        let last = kept.count
        let parted = partitioned(rows, kth: length / 2, axis: last, stream: stream)
        var middle = Ops.slice(parted, axis: last, length / 2, 1, stream: stream.id)
        if length % 2 == 0 {
            let lower = Ops.reduce(
                .max, Ops.slice(parted, axis: last, 0, length / 2, stream: stream.id),
                axes: [last], keepDims: true, stream: stream.id)
            let sum = Ops.binary(.add, lower, middle, stream: stream.id)
            middle = recordBinary(.multiply, sum, 0.5, stream)
        }
        // NaN is larger than the rank in the middle, but any of them is the largest element.
        let largest = Ops.reduce(
            .max, rows, axes: [last], keepDims: true, stream: stream.id)
        let isBad = Ops.unary(.isNaN, largest, stream: stream.id)
        let result = Ops.select(isBad, largest, middle, stream: stream.id)
        let dims = shape.indices.compactMap {
            axes.contains($0) ? (keepDims ? 1 : nil) : shape[$0]
        }
        return Ops.reshape(result, dims, stream: stream.id)
    }
}

/// The median of all elements.
/// ```
/// median(MLXArray([4, 1, 2, 3]))  // 2.5
/// ```
public func median(
    _ a: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    median(a, axes: Array(0..<a.ndim), keepDims: keepDims, stream: stream)
}
