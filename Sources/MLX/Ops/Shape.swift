import MLXBase
import MLXGraph
import MLXOps

// Operations on shapes. Most give a window onto the same memory. Axes may be negative.

/// Runs `body`; an error becomes an invalid array.
func recording(
    _ inputs: [MLXArray], _ body: () throws(ArrayError) -> MLXArray
) -> MLXArray {
    do throws(ArrayError) { return try body() } catch {
        return Ops.invalid(error, inputs: inputs)
    }
}

/// The array in another shape of as many elements, in row-major order; one dimension may be -1,
/// which stands for what is left. A window of the same memory where strides allow. A shape that
/// does not fit gives an invalid array.
/// ```swift
/// let a = reshaped(arange(6), [2, -1])    // (2, 3)
/// ```
@inlinable public func reshaped(
    _ array: MLXArray, _ newShape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    // Inlined, so that a shape that is written down needs no array on the heap.
    newShape.withContiguousStorageIfAvailable { reshaped(array, dims: $0, stream) }
        ?? Array(newShape).withUnsafeBufferPointer { reshaped(array, dims: $0, stream) }
}

@usableFromInline func reshaped(
    _ array: MLXArray, dims: UnsafeBufferPointer<Int>, _ stream: StreamOrDevice
) -> MLXArray {
    Ops.reshape(array, dims, stream: stream.id)
}

/// The array in another shape of as many elements, in row-major order; one dimension may be -1. A
/// shape that does not fit gives an invalid array.
/// ```swift
/// let a = reshaped(arange(6), 3, 2)    // (3, 2)
/// ```
@inlinable public func reshaped(
    _ array: MLXArray, _ newShape: Int..., stream: StreamOrDevice = .default
) -> MLXArray {
    newShape.withUnsafeBufferPointer { reshaped(array, dims: $0, stream) }
}

/// The axes from `start` to `end`, both included, as one; all of them by default. An axis out of
/// range gives an invalid array.
/// ```swift
/// let a = flattened(zeros([2, 3, 4]), start: 1)    // (2, 12)
/// ```
public func flattened(
    _ array: MLXArray, start: Int = 0, end: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    let rank = array.ndim
    if rank == 0 { return Ops.reshape(array, [1], stream: stream.id) }
    return recording([array]) { () throws(ArrayError) in
        let first = Swift.max(start < 0 ? start + rank : start, 0)
        let last = Swift.min(end < 0 ? end + rank : end, rank - 1)
        guard first <= last else {
            throw ArrayError(
                .axis, "flatten", "start axis \(start) is after end axis \(end)",
                shapes: [array.shape])
        }
        return Ops.regroup(
            array,
            (0..<first).map(SingleAxes.kept) + [-1] + (last + 1..<rank).map(SingleAxes.kept),
            stream: stream.id)
    }
}

/// The axes from `startAxis` to `endAxis`, both included, as one.
public func flatten(
    _ a: MLXArray, startAxis: Int, endAxis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    flattened(a, start: startAxis, end: endAxis, stream: stream)
}

/// One axis as several, one of which may be -1. Dimensions whose product is not the axis's length
/// give an invalid array.
/// ```swift
/// let a = unflatten(zeros([6, 5]), axis: 0, shape: [2, 3])    // (2, 3, 5)
/// ```
public func unflatten(
    _ a: MLXArray, axis: Int, shape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: a.ndim, operation: "unflatten")
        var parts = Array(shape)
        if a.isShapeWatched, parts.allSatisfy({ $0 >= -1 }) {
            return Ops.regroup(
                a,
                (0..<axis).map(SingleAxes.kept) + parts
                    + (axis + 1..<a.ndim).map(SingleAxes.kept), stream: stream.id)
        }
        if let unknown = parts.firstIndex(of: -1) {
            let known = parts.reduce(1) { $1 == -1 ? $0 : $0 &* $1 }
            parts[unknown] = known > 0 ? a.dim(axis) / known : -1
        }
        let product = parts.reduce(1, &*)
        guard product == a.dim(axis) else {
            throw ArrayError(
                .shape, "unflatten", "\(Array(shape)) does not divide axis of \(a.dim(axis))",
                shapes: [a.shape])
        }
        var dims = a.shape
        dims.replaceSubrange(axis...axis, with: parts)
        return Ops.reshape(a, dims, stream: stream.id)
    }
}

/// New axes of size one at the given places of the result, which may count from its end. A place
/// out of range or named twice gives an invalid array.
/// ```swift
/// let a = expandedDimensions(zeros([3]), axes: [0, 2])    // (1, 3, 1)
/// ```
public func expandedDimensions(
    _ array: MLXArray, axes: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim + axes.count
        guard rank <= Shape.maximumRank else {
            throw ArrayError(
                .limit, "expand_dims", "\(rank) axes, at most \(Shape.maximumRank) are supported",
                shapes: [array.shape])
        }
        let places = try Axes.normalize(axes, rank: rank, operation: "expand_dims")
        return Ops.singleAxes(
            .expandDims, array, AxisMask(places, keepDims: false).word, stream: stream.id)
    }
}

/// A new axis of size one at the given place of the result.
/// ```swift
/// let a = expandedDimensions(zeros([3]), axis: -1)    // (3, 1)
/// ```
public func expandedDimensions(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    expandedDimensions(array, axes: [axis], stream: stream)
}

/// Without the given axes. One that is out of range, or whose size is not one, gives an invalid
/// array.
/// ```swift
/// let a = squeezed(zeros([1, 3, 1]), axes: [0])    // (3, 1)
/// ```
public func squeezed(
    _ array: MLXArray, axes: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let places = try Axes.normalize(axes, rank: array.ndim, operation: "squeeze")
        return Ops.singleAxes(
            .squeeze, array, AxisMask(places, keepDims: false).word, stream: stream.id)
    }
}

/// Without one axis. If it is out of range, or its size is not one, the result is invalid.
public func squeezed(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    squeezed(array, axes: [axis], stream: stream)
}

/// Without all axes of size one.
public func squeezed(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.reshape(array, array.shape.filter { $0 != 1 }, stream: stream.id)
}

/// The axes in another order: axis i of the result is axis `axes[i]` of the array. A window of the
/// same memory. Axes that are no permutation give an invalid array.
/// ```swift
/// let a = transposed(zeros([2, 3, 4]), axes: [2, 0, 1])    // (4, 2, 3)
/// ```
public func transposed(
    _ array: MLXArray, axes: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim
        let order = try Axes.normalize(axes, rank: rank, operation: "transpose")
        guard order.count == rank else {
            throw ArrayError(
                .axis, "transpose",
                "Received \(order.count) axes for array with \(rank) dimensions.",
                shapes: [array.shape])
        }
        return Ops.transpose(array, order, stream: stream.id)
    }
}

/// The axes in another order; without any, reversed.
/// ```swift
/// let a = transposed(zeros([2, 3, 4]), 2, 0, 1)    // (4, 2, 3)
/// ```
public func transposed(
    _ array: MLXArray, _ axes: Int..., stream: StreamOrDevice = .default
) -> MLXArray {
    axes.isEmpty
        ? transposed(array, stream: stream) : transposed(array, axes: axes, stream: stream)
}

/// One axis exchanged with the first.
public func transposed(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    swappedAxes(array, axis, 0, stream: stream)
}

/// The axes reversed, without a copy.
public func transposed(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.transpose(array, Array((0..<array.ndim).reversed()), stream: stream.id)
}

/// The axes reversed, without a copy.
public func T(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    transposed(array, stream: stream)
}

/// Two axes exchanged, without a copy. An axis out of range gives an invalid array.
/// ```swift
/// let a = swappedAxes(zeros([2, 3, 4]), 0, -1)    // (4, 3, 2)
/// ```
public func swappedAxes(
    _ array: MLXArray, _ axis1: Int, _ axis2: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim
        var order = Array(0..<rank)
        order.swapAt(
            try Axes.normalize(axis1, rank: rank, operation: "swapaxes"),
            try Axes.normalize(axis2, rank: rank, operation: "swapaxes"))
        return Ops.transpose(array, order, stream: stream.id)
    }
}

/// One axis moved to another place, the others in their order. An axis out of range gives an
/// invalid array.
/// ```swift
/// let a = movedAxis(zeros([2, 3, 4]), source: 0, destination: 2)    // (3, 4, 2)
/// ```
public func movedAxis(
    _ array: MLXArray, source: Int, destination: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim
        let from = try Axes.normalize(source, rank: rank, operation: "moveaxis")
        let to = try Axes.normalize(destination, rank: rank, operation: "moveaxis")
        var order = Array(0..<rank)
        order.insert(order.remove(at: from), at: to)
        return Ops.transpose(array, order, stream: stream.id)
    }
}

/// The array repeated along new leading axes and axes of size one to fill a shape, without a copy.
/// A shape that it cannot fill gives an invalid array.
/// ```swift
/// let a = broadcast(arange(3), to: [2, 3])    // two rows 0 1 2
/// ```
public func broadcast(
    _ array: MLXArray, to shape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.broadcast(array, to: Array(shape), stream: stream.id)
}

/// At least one axis.
public func atLeast1D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    array.ndim >= 1 ? array.aliased() : Ops.reshape(array, [1], stream: stream.id)
}

/// At least two axes; vectors become rows.
public func atLeast2D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    array.ndim >= 2 ? array.aliased() : Ops.reshape(array, [1, array.size], stream: stream.id)
}

/// At least three axes; a vector becomes (1, n, 1), a matrix (m, n, 1).
public func atLeast3D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    let shape = array.shape
    switch shape.count {
    case 0, 1: return Ops.reshape(array, [1, array.size, 1], stream: stream.id)
    case 2: return Ops.reshape(array, shape + [1], stream: stream.id)
    default: return array.aliased()
    }
}

/// A row-major copy, if the array is not row-major already.
public func contiguous(
    _ a: MLXArray, allowColMajor: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.unary(.copy, a, stream: stream.id)
}
