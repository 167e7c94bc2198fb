import MLXBase
import MLXGraph
import MLXOps

// Reductions: over all axes, one or several. Axes may be negative; `keepDims` keeps reduced axes
// with size one. float16 and bfloat16 accumulate in float32.

/// The sum of the elements over several axes. bool and integers below 32 bits give int32 or uint32;
/// nothing sums to 0. An axis out of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func sum(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.sum, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// The sum of the elements along an axis. bool and integers below 32 bits give int32 or uint32;
/// nothing sums to 0. An axis out of range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let s = sum(m, axis: 0)    // 4 6
/// ```
public func sum(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.sum, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The sum of the elements over all axes: a scalar, or with `keepDims` an array of as many axes of
/// size one. bool and integers below 32 bits give int32 or uint32; nothing sums to 0.
public func sum(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.sum, array, keepDims: keepDims, stream: stream.id)
}

/// The product of the elements over several axes. bool and integers below 32 bits give int32 or
/// uint32; of nothing it is 1. An axis out of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func product(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.product, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// The product of the elements along an axis. bool and integers below 32 bits give int32 or uint32;
/// of nothing it is 1. An axis out of range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let p = product(m, axis: 0)    // 3 8
/// ```
public func product(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.product, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The product of the elements over all axes: a scalar, or with `keepDims` an array of as many axes
/// of size one. bool and integers below 32 bits give int32 or uint32; of nothing it is 1.
public func product(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.product, array, keepDims: keepDims, stream: stream.id)
}

/// The largest element over several axes. NaN if any is NaN; of nothing it is an error. An axis out
/// of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func max(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.max, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// The largest element along an axis. NaN if any is NaN; of nothing it is an error. An axis out of
/// range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let l = max(m, axis: 1)    // 2 4
/// ```
public func max(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.max, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The largest element over all axes: a scalar, or with `keepDims` an array of as many axes of size
/// one. NaN if any is NaN; of nothing it is an error.
public func max(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.max, array, keepDims: keepDims, stream: stream.id)
}

/// The smallest element over several axes. NaN if any is NaN; of nothing it is an error. An axis
/// out of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func min(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.min, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// The smallest element along an axis. NaN if any is NaN; of nothing it is an error. An axis out of
/// range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let l = min(m, axis: 1)    // 1 3
/// ```
public func min(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.min, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The smallest element over all axes: a scalar, or with `keepDims` an array of as many axes of
/// size one. NaN if any is NaN; of nothing it is an error.
public func min(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.min, array, keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero, as bool, over several axes. True for nothing. An axis out of
/// range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func all(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.all, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero, as bool, along an axis. True for nothing. An axis out of range
/// or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let a = all(m .> 1, axis: 1)    // false true
/// ```
public func all(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.all, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// Whether every element is nonzero, as bool, over all axes: a scalar, or with `keepDims` an array
/// of as many axes of size one. True for nothing.
public func all(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.all, array, keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero, as bool, over several axes. False for nothing. An axis out of
/// range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func any(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.any, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero, as bool, along an axis. False for nothing. An axis out of range
/// or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let a = any(m .> 3, axis: 1)    // false true
/// ```
public func any(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.any, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// Whether some element is nonzero, as bool, over all axes: a scalar, or with `keepDims` an array
/// of as many axes of size one. False for nothing.
public func any(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.any, array, keepDims: keepDims, stream: stream.id)
}

/// ln Σ eˣ, without overflow, over several axes. Integers give float32. An axis out of range or
/// named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func logSumExp(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.logSumExp, array, axes: Array(axes), keepDims: keepDims, stream: stream.id)
}

/// ln Σ eˣ, without overflow, along an axis. Integers give float32. An axis out of range or named
/// twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let l = logSumExp(m, axis: 1)    // 2.3133 4.3133
/// ```
public func logSumExp(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.logSumExp, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// ln Σ eˣ, without overflow, over all axes: a scalar, or with `keepDims` an array of as many axes
/// of size one. Integers give float32.
public func logSumExp(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.logSumExp, array, keepDims: keepDims, stream: stream.id)
}

/// The arithmetic mean over several axes. Integers give float32; of nothing it is NaN. An axis out
/// of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func mean(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, Array(axes), keepDims, stream)
}

/// The arithmetic mean along an axis. Integers give float32; of nothing it is NaN. An axis out of
/// range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let a = mean(m, axis: 0)    // 2 3
/// ```
public func mean(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, [axis], keepDims, stream)
}

/// The arithmetic mean over all axes: a scalar, or with `keepDims` an array of as many axes of size
/// one. Integers give float32; of nothing it is NaN.
public func mean(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    average(array, nil, keepDims, stream)
}

/// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), over several axes. Integers
/// give float32. An axis out of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func variance(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, Array(axes), keepDims, ddof, stream)
}

/// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), along an axis. Integers
/// give float32. An axis out of range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let v = variance(m, axis: 0)    // 1 1
/// ```
public func variance(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, [axis], keepDims, ddof, stream)
}

/// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), over all axes: a scalar, or
/// with `keepDims` an array of as many axes of size one. Integers give float32.
public func variance(
    _ array: MLXArray, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, nil, keepDims, ddof, stream)
}

/// The standard deviation, √(Σ (x - mean)² / (n - ddof)), over several axes. Integers give float32.
/// An axis out of range or named twice gives an invalid array.
/// - Parameters:
///   - axes: which may count from the end; none of them leaves the array as it is.
///   - keepDims: whether reduced axes stay, with size one.
public func std(
    _ array: MLXArray, axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, Array(axes), keepDims, ddof, stream, isRoot: true)
}

/// The standard deviation, √(Σ (x - mean)² / (n - ddof)), along an axis. Integers give float32. An
/// axis out of range or named twice gives an invalid array.
/// ```swift
/// let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
/// let s = std(m, axis: 0)    // 1 1
/// ```
public func std(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, ddof: Int = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, [axis], keepDims, ddof, stream, isRoot: true)
}

/// The standard deviation, √(Σ (x - mean)² / (n - ddof)), over all axes: a scalar, or with
/// `keepDims` an array of as many axes of size one. Integers give float32.
public func std(
    _ array: MLXArray, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    spread(array, nil, keepDims, ddof, stream, isRoot: true)
}

/// The number of elements that each element of a reduction stands for, as a factor or divisor of
/// its result. Bad axes are an error of the reduction itself.
private func reducedCount(
    _ array: MLXArray, _ axes: [Int]?, less: Int = 0, isReciprocal: Bool = false, _ dtype: DType
) -> MLXArray {
    let rank = array.ndim
    let places = axes?.map { $0 < 0 ? $0 + rank : $0 } ?? Array(0..<rank)
    return Ops.elementCount(
        array, axes: places.filter { $0 >= 0 && $0 < rank }, less: less,
        isReciprocal: isReciprocal, dtype)
}

private func average(
    _ array: MLXArray, _ axes: [Int]?, _ keepDims: Bool, _ stream: StreamOrDevice
) -> MLXArray {
    let type = array.dtype
    // NUMERICS: a sum of halves may leave their range although the mean does not, and one of
    // integers may wrap.
    let wide: DType = type.isHalf ? .float32 : type.isFloatingPoint ? type : .float64
    let total = Ops.reduce(
        .sum, array, axes: axes, keepDims: keepDims, dtype: wide, stream: stream.id)
    let mean = Ops.binary(
        .multiply, total, reducedCount(array, axes, isReciprocal: true, wide), stream: stream.id)
    return Ops.cast(mean, to: type.atLeastFloat, stream: stream.id)
}

/// The variance, or its root.
private func spread(
    _ array: MLXArray, _ axes: [Int]?, _ keepDims: Bool, _ ddof: Int, _ stream: StreamOrDevice,
    isRoot: Bool = false
) -> MLXArray {
    let type = array.dtype
    // NUMERICS: squares of halves leave their range although the result, or its root, does not;
    // float32 would round large integers by more than they are apart.
    let isLong = type.isInteger && type.size >= 4
    let wide: DType = type.isHalf ? .float32 : isLong ? .float64 : type.atLeastFloat
    let x = Ops.cast(array, to: wide, stream: stream.id)
    let distance = x - average(x, axes, true, stream)
    let squares = x.dtype.isComplex ? square(abs(distance)) : square(distance)
    let total = Ops.reduce(.sum, squares, axes: axes, keepDims: keepDims, stream: stream.id)
    let variance = Ops.binary(
        .divide, total, reducedCount(array, axes, less: ddof, total.dtype), stream: stream.id)
    let result = isRoot ? sqrt(variance, stream: stream) : variance
    return type.isComplex ? result : Ops.cast(result, to: type.atLeastFloat, stream: stream.id)
}

/// The index along an axis of the first largest element, or of the first NaN; uint32. An axis out
/// of range or named twice gives an invalid array.
/// ```swift
/// let i = argMax(MLXArray([3, 9, 9]), axis: 0)    // 1
/// ```
public func argMax(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.argMax, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The index in the flattened array of the first largest element, or of the first NaN; a uint32
/// scalar.
public func argMax(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let flat = flattened(array, stream: stream)
    let index = Ops.reduce(.argMax, flat, axes: [0], keepDims: false, stream: stream.id)
    guard keepDims else { return index }
    return Ops.reshape(index, array.shape.map { _ in 1 }, stream: stream.id)
}

/// The index along an axis of the first smallest element, or of the first NaN; uint32. An axis out
/// of range or named twice gives an invalid array.
/// ```swift
/// let i = argMin(MLXArray([3, 1, 1]), axis: 0)    // 1
/// ```
public func argMin(
    _ array: MLXArray, axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.argMin, array, axis: axis, keepDims: keepDims, stream: stream.id)
}

/// The index in the flattened array of the first smallest element, or of the first NaN; a uint32
/// scalar.
public func argMin(
    _ array: MLXArray, keepDims: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let flat = flattened(array, stream: stream)
    let index = Ops.reduce(.argMin, flat, axes: [0], keepDims: false, stream: stream.id)
    guard keepDims else { return index }
    return Ops.reshape(index, array.shape.map { _ in 1 }, stream: stream.id)
}

/// eˣ / Σ eˣ over several axes taken together, in the array's shape. The largest element is
/// subtracted first; integers give float32; half types accumulate in float32, `precise` or not.
public func softmax(
    _ array: MLXArray, axes: some Collection<Int>, precise: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axes: Array(axes), keepDims: false, stream: stream.id)
}

/// eˣ / Σ eˣ over an axis, in the array's shape. The largest element is subtracted first; integers
/// give float32; half types accumulate in float32, `precise` or not.
/// ```swift
/// let p = softmax(MLXArray([0, 0] as [Float]), axis: 0)    // 0.5 0.5
/// ```
public func softmax(
    _ array: MLXArray, axis: Int, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduce(.softmax, array, axis: axis, keepDims: false, stream: stream.id)
}

/// eˣ / Σ eˣ over all elements, in the array's shape. The largest element is subtracted first;
/// integers give float32; half types accumulate in float32, `precise` or not.
public func softmax(
    _ array: MLXArray, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.softmax, array, keepDims: false, stream: stream.id)
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
    Ops.reduce(.softmax, array, axis: axis, keepDims: false, stream: stream.id)
}

/// e^x divided by its sum over the axes. Half types accumulate in float32, `precise` or not.
public func softMax(
    _ array: MLXArray, precise: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.reduceAll(.softmax, array, keepDims: false, stream: stream.id)
}
