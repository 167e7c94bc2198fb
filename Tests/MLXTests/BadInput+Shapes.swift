import MLX

/// Bad shapes, axes, ranges and dtypes, and errors that pass through graphs and gradients.
private func x(_ shape: Int...) -> MLXArray {
    arange(shape.reduce(1, *), dtype: .float32).reshaped(shape)
}

private let key = MLXRandom.key(0)
private let lowest = Int.min
private let highest = Int.max

extension BadInput {
    static let shapes: [BadInput] = [
        BadInput(20, "reshape with two -1", .shape, "reshape") { x(4).reshaped([-1, -1]) },
        BadInput(20, "reshape nothing with -1 and 0", .shape, "reshape") { x(0).reshaped([-1, 0]) },
        BadInput(20, "reshape with -2", .shape, "reshape") { x(4).reshaped([-2, -2]) },
        BadInput(20, "reshape INT_MIN", .shape, "reshape") { x(4).reshaped([lowest, -1]) },
        BadInput(20, "reshape to another size", .shape, "reshape", shapes: [[4]]) {
            x(4).reshaped([5])
        },
        BadInput(20, "reshape product wraps to 0", .limit, "reshape") {
            x(0).reshaped([1 << 32, 1 << 32])
        },
        BadInput(20, "reshape product wraps to 4", .limit, "reshape") {
            x(4).reshaped([1 << 62, 4, 1 << 62, 4])
        },
        BadInput(20, "reshape to rank 17", .limit, "reshape") {
            x(1).reshaped([Int](repeating: 1, count: 17))
        },
        BadInput(20, "zeros of rank 17", .limit, "full") { zeros([Int](repeating: 1, count: 17)) },
        BadInput(20, "expand to rank 17", .limit, "expand_dims") {
            expandedDimensions(x(1), axes: Array(0..<16))
        },
        BadInput(20, "expand by a million axes", .limit, "expand_dims") {
            expandedDimensions(x(1), axes: 0..<1_000_000)
        },
        BadInput(20, "broadcast", .shape, "broadcast_shapes", shapes: [[2, 5], [3, 5]]) {
            x(2, 5) + x(3, 5)
        },
        BadInput(20, "broadcast 0 against 2", .shape, "broadcast_shapes") { x(0, 3) + x(2, 3) },
        BadInput(20, "broadcast to fewer axes", .shape, "broadcast_shapes") {
            broadcast(x(2, 3), to: [3])
        },
        BadInput(20, "broadcast to rank 0", .shape, "broadcast_shapes") { broadcast(x(2), to: []) },
        BadInput(20, "concatenate other sizes", .shape, "concatenate", shapes: [[2, 3], [2, 4]]) {
            concatenated([x(2, 3), x(2, 4)])
        },
        BadInput(20, "concatenate other ranks", .shape, "concatenate") {
            concatenated([x(2, 3), x(3)])
        },
        BadInput(20, "concatenate nothing", .argument, "concatenate") {
            concatenated([MLXArray]())
        },
        BadInput(20, "stack other shapes", .shape, "stack") { stacked([x(2), x(3)]) },
        BadInput(20, "stack nothing", .argument, "stack") { stacked([MLXArray]()) },
        BadInput(20, "squeeze a longer axis", .shape, "squeeze") { squeezed(x(2, 3), axis: 0) },
        BadInput(20, "unflatten", .shape, "unflatten") { unflatten(x(6), axis: 0, shape: [4, -1]) },
        BadInput(20, "unflatten by 0", .shape, "unflatten") {
            unflatten(x(6), axis: 0, shape: [0, -1])
        },
        BadInput(20, "matmul inner", .shape, "matmul", shapes: [[2, 3], [4, 2]]) {
            matmul(x(2, 3), x(4, 2))
        },
        BadInput(20, "matmul of a scalar", .shape, "matmul") { matmul(x(), x(2)) },
        BadInput(20, "addMM", .shape, "broadcast_shapes") { addMM(x(7), x(2, 3), x(3, 2)) },
        BadInput(20, "pad with other axes", .argument, "pad") {
            padded(x(2, 3, 4), widths: [1, 2])
        },
        BadInput(20, "array and shape", .shape, "array") { MLXArray([1, 2, 3], [2, 2]) },
        BadInput(20, "full that does not broadcast", .shape, "broadcast_shapes") {
            full([2, 2], values: x(3))
        },
        BadInput(20, "select", .shape, "broadcast_shapes") { which(x(2) .> 0, x(3), x(3)) },
    ]

    static let axes: [BadInput] = [
        BadInput(20, "sum over axis INT_MIN", .axis, "sum") { x(2, 3).sum(axis: lowest) },
        BadInput(20, "sum over axis INT_MAX", .axis, "sum") { x(2, 3).sum(axis: highest) },
        BadInput(20, "sum over an axis twice", .axis, "sum") { x(2, 3).sum(axes: [1, -1]) },
        BadInput(20, "mean over axis 2 of 2", .axis, "sum") { x(2, 3).mean(axis: 2) },
        BadInput(20, "variance over axis -3", .axis, "sum") { variance(x(2, 3), axis: -3) },
        BadInput(20, "argMax", .axis, "argmax") { argMax(x(2, 3), axis: 5) },
        BadInput(20, "softmax", .axis, "softmax") { softmax(x(2, 3), axis: lowest) },
        BadInput(20, "softmax of a scalar", .axis, "softmax") { softmax(x(), axis: -1) },
        BadInput(20, "logSumExp", .axis, "logsumexp") { logSumExp(x(2, 3), axis: highest) },
        BadInput(20, "transpose by no permutation", .axis, "transpose") {
            transposed(x(2, 3), axes: [0, 0])
        },
        BadInput(20, "transpose by too few", .axis, "transpose") { transposed(x(2, 3), axes: [0]) },
        BadInput(20, "transpose by INT_MIN", .axis, "transpose") {
            transposed(x(2, 3), axes: [lowest, 0])
        },
        BadInput(20, "swapaxes", .axis, "swapaxes") { swappedAxes(x(2, 3), 0, 2) },
        BadInput(20, "moveaxis", .axis, "moveaxis") {
            movedAxis(x(2, 3), source: lowest, destination: 0)
        },
        BadInput(20, "expand an axis twice", .axis, "expand_dims") {
            expandedDimensions(x(2), axes: [0, 0])
        },
        BadInput(20, "expand at INT_MAX", .axis, "expand_dims") {
            expandedDimensions(x(2), axis: highest)
        },
        BadInput(20, "squeeze", .axis, "squeeze") { squeezed(x(1, 2), axes: [0, -2]) },
        BadInput(20, "flatten backwards", .axis, "flatten") {
            flattened(x(2, 3), start: highest, end: lowest)
        },
        BadInput(20, "concatenate", .axis, "concatenate") {
            concatenated([x(2), x(2)], axis: lowest)
        },
        BadInput(20, "stack", .axis, "stack") { stacked([x(2), x(2)], axis: 2) },
        BadInput(20, "split", .axis, "split") { split(x(4), indices: [1], axis: highest)[0] },
        BadInput(20, "repeat", .axis, "repeat") { repeated(x(4), count: 2, axis: lowest) },
        BadInput(20, "take", .axis, "take") { take(x(4), MLXArray([0]), axis: 1) },
        BadInput(20, "takeAlong", .axis, "take_along_axis") {
            takeAlong(x(4), MLXArray([0]), axis: lowest)
        },
        BadInput(20, "categorical", .axis, "categorical") {
            MLXRandom.categorical(x(2, 3), axis: 7, key: key)
        },
    ]

    static let ranges: [BadInput] = [
        BadInput(20, "arange to NaN", .argument, "arange") { arange(0, Double.nan) },
        BadInput(20, "arange to infinity", .argument, "arange") { arange(0, Double.infinity) },
        BadInput(20, "arange from -infinity", .argument, "arange") { arange(-Double.infinity, 0) },
        BadInput(20, "arange by 0", .argument, "arange") { arange(0, 5, step: 0) },
        BadInput(20, "arange by NaN", .argument, "arange") { arange(0, 5, step: Double.nan) },
        BadInput(20, "arange of 2^63", .argument, "arange") { arange(lowest, highest) },
        BadInput(20, "arange by a denormal", .argument, "arange") { arange(0, 1, step: 1e-300) },
        BadInput(20, "arange of bools", .argument, "arange") { arange(2, dtype: .bool) },
        BadInput(20, "linspace to NaN", .argument, "linspace") {
            linspace(0, Double.nan, count: 3)
        },
        BadInput(20, "linspace to infinity", .argument, "linspace") {
            linspace(0, Float.infinity, count: 1)
        },
        BadInput(20, "linspace of -1", .argument, "linspace") { linspace(0, 1, count: -1) },
        BadInput(20, "linspace of INT_MAX", .argument, "arange") { linspace(0, 1, count: highest) },
        BadInput(20, "eye(-1)", .argument, "eye") { eye(-1) },
        BadInput(20, "tri with -2 columns", .argument, "tri") { tri(2, m: -2) },
    ]

    static let dtypes: [BadInput] = [
        BadInput(20, "matmul of integers", .dtype, "matmul") {
            matmul(x(2, 2).asType(.int32), x(2, 2).asType(.int32))
        },
        BadInput(20, "shift of floats", .dtype, "left_shift") { x(2) << 1 },
        BadInput(20, "bitwise and of floats", .dtype, "bitwise_and") { x(2) & x(2) },
        BadInput(20, "inverting floats", .dtype, "bitwise_invert") { bitwiseInvert(x(2)) },
        BadInput(20, "negative of bools", .dtype, "negative") { -(x(2) .> 0) },
        BadInput(20, "remainder of complex", .dtype, "remainder") {
            x(2).asType(.complex64) % x(2).asType(.complex64)
        },
        BadInput(20, "floor of complex", .dtype, "floor") { floor(x(2).asType(.complex64)) },
        BadInput(20, "sigmoid of complex", .dtype, "sigmoid") { sigmoid(x(2).asType(.complex64)) },
        BadInput(20, "uniform integers", .dtype, "uniform") {
            MLXRandom.uniform(low: 0, high: 1, [2], dtype: .int32, key: key)
        },
        BadInput(20, "uniform float64", .dtype, "uniform") {
            MLXRandom.uniform(low: 0, high: 1, [2], dtype: .float64, key: key)
        },
        BadInput(20, "bernoulli of integers", .dtype, "bernoulli") {
            MLXRandom.bernoulli(MLXArray([0, 1]), key: key)
        },
        BadInput(20, "a key that is none", .argument, "random_bits") {
            MLXRandom.uniform(0..<1, [2], key: x(3))
        },
    ]

    /// Errors that come from further down.
    static let graphs: [BadInput] = [
        BadInput(23, "through other operations", .shape, "broadcast_shapes") {
            exp(sum((x(2) + x(3)) * 2, axis: 0)) - 1
        },
        BadInput(24, "inside grad", .shape, "broadcast_shapes") {
            grad { (y: MLXArray) in (y + x(3)).sum() }(x(2))
        },
        BadInput(24, "grad of no scalar", .shape, "grad") { grad { (y: MLXArray) in y * 2 }(x(2)) },
        BadInput(24, "no derivative", .notDifferentiable, "scatter_prod") {
            grad { (y: MLXArray) in y.at[MLXArray([0, 0])].multiply(2.0).sum() }(x(2))
        },
        BadInput(24, "vjp with a wrong cotangent", .shape, "vjp") {
            vjp({ [$0[0] * 2] }, primals: [x(2)], cotangents: [x(3)]).1[0]
        },
        BadInput(24, "gather in grad", .index, "scatter") {
            grad { (y: MLXArray) in y[MLXArray([5])].sum() }(x(2))
        },
    ]
}
