import MLXBase
import MLXGraph
import MLXOps

// Reductions: over all axes, one or several. Axes may be negative; `keepDims` keeps reduced axes
// with size one. float16 and bfloat16 accumulate in float32.

/// Sum of the elements; small integers accumulate in 32 bits.
public func sum(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.sum, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Sum of the elements; small integers accumulate in 32 bits.
public func sum(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.sum, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Sum of the elements; small integers accumulate in 32 bits.
public func sum(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.sum, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Product of the elements; small integers accumulate in 32 bits.
public func product(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.product, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Product of the elements; small integers accumulate in 32 bits.
public func product(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.product, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Product of the elements; small integers accumulate in 32 bits.
public func product(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.product, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Largest element, NaN if any is NaN.
public func max(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.max, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Largest element, NaN if any is NaN.
public func max(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.max, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Largest element, NaN if any is NaN.
public func max(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.max, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Smallest element, NaN if any is NaN.
public func min(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.min, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Smallest element, NaN if any is NaN.
public func min(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.min, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Smallest element, NaN if any is NaN.
public func min(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.min, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero.
public func all(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.all, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero.
public func all(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.all, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero.
public func all(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.all, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero.
public func any(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.any, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero.
public func any(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.any, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero.
public func any(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.any, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// ln of the sum of e^x, without overflow.
public func logSumExp(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.logSumExp, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// ln of the sum of e^x, without overflow.
public func logSumExp(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.logSumExp, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// ln of the sum of e^x, without overflow.
public func logSumExp(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.logSumExp, array, axes: nil, keepDims: keepDims, stream: stream.id)
}

/// Arithmetic mean; integers give float32.
public func mean(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, Array(axes), keepDims, stream)
}

/// Arithmetic mean; integers give float32.
public func mean(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, [axis], keepDims, stream)
}

/// Arithmetic mean; integers give float32.
public func mean(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, nil, keepDims, stream)
}

/// Mean squared distance from the mean, with `ddof` taken off the count.
public func variance(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, Array(axes), keepDims, ddof, stream)
}

/// Mean squared distance from the mean, with `ddof` taken off the count.
public func variance(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, [axis], keepDims, ddof, stream)
}

/// Mean squared distance from the mean, with `ddof` taken off the count.
public func variance(
    _ array: MLXArray, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, nil, keepDims, ddof, stream)
}

/// Square root of the variance.
public func std(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    sqrt(spread(array, Array(axes), keepDims, ddof, stream), stream: stream)
}

/// Square root of the variance.
public func std(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    sqrt(spread(array, [axis], keepDims, ddof, stream), stream: stream)
}

/// Square root of the variance.
public func std(
    _ array: MLXArray, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    sqrt(spread(array, nil, keepDims, ddof, stream), stream: stream)
}

/// The number of elements that each element of a reduction stands for.
private func reducedCount(_ array: MLXArray, _ axes: [Int]?) -> Int {
    guard let axes else { return array.size }
    return axes.reduce(1) { $0 * array.dim($1) }
}

private func average(
    _ array: MLXArray, _ axes: [Int]?, _ keepDims: Bool, _ stream: StreamOrDevice
) -> MLXArray {
    let type = array.dtype
    // NUMERICS: a sum of halves may leave their range although the mean does not.
    let wide = type.isHalf ? Ops.cast(array, to: .float32, stream: stream.id) : array
    let total = Ops.reduce(.sum, wide, axes: axes, keepDims: keepDims, stream: stream.id)
    let float = Ops.cast(total, to: wide.dtype.atLeastFloat, stream: stream.id)
    let mean = recordBinary(.multiply, float, 1 / Double(reducedCount(array, axes)), stream)
    return Ops.cast(mean, to: type.atLeastFloat, stream: stream.id)
}

private func spread(
    _ array: MLXArray, _ axes: [Int]?, _ keepDims: Bool, _ ddof: Int, _ stream: StreamOrDevice
) -> MLXArray {
    let x = Ops.cast(array, to: array.dtype.atLeastFloat, stream: stream.id)
    let distance = x - average(x, axes, true, stream)
    let squares = x.dtype.isComplex ? square(abs(distance)) : square(distance)
    let total = Ops.reduce(.sum, squares, axes: axes, keepDims: keepDims, stream: stream.id)
    let count = Swift.max(Double(reducedCount(array, axes)) - Double(ddof), 0)
    return recordBinary(.divide, total, count, stream)
}

/// First index of the largest element, uint32.
public func argMax(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.argMax, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// First index of the largest element, uint32. The array counts as flattened.
public func argMax(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let flat = flattened(array, stream: stream)
    let index = Ops.reduce(.argMax, flat, axes: [0], keepDims: false, stream: stream.id)
    guard keepDims else { return index }
    return Ops.reshape(index, array.shape.map { _ in 1 }, stream: stream.id)
}

/// First index of the smallest element, uint32.
public func argMin(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.argMin, array, axes: [axis], keepDims: keepDims, stream: stream.id)
}

/// First index of the smallest element, uint32. The array counts as flattened.
public func argMin(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let flat = flattened(array, stream: stream)
    let index = Ops.reduce(.argMin, flat, axes: [0], keepDims: false, stream: stream.id)
    guard keepDims else { return index }
    return Ops.reshape(index, array.shape.map { _ in 1 }, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softmax(
    _ array: MLXArray, axes: some Collection<Int>, precise: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: Array(axes), keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softmax(
    _ array: MLXArray, axis: Int, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: [axis], keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softmax(
    _ array: MLXArray, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: nil, keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softMax(
    _ array: MLXArray, axes: some Collection<Int>, precise: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: Array(axes), keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softMax(
    _ array: MLXArray, axis: Int, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: [axis], keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softMax(
    _ array: MLXArray, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: nil, keepDims: false, stream: stream.id)
}
