import MLXBase
import MLXGraph
import MLXKernels

/// Cotangents through matrix functions. Formulas are those of Giles, Collected matrix derivative
/// results for forward and reverse mode algorithmic differentiation (2008), Townsend (SVD, 2016),
/// Golub and Pereyra (pseudo-inverse, 1973) and Roberts and Roberts (QR, 2020). Symmetric input has
/// a symmetric cotangent. Where singular values or eigenvalues coincide, vectors have no
/// derivative; their part is taken as zero there.
enum LinearAlgebraRules {
    static func product(_ factors: MLXArray...) -> MLXArray {
        factors.dropFirst().reduce(factors[0]) { Ops.record(.matmul, [$0, $1]) }
    }

    /// The conjugate transpose.
    static func adjoint(_ x: MLXArray) -> MLXArray { conj(Ops.swapLast(x)) }

    static func extents(_ x: MLXArray) -> (Int, Int) {
        let shape = x.nodeShape
        return (shape[shape.ndim - 2], shape[shape.ndim - 1])
    }

    /// 1 where row and column numbers compare so, 0 elsewhere.
    static func mask(
        _ comparison: OpCode, _ m: Int, _ n: Int, like x: MLXArray
    ) -> MLXArray {
        let rows = Ops.reshape(Ops.arange(start: 0, increment: 1, count: m, .int32), [m, 1])
        let columns = Ops.arange(start: 0, increment: 1, count: n, .int32)
        return indicator(Ops.binary(comparison, rows, columns), like: x)
    }

    static func lower(_ x: MLXArray, strictly: Bool = false) -> MLXArray {
        let (m, n) = extents(x)
        return mul(x, mask(strictly ? .greater : .greaterEqual, m, n, like: x))
    }

    static func upper(_ x: MLXArray) -> MLXArray {
        let (m, n) = extents(x)
        return mul(x, mask(.lessEqual, m, n, like: x))
    }

    private static func symmetric(_ x: MLXArray) -> MLXArray { scaled(add(x, adjoint(x)), 0.5) }

    /// Vectors as the diagonals of matrices.
    static func diagonal(_ x: MLXArray) -> MLXArray {
        let n = x.shape.last ?? 0
        return mul(Ops.reshape(x, x.shape + [1]), mask(.equal, n, n, like: x))
    }

    static func row(_ x: MLXArray) -> MLXArray {
        Ops.reshape(x, x.shape.dropLast() + [1, x.shape.last ?? 0])
    }
    static func column(_ x: MLXArray) -> MLXArray { Ops.reshape(x, x.shape + [1]) }

    private static func triangular(
        _ a: MLXArray, _ b: MLXArray, upper: Bool, transposed: Bool = false
    ) -> MLXArray {
        Ops.record(
            .solveTriangular, [a, b],
            Attributes(word: (upper ? 1 : 0) | (transposed ? 2 : 0)))
    }

    // MARK: - Inverses and systems

    static func inverse(_ context: VJPContext) -> [MLXArray?] {
        let t = adjoint(context.output)
        return [neg(product(t, context.cotangent, t))]
    }

    static func inverseTangent(_ context: JVPContext) -> MLXArray? {
        context.tangents[0].map { neg(product(context.output, $0, context.output)) }
    }

    static func triangularInverse(_ context: VJPContext) -> [MLXArray?] {
        let t = Ops.swapLast(context.output)
        let gradient = neg(product(t, context.cotangent, t))
        return [context.attributes.word & 1 != 0 ? upper(gradient) : lower(gradient)]
    }

    static func solve(_ context: VJPContext) -> [MLXArray?] {
        let b = Ops.record(.solve, [adjoint(context.inputs[0]), context.cotangent])
        let a = context.wanted[0] ? neg(product(b, adjoint(context.output))) : nil
        return [a, b]
    }

    static func solveTangent(_ context: JVPContext) -> MLXArray? {
        let moved = context.tangents[0].map { neg(product($0, context.output)) }
        guard let right = [moved, context.tangents[1]].compactMap({ $0 }).reduce(nil, plus)
        else { return nil }
        return Ops.record(.solve, [context.inputs[0], right])
    }

    private static func plus(_ sum: MLXArray?, _ term: MLXArray) -> MLXArray? {
        sum.map { add($0, term) } ?? term
    }

    static func solveTriangular(_ context: VJPContext) -> [MLXArray?] {
        let word = context.attributes.word
        let (isUpper, isTransposed) = (word & 1 != 0, word & 2 != 0)
        let b = triangular(
            context.inputs[0], context.cotangent, upper: isUpper, transposed: !isTransposed)
        guard context.wanted[0] else { return [nil, b] }
        let outer = neg(product(b, Ops.swapLast(context.output)))
        let a = isTransposed ? Ops.swapLast(outer) : outer
        return [isUpper ? upper(a) : lower(a), b]
    }

    static func pseudoInverse(_ context: VJPContext) -> [MLXArray?] {
        let (a, p, g) = (context.inputs[0], context.output, context.cotangent)
        let (pt, gt) = (Ops.swapLast(p), Ops.swapLast(g))
        let (m, n) = extents(a)
        let left = sub(mask(.equal, m, m, like: a), product(a, p))
        let right = sub(mask(.equal, n, n, like: a), product(p, a))
        let main = neg(product(pt, g, pt))
        return [
            add(add(main, product(left, gt, p, pt)), product(pt, p, gt, right))
        ]
    }

    // MARK: - Triangular factors

    /// S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ takes the lower triangle and halves the diagonal.
    static func cholesky(_ context: VJPContext) -> [MLXArray?] {
        let isUpper = context.attributes.word & 1 != 0
        let l = isUpper ? Ops.swapLast(context.output) : context.output
        let g = isUpper ? Ops.swapLast(context.cotangent) : context.cotangent
        let (n, _) = extents(l)
        let inner = product(Ops.swapLast(l), g)
        let half = sub(lower(inner), scaled(mul(inner, mask(.equal, n, n, like: inner)), 0.5))
        let left = triangular(l, half, upper: false, transposed: true)
        let both = triangular(l, Ops.swapLast(left), upper: false, transposed: true)
        return [symmetric(both)]
    }

    static func lu(_ context: VJPContext) -> [MLXArray?] {
        let (m, n) = extents(context.inputs[0])
        guard m == n else { return [undefined("lu", context)] }
        let factors = Ops.unpacked(context.output, at: 0, [n, n])
        let g = Ops.unpacked(context.cotangent, at: 0, [n, n])
        let eye = mask(.equal, n, n, like: g)
        let l = add(lower(factors, strictly: true), eye)
        let u = upper(factors)
        let inner = add(
            lower(product(Ops.swapLast(l), lower(g, strictly: true)), strictly: true),
            upper(product(upper(g), Ops.swapLast(u))))
        // L⁻ᵀ inner U⁻ᵀ, then rows to where they came from.
        let left = triangular(l, inner, upper: false, transposed: true)
        let both = Ops.swapLast(triangular(u, Ops.swapLast(left), upper: true))
        let rows = Ops.stopped(Ops.unpacked(context.output, at: n * n + n, [n, 1]))
        let columns = Ops.cast(
            Ops.arange(start: 0, increment: 1, count: n, .int32), to: rows.dtype)
        return [product(indicator(Ops.binary(.equal, rows, columns), like: both), both)]
    }

    static func qr(_ context: VJPContext) -> [MLXArray?] {
        let x = context.inputs[0]
        let (m, n) = extents(x)
        let k = min(m, n)
        let q = Ops.unpacked(context.output, at: 0, [m, k])
        let r = Ops.unpacked(context.output, at: m * k, [k, n])
        let gq = Ops.unpacked(context.cotangent, at: 0, [m, k])
        let gr = Ops.unpacked(context.cotangent, at: m * k, [k, n])
        if m >= n { return [tall(q, r, gq, gr)] }
        // X = [A B] = Q [R₁ R₂]: B = Q R₂ is linear in both.
        func columns(_ x: MLXArray, _ start: Int, _ length: Int) -> MLXArray {
            Ops.slice(x, axis: x.ndim - 1, start, length)
        }
        let g2 = columns(gr, k, n - k)
        let inner = add(gq, product(columns(x, k, n - k), Ops.swapLast(g2)))
        let first = tall(q, columns(r, 0, k), inner, columns(gr, 0, k))
        return [
            Ops.record(
                .concatenate, [first, product(q, g2)],
                Attributes(word: UInt64(x.ndim - 1)))
        ]
    }

    /// (Q̄ + Q copyltu(R R̄ᵀ - Q̄ᵀ Q)) R⁻ᵀ
    private static func tall(
        _ q: MLXArray, _ r: MLXArray, _ gq: MLXArray, _ gr: MLXArray
    ) -> MLXArray {
        let inner = sub(product(r, Ops.swapLast(gr)), product(Ops.swapLast(gq), q))
        let mirrored = add(lower(inner), Ops.swapLast(lower(inner, strictly: true)))
        let sum = add(gq, product(q, mirrored))
        return Ops.swapLast(triangular(r, Ops.swapLast(sum), upper: true))
    }

    // MARK: - Eigenvalues and singular values

    /// 1 / (x_j - x_i), zero where they are equal.
    private static func gaps(_ x: MLXArray) -> MLXArray {
        let difference = sub(row(x), column(x))
        let isZero = Ops.binary(.equal, difference, zerosLike(difference))
        let one = Ops.full(difference.nodeShape, 1, x.dtype)
        return Ops.select(
            isZero, zerosLike(difference), reciprocal(Ops.select(isZero, one, difference)))
    }

    static func eigh(_ context: VJPContext) -> [MLXArray?] {
        let (n, _) = extents(context.inputs[0])
        let w = Ops.unpacked(context.output, at: 0, [n])
        let v = Ops.unpacked(context.output, at: n, [n, n])
        let gw = Ops.unpacked(context.cotangent, at: 0, [n])
        let gv = Ops.unpacked(context.cotangent, at: n, [n, n])
        let inner = add(diagonal(gw), mul(gaps(w), product(adjoint(v), gv)))
        return [symmetric(product(v, inner, adjoint(v)))]
    }

    static func eigvalsh(_ context: VJPContext) -> [MLXArray?] {
        let (n, _) = extents(context.inputs[0])
        let packed = Ops.record(
            .eigh, [context.inputs[0]], Attributes(word: context.attributes.word))
        let v = Ops.unpacked(packed, at: n, [n, n])
        return [product(mul(v, row(context.cotangent)), adjoint(v))]
    }

    static func singularValues(_ context: VJPContext) -> [MLXArray?] {
        let (m, n) = extents(context.inputs[0])
        let k = min(m, n)
        let packed = Ops.record(.svd, [context.inputs[0]])
        let u = Ops.slice(
            Ops.unpacked(packed, at: 0, [m, m]), axis: context.inputs[0].ndim - 1, 0, k)
        let vt = Ops.slice(
            Ops.unpacked(packed, at: m * m + k, [n, n]),
            axis: context.inputs[0].ndim - 2, 0, k)
        return [product(mul(u, row(context.cotangent)), vt)]
    }

    /// With dP = Uᵀ dX V and U, V turned by antisymmetric dΩ: dP = dΩᵤ Σ + dΣ - Σ dΩᵥ. Between
    /// the vectors that have no singular value, the free choice is no turn.
    static func svd(_ context: VJPContext) -> [MLXArray?] {
        let x = context.inputs[0]
        guard x.dtype != .complex64 else { return [undefined("svd", context)] }
        let (m, n) = extents(x)
        let k = min(m, n)
        let u = Ops.unpacked(context.output, at: 0, [m, m])
        let s = Ops.unpacked(context.output, at: m * m, [k])
        let vt = Ops.unpacked(context.output, at: m * m + k, [n, n])
        let gu = Ops.unpacked(context.cotangent, at: 0, [m, m])
        let gs = Ops.unpacked(context.cotangent, at: m * m, [k])
        let gvt = Ops.unpacked(context.cotangent, at: m * m + k, [n, n])
        let left = product(Ops.swapLast(u), gu)
        let right = product(vt, Ops.swapLast(gvt))
        let (a, b) = (sub(left, Ops.swapLast(left)), sub(right, Ops.swapLast(right)))
        func block(_ x: MLXArray, _ r: Int, _ rows: Int, _ c: Int, _ columns: Int) -> MLXArray {
            let rank = x.ndim
            return Ops.slice(
                Ops.slice(x, axis: rank - 2, r, rows), axis: rank - 1, c, columns)
        }
        let turned = add(
            mul(block(a, 0, k, 0, k), row(s)), mul(block(b, 0, k, 0, k), column(s)))
        var inner = add(diagonal(gs), mul(gaps(square(s)), turned))
        let rank = x.ndim
        if m > n {
            let below = div(block(a, k, m - k, 0, k), row(s))
            inner = Ops.record(
                .concatenate, [inner, below], Attributes(word: UInt64(rank - 2)))
        } else if n > m {
            let beside = neg(div(block(b, 0, k, k, n - k), column(s)))
            inner = Ops.record(
                .concatenate, [inner, beside], Attributes(word: UInt64(rank - 1)))
        }
        return [product(u, inner, vt)]
    }

    private static func undefined(_ name: String, _ context: VJPContext) -> MLXArray {
        let x = context.inputs[0]
        return Ops.invalid(
            ArrayError(
                .notDifferentiable, name, "has no derivative for such matrices",
                shapes: [x.shape], dtypes: [x.dtype]),
            shapeHint: x.nodeShape, dtype: x.dtype)
    }
}

extension Ops {
    /// The array as a constant to derivatives.
    static func stopped(_ x: MLXArray) -> MLXArray { record(.stopGradient, [x]) }
}
