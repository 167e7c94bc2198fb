import MLXBase
import MLXGraph
import MLXOps

// Diagonals and triangles of matrices, as compositions: a diagonal is a gather, a triangle a
// selection by position, so that what is left out may be anything, NaN included.

/// The elements on and below diagonal `k` of the last two axes, zeros above.
public func tril(
    _ array: MLXArray, k: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    triangle(array, k, .lessEqual, "tril", stream)
}

/// The elements on and above diagonal `k` of the last two axes, zeros below.
public func triu(
    _ array: MLXArray, k: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    triangle(array, k, .greaterEqual, "triu", stream)
}

private func triangle(
    _ array: MLXArray, _ k: Int, _ comparison: OpCode, _ operation: String,
    _ stream: StreamOrDevice
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        guard array.ndim >= 2 else {
            throw ArrayError(
                .shape, operation, "needs an array with two axes or more", shapes: [array.shape])
        }
        let kept = recordBinary(
            comparison, columnLessRow(array.dim(-2), array.dim(-1), stream), k, stream)
        return which(kept, array, zeros(like: array, stream: stream), stream: stream)
    }
}

/// column - row at each place of a matrix.
private func columnLessRow(_ rows: Int, _ columns: Int, _ stream: StreamOrDevice) -> MLXArray {
    let row = expandedDimensions(arange(rows, stream: stream), axis: 1, stream: stream)
    return Ops.binary(.subtract, arange(columns, stream: stream), row, stream: stream.id)
}

/// The diagonal of two axes, which go away; it becomes the last axis.
/// - Parameter offset: which diagonal; positive ones are to the right of the main one.
public func diagonal(
    _ array: MLXArray, offset: Int = 0, axis1: Int = 0, axis2: Int = 1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let rank = array.ndim
        guard rank >= 2 else {
            throw ArrayError(
                .shape, "diagonal", "needs an array with two axes or more", shapes: [array.shape])
        }
        let places = try Axes.normalize([axis1, axis2], rank: rank, operation: "diagonal")
        let others = (0..<rank).filter { !places.contains($0) }
        let moved = Ops.transpose(array, others + places, stream: stream.id)
        let first = offset < 0 ? (offset == .min ? Int.max : -offset) : 0
        let second = Swift.max(offset, 0)
        let length = Swift.max(
            0,
            Swift.min(
                moved.dim(-2) - Swift.min(first, moved.dim(-2)),
                moved.dim(-1) - Swift.min(second, moved.dim(-1))))
        if length == 0 { return zeros(Array(moved.shape.dropLast(2)) + [0], dtype: array.dtype) }
        let rows = arange(first, first + length, stream: stream)
        let columns = arange(second, second + length, stream: stream)
        return moved.read([.ellipsis, .array(rows), .array(columns)], stream.id)
    }
}

/// A vector as diagonal `k` of a matrix of zeros, or diagonal `k` of a matrix as a vector.
public func diag(
    _ array: MLXArray, k: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        if array.ndim == 2 { return diagonal(array, offset: k, stream: stream) }
        guard array.ndim == 1 else {
            throw ArrayError(
                .shape, "diag", "needs an array with one or two axes", shapes: [array.shape])
        }
        let (size, overflow) = Swift.max(k, 0 - Swift.max(k, -.max))
            .addingReportingOverflow(array.dim(0))
        guard !overflow else { throw ArrayError(.limit, "diag", "the matrix would be too large") }
        let border = IntOrPair((Swift.max(k, 0), Swift.max(0 - Swift.max(k, -.max), 0)))
        let row = padded(array, widths: [border], stream: stream)
        let kept = recordBinary(.equal, columnLessRow(size, size, stream), k, stream)
        return which(kept, row, zeros(like: row, stream: stream), stream: stream)
    }
}

/// The sum of a diagonal of two axes, which go away.
/// - Parameter dtype: of the terms; by default the array's.
public func trace(
    _ array: MLXArray, offset: Int = 0, axis1: Int = 0, axis2: Int = 1, dtype: DType? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let terms = diagonal(array, offset: offset, axis1: axis1, axis2: axis2, stream: stream)
    return sum(
        Ops.cast(terms, to: dtype ?? array.dtype, stream: stream.id), axis: -1, stream: stream)
}

extension MLXArray {
    /// A vector as diagonal `k` of a matrix of zeros, or diagonal `k` of a matrix as a vector.
    public func diag(k: Int = 0, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.diag(self, k: k, stream: stream)
    }

    /// The diagonal of two axes, which go away; it becomes the last axis.
    public func diagonal(
        offset: Int = 0, axis1: Int = 0, axis2: Int = 1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.diagonal(self, offset: offset, axis1: axis1, axis2: axis2, stream: stream)
    }
}
