import MLXBase
import MLXGraph
import MLXOps

// Elementwise functions of two arrays, broadcast against each other. A number takes the dtype of
// the array it meets.

/// Sum of the elements.
public func add(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.add, a, b, stream: stream.id)
}

/// Difference of the elements.
public func subtract(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.subtract, a, b, stream: stream.id)
}

/// Product of the elements.
public func multiply(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.multiply, a, b, stream: stream.id)
}

/// Quotient of the elements; integers give float32.
public func divide(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.divide, a, b, stream: stream.id)
}

/// Remainder with the sign of the divisor; x for integers divided by 0.
public func remainder(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.remainder, a, b, stream: stream.id)
}

/// The larger element, NaN if either is NaN.
public func maximum(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.maximum, a, b, stream: stream.id)
}

/// The smaller element, NaN if either is NaN.
public func minimum(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.minimum, a, b, stream: stream.id)
}

/// ln(e^a + e^b), without overflow.
public func logAddExp(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.logAddExp, a, b, stream: stream.id)
}

/// Whether the elements are equal.
public func equal(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.equal, a, b, stream: stream.id)
}

/// Whether the elements differ.
public func notEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.notEqual, a, b, stream: stream.id)
}

/// Whether a < b.
public func less(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.less, a, b, stream: stream.id)
}

/// Whether a <= b.
public func lessEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.lessEqual, a, b, stream: stream.id)
}

/// Whether a > b.
public func greater(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.greater, a, b, stream: stream.id)
}

/// Whether a >= b.
public func greaterEqual(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.greaterEqual, a, b, stream: stream.id)
}

/// Logical and.
public func logicalAnd(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.logicalAnd, a, b, stream: stream.id)
}

/// Logical or.
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

/// a shifted left by b bits.
public func leftShift(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.leftShift, a, b, stream: stream.id)
}

/// a shifted right by b bits, arithmetic for signed integers.
public func rightShift(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return Ops.binary(.rightShift, a, b, stream: stream.id)
}

/// ⌊a / b⌋; 0 for integers divided by 0.
public func floorDivide(
    _ array: MLXArray, _ other: some ScalarOrArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recordBinary(.floorDivide, array, other, stream)
}

/// Floored quotient and remainder.
public func divmod(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    let (a, b) = toArrays(a, b)
    return (
        Ops.binary(.floorDivide, a, b, stream: stream.id),
        Ops.binary(.remainder, a, b, stream: stream.id)
    )
}

/// The angle of the point (b, a), in radians.
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
