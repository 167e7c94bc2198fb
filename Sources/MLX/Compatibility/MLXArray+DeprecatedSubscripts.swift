import MLXBase
import MLXGraph
import MLXOps

// Subscripts that name an axis, as mlx-swift had them before the indexing language. They only
// read; `a[.ellipsis, ...]` is what to use instead.
extension MLXArray {
    /// One element of an axis, which goes away; assigning replaces it.
    @available(*, deprecated, message: "use indices for all axes: a[.ellipsis, index]")
    public subscript(
        index: Int, axis axis: Int, stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        get { read(index.mlxArrayIndexOperation, axis, stream) }
        set { write(index.mlxArrayIndexOperation, axis, newValue, stream) }
    }

    /// A range of an axis; assigning replaces it.
    @available(*, deprecated, message: "use indices for all axes: a[.ellipsis, range]")
    public subscript(
        range: some RangeExpression<Int>, axis axis: Int,
        stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        get { read(operation(range, axis), axis, stream) }
        set { write(operation(range, axis), axis, newValue, stream) }
    }

    /// A range's own operation, or that of its bounds on the axis.
    private func operation(_ range: some RangeExpression<Int>, _ axis: Int)
        -> MLXArrayIndexOperation
    {
        if let index = range as? any MLXArrayIndex { return index.mlxArrayIndexOperation }
        return range.relative(to: 0..<dim(axis)).mlxArrayIndexOperation
    }

    /// Every `stride`-th element of an axis, from one place to before another; assigning replaces
    /// them.
    @available(*, deprecated, message: "use .stride(from:to:by:)")
    public subscript(
        from from: Int? = nil, to to: Int? = nil, stride stride: Int, axis axis: Int = -1,
        stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        get { read(.slice(MLX.stride(from: from, to: to, by: stride)), axis, stream) }
        set { write(.slice(MLX.stride(from: from, to: to, by: stride)), axis, newValue, stream) }
    }

    private func read(
        _ operation: MLXArrayIndexOperation, _ axis: Int, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([self]) { () throws(ArrayError) in
            read(try operations(operation, axis), stream.id)
        }
    }

    private func write(
        _ operation: MLXArrayIndexOperation, _ axis: Int, _ values: MLXArray,
        _ stream: StreamOrDevice
    ) {
        replace(
            with: recording([self]) { () throws(ArrayError) in
                updated(try operations(operation, axis), values, .assign, stream.id)
            })
    }

    /// Whole axes before the one that is meant.
    private func operations(
        _ operation: MLXArrayIndexOperation, _ axis: Int
    ) throws(ArrayError) -> [MLXArrayIndexOperation] {
        let axis = try Axes.normalize(axis, rank: ndim, operation: "subscript")
        return Array(repeating: .slice(MLXSlice()), count: axis) + [operation]
    }
}
