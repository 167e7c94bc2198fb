import MLXBase
import MLXGraph
import MLXOps

// Elementwise functions of one array. Integers and bool become float32 where the function leaves
// the integers.

/// |x|, the modulus of complex numbers, which is float32.
public func abs(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.abs, array, stream: stream.id)
}

/// -1, 0 or 1 by the sign of each element; 0 for NaN; x / |x| for complex numbers.
public func sign(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sign, array, stream: stream.id)
}

/// -x; unsigned integers wrap. bool gives an invalid array.
public func negative(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.negative, array, stream: stream.id)
}

/// x².
public func square(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.square, array, stream: stream.id)
}

/// √x; NaN below 0. Integers give float32.
public func sqrt(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sqrt, array, stream: stream.id)
}

/// 1 / √x; infinite at 0, NaN below. Integers give float32.
public func rsqrt(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.rsqrt, array, stream: stream.id)
}

/// 1 / x; integers give float32.
public func reciprocal(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.reciprocal, array, stream: stream.id)
}

/// eˣ; integers give float32.
/// ```swift
/// let y = exp(MLXArray([0, 1] as [Float]))    // 1 2.71828
/// ```
public func exp(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.exp, array, stream: stream.id)
}

/// eˣ - 1, accurate for small x. Integers give float32.
public func expm1(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.expm1, array, stream: stream.id)
}

/// ln x; -∞ at 0, NaN below. Integers give float32.
public func log(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log, array, stream: stream.id)
}

/// The logarithm to base 2; -∞ at 0, NaN below. Integers give float32.
public func log2(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log2, array, stream: stream.id)
}

/// The logarithm to base 10; -∞ at 0, NaN below. Integers give float32.
public func log10(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log10, array, stream: stream.id)
}

/// ln (1 + x), accurate for small x; NaN below -1. Integers give float32.
public func log1p(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log1p, array, stream: stream.id)
}

/// The sine of an angle in radians. Integers give float32.
public func sin(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sin, array, stream: stream.id)
}

/// The cosine of an angle in radians. Integers give float32.
public func cos(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.cos, array, stream: stream.id)
}

/// The tangent of an angle in radians. Integers give float32.
public func tan(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.tan, array, stream: stream.id)
}

/// The inverse sine in radians, -π/2 to π/2; NaN beyond ±1.
public func asin(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.asin, array, stream: stream.id)
}

/// The inverse cosine in radians, 0 to π; NaN beyond ±1.
public func acos(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.acos, array, stream: stream.id)
}

/// The inverse tangent in radians, -π/2 to π/2.
public func atan(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.atan, array, stream: stream.id)
}

/// Hyperbolic sine.
public func sinh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sinh, array, stream: stream.id)
}

/// Hyperbolic cosine.
public func cosh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.cosh, array, stream: stream.id)
}

/// Hyperbolic tangent.
public func tanh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.tanh, array, stream: stream.id)
}

/// Inverse hyperbolic sine.
public func asinh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.asinh, array, stream: stream.id)
}

/// Inverse hyperbolic cosine.
public func acosh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.acosh, array, stream: stream.id)
}

/// Inverse hyperbolic tangent.
public func atanh(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.atanh, array, stream: stream.id)
}

/// The logistic function 1 / (1 + e^-x), without overflow.
public func sigmoid(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sigmoid, array, stream: stream.id)
}

/// The error function.
public func erf(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.erf, array, stream: stream.id)
}

/// Inverse of the error function; infinite at -1 and 1, NaN beyond.
public func erfInverse(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.erfinv, array, stream: stream.id)
}

/// Largest integer not above; integers stay as they are.
public func floor(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.floor, array, stream: stream.id)
}

/// Smallest integer not below; integers stay as they are.
public func ceil(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.ceil, array, stream: stream.id)
}

/// Complex conjugate; real numbers stay as they are.
public func conjugate(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.conjugate, array, stream: stream.id)
}

/// Whether each element is zero.
public func logicalNot(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.logicalNot, array, stream: stream.id)
}

/// Bitwise complement; logical not of bool.
public func bitwiseInvert(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.bitwiseInvert, array, stream: stream.id)
}

/// Whether each element is not a number.
public func isNaN(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.isNaN, array, stream: stream.id)
}

/// Whether each element is infinite.
public func isInf(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.isInf, array, stream: stream.id)
}

/// Whether each element is neither infinite nor NaN.
public func isFinite(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.isFinite, array, stream: stream.id)
}

/// Rounds to a number of decimals, halves to even.
public func round(
    _ array: MLXArray, decimals: Int = 0, stream: StreamOrDevice = .default
) -> MLXArray {
    if decimals == 0 { return Ops.unary(.round, array, stream: stream.id) }
    let type = array.dtype
    let scale = Double.pow(10, decimals)
    let float = Ops.cast(array, to: type.atLeastFloat, stream: stream.id)
    let scaled = Ops.unary(
        .round, recordBinary(.multiply, float, scale, stream), stream: stream.id)
    return Ops.cast(
        recordBinary(.multiply, scaled, 1 / scale, stream), to: type, stream: stream.id)
}

/// Whether each element is positive infinity.
public func isPosInf(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    infinite(array, Double.infinity, stream)
}

/// Whether each element is negative infinity.
public func isNegInf(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    infinite(array, -Double.infinity, stream)
}

private func infinite(_ array: MLXArray, _ value: Double, _ stream: StreamOrDevice) -> MLXArray {
    array.dtype.isFloatingPoint
        ? recordBinary(.equal, array, value, stream)
        : Ops.full(array.nodeShape, 0, .bool, stream: stream.id)
}

/// Radians as degrees.
public func degrees(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    recordBinary(
        .multiply, Ops.cast(array, to: array.dtype.atLeastFloat), 180 / Double.pi, stream)
}

/// Degrees as radians.
public func radians(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    recordBinary(
        .multiply, Ops.cast(array, to: array.dtype.atLeastFloat), Double.pi / 180, stream)
}

/// Replaces NaN and infinities. nil stands for the largest finite number of the dtype.
public func nanToNum(
    _ array: MLXArray, nan: Float = 0, posInf: Float? = 0, negInf: Float? = 0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    guard let info = array.dtype.finfo else { return array.aliased() }
    let high = posInf.map(Double.init) ?? info.max
    let low = negInf.map(Double.init) ?? info.min
    let type = array.dtype
    func pick(_ condition: MLXArray, _ value: Double, _ rest: MLXArray) -> MLXArray {
        Ops.select(condition, Ops.scalar(value, type), rest, stream: stream.id)
    }
    let finite = pick(isNaN(array, stream: stream), Double(nan), array)
    return pick(
        isNegInf(array, stream: stream), low, pick(isPosInf(array, stream: stream), high, finite))
}

/// The array as a constant to derivatives.
public func stopGradient(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.record(.stopGradient, [array], stream: stream.id)
}
