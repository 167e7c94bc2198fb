import MLXBase
import MLXGraph
import MLXOps

// Arrays made from numbers. Each function exists free and as a static member of MLXArray.

/// An array of zeros, float32 unless a type is given. A negative dimension or too many elements
/// give an invalid array.
/// ```swift
/// let a = zeros([2, 3])                  // (2, 3), float32
/// let b = zeros([2, 3], type: Int32.self)
/// ```
/// - Parameters:
///   - shape: the dimensions; empty for a scalar.
///   - type: the type of an element.
public func zeros(
    _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
    stream: StreamOrDevice = .default
) -> MLXArray {
    filled(Array(shape), 0, type.dtype, stream)
}

/// An array of zeros. A negative dimension or too many elements give an invalid array.
/// ```swift
/// let a = zeros([2, 3], dtype: .float16)
/// ```
public func zeros(
    _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    filled(Array(shape), 0, dtype, stream)
}

/// Zeros in the shape and dtype of another array, whose values are not used.
public func zeros(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    filled(array.shape, 0, array.dtype, stream)
}

/// An array of ones, float32 unless a type is given. A negative dimension or too many elements give
/// an invalid array.
/// ```swift
/// let a = ones([2, 3])                  // (2, 3), float32
/// let b = ones([2, 3], type: Int32.self)
/// ```
/// - Parameters:
///   - shape: the dimensions; empty for a scalar.
///   - type: the type of an element.
public func ones(
    _ shape: some Collection<Int>, type: (some HasDType).Type = Float.self,
    stream: StreamOrDevice = .default
) -> MLXArray {
    filled(Array(shape), 1, type.dtype, stream)
}

/// An array of ones. A negative dimension or too many elements give an invalid array.
/// ```swift
/// let a = ones([2, 3], dtype: .float16)
/// ```
public func ones(
    _ shape: some Collection<Int>, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    filled(Array(shape), 1, dtype, stream)
}

/// Ones in the shape and dtype of another array, whose values are not used.
public func ones(like array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    filled(array.shape, 1, array.dtype, stream)
}

/// Ones on diagonal `k`, zeros elsewhere: (n, m), float32 unless a type is given. Negative sizes
/// give an invalid array.
/// ```swift
/// let a = eye(2, m: 3, k: 1)    // [[0, 1, 0], [0, 0, 1]]
/// ```
/// - Parameters:
///   - n: rows.
///   - m: columns; n if nil.
///   - k: 0 for the main diagonal, positive above it, negative below.
public func eye(
    _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
    stream: StreamOrDevice = .default
) -> MLXArray {
    unitDiagonal(n, m ?? n, k, type.dtype, stream)
}

/// Ones on diagonal `k`, zeros elsewhere: (n, m), where m is n if nil. Negative sizes give an
/// invalid array.
public func eye(
    _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    unitDiagonal(n, m ?? n, k, dtype, stream)
}

/// Ones on and below diagonal `k`, zeros above: (n, m), float32 unless a type is given. Negative
/// sizes give an invalid array.
/// ```swift
/// let a = tri(3)    // [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
/// ```
public func tri(
    _ n: Int, m: Int? = nil, k: Int = 0, type: (some HasDType).Type = Float.self,
    stream: StreamOrDevice = .default
) -> MLXArray {
    diagonalMask("tri", n, m, k, .lessEqual, type.dtype, stream)
}

/// Ones on and below diagonal `k`, zeros above: (n, m), where m is n if nil. Negative sizes give an
/// invalid array.
public func tri(
    _ n: Int, m: Int? = nil, k: Int = 0, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    diagonalMask("tri", n, m, k, .lessEqual, dtype, stream)
}

/// The identity matrix (n, n), float32 unless a type is given. Negative sizes give an invalid
/// array.
public func identity(
    _ n: Int, type: (some HasDType).Type = Float.self, stream: StreamOrDevice = .default
) -> MLXArray {
    eye(n, type: type, stream: stream)
}

/// The identity matrix (n, n). Negative sizes give an invalid array.
public func identity(_ n: Int, dtype: DType, stream: StreamOrDevice = .default) -> MLXArray {
    eye(n, dtype: dtype, stream: stream)
}

/// `count` numbers evenly spaced from `start` to `stop`, both included: (count), float32. A
/// negative count gives an invalid array.
/// ```swift
/// let a = linspace(0, 10, count: 5)    // 0 2.5 5 7.5 10
/// ```
public func linspace<T: HasDType & BinaryInteger>(
    _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
) -> MLXArray {
    evenlySpaced(Double(start), Double(stop), count, stream)
}

/// `count` numbers evenly spaced from `start` to `stop`, both included: (count), float32. A
/// negative count gives an invalid array.
/// ```swift
/// let a = linspace(0.0, 1.0, count: 3)    // 0 0.5 1
/// ```
public func linspace<T: HasDType & BinaryFloatingPoint>(
    _ start: T, _ stop: T, count: Int = 50, stream: StreamOrDevice = .default
) -> MLXArray {
    evenlySpaced(Double(start), Double(stop), count, stream)
}

/// The integers from 0 below `stop`: (stop), int32; none if `stop` is negative.
/// ```swift
/// let a = arange(4)    // 0 1 2 3
/// ```
public func arange(_ stop: Int, stream: StreamOrDevice = .default) -> MLXArray {
    counted(0, Double(stop), 1, .int32, stream)
}

/// The integers from `start` below `stop`, `step` apart, int32. A step of 0 gives an invalid array.
/// ```swift
/// let a = arange(5, 0, step: -2)    // 5 3 1
/// ```
public func arange(
    _ start: Int, _ stop: Int, step: Int = 1, stream: StreamOrDevice = .default
) -> MLXArray {
    counted(Double(start), Double(stop), Double(step), .int32, stream)
}

/// The numbers from 0 below `stop` in a dtype.
public func arange(_ stop: Int, dtype: DType, stream: StreamOrDevice = .default) -> MLXArray {
    counted(0, Double(stop), 1, dtype, stream)
}

/// The numbers from `start` below `stop`, `step` apart, in a dtype. A step of 0 gives an invalid
/// array.
public func arange(
    _ start: Int, _ stop: Int, step: Int = 1, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    counted(Double(start), Double(stop), Double(step), dtype, stream)
}

/// The numbers from 0 below `stop`, one apart.
public func arange(
    _ stop: Double, dtype: DType = .float32, stream: StreamOrDevice = .default
) -> MLXArray {
    counted(0, stop, 1, dtype, stream)
}

/// The numbers from `start` below `stop`, `step` apart: ⌈(stop - start) / step⌉ of them. A step of
/// 0 and bounds that are not finite give an invalid array.
/// ```swift
/// let a = arange(0.0, 1.0, step: 0.25)    // 0 0.25 0.5 0.75
/// ```
public func arange(
    _ start: Double, _ stop: Double, step: Double = 1.0, dtype: DType = .float32,
    stream: StreamOrDevice = .default
) -> MLXArray {
    counted(start, stop, step, dtype, stream)
}

/// An array of one value, or of values broadcast to the shape, in a type. Values that cannot be
/// broadcast to it give an invalid array.
/// ```swift
/// let a = full([2, 2], values: 7, type: Int32.self)
/// ```
public func full(
    _ shape: some Collection<Int>, values: some ScalarOrArray, type: (some HasDType).Type,
    stream: StreamOrDevice = .default
) -> MLXArray {
    repeatedValue(Array(shape), values.asMLXArray(dtype: type.dtype), type.dtype, stream)
}

/// An array of values broadcast to the shape and cast to the dtype. Values that cannot be broadcast
/// to it give an invalid array.
public func full(
    _ shape: some Collection<Int>, values: MLXArray, dtype: DType,
    stream: StreamOrDevice = .default
) -> MLXArray {
    repeatedValue(Array(shape), values, dtype, stream)
}

/// An array of one value, or of values broadcast to the shape, in their own dtype. Values that
/// cannot be broadcast to it give an invalid array.
/// ```swift
/// let a = full([2, 3], values: MLXArray([1, 2, 3]))    // two rows 1 2 3
/// ```
public func full(
    _ shape: some Collection<Int>, values: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let values = values.asMLXArray(dtype: nil)
    return repeatedValue(Array(shape), values, values.dtype, stream)
}

private func repeatedValue(
    _ shape: [Int], _ values: MLXArray, _ dtype: DType, _ stream: StreamOrDevice
) -> MLXArray {
    recording([values]) { () throws(ArrayError) in
        let target = try Shape(validating: shape, operation: "full")
        guard
            try Broadcasting.shape([values.nodeShape, target], operation: "full") == target
        else {
            throw ArrayError(
                .shape, "full", "\(values.nodeShape) does not broadcast to \(target)",
                shapes: [values.shape, shape])
        }
        return Ops.full(target, Ops.cast(values, to: dtype), stream: stream.id)
    }
}

private func filled(
    _ shape: [Int], _ value: Double, _ dtype: DType, _ stream: StreamOrDevice
) -> MLXArray {
    repeatedValue(shape, Ops.scalar(value, dtype), dtype, stream)
}

/// Ones written into zeros with the stride of a diagonal.
private func unitDiagonal(
    _ n: Int, _ m: Int, _ k: Int, _ dtype: DType, _ stream: StreamOrDevice
) -> MLXArray {
    recording([]) { () throws(ArrayError) in
        guard n >= 0, m >= 0 else {
            throw ArrayError(.argument, "eye", "\(n) rows and \(m) columns")
        }
        let shape = try Shape(validating: [n, m], operation: "eye")
        let zeros = filled([shape.size], 0, dtype, stream)
        let row = Swift.max(0, -Swift.max(k, -n))
        let column = Swift.max(0, Swift.min(k, m))
        let length = Swift.min(n - row, m - column)
        guard length > 0 else { return Ops.reshape(zeros, [n, m], stream: stream.id) }
        let ones = filled([length], 1, dtype, stream)
        let flat = Ops.record(
            .sliceUpdate, [zeros, ones],
            Attributes(words: [row * m + column, length > 1 ? m + 1 : 1]), stream: stream.id)
        return Ops.reshape(flat, [n, m], stream: stream.id)
    }
}

/// 1 where (column - row) compares to k.
private func diagonalMask(
    _ name: String, _ n: Int, _ m: Int?, _ k: Int, _ comparison: OpCode, _ dtype: DType,
    _ stream: StreamOrDevice
) -> MLXArray {
    guard n >= 0, m ?? n >= 0 else {
        return Ops.invalid(
            ArrayError(.argument, name, "\(n) rows and \(m ?? n) columns"), dtype: dtype)
    }
    let rows = expandedDimensions(arange(n, stream: stream), axis: 1, stream: stream)
    let columns = arange(m ?? n, stream: stream)
    return recordBinary(comparison, columns - rows, k, stream).asType(dtype, stream: stream)
}

/// `count` numbers evenly spaced from `start` to `stop`, computed in float64 for that dtype and in
/// float32 for all others.
package func linspace(_ start: Double, _ stop: Double, count: Int, dtype: DType) -> MLXArray {
    evenlySpaced(start, stop, count, .default, dtype == .float64 ? .float64 : .float32)
        .asType(dtype)
}

private func evenlySpaced(
    _ start: Double, _ stop: Double, _ count: Int, _ stream: StreamOrDevice,
    _ dtype: DType = .float32
) -> MLXArray {
    guard count >= 0, start.isFinite, stop.isFinite else {
        return Ops.invalid(
            ArrayError(.argument, "linspace", "\(count) numbers from \(start) to \(stop)"))
    }
    if count == 1 { return filled([1], start, dtype, stream) }
    func number(_ value: Double) -> MLXArray { Ops.scalar(value, dtype) }
    let t = arange(0.0, Double(count), dtype: dtype, stream: stream) / number(Double(count - 1))
    return (number(1) - t) * number(start) + t * number(stop)
}

/// The length is ⌈(stop - start) / step⌉, not below 0; elements are start + i increment, with
/// the increment rounded to the dtype as NumPy does.
private func counted(
    _ start: Double, _ stop: Double, _ step: Double, _ dtype: DType, _ stream: StreamOrDevice
) -> MLXArray {
    // A step beyond all numbers reaches none but the first.
    let length =
        step.isInfinite
        ? ((stop - start) * step > 0 ? 1 : 0) : ((stop - start) / step).rounded(.up)
    guard step != 0, start.isFinite, stop.isFinite, !step.isNaN, length < 0x1p60, dtype != .bool
    else {
        return Ops.invalid(
            ArrayError(
                .argument, "arange",
                "\(start) to \(stop) in steps of \(step) as \(dtype) makes no range"),
            dtype: dtype)
    }
    let isIntegral = !dtype.isFloatingPoint
    func stored(_ value: Double) -> Double { isIntegral ? value.rounded(.towardZero) : value }
    let increment = step.isInfinite ? 0 : stored(start + step) - stored(start)
    return Ops.arange(
        start: stored(start), increment: increment, count: length > 0 ? Int(length) : 0, dtype,
        stream: stream.id)
}
