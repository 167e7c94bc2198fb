import MLXBase
import MLXGraph
import MLXOps

// Elementwise functions of two arrays, broadcast against each other. A number takes the dtype of
// the array it meets.

/// a + b, in the shape both broadcast to and their promoted dtype; integers wrap. Shapes that do
/// not broadcast give an invalid array.
/// ```swift
/// let c = add(MLXArray([1, 2]), 10)    // 11 12
/// ```
public func add(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.add, a, b, stream: stream.id)
}

/// a - b, in the shape both broadcast to and their promoted dtype; integers wrap. Shapes that do
/// not broadcast give an invalid array.
public func subtract(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.subtract, a, b, stream: stream.id)
}

/// a b element by element, in the shape both broadcast to and their promoted dtype; integers wrap.
/// Shapes that do not broadcast give an invalid array.
public func multiply(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.multiply, a, b, stream: stream.id)
}

/// a / b, in the shape both broadcast to; integers give float32. Shapes that do not broadcast give
/// an invalid array.
/// ```swift
/// let c = divide(MLXArray([1, 2]), 2)    // 0.5 1
/// ```
public func divide(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.divide, a, b, stream: stream.id)
}

/// a - b ⌊a / b⌋, which has the sign of the divisor; a for integers divided by 0.
/// ```swift
/// let c = remainder(MLXArray([-7, 7]), 3)    // 2 1
/// ```
public func remainder(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.remainder, a, b, stream: stream.id)
}

/// The larger of two elements, NaN if either is NaN. Where they are equal, a gradient goes to the
/// second.
public func maximum(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.maximum, a, b, stream: stream.id)
}

/// The smaller of two elements, NaN if either is NaN. Where they are equal, a gradient goes to the
/// second.
public func minimum(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.minimum, a, b, stream: stream.id)
}

/// ln (eᵃ + eᵇ), without overflow; integers give float32.
public func logAddExp(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.logAddExp, a, b, stream: stream.id)
}

/// Whether the elements are equal, as bool; NaN equals nothing.
public func equal(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.equal, a, b, stream: stream.id)
}

/// Whether the elements differ, as bool; NaN differs from everything.
public func notEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.notEqual, a, b, stream: stream.id)
}

/// Whether a < b, as bool; false with NaN.
public func less(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.less, a, b, stream: stream.id)
}

/// Whether a ≤ b, as bool; false with NaN.
public func lessEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.lessEqual, a, b, stream: stream.id)
}

/// Whether a > b, as bool; false with NaN.
public func greater(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.greater, a, b, stream: stream.id)
}

/// Whether a ≥ b, as bool; false with NaN.
public func greaterEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.greaterEqual, a, b, stream: stream.id)
}

/// Whether both elements are nonzero, as bool.
public func logicalAnd(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.logicalAnd, a, b, stream: stream.id)
}

/// Whether one of the elements is nonzero, as bool.
public func logicalOr(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.logicalOr, a, b, stream: stream.id)
}

/// Bitwise and of integers or bool.
public func bitwiseAnd(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.bitwiseAnd, a, b, stream: stream.id)
}

/// Bitwise or of integers or bool.
public func bitwiseOr(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.bitwiseOr, a, b, stream: stream.id)
}

/// Bitwise exclusive or of integers or bool.
public func bitwiseXOr(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.bitwiseXor, a, b, stream: stream.id)
}

/// a shifted left by b bits; floats give an invalid array.
public func leftShift(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.leftShift, a, b, stream: stream.id)
}

/// a shifted right by b bits, with copies of the sign for signed integers; floats give an invalid
/// array.
public func rightShift(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.rightShift, a, b, stream: stream.id)
}

/// ⌊a / b⌋, rounded towards minus infinity for integers too; 0 for integers divided by 0.
/// ```swift
/// let c = floorDivide(MLXArray([-7, 7]), 2)    // -4 3
/// ```
public func floorDivide(
    _ array: MLXArray, _ other: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.floorDivide, array, other, stream)
}

/// ``floorDivide(_:_:stream:)`` and ``remainder(_:_:stream:)``, in this order.
public func divmod(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    let (a, b) = toArrays(a, b)
    return (
        Ops.binary(.floorDivide, a, b, stream: stream.id),
        Ops.binary(.remainder, a, b, stream: stream.id)
    )
}

/// The angle of the point (b, a) in radians, -π to π.
/// ```swift
/// let c = atan2(MLXArray(1 as Float), MLXArray(1 as Float))    // π / 4
/// ```
public func atan2(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.binary(.arctan2, a, b, stream: stream.id)
}

/// a to the power of b.
public func pow(
    _ array: MLXArray, _ other: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.binary(.power, array, other, stream: stream.id)
}

/// a to the power of b.
public func pow(
    _ array: MLXArray, _ other: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.power, array, other, stream)
}

/// a to the power of b.
public func pow(
    _ array: some ScalarOrArray, _ other: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.power, array, other, stream)
}

/// The elements, not below `min`.
public func clip(
    _ array: MLXArray, min: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.maximum, array, min, stream)
}

/// The elements, between `min` and `max`.
public func clip(
    _ array: MLXArray, min: some ScalarOrArray, max: some ScalarOrArray,
    stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.minimum, recordBinary(.maximum, array, min, stream), max, stream)
}

/// The elements, not above `max`.
public func clip(
    _ array: MLXArray, max: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.minimum, array, max, stream)
}

/// `a` where the condition holds, `b` elsewhere; all three broadcast.
public func which(
    _ condition: MLXArray, _ a: some ScalarOrArray, _ b: some ScalarOrArray,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.select(condition, a, b, stream: stream.id)
}

/// `a` where the condition holds, `b` elsewhere; all three broadcast.
public func `where`(
    _ condition: MLXArray, _ a: some ScalarOrArray, _ b: some ScalarOrArray,
    stream: StreamOrDevice = .default
) -> MLXArray {
    which(condition, a, b, stream: stream)
}

// MARK: - Closeness

/// Whether |a - b| <= atol + rtol |b|; infinities are close when they are equal.
public func isClose(
    _ a: MLXArray, _ b: MLXArray, rtol: Double = 1e-5, atol: Double = 1e-8,
    equalNaN: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let type = DType.promote(a.dtype, b.dtype).atLeastFloat
    let (x, y) = (Ops.cast(a, to: type), Ops.cast(b, to: type))
    let bound = recordBinary(
        .add, recordBinary(.multiply, abs(y), rtol, stream), atol, stream)
    let near = Ops.binary(.lessEqual, abs(x - y), bound, stream: stream.id)
    let finite = isFinite(x) .&& isFinite(y)
    let result = (near .&& finite) .|| (x .== y)
    return equalNaN ? result .|| (isNaN(x) .&& isNaN(y)) : result
}

/// Whether all elements are close, as a bool array without axes.
public func allClose(
    _ array: MLXArray, _ other: some ScalarOrArray, rtol: Double = 1e-5, atol: Double = 1e-8,
    equalNaN: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    all(
        isClose(
            array, other.asMLXArray(dtype: array.dtype), rtol: rtol, atol: atol,
            equalNaN: equalNaN, stream: stream), stream: stream)
}

/// Whether shapes and all elements are equal, as a bool array without axes.
public func arrayEqual(
    _ array: MLXArray, _ other: some ScalarOrArray, equalNAN: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let other = other.asMLXArray(dtype: array.dtype)
    guard array.nodeShape == other.nodeShape else { return MLXArray(false) }
    let same = Ops.binary(.equal, array, other, stream: stream.id)
    guard equalNAN, array.dtype.isFloatingPoint, other.dtype.isFloatingPoint else {
        return all(same, stream: stream)
    }
    return all(same .|| (isNaN(array) .&& isNaN(other)), stream: stream)
}

/// a b, and 0 where either is 0, also beside ∞ and NaN: what counts nothing adds nothing.
package func multiplyOrZero(_ a: MLXArray, _ b: MLXArray) -> MLXArray {
    Ops.binary(.multiplyOrZero, a, b)
}
