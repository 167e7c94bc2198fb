import MLXBase
import MLXGraph
import MLXOps

// Running folds. With `reverse` they start at the end; without `inclusive` each result leaves out
// its own element, so that the first one is what a fold of nothing gives (0, 1, the lowest or the
// highest number of the dtype, -infinity). Floats add and multiply in float64 and round once.

/// The running sums along an axis. bool becomes int32; other dtypes are kept.
/// ```
/// cumsum(MLXArray([1, 2, 3]), axis: 0)  // [1, 3, 6]
/// ```
public func cumsum(
    _ array: MLXArray, axis: Int, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.scan(
        .cumulativeSum, array, axis: axis, reverse: reverse, inclusive: inclusive,
        stream: stream.id)
}

/// The running sums of the flattened array.
/// ```
/// cumsum(MLXArray([1, 2, 3]))  // [1, 3, 6]
/// ```
public func cumsum(
    _ array: MLXArray, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    cumsum(
        flattened(array, stream: stream), axis: 0, reverse: reverse, inclusive: inclusive,
        stream: stream)
}

/// The running products along an axis.
/// ```
/// cumprod(MLXArray([1, 2, 3]), axis: 0)  // [1, 2, 6]
/// ```
public func cumprod(
    _ array: MLXArray, axis: Int, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.scan(
        .cumulativeProduct, array, axis: axis, reverse: reverse, inclusive: inclusive,
        stream: stream.id)
}

/// The running products of the flattened array.
/// ```
/// cumprod(MLXArray([1, 2, 3]))  // [1, 2, 6]
/// ```
public func cumprod(
    _ array: MLXArray, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    cumprod(
        flattened(array, stream: stream), axis: 0, reverse: reverse, inclusive: inclusive,
        stream: stream)
}

/// The running maxima along an axis. NaN stays once it is met.
/// ```
/// cummax(MLXArray([1, 3, 2]), axis: 0)  // [1, 3, 3]
/// ```
public func cummax(
    _ array: MLXArray, axis: Int, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.scan(
        .cumulativeMaximum, array, axis: axis, reverse: reverse, inclusive: inclusive,
        stream: stream.id)
}

/// The running maxima of the flattened array.
/// ```
/// cummax(MLXArray([1, 3, 2]))  // [1, 3, 3]
/// ```
public func cummax(
    _ array: MLXArray, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    cummax(
        flattened(array, stream: stream), axis: 0, reverse: reverse, inclusive: inclusive,
        stream: stream)
}

/// The running minima along an axis. NaN stays once it is met.
/// ```
/// cummin(MLXArray([3, 1, 2]), axis: 0)  // [3, 1, 1]
/// ```
public func cummin(
    _ array: MLXArray, axis: Int, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.scan(
        .cumulativeMinimum, array, axis: axis, reverse: reverse, inclusive: inclusive,
        stream: stream.id)
}

/// The running minima of the flattened array.
/// ```
/// cummin(MLXArray([3, 1, 2]))  // [3, 1, 1]
/// ```
public func cummin(
    _ array: MLXArray, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    cummin(
        flattened(array, stream: stream), axis: 0, reverse: reverse, inclusive: inclusive,
        stream: stream)
}

/// The logarithms of running sums of exponentials along an axis, without overflow. Integers give
/// float32.
/// ```
/// logCumsumExp(zeros([3]), axis: 0)  // [0, ln 2, ln 3]
/// ```
public func logCumsumExp(
    _ array: MLXArray, axis: Int, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    if array.dtype == .complex64 {
        return complexLogSums(array, axis: axis, reverse: reverse, inclusive: inclusive, stream)
    }
    return Ops.scan(
        .logCumulativeSum, array, axis: axis, reverse: reverse, inclusive: inclusive,
        stream: stream.id)
}

/// The same of complex numbers, for which there is no kernel: in steps that double, after which
/// each element has taken in the 2, 4, 8 … before it (Hillis and Steele, 1986).
private func complexLogSums(
    _ array: MLXArray, axis: Int, reverse: Bool, inclusive: Bool, _ stream: StreamOrDevice
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let shape = array.shape
        let axis = try Axes.normalize(axis, rank: shape.count, operation: "logcumsumexp")
        let length = shape[axis]
        /// What lies `count` places before each element; beyond the end the logarithm of nothing.
        func before(_ x: MLXArray, _ count: Int) throws(ArrayError) -> MLXArray {
            var border = shape
            border[axis] = count
            let nothing = Ops.full(
                try Shape(validating: border, operation: "logcumsumexp"), -Double.infinity,
                .complex64)
            let rest = Ops.slice(x, axis: axis, reverse ? count : 0, length - count)
            return concatenated(
                reverse ? [rest, nothing] : [nothing, rest], axis: axis, stream: stream)
        }
        var sums = array.aliased()
        var reach = 1
        while reach < length {
            sums = logAddExp(sums, try before(sums, reach), stream: stream)
            reach *= 2
        }
        return inclusive || length == 0 ? sums : try before(sums, 1)
    }
}

/// The logarithms of running sums of exponentials of the flattened array.
/// ```
/// logCumsumExp(zeros([3]))  // [0, ln 2, ln 3]
/// ```
public func logCumsumExp(
    _ array: MLXArray, reverse: Bool = false, inclusive: Bool = true,
    stream: StreamOrDevice = .default
) -> MLXArray {
    logCumsumExp(
        flattened(array, stream: stream), axis: 0, reverse: reverse, inclusive: inclusive,
        stream: stream)
}
