import CMLXKernels
import Glibc
import MLXBase
import MLXGraph
import MLXKernels

/// Elementwise functions of one array. A tape computes them; the rows say what the function is,
/// which dtypes it takes and what its derivative is.
package enum Unary {
    package static let rows: [OpRow] =
        arithmetic + exponentials + trigonometric + hyperbolic + rounding + complex + predicates

    private static let flat: ClosedRange<Double> = -4...4
    private static let positive: ClosedRange<Double> = 0.05...4
    private static let unit: ClosedRange<Double> = -0.95...0.95

    private static func row(
        _ function: mlx_elementwise, _ name: String, _ synopsis: String,
        _ reference: @escaping @Sendable (Double) -> Double, _ dtype: DTypeRule, weight: Double = 1,
        domain: ClosedRange<Double> = flat,
        vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: OpCode(function), name: name, synopsis: synopsis, arity: 1...1,
            traits: .shapeless,
            dtype: dtype, shape: .same, vjp: vjp, vmap: .elementwise,
            elementwise: Int32(function.rawValue),
            work: OpWork(.elementwise) { Double($0.output.size) * weight },
            reference: .unary(reference),
            samples: SampleRule { Elementwise.unarySamples(domain) })
    }

    /// A row whose derivative is `cotangent * derivative(x, y)`.
    private static func row(
        _ function: mlx_elementwise, _ name: String, _ synopsis: String,
        _ reference: @escaping @Sendable (Double) -> Double, _ dtype: DTypeRule = .promoteFloat,
        weight: Double = 1,
        domain: ClosedRange<Double> = flat,
        derivative: @escaping @Sendable (_ x: MLXArray, _ y: MLXArray) -> MLXArray
    ) -> OpRow {
        row(
            function, name, synopsis, reference, dtype, weight: weight, domain: domain,
            vjp: .rule { [chained($0.cotangent, conj(derivative($0.inputs[0], $0.output)))] })
    }

    /// By Newton's method from a rough start.
    @Sendable private static func inverseErf(_ x: Double) -> Double {
        if abs(x) >= 1 { return x * .infinity }
        var y = x
        for _ in 0..<60 { y -= (erf(y) - x) / (2 / Double.pi.squareRoot() * exp(-y * y)) }
        return y
    }

    /// One over the derivative of the function that y is the inverse of, for complex numbers: a
    /// root of x² would not know which branch y is on.
    private static func branched(
        _ x: MLXArray, _ derivative: OpCode, of y: MLXArray
    ) -> MLXArray? {
        x.dtype == .complex64 ? reciprocal(Ops.unary(derivative, y)) : nil
    }

    /// The sign s = x / |x| of a complex number turns: (g - s Re s̄g) / |x|, and 0 at 0.
    private static func signCotangent(_ context: VJPContext) -> MLXArray? {
        let (x, s, g) = (context.inputs[0], context.output, context.cotangent)
        guard x.dtype == .complex64 else { return nil }
        let along = Ops.cast(Ops.unary(.real, mul(conj(s), g)), to: .complex64)
        let size = Ops.unary(.abs, x)
        let isZero = Ops.binary(.equal, size, zerosLike(size))
        let safe = Ops.select(isZero, Ops.full(size.nodeShape, 1, size.dtype), size)
        let slope = div(sub(g, mul(s, along)), Ops.cast(safe, to: .complex64))
        return Ops.select(isZero, zerosLike(slope), slope)
    }

    // MARK: - Arithmetic

    private static let arithmetic: [OpRow] = [
        row(
            MLX_NEGATIVE, "negative", "y = -x", { -$0 }, .numeric,
            vjp: .rule { [neg($0.cotangent)] }),
        row(
            MLX_ABS, "abs", "y = |x|", abs, .magnitude,
            vjp: .rule {
                let x = $0.inputs[0]
                return [mul(Ops.cast($0.cotangent, to: x.dtype), Ops.unary(.sign, x))]
            }),
        row(
            MLX_SIGN, "sign", "y = -1, 0 or 1; x / |x| when complex",
            { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, .same,
            vjp: .rule { [signCotangent($0)] }),
        row(MLX_SQUARE, "square", "y = x * x", { $0 * $0 }, .same) { x, _ in scaled(x, 2) },
        row(MLX_SQRT, "sqrt", "y = √x", sqrt, domain: positive) { _, y in scaled(reciprocal(y), 0.5)
        },
        row(MLX_RSQRT, "rsqrt", "y = 1 / √x", { 1 / sqrt($0) }, domain: positive) { x, y in
            scaled(div(y, x), -0.5)
        },
        row(MLX_RECIPROCAL, "reciprocal", "y = 1 / x", { 1 / $0 }, domain: positive) { _, y in
            neg(square(y))
        },
    ]

    private static let exponentials: [OpRow] = [
        row(MLX_EXP, "exp", "y = e^x", exp, weight: 10) { _, y in y },
        // NUMERICS: y + 1 has lost what e^x is where y is nearly -1.
        row(MLX_EXPM1, "expm1", "y = e^x - 1", expm1, .promoteRealFloat, weight: 12) { x, _ in
            Ops.unary(.exp, x)
        },
        row(MLX_LOG, "log", "y = ln x", log, weight: 10, domain: positive) { x, _ in reciprocal(x)
        },
        row(MLX_LOG2, "log2", "y = log₂ x", log2, weight: 10, domain: positive) { x, _ in
            scaled(reciprocal(x), 1.4426950408889634)
        },
        row(MLX_LOG10, "log10", "y = log₁₀ x", log10, weight: 10, domain: positive) { x, _ in
            scaled(reciprocal(x), 0.4342944819032518)
        },
        row(MLX_LOG1P, "log1p", "y = ln(1 + x)", log1p, weight: 12, domain: unit) { x, _ in
            reciprocal(plus(x, 1))
        },
        row(
            MLX_SIGMOID, "sigmoid", "y = 1 / (1 + e^-x)", { 1 / (1 + exp(-$0)) }, .promoteRealFloat,
            weight: 12
        ) { _, y in
            mul(y, minus(1, y))
        },
        row(MLX_ERF, "erf", "y = 2/√π ∫₀ˣ e^(-t²) dt", erf, .promoteRealFloat, weight: 15) { x, _ in
            scaled(Ops.unary(.exp, neg(square(x))), 1.1283791670955126)
        },
        row(
            MLX_ERFINV, "erfinv", "erf(y) = x", inverseErf, .promoteRealFloat, weight: 25,
            domain: unit
        ) { _, y in scaled(Ops.unary(.exp, square(y)), 0.8862269254527579) },
    ]

    private static let trigonometric: [OpRow] = [
        row(MLX_SIN, "sin", "y = sin x", sin, weight: 15) { x, _ in Ops.unary(.cos, x) },
        row(MLX_COS, "cos", "y = cos x", cos, weight: 15) { x, _ in neg(Ops.unary(.sin, x)) },
        row(MLX_TAN, "tan", "y = tan x", tan, weight: 20, domain: -1.2...1.2) { _, y in
            plus(square(y), 1)
        },
        row(MLX_ASIN, "arcsin", "sin y = x", asin, weight: 20, domain: unit) { x, y in
            branched(x, .cos, of: y) ?? Ops.unary(.rsqrt, minus(1, square(x)))
        },
        row(MLX_ACOS, "arccos", "cos y = x", acos, weight: 20, domain: unit) { x, y in
            neg(branched(x, .sin, of: y) ?? Ops.unary(.rsqrt, minus(1, square(x))))
        },
        row(MLX_ATAN, "arctan", "tan y = x", atan, weight: 20) { x, _ in
            reciprocal(plus(square(x), 1))
        },
    ]

    private static let hyperbolic: [OpRow] = [
        row(MLX_SINH, "sinh", "y = (e^x - e^-x) / 2", sinh, weight: 15) { x, _ in
            Ops.unary(.cosh, x)
        },
        row(MLX_COSH, "cosh", "y = (e^x + e^-x) / 2", cosh, weight: 15) { x, _ in
            Ops.unary(.sinh, x)
        },
        row(MLX_TANH, "tanh", "y = sinh x / cosh x", tanh, weight: 15) { _, y in minus(1, square(y))
        },
        row(MLX_ASINH, "arcsinh", "sinh y = x", asinh, weight: 20) { x, y in
            branched(x, .cosh, of: y) ?? Ops.unary(.rsqrt, plus(square(x), 1))
        },
        row(MLX_ACOSH, "arccosh", "cosh y = x", acosh, weight: 20, domain: 1.1...4) { x, y in
            branched(x, .sinh, of: y) ?? Ops.unary(.rsqrt, plus(square(x), -1))
        },
        row(MLX_ATANH, "arctanh", "tanh y = x", atanh, weight: 20, domain: unit) { x, _ in
            reciprocal(minus(1, square(x)))
        },
    ]

    private static let rounding: [OpRow] = [
        row(MLX_FLOOR, "floor", "y = ⌊x⌋", floor, .real, vjp: .zero),
        row(MLX_CEIL, "ceil", "y = ⌈x⌉", ceil, .real, vjp: .zero),
        row(
            MLX_ROUND, "round", "y = nearest integer, half to even",
            { $0.rounded(.toNearestOrEven) }, .same, vjp: .zero),
        row(MLX_BITWISE_NOT, "bitwise_invert", "y = ~x", { -1 - $0 }, .bitwise, vjp: .zero),
    ]

    private static let complex: [OpRow] = [
        row(MLX_COPY, "copy", "y = x", { $0 }, .same, vjp: .rule { [$0.cotangent] }),
        row(
            MLX_CONJUGATE, "conjugate", "y = x̄", { $0 }, .same,
            vjp: .rule { [conj($0.cotangent)] }),
        row(
            MLX_REAL, "real", "y = Re x", { $0 }, .magnitude,
            vjp: .rule {
                [Ops.cast($0.cotangent, to: $0.inputs[0].dtype)]
            }),
        row(
            MLX_IMAG, "imag", "y = Im x", { _ in 0 }, .magnitude,
            vjp: .rule {
                // Writing z = a + ib, the cotangent of b alone is i·ct.
                guard $0.inputs[0].dtype == .complex64 else { return [zerosLike($0.inputs[0])] }
                let i = Ops.scalar(bits: UInt64(Float(1).bitPattern) << 32, .complex64)
                return [mul(Ops.cast($0.cotangent, to: .complex64), i)]
            }),
    ]

    private static let predicates: [OpRow] = [
        row(MLX_LOGICAL_NOT, "logical_not", "y = not x", { $0 == 0 ? 1 : 0 }, .logical, vjp: .zero),
        row(MLX_ISNAN, "isnan", "y = x ≠ x", { $0.isNaN ? 1 : 0 }, .predicate, vjp: .zero),
        row(MLX_ISINF, "isinf", "y = |x| = ∞", { $0.isInfinite ? 1 : 0 }, .predicate, vjp: .zero),
        row(
            MLX_ISFINITE, "isfinite", "y = x is neither NaN nor infinite", { $0.isFinite ? 1 : 0 },
            .predicate, vjp: .zero),
    ]
}

extension OpCode {
    package static let copy = OpCode(MLX_COPY)
    package static let negative = OpCode(MLX_NEGATIVE)
    package static let abs = OpCode(MLX_ABS)
    package static let sign = OpCode(MLX_SIGN)
    package static let square = OpCode(MLX_SQUARE)
    package static let sqrt = OpCode(MLX_SQRT)
    package static let rsqrt = OpCode(MLX_RSQRT)
    package static let reciprocal = OpCode(MLX_RECIPROCAL)
    package static let exp = OpCode(MLX_EXP)
    package static let expm1 = OpCode(MLX_EXPM1)
    package static let log = OpCode(MLX_LOG)
    package static let log2 = OpCode(MLX_LOG2)
    package static let log10 = OpCode(MLX_LOG10)
    package static let log1p = OpCode(MLX_LOG1P)
    package static let sin = OpCode(MLX_SIN)
    package static let cos = OpCode(MLX_COS)
    package static let tan = OpCode(MLX_TAN)
    package static let asin = OpCode(MLX_ASIN)
    package static let acos = OpCode(MLX_ACOS)
    package static let atan = OpCode(MLX_ATAN)
    package static let sinh = OpCode(MLX_SINH)
    package static let cosh = OpCode(MLX_COSH)
    package static let tanh = OpCode(MLX_TANH)
    package static let asinh = OpCode(MLX_ASINH)
    package static let acosh = OpCode(MLX_ACOSH)
    package static let atanh = OpCode(MLX_ATANH)
    package static let sigmoid = OpCode(MLX_SIGMOID)
    package static let erf = OpCode(MLX_ERF)
    package static let erfinv = OpCode(MLX_ERFINV)
    package static let floor = OpCode(MLX_FLOOR)
    package static let ceil = OpCode(MLX_CEIL)
    package static let round = OpCode(MLX_ROUND)
    package static let conjugate = OpCode(MLX_CONJUGATE)
    package static let real = OpCode(MLX_REAL)
    package static let imag = OpCode(MLX_IMAG)
    package static let bitwiseInvert = OpCode(MLX_BITWISE_NOT)
    package static let logicalNot = OpCode(MLX_LOGICAL_NOT)
    package static let isNaN = OpCode(MLX_ISNAN)
    package static let isInf = OpCode(MLX_ISINF)
    package static let isFinite = OpCode(MLX_ISFINITE)
}

extension DTypeRule {
    /// Everything but bool keeps its dtype.
    static let numeric = DTypeRule { (context) throws(ArrayError) in
        if context.dtypes[0] == .bool { throw context.error(.dtype, "does not take bool") }
        return (nil, context.dtypes[0])
    }

    /// Complex numbers are refused, the rest keeps its dtype.
    static let real = DTypeRule { (context) throws(ArrayError) in
        if context.dtypes[0] == .complex64 {
            throw context.error(.dtype, "does not take complex64")
        }
        return (nil, context.dtypes[0])
    }

    /// complex64 becomes float32, the rest keeps its dtype.
    static let magnitude = DTypeRule { context in
        let type = context.dtypes[0]
        return (nil, type == .complex64 ? .float32 : type)
    }
}
