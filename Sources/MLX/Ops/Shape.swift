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

/// The array in another shape, row-major order kept; one dimension may be -1.
public func reshaped(
    _ array: MLXArray, _ newShape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reshape(array, Array(newShape), stream: stream.id)
}

/// The array in another shape, row-major order kept; one dimension may be -1.
public func reshaped(
    _ array: MLXArray, _ newShape: Int..., stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reshape(array, newShape, stream: stream.id)
}

/// The axes from `start` to `end` as one.
public func flattened(
    _ array: MLXArray, start: Int = 0, end: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    let shape = array.shape
    if shape.isEmpty { return Ops.reshape(array, [1], stream: stream.id) }
    return recording([array]) { () throws(ArrayError) in
        let rank = shape.count
        let first = Swift.max(start < 0 ? start + rank : start, 0)
        let last = Swift.min(end < 0 ? end + rank : end, rank - 1)
        guard first <= last else {
            throw ArrayError(
                .axis, "flatten", "start axis \(start) is after end axis \(end)", shapes: [shape])
        }
        let merged = shape[first...last].reduce(1, *)
        return Ops.reshape(
            array, Array(shape[..<first]) + [merged] + Array(shape[(last + 1)...]),
            stream: stream.id)
    }
}

/// The axes from `startAxis` to `endAxis` as one.
public func flatten(
    _ a: MLXArray, startAxis: Int, endAxis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    flattened(a, start: startAxis, end: endAxis, stream: stream)
}

/// One axis as several; one of them may be -1.
public func unflatten(
    _ a: MLXArray, axis: Int, shape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: a.ndim, operation: "unflatten")
        var parts = Array(shape)
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

/// New axes of size one at the given places of the result.
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
        var old = array.shape.makeIterator()
        return Ops.reshape(
            array, (0..<rank).map { places.contains($0) ? 1 : old.next()! }, stream: stream.id)
    }
}

/// A new axis of size one at the given place of the result.
public func expandedDimensions(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    expandedDimensions(array, axes: [axis], stream: stream)
}

/// Without the given axes, which must have size one.
public func squeezed(
    _ array: MLXArray, axes: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let shape = array.shape
        let places = try Axes.normalize(axes, rank: shape.count, operation: "squeeze")
        if let wrong = places.first(where: { shape[$0] != 1 }) {
            throw ArrayError(
                .shape, "squeeze",
                "Cannot squeeze axis \(wrong) with size \(shape[wrong]) which is not equal to 1.",
                shapes: [shape])
        }
        return Ops.reshape(
            array, shape.indices.filter { !places.contains($0) }.map { shape[$0] },
            stream: stream.id)
    }
}

/// Without one axis, which must have size one.
public func squeezed(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    squeezed(array, axes: [axis], stream: stream)
}

/// Without all axes of size one.
public func squeezed(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.reshape(array, array.shape.filter { $0 != 1 }, stream: stream.id)
}

/// The axes in another order.
public func transposed(
    _ array: MLXArray, axes: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim
        let order = try Axes.normalize(axes, rank: rank, operation: "transpose")
        guard order.count == rank else {
            throw ArrayError(
                .axis, "transpose", "\(order.count) axes for an array of \(rank)",
                shapes: [array.shape])
        }
        return Ops.transpose(array, order, stream: stream.id)
    }
}

/// The axes in another order; without any, reversed.
public func transposed(
    _ array: MLXArray, _ axes: Int..., stream: StreamOrDevice = .default
) -> MLXArray {
    axes.isEmpty
        ? transposed(array, stream: stream) : transposed(array, axes: axes, stream: stream)
}

/// One axis swapped with the first.
public func transposed(
    _ array: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    swappedAxes(array, axis, 0, stream: stream)
}

/// The axes reversed.
public func transposed(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.transpose(array, Array((0..<array.ndim).reversed()), stream: stream.id)
}

/// The axes reversed.
public func T(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    transposed(array, stream: stream)
}

/// Two axes exchanged.
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

/// One axis moved to another place, the others in their order.
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

/// The array repeated along axes of size one to fill a shape.
public func broadcast(
    _ array: MLXArray, to shape: some Collection<Int>, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.broadcast(array, to: Array(shape), stream: stream.id)
}

/// At least one axis.
public func atLeast1D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    array.ndim >= 1 ? array : Ops.reshape(array, [1], stream: stream.id)
}

/// At least two axes; vectors become rows.
public func atLeast2D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    array.ndim >= 2 ? array : Ops.reshape(array, [1, array.size], stream: stream.id)
}

/// At least three axes; a vector becomes (1, n, 1), a matrix (m, n, 1).
public func atLeast3D(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    let shape = array.shape
    switch shape.count {
    case 0, 1: return Ops.reshape(array, [1, array.size, 1], stream: stream.id)
    case 2: return Ops.reshape(array, shape + [1], stream: stream.id)
    default: return array
    }
}

/// A row-major copy, if the array is not row-major already.
public func contiguous(
    _ a: MLXArray, allowColMajor: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.unary(.copy, a, stream: stream.id)
}
