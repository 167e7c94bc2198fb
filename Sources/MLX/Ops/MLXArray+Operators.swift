import MLXBase
import MLXGraph
import MLXOps

// The operators: exactly three of each, which is what keeps long expressions quick to type-check.
// A number takes the dtype of the array it meets. Comparisons and logic have a dot, because plain
// `==` answers with a Bool in Swift and an array cannot.

infix operator ** : BitwiseShiftPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence
prefix operator .!

/// Records an operation on an array and a number or array.
@inline(__always) func recordBinary(
    _ op: OpCode, _ a: MLXArray, _ b: some ScalarOrArray, _ stream: StreamOrDevice = .default
) -> MLXArray {
    let node = NodeReference(a)
    let dtype = node.dtype
    if let (bits, type) = b._scalarBits(dtype: dtype) {
        return Ops.binary(op, a, node, scalarBits: bits, type, stream: stream.id)
    }
    return Ops.binary(op, a, b.asMLXArray(dtype: dtype), stream: stream.id)
}

/// Records an operation on a number or array and an array.
@inline(__always) func recordBinary(
    _ op: OpCode, _ a: some ScalarOrArray, _ b: MLXArray, _ stream: StreamOrDevice = .default
) -> MLXArray {
    let node = NodeReference(b)
    let dtype = node.dtype
    if let (bits, type) = a._scalarBits(dtype: dtype) {
        return Ops.binary(op, b, node, scalarBits: bits, type, reversed: true, stream: stream.id)
    }
    return Ops.binary(op, a.asMLXArray(dtype: dtype), b, stream: stream.id)
}

extension MLXArray {
    /// Sum of the elements.
    public static func + (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.add, lhs, rhs)
    }
    /// Sum of the elements.
    public static func + (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.add, lhs, rhs)
    }
    /// Sum of the elements.
    public static func + (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.add, lhs, rhs)
    }

    /// Difference of the elements.
    public static func - (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.subtract, lhs, rhs)
    }
    /// Difference of the elements.
    public static func - (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.subtract, lhs, rhs)
    }
    /// Difference of the elements.
    public static func - (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.subtract, lhs, rhs)
    }

    /// Product of the elements.
    public static func * (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.multiply, lhs, rhs)
    }
    /// Product of the elements.
    public static func * (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.multiply, lhs, rhs)
    }
    /// Product of the elements.
    public static func * (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.multiply, lhs, rhs)
    }

    /// Quotient of the elements; integers give float32.
    public static func / (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.divide, lhs, rhs)
    }
    /// Quotient of the elements; integers give float32.
    public static func / (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.divide, lhs, rhs)
    }
    /// Quotient of the elements; integers give float32.
    public static func / (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.divide, lhs, rhs)
    }

    /// Remainder with the sign of the divisor.
    public static func % (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.remainder, lhs, rhs)
    }
    /// Remainder with the sign of the divisor.
    public static func % (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.remainder, lhs, rhs)
    }
    /// Remainder with the sign of the divisor.
    public static func % (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.remainder, lhs, rhs)
    }

    /// Power of the elements.
    public static func ** (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.power, lhs, rhs)
    }
    /// Power of the elements.
    public static func ** (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.power, lhs, rhs)
    }
    /// Power of the elements.
    public static func ** (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.power, lhs, rhs)
    }

    /// Bitwise and.
    public static func & (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.bitwiseAnd, lhs, rhs)
    }
    /// Bitwise and.
    public static func & (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.bitwiseAnd, lhs, rhs)
    }
    /// Bitwise and.
    public static func & (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.bitwiseAnd, lhs, rhs)
    }

    /// Bitwise or.
    public static func | (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.bitwiseOr, lhs, rhs)
    }
    /// Bitwise or.
    public static func | (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.bitwiseOr, lhs, rhs)
    }
    /// Bitwise or.
    public static func | (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.bitwiseOr, lhs, rhs)
    }

    /// Bitwise exclusive or.
    public static func ^ (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.bitwiseXor, lhs, rhs)
    }
    /// Bitwise exclusive or.
    public static func ^ (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.bitwiseXor, lhs, rhs)
    }
    /// Bitwise exclusive or.
    public static func ^ (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.bitwiseXor, lhs, rhs)
    }

    /// Shift to the left.
    public static func << (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.leftShift, lhs, rhs)
    }
    /// Shift to the left.
    public static func << (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.leftShift, lhs, rhs)
    }
    /// Shift to the left.
    public static func << (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.leftShift, lhs, rhs)
    }

    /// Shift to the right, arithmetic for signed integers.
    public static func >> (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.rightShift, lhs, rhs)
    }
    /// Shift to the right, arithmetic for signed integers.
    public static func >> (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.rightShift, lhs, rhs)
    }
    /// Shift to the right, arithmetic for signed integers.
    public static func >> (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.rightShift, lhs, rhs)
    }

    /// Whether the elements are equal.
    public static func .== (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.equal, lhs, rhs)
    }
    /// Whether the elements are equal.
    public static func .== (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.equal, lhs, rhs)
    }
    /// Whether the elements are equal.
    public static func .== (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.equal, lhs, rhs)
    }

    /// Whether the elements differ.
    public static func .!= (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.notEqual, lhs, rhs)
    }
    /// Whether the elements differ.
    public static func .!= (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.notEqual, lhs, rhs)
    }
    /// Whether the elements differ.
    public static func .!= (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.notEqual, lhs, rhs)
    }

    /// Whether the elements are less.
    public static func .< (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.less, lhs, rhs)
    }
    /// Whether the elements are less.
    public static func .< (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.less, lhs, rhs)
    }
    /// Whether the elements are less.
    public static func .< (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.less, lhs, rhs)
    }

    /// Whether the elements are less or equal.
    public static func .<= (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.lessEqual, lhs, rhs)
    }
    /// Whether the elements are less or equal.
    public static func .<= (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.lessEqual, lhs, rhs)
    }
    /// Whether the elements are less or equal.
    public static func .<= (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.lessEqual, lhs, rhs)
    }

    /// Whether the elements are greater.
    public static func .> (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.greater, lhs, rhs)
    }
    /// Whether the elements are greater.
    public static func .> (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.greater, lhs, rhs)
    }
    /// Whether the elements are greater.
    public static func .> (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.greater, lhs, rhs)
    }

    /// Whether the elements are greater or equal.
    public static func .>= (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.greaterEqual, lhs, rhs)
    }
    /// Whether the elements are greater or equal.
    public static func .>= (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.greaterEqual, lhs, rhs)
    }
    /// Whether the elements are greater or equal.
    public static func .>= (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.greaterEqual, lhs, rhs)
    }

    /// Logical and of the elements.
    public static func .&& (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.logicalAnd, lhs, rhs)
    }
    /// Logical and of the elements.
    public static func .&& (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.logicalAnd, lhs, rhs)
    }
    /// Logical and of the elements.
    public static func .&& (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.logicalAnd, lhs, rhs)
    }

    /// Logical or of the elements.
    public static func .|| (lhs: MLXArray, rhs: MLXArray) -> MLXArray {
        Ops.binary(.logicalOr, lhs, rhs)
    }
    /// Logical or of the elements.
    public static func .|| (lhs: MLXArray, rhs: some ScalarOrArray) -> MLXArray {
        recordBinary(.logicalOr, lhs, rhs)
    }
    /// Logical or of the elements.
    public static func .|| (lhs: some ScalarOrArray, rhs: MLXArray) -> MLXArray {
        recordBinary(.logicalOr, lhs, rhs)
    }

}

// MARK: - In place and prefix

extension MLXArray {
    /// Makes the array stand for the result; every holder of the array sees it.
    public static func += (lhs: inout MLXArray, rhs: MLXArray) {
        lhs.replace(with: Ops.binary(.add, lhs, rhs))
    }
    /// Makes the array stand for the result; every holder of the array sees it.
    public static func += (lhs: inout MLXArray, rhs: some ScalarOrArray) {
        lhs.replace(with: recordBinary(.add, lhs, rhs))
    }

    /// Makes the array stand for the result; every holder of the array sees it.
    public static func -= (lhs: inout MLXArray, rhs: MLXArray) {
        lhs.replace(with: Ops.binary(.subtract, lhs, rhs))
    }
    /// Makes the array stand for the result; every holder of the array sees it.
    public static func -= (lhs: inout MLXArray, rhs: some ScalarOrArray) {
        lhs.replace(with: recordBinary(.subtract, lhs, rhs))
    }

    /// Makes the array stand for the result; every holder of the array sees it.
    public static func *= (lhs: inout MLXArray, rhs: MLXArray) {
        lhs.replace(with: Ops.binary(.multiply, lhs, rhs))
    }
    /// Makes the array stand for the result; every holder of the array sees it.
    public static func *= (lhs: inout MLXArray, rhs: some ScalarOrArray) {
        lhs.replace(with: recordBinary(.multiply, lhs, rhs))
    }

    /// Makes the array stand for the result; every holder of the array sees it.
    public static func /= (lhs: inout MLXArray, rhs: MLXArray) {
        lhs.replace(with: Ops.binary(.divide, lhs, rhs))
    }
    /// Makes the array stand for the result; every holder of the array sees it.
    public static func /= (lhs: inout MLXArray, rhs: some ScalarOrArray) {
        lhs.replace(with: recordBinary(.divide, lhs, rhs))
    }

    /// The elements with the sign changed.
    public static prefix func - (lhs: MLXArray) -> MLXArray { Ops.unary(.negative, lhs) }
    /// Bitwise complement; logical not of bool.
    public static prefix func ~ (lhs: MLXArray) -> MLXArray { Ops.unary(.bitwiseInvert, lhs) }
    /// Logical not of the elements.
    public static prefix func .! (lhs: MLXArray) -> MLXArray { Ops.unary(.logicalNot, lhs) }
}
