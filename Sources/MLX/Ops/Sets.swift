import MLXBase
import MLXGraph
import MLXOps

// Functions of neighbours and of equal elements: differences, distinct values, counts, and arrays
// turned around or taken apart.

/// The differences of neighbours along an axis, `n` times over. Each time the axis gets one element
/// shorter; of bool it is whether they differ.
/// ```
/// diff(MLXArray([1, 4, 9]))  // [3, 5]
/// ```
public func diff(
    _ array: MLXArray, n: Int = 1, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: "diff")
        guard n >= 0 else {
            throw ArrayError(.argument, "diff", "a negative number of differences: \(n)")
        }
        var result = array.aliased()
        for _ in 0..<Swift.min(n, array.dim(axis)) {
            let length = result.dim(axis) - 1
            let op: OpCode = result.dtype == .bool ? .notEqual : .subtract
            result = Ops.binary(
                op, Ops.slice(result, axis: axis, 1, length, stream: stream.id),
                Ops.slice(result, axis: axis, 0, length, stream: stream.id), stream: stream.id)
        }
        return result
    }
}

/// The elements rounded toward zero. Integers are returned as they are.
/// ```
/// trunc(MLXArray([-1.7, 1.7] as [Float]))  // [-1, 1]
/// ```
public func trunc(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    if !array.dtype.isFloatingPoint { return array.aliased() }
    let isNegative = recordBinary(.less, array, 0, stream)
    return Ops.select(
        isNegative, Ops.unary(.ceil, array, stream: stream.id),
        Ops.unary(.floor, array, stream: stream.id), stream: stream.id)
}

/// The array with the order of elements reversed along axes; by default along all.
/// ```
/// flip(MLXArray([1, 2, 3]))  // [3, 2, 1]
/// ```
public func flip(
    _ array: MLXArray, axes: [Int]? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let shape = array.shape
        let axes = try Axes.normalize(
            axes ?? Array(shape.indices), rank: shape.count, operation: "flip")
        let flipped = shape.indices.filter { axes.contains($0) && shape[$0] > 1 }
        if flipped.isEmpty { return array.aliased() }
        return Ops.slice(
            array, starts: shape.indices.map { flipped.contains($0) ? shape[$0] - 1 : 0 },
            steps: shape.indices.map { flipped.contains($0) ? -1 : 1 }, sizes: shape,
            stream: stream.id)
    }
}

/// The array with the order of elements reversed along one axis.
/// ```
/// flip(MLXArray([1, 2, 3]), axis: 0)  // [3, 2, 1]
/// ```
public func flip(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    flip(array, axes: [axis], stream: stream)
}

/// The sub-arrays along an axis, without that axis. A bad axis gives one invalid array.
/// ```
/// unstack(MLXArray([1, 2, 3, 4], [2, 2]))  // [1, 2] and [3, 4]
/// ```
public func unstack(
    _ array: MLXArray, axis: Int = 0, stream: StreamOrDevice = .default
) -> [MLXArray] {
    do throws(ArrayError) {
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: "unstack")
        var shape = array.shape
        let length = shape.remove(at: axis)
        return (0..<length).map {
            let one = Ops.slice(array, axis: axis, $0, 1, stream: stream.id)
            return Ops.reshape(one, shape, stream: stream.id)
        }
    } catch {
        return [Ops.invalid(error, inputs: [array])]
    }
}

/// How many elements are not zero, over axes or all of them: int32.
/// ```
/// countNonzero(MLXArray([0, 3, 0, 5]))  // 2
/// ```
public func countNonzero(
    _ array: MLXArray, axes: [Int]? = nil, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(
        .sum, Ops.cast(array, to: .bool, stream: stream.id), axes: axes, keepDims: keepDims,
        stream: stream.id)
}

/// The smallest and the largest element over axes or all of them.
/// ```
/// let (low, high) = minMax(MLXArray([3, 1, 2]))  // 1 and 3
/// ```
public func minMax(
    _ array: MLXArray, axes: [Int]? = nil, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> (min: MLXArray, max: MLXArray) {
    (
        Ops.reduce(.min, array, axes: axes, keepDims: keepDims, stream: stream.id),
        Ops.reduce(.max, array, axes: axes, keepDims: keepDims, stream: stream.id)
    )
}

/// What `uniqueAll` finds about the distinct elements of an array.
public struct UniqueElements: Sendable {
    /// The distinct elements in ascending order.
    public let values: MLXArray
    /// Where each of them stands first in the flattened array, uint32.
    public let indices: MLXArray
    /// For each element of the array, in its shape, its position among `values`, uint32; the last
    /// one for elements that were left out.
    public let inverse: MLXArray
    /// How often each of them occurs, int32.
    public let counts: MLXArray
}

/// The distinct elements of an array in ascending order. NaN differs from every NaN.
///
/// How many there are depends on the values. Without `size` the array is evaluated to find out;
/// with it the result has that many elements and nothing is evaluated: elements that do not fit
/// are left out, and places that are left are filled with `fillValue`, by default the smallest
/// element.
/// ```
/// unique(MLXArray([3, 1, 3]))  // [1, 3]
/// ```
public func unique(
    _ array: MLXArray, size: Int? = nil, fillValue: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    distinct(array, size, fillValue, stream).values
}

/// The distinct elements of an array in ascending order, with where and how often they occur; see
/// `unique`. Places that are left count zero elements and repeat the first index.
/// ```
/// uniqueAll(MLXArray([3, 1, 3])).counts  // [1, 2]
/// ```
public func uniqueAll(
    _ array: MLXArray, size: Int? = nil, fillValue: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> UniqueElements {
    distinct(array, size, fillValue, stream)
}

private func distinct(
    _ array: MLXArray, _ size: Int?, _ fillValue: MLXArray?, _ stream: StreamOrDevice
) -> UniqueElements {
    func failure(_ error: ArrayError) -> UniqueElements {
        let bad = Ops.invalid(error, inputs: [array])
        return UniqueElements(values: bad, indices: bad, inverse: bad, counts: bad)
    }
    let n = array.size
    if let size, size < 0 {
        return failure(ArrayError(.argument, "unique", "a negative size: \(size)"))
    }
    if NodeReference(array).isPoisoned {
        return UniqueElements(values: array, indices: array, inverse: array, counts: array)
    }
    let flat = flattened(array, stream: stream)
    if n == 0 {
        let count = size ?? 0
        let filler =
            fillValue.given.map { Ops.cast($0, to: array.dtype) } ?? Ops.scalar(0, array.dtype)
        let none = zeros([count], type: Int32.self, stream: stream)
        return UniqueElements(
            values: broadcast(filler, to: [count], stream: stream), indices: none.asType(.uint32),
            inverse: Ops.cast(array, to: .uint32), counts: none)
    }
    let order = argSort(flat, stream: stream)
    let ordered = Ops.gatherAlongLast(flat, order, stream: stream.id)
    let isNew = concatenated(
        [
            Ops.full(try! Shape(validating: [1]), 0, .bool),
            Ops.binary(
                .notEqual, Ops.slice(ordered, axis: 0, 1, n - 1, stream: stream.id),
                Ops.slice(ordered, axis: 0, 0, n - 1, stream: stream.id), stream: stream.id),
        ], stream: stream)
    // The number of each element's value, from 0.
    let ranks = cumsum(isNew, axis: 0, stream: stream)
    let last = Ops.slice(ranks, axis: 0, n - 1, 1, stream: stream.id)
    let count = size ?? (last.item(Int.self) + 1)
    let numbers = arange(count, stream: stream)
    let first = searchSorted(ranks, numbers, stream: stream)
    let next = searchSorted(ranks, numbers, side: .right, stream: stream)
    let isThere = Ops.binary(.lessEqual, numbers, last, stream: stream.id)
    let places = Ops.select(isThere, first, Ops.scalar(0, .uint32), stream: stream.id)
    let picked = Ops.gatherAlongLast(ordered, places, stream: stream.id)
    let values = fillValue.given.map {
        Ops.select(isThere, picked, Ops.cast($0, to: array.dtype), stream: stream.id)
    }
    let inverse = Ops.gatherAlongLast(ranks, argSort(order, stream: stream), stream: stream.id)
    return UniqueElements(
        values: values ?? picked,
        indices: Ops.gatherAlongLast(order, places, stream: stream.id),
        inverse: Ops.cast(
            Ops.binary(
                .minimum, Ops.reshape(inverse, array.shape, stream: stream.id),
                Ops.scalar(Double(Swift.max(count - 1, 0)), .int32), stream: stream.id),
            to: .uint32, stream: stream.id),
        counts: Ops.cast(
            Ops.binary(.subtract, next, first, stream: stream.id), to: .int32, stream: stream.id))
}
