import CMLXKernels
import MLXBase
import MLXGraph

/// Short names for the operations that derivative rules are written in.
extension OpCode {
    /// Elementwise ops have the number of their C function, after the sources.
    init(_ function: mlx_elementwise) { self.init(UInt16(function.rawValue) + 16) }
}

func add(_ a: MLXArray, _ b: MLXArray) -> MLXArray { Ops.binary(.add, a, b) }
func sub(_ a: MLXArray, _ b: MLXArray) -> MLXArray { Ops.binary(.subtract, a, b) }
func mul(_ a: MLXArray, _ b: MLXArray) -> MLXArray { Ops.binary(.multiply, a, b) }
func div(_ a: MLXArray, _ b: MLXArray) -> MLXArray { Ops.binary(.divide, a, b) }
/// `a b`, and 0 where either is 0. What depends on nothing has no derivative, however steep the
/// rest of its path is: so what a `select` left out cannot make a gradient NaN.
func chained(_ a: MLXArray, _ b: MLXArray) -> MLXArray { Ops.binary(.multiplyOrZero, a, b) }
/// `a / b`, and 0 where `a` is 0.
func chainedQuotient(_ a: MLXArray, _ b: MLXArray) -> MLXArray {
    Ops.binary(.divideOrZero, a, b)
}
func neg(_ x: MLXArray) -> MLXArray { Ops.unary(.negative, x) }
func square(_ x: MLXArray) -> MLXArray { Ops.unary(.square, x) }
func reciprocal(_ x: MLXArray) -> MLXArray { Ops.unary(.reciprocal, x) }

func scaled(_ x: MLXArray, _ factor: Double) -> MLXArray {
    Ops.binary(.multiply, x, scalarBits: ScalarBits.encode(factor, x.dtype), x.dtype)
}

func plus(_ x: MLXArray, _ term: Double) -> MLXArray {
    Ops.binary(.add, x, scalarBits: ScalarBits.encode(term, x.dtype), x.dtype)
}

/// `term - x`
func minus(_ term: Double, _ x: MLXArray) -> MLXArray {
    Ops.binary(
        .subtract, x, scalarBits: ScalarBits.encode(term, x.dtype), x.dtype, reversed: true)
}

/// The complex conjugate; real arrays are returned as they are.
func conj(_ x: MLXArray) -> MLXArray {
    x.dtype == .complex64 ? Ops.unary(.conjugate, x) : x
}

func zerosLike(_ x: MLXArray) -> MLXArray { Ops.full(x.nodeShape, 0, x.dtype) }

/// Zeros to write into: one element seen everywhere, so that the writer fills its result instead of
/// copying zeros that were made before.
func emptyBase(_ x: MLXArray) -> MLXArray {
    Ops.broadcast(Ops.full(.scalar, 0, x.dtype), to: x.shape)
}

/// 1 where `condition` holds, 0 elsewhere, in the dtype of `x`.
func indicator(_ condition: MLXArray, like x: MLXArray) -> MLXArray {
    Ops.cast(condition, to: x.dtype)
}
