import MLXBase
import MLXGraph
import MLXOps

// Elementwise functions of one array. Integers and bool become float32 where the function leaves
// the integers.

/// Absolute value; the modulus of complex numbers.
public func abs(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.abs, array, stream: stream.id)
}

/// -1, 0 or 1 by the sign of each element; 0 for NaN.
public func sign(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sign, array, stream: stream.id)
}

/// The elements with the sign changed.
public func negative(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.negative, array, stream: stream.id)
}

/// Square of each element.
public func square(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.square, array, stream: stream.id)
}

/// Square root.
public func sqrt(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sqrt, array, stream: stream.id)
}

/// Reciprocal of the square root.
public func rsqrt(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.rsqrt, array, stream: stream.id)
}

/// 1 divided by each element.
public func reciprocal(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.reciprocal, array, stream: stream.id)
}

/// e to the power of each element.
public func exp(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.exp, array, stream: stream.id)
}

/// e^x - 1, accurate for small x.
public func expm1(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.expm1, array, stream: stream.id)
}

/// Natural logarithm.
public func log(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log, array, stream: stream.id)
}

/// Logarithm to base 2.
public func log2(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log2, array, stream: stream.id)
}

/// Logarithm to base 10.
public func log10(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log10, array, stream: stream.id)
}

/// Natural logarithm of 1 + x, accurate for small x.
public func log1p(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.log1p, array, stream: stream.id)
}

/// Sine of an angle in radians.
public func sin(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.sin, array, stream: stream.id)
}

/// Cosine of an angle in radians.
public func cos(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.cos, array, stream: stream.id)
}

/// Tangent of an angle in radians.
public func tan(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.tan, array, stream: stream.id)
}

/// Inverse sine, in radians.
public func asin(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.asin, array, stream: stream.id)
}

/// Inverse cosine, in radians.
public func acos(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.unary(.acos, array, stream: stream.id)
}

/// Inverse tangent, in radians.
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
    guard let info = array.dtype.finfo else { return array }
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
