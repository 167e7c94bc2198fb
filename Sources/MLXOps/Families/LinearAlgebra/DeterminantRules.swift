import MLXBase
import MLXGraph
import MLXKernels

/// Cotangents through determinants and their cofactors, complex ones included. The determinant is a
/// polynomial, so it has derivatives at singular matrices too.
extension LinearAlgebraRules {
    static func determinant(_ context: VJPContext) -> [MLXArray?] {
        let cofactors = conj(Ops.record(.cofactors, [context.inputs[0]]))
        let factor = Ops.reshape(context.cotangent, context.cotangent.shape + [1, 1])
        return [mul(factor, cofactors)]
    }

    /// With s + il for the determinant's sign (a turn) and logarithm, d(s, l) = (i s Im, Re) of
    /// tr A⁻¹ dA.
    static func logDeterminant(_ context: VJPContext) -> [MLXArray?] {
        var factor = Ops.unpacked(context.cotangent, at: 1, [1, 1])
        if factor.dtype == .complex64 {
            let turn = mul(
                conj(Ops.unpacked(context.cotangent, at: 0, [1, 1])),
                Ops.unpacked(context.output, at: 0, [1, 1]))
            let i = Ops.scalar(bits: UInt64(Float(1).bitPattern) << 32, .complex64)
            factor = sub(
                Ops.cast(Ops.unary(.real, factor), to: .complex64),
                mul(i, Ops.cast(Ops.unary(.imag, turn), to: .complex64)))
        }
        let inverse = Ops.record(.inverse, [context.inputs[0]])
        return [mul(factor, adjoint(inverse))]
    }

    /// Of C = |A| A⁻ᵀ: (⟨G, C⟩ C - C Gᵀ C) / |A|, conjugated throughout. Matrices that are
    /// singular, or so nearly that the quotient is all rounding, go through their singular values.
    static func cofactors(_ context: VJPContext) -> [MLXArray?] {
        let (a, g) = (context.inputs[0], context.cotangent)
        let (n, _) = extents(a)
        if n < 2 { return [zerosLike(a)] }
        let s = singularValues(a, n)
        let c = conj(context.output)
        let determinant = Ops.record(.determinant, [a])
        let isZero = Ops.binary(.equal, determinant, zerosLike(determinant))
        let safe = Ops.select(isZero, Ops.full(isZero.nodeShape, 1, a.dtype), determinant)
        let shape = isZero.shape + [1, 1]
        let inner = Ops.reduce(.sum, mul(g, c), axes: [-1, -2], keepDims: true)
        let regular = div(
            sub(mul(inner, c), product(c, Ops.swapLast(g), c)), conj(Ops.reshape(safe, shape)))
        let isSingular = Ops.binary(
            .logicalOr, Ops.reshape(isZero, shape), Ops.reshape(isNearlyZero(s, n), shape))
        return [
            Ops.select(Ops.broadcast(isSingular, to: a.shape), singular(a, g), regular)
        ]
    }

    /// The singular values as real numbers, in descending order; a constant to derivatives.
    private static func singularValues(_ a: MLXArray, _ n: Int) -> MLXArray {
        let s = Ops.stopped(Ops.unpacked(Ops.record(.svd, [a]), at: n * n, [n]))
        return s.dtype == .complex64 ? Ops.unary(.real, s) : s
    }

    /// Whether the last singular value is below the first by the fourth root of the precision.
    private static func isNearlyZero(_ s: MLXArray, _ n: Int) -> MLXArray {
        let axis = s.ndim - 1
        let least = s.dtype == .float64 ? 1.2e-4 : 1.8e-2
        return Ops.binary(
            .lessEqual, Ops.slice(s, axis: axis, n - 1, 1),
            scaled(Ops.slice(s, axis: axis, 0, 1), least))
    }

    /// With A = U S Vᴴ the cofactors of S vary by products of all but two singular values.
    private static func singular(_ a: MLXArray, _ g: MLXArray) -> MLXArray {
        let (n, _) = extents(a)
        let packed = Ops.record(.svd, [a])
        let u = Ops.unpacked(packed, at: 0, [n, n])
        let s = Ops.unpacked(packed, at: n * n, [n])
        let vh = Ops.unpacked(packed, at: n * n + n, [n, n])
        let turn = Ops.stopped(
            mul(Ops.record(.determinant, [u]), Ops.record(.determinant, [vh])))
        let inner = mul(
            conj(Ops.reshape(turn, turn.shape + [1, 1])),
            product(Ops.swapLast(u), g, Ops.swapLast(vh)))
        let pairs = productsWithoutPairs(s, n)
        let eye = mask(.equal, n, n, like: a)
        let straight = Ops.reduce(
            .sum, mul(pairs, diagonalColumn(inner, eye)), axes: [-2],
            keepDims: true)
        let turned = sub(mul(eye, straight), Ops.swapLast(mul(pairs, inner)))
        return product(u, turned, vh)
    }

    /// The diagonal as a column.
    private static func diagonalColumn(_ x: MLXArray, _ eye: MLXArray) -> MLXArray {
        Ops.reduce(.sum, mul(x, eye), axes: [-1], keepDims: true)
    }

    /// The product of all numbers but two, for each two; 0 on the diagonal. Between the two it is a
    /// running product of the numbers after the first.
    private static func productsWithoutPairs(_ s: MLXArray, _ n: Int) -> MLXArray {
        func running(_ x: MLXArray, reverse: Bool) -> MLXArray {
            Ops.scan(.cumulativeProduct, x, axis: -1, reverse: reverse, inclusive: false)
        }
        let after = mask(.less, n, n, like: s)
        let between = running(
            add(mul(after, row(s)), minus(1, after)), reverse: false)
        let above = mul(
            mul(column(running(s, reverse: false)), between), row(running(s, reverse: true)))
        let half = mul(after, above)
        return add(half, Ops.swapLast(half))
    }
}
