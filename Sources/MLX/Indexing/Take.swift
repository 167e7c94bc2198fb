import MLXBase
import MLXGraph
import MLXOps

// Picking elements by number.

/// The elements with the given numbers along an axis, which is replaced by the indices' shape:
/// (before…, indices…, after…). Negative numbers count from the end; others outside the axis are an
/// error when evaluated.
/// ```swift
/// let m = arange(6).reshaped(2, 3)
/// let columns = take(m, MLXArray([2, 0]), axis: 1)    // [[2, 0], [5, 3]]
/// ```
public func take(
    _ array: MLXArray, _ indices: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array, indices]) { () throws(ArrayError) in
        let axis = try Axes.normalize(axis, rank: array.ndim, operation: "take")
        guard array.dim(axis) > 0 || indices.size == 0 else {
            throw ArrayError(
                .index, "take", "cannot take from an axis without elements",
                shapes: [array.shape, indices.shape])
        }
        var operations = [MLXArrayIndexOperation](
            repeating: .slice(MLXSlice()), count: axis)
        operations.append(.array(indices))
        return array.read(operations, stream.id)
    }
}

/// The elements of the flattened array with the given numbers, in the indices' shape.
public func take(
    _ array: MLXArray, _ indices: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    take(flattened(array, stream: stream), indices, axis: 0, stream: stream)
}

/// For each place in `indices` the element of the array with that number along the axis and the
/// same numbers along the others. The indices have as many axes as the array, and their other axes
/// broadcast.
/// ```swift
/// let best = takeAlong(m, argMax(m, axis: 1, keepDims: true), axis: 1)    // (2, 1)
/// ```
public func takeAlong(
    _ array: MLXArray, _ indices: MLXArray, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array, indices]) { () throws(ArrayError) in
        let (x, places, axis) = try along(array, indices, axis, "take_along_axis", stream)
        return Ops.record(
            .takeAlong, [x, places], Attributes(word: UInt64(axis)), stream: stream.id)
    }
}

/// For each place in `indices` the element of the flattened array with that number.
public func takeAlong(
    _ array: MLXArray, _ indices: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    takeAlong(
        flattened(array, stream: stream), flattened(indices, stream: stream), axis: 0,
        stream: stream)
}

/// The array with the elements that `takeAlong` would read replaced by values.
public func putAlong(
    _ array: MLXArray, _ indices: MLXArray, values: MLXArray, axis: Int,
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array, indices, values]) { () throws(ArrayError) in
        let (x, places, axis) = try along(array, indices, axis, "put_along_axis", stream)
        let updates = Ops.broadcast(
            Ops.cast(values, to: array.dtype), to: places.shape, stream: stream.id)
        return Ops.record(
            .putAlong, [x, places, updates], Attributes(word: UInt64(axis)), stream: stream.id)
    }
}

/// The flattened array with elements replaced by values, in the array's shape.
public func putAlong(
    _ array: MLXArray, _ indices: MLXArray, values: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let flat = putAlong(
        flattened(array, stream: stream), flattened(indices, stream: stream),
        values: flattened(values, stream: stream), axis: 0, stream: stream)
    return Ops.reshape(flat, array.shape, stream: stream.id)
}

/// Array and indices broadcast against each other along all other axes.
private func along(
    _ array: MLXArray, _ indices: MLXArray, _ axis: Int, _ operation: String,
    _ stream: StreamOrDevice
) throws(ArrayError) -> (array: MLXArray, indices: MLXArray, axis: Int) {
    let rank = array.ndim
    guard indices.ndim == rank else {
        throw ArrayError(
            .shape, operation, "indices with \(indices.ndim) axes for an array with \(rank)",
            shapes: [array.shape, indices.shape])
    }
    let axis = try Axes.normalize(axis, rank: rank, operation: operation)
    var others = array.shape
    others[axis] = 1
    var shape = try Broadcasting.shape(
        [indices.nodeShape, try Shape(validating: others, operation: operation)],
        operation: operation
    ).array
    shape[axis] = indices.dim(axis)
    let places = Ops.broadcast(indices, to: shape, stream: stream.id)
    shape[axis] = array.dim(axis)
    return (Ops.broadcast(array, to: shape, stream: stream.id), places, axis)
}

extension MLXArray {
    /// The elements at `indices` along an axis: shape (before axis…, shape of indices…, after
    /// axis…). An index outside the axis is an error when evaluated; negative ones count from the
    /// end.
    public func take(
        _ indices: MLXArray, axis: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.take(self, indices, axis: axis, stream: stream)
    }

    /// The elements at `indices` of the flattened array, in the shape of the indices.
    public func take(_ indices: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.take(self, indices, stream: stream)
    }
}
