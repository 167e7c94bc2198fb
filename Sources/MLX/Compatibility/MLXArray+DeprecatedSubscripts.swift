import MLXBase
import MLXGraph
import MLXOps

// Subscripts that name an axis, as mlx-swift had them before the indexing language. They only
// read; `a[.ellipsis, ...]` is what to use instead.
extension MLXArray {
    /// One element of an axis, which goes away.
    @available(*, deprecated, message: "use indices for all axes: a[.ellipsis, index]")
    public subscript(
        index: Int, axis axis: Int, stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        read(index.mlxArrayIndexOperation, axis: axis, stream)
    }

    /// A range of an axis.
    @available(*, deprecated, message: "use indices for all axes: a[.ellipsis, range]")
    public subscript(
        range: some RangeExpression<Int>, axis axis: Int,
        stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        recording([self]) { () throws(ArrayError) in
            let operation: MLXArrayIndexOperation
            if let index = range as? any MLXArrayIndex {
                operation = index.mlxArrayIndexOperation
            } else {
                let axis = try Axes.normalize(axis, rank: ndim, operation: "subscript")
                let bounds = range.relative(to: 0..<dim(axis))
                operation = bounds.mlxArrayIndexOperation
            }
            return read(operation, axis: axis, stream)
        }
    }

    /// Every `stride`-th element of an axis, from one place to before another.
    @available(*, deprecated, message: "use .stride(from:to:by:)")
    public subscript(
        from from: Int? = nil, to to: Int? = nil, stride stride: Int, axis axis: Int = -1,
        stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        read(.slice(MLX.stride(from: from, to: to, by: stride)), axis: axis, stream)
    }

    private func read(
        _ operation: MLXArrayIndexOperation, axis: Int, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([self]) { () throws(ArrayError) in
            let axis = try Axes.normalize(axis, rank: ndim, operation: "subscript")
            let before = Array(repeating: MLXArrayIndexOperation.slice(MLXSlice()), count: axis)
            return read(before + [operation], stream.id)
        }
    }
}
