import CMLXKernels
import Glibc
import MLXBase
import MLXGraph
import MLXKernels

/// Elementwise functions of two arrays, broadcast against each other.
package enum Binary {
    package static let rows: [OpRow] = arithmetic + extrema + bits + comparisons

    /// A row whose rule gives the cotangents before they are summed over broadcast axes.
    private static func row(
        _ function: mlx_elementwise, _ name: String, _ synopsis: String,
        _ reference: @escaping @Sendable (Double, Double) -> Double, _ dtype: DTypeRule,
        traits: OpTraits = [], weight: Double = 1,
        domains: [ClosedRange<Double>] = [-4...4, -4...4], vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: OpCode(function), name: name, synopsis: synopsis, arity: 2...2,
            traits: traits.union(.shapeless), dtype: dtype, shape: .broadcast,
            vjp: unbroadcasting(vjp),
            vmap: .elementwise, elementwise: Int32(function.rawValue),
            work: OpWork(.elementwise) { Double($0.output.size) * weight },
            reference: .binary(reference),
            samples: SampleRule { Elementwise.binarySamples(domains) })
    }

    /// Broadcasting copies; its derivative sums over the copies.
    static func unbroadcasting(_ vjp: VJPRule) -> VJPRule {
        guard case .rule(let rule) = vjp else { return vjp }
        return .rule { context in
            var parts = rule(context)
            for number in parts.indices {
                guard let part = parts[number] else { continue }
                parts[number] =
                    context.wanted[number]
                    ? Ops.sum(part, toShape: context.inputs[number].nodeShape) : nil
            }
            return parts
        }
    }

    private static let arithmetic: [OpRow] = [
        row(
            MLX_ADD, "add", "c = a + b", { $0 + $1 }, .promote, traits: .commutative,
            vjp: .rule {
                [$0.cotangent, $0.cotangent]
            }),
        row(
            MLX_SUBTRACT, "subtract", "c = a - b", { $0 - $1 }, .promote,
            vjp: .rule {
                [$0.cotangent, $0.wanted[1] ? neg($0.cotangent) : nil]
            }),
        row(
            MLX_MULTIPLY, "multiply", "c = a * b", { $0 * $1 }, .promote, traits: .commutative,
            vjp: .rule(productVJP)),
        row(
            MLX_DIVIDE, "divide", "c = a / b", { $0 / $1 }, .promoteFloat,
            domains: [-4...4, 0.3...4],
            vjp: .rule(quotientVJP)),
        row(
            MLX_MULTIPLY_OR_ZERO, "multiply_or_zero", "c = a b, 0 where a or b is 0",
            { $0 == 0 || $1 == 0 ? 0 : $0 * $1 }, .promote, traits: .commutative,
            vjp: .rule(productVJP)),
        row(
            MLX_DIVIDE_OR_ZERO, "divide_or_zero", "c = a / b, 0 where a is 0",
            { $0 == 0 ? 0 : $0 / $1 }, .promoteFloat, domains: [-4...4, 0.3...4],
            vjp: .rule(quotientVJP)),
        row(
            MLX_FLOOR_DIVIDE, "floor_divide", "c = ⌊a / b⌋", { ($0 / $1).rounded(.down) },
            .promoteNotComplex, weight: 4,
            domains: [-9...9, 1...4], vjp: .zero),
        row(
            MLX_REMAINDER, "remainder", "c = a - b ⌊a / b⌋", { $0 - ($0 / $1).rounded(.down) * $1 },
            .promoteNotComplex, weight: 4,
            domains: [-9...9, 1.1...4],
            vjp: .rule {
                let quotient = Ops.binary(.floorDivide, $0.inputs[0], $0.inputs[1])
                return [$0.cotangent, $0.wanted[1] ? neg(mul($0.cotangent, quotient)) : nil]
            }),
        row(
            MLX_POWER, "power", "c = a^b", pow, .promote, weight: 20,
            domains: [0.2...3, -2...2], vjp: .rule(powerVJP)),
        row(
            MLX_ARCTAN2, "arctan2", "c = angle of (b, a)", atan2, .promoteRealFloat, weight: 25,
            domains: [0.2...3, 0.2...3],
            vjp: .rule {
                let (a, b) = ($0.inputs[0], $0.inputs[1])
                let scale = chainedQuotient($0.cotangent, add(square(a), square(b)))
                return [chained(b, scale), $0.wanted[1] ? neg(chained(a, scale)) : nil]
            }),
        row(
            MLX_LOGADDEXP, "logaddexp", "c = ln(e^a + e^b)", { log(exp($0) + exp($1)) },
            .promoteFloat,
            traits: .commutative, weight: 25,
            vjp: .rule {
                if $0.output.dtype == .complex64 { return logAddExpVJP($0) }
                // NUMERICS: 1 - sigmoid(a - b) would have lost what sigmoid(b - a) is near 0.
                let (a, b) = ($0.inputs[0], $0.inputs[1])
                return [
                    mul($0.cotangent, Ops.unary(.sigmoid, sub(a, b))),
                    $0.wanted[1] ? mul($0.cotangent, Ops.unary(.sigmoid, sub(b, a))) : nil,
                ]
            }),
    ]

    private static func productVJP(_ context: VJPContext) -> [MLXArray?] {
        [
            context.wanted[0] ? chained(context.cotangent, conj(context.inputs[1])) : nil,
            context.wanted[1] ? chained(context.cotangent, conj(context.inputs[0])) : nil,
        ]
    }

    private static func quotientVJP(_ context: VJPContext) -> [MLXArray?] {
        let b = conj(context.inputs[1])
        let da = chainedQuotient(context.cotangent, b)
        let db = chainedQuotient(chained(da, conj(context.inputs[0])), b)
        return [da, context.wanted[1] ? neg(db) : nil]
    }

    /// Complex numbers have no logistic function: weights are e^(a - c).
    private static func logAddExpVJP(_ context: VJPContext) -> [MLXArray?] {
        zip(context.inputs, context.wanted).map { input, isWanted in
            let weight = Ops.unary(.exp, sub(input, context.output))
            return isWanted ? mul(context.cotangent, conj(weight)) : nil
        }
    }

    /// d/da = b a^(b-1); d/db = ln(a) a^b, and 0 where a^b is 0.
    private static func powerVJP(_ context: VJPContext) -> [MLXArray?] {
        let (a, b) = (context.inputs[0], context.inputs[1])
        var result: [MLXArray?] = [nil, nil]
        if context.wanted[0] {
            let slope = chained(b, Ops.binary(.power, a, plus(b, -1)))
            result[0] = chained(context.cotangent, conj(slope))
        }
        if context.wanted[1] {
            let slope = mul(Ops.unary(.log, a), context.output)
            let zero = zerosLike(slope)
            let isZero = Ops.binary(.equal, context.output, zero)
            result[1] = chained(context.cotangent, conj(Ops.select(isZero, zero, slope)))
        }
        return result
    }

    /// Ties give all of the cotangent to the second operand, as MLX does.
    private static let extrema: [OpRow] = [
        row(
            MLX_MAXIMUM, "maximum", "c = max(a, b), NaN if either is", max, .promote,
            traits: .commutative,
            vjp: .rule { selection($0, Ops.binary(.greater, $0.inputs[0], $0.inputs[1])) }),
        row(
            MLX_MINIMUM, "minimum", "c = min(a, b), NaN if either is", min, .promote,
            traits: .commutative,
            vjp: .rule { selection($0, Ops.binary(.less, $0.inputs[0], $0.inputs[1])) }),
    ]

    private static func selection(_ context: VJPContext, _ first: MLXArray) -> [MLXArray?] {
        let (cotangent, zero) = (context.cotangent, zerosLike(context.cotangent))
        return [
            context.wanted[0] ? Ops.select(first, cotangent, zero) : nil,
            context.wanted[1] ? Ops.select(first, zero, cotangent) : nil,
        ]
    }

    private static let bits: [OpRow] = [
        row(
            MLX_AND, "bitwise_and", "c = a & b", { Double(Int($0) & Int($1)) }, .bitwise,
            traits: .commutative, vjp: .zero),
        row(
            MLX_OR, "bitwise_or", "c = a | b", { Double(Int($0) | Int($1)) }, .bitwise,
            traits: .commutative, vjp: .zero),
        row(
            MLX_XOR, "bitwise_xor", "c = a ^ b", { Double(Int($0) ^ Int($1)) }, .bitwise,
            traits: .commutative, vjp: .zero),
        row(
            MLX_SHL, "left_shift", "c = a << b", { Double(Int($0) << Int($1)) }, .shift,
            domains: [-9...9, 0...7], vjp: .zero),
        row(
            MLX_SHR, "right_shift", "c = a >> b", { Double(Int($0) >> Int($1)) }, .shift,
            domains: [-9...9, 0...7], vjp: .zero),
    ]

    private static let comparisons: [OpRow] = [
        row(
            MLX_EQUAL, "equal", "c = (a = b)", { $0 == $1 ? 1 : 0 }, .comparison,
            traits: .commutative, vjp: .zero),
        row(
            MLX_NOT_EQUAL, "not_equal", "c = (a ≠ b)", { $0 != $1 ? 1 : 0 }, .comparison,
            traits: .commutative,
            vjp: .zero),
        row(MLX_LESS, "less", "c = (a < b)", { $0 < $1 ? 1 : 0 }, .comparison, vjp: .zero),
        row(
            MLX_LESS_EQUAL, "less_equal", "c = (a ≤ b)", { $0 <= $1 ? 1 : 0 }, .comparison,
            vjp: .zero),
        row(MLX_GREATER, "greater", "c = (a > b)", { $0 > $1 ? 1 : 0 }, .comparison, vjp: .zero),
        row(
            MLX_GREATER_EQUAL, "greater_equal", "c = (a ≥ b)", { $0 >= $1 ? 1 : 0 }, .comparison,
            vjp: .zero),
        row(
            MLX_LOGICAL_AND, "logical_and", "c = a and b", { $0 != 0 && $1 != 0 ? 1 : 0 }, .logical,
            traits: .commutative,
            vjp: .zero),
        row(
            MLX_LOGICAL_OR, "logical_or", "c = a or b", { $0 != 0 || $1 != 0 ? 1 : 0 }, .logical,
            traits: .commutative,
            vjp: .zero),
    ]
}

extension OpCode {
    package static let add = OpCode(MLX_ADD)
    package static let subtract = OpCode(MLX_SUBTRACT)
    package static let multiply = OpCode(MLX_MULTIPLY)
    package static let divide = OpCode(MLX_DIVIDE)
    package static let floorDivide = OpCode(MLX_FLOOR_DIVIDE)
    package static let remainder = OpCode(MLX_REMAINDER)
    package static let power = OpCode(MLX_POWER)
    package static let maximum = OpCode(MLX_MAXIMUM)
    package static let minimum = OpCode(MLX_MINIMUM)
    package static let logAddExp = OpCode(MLX_LOGADDEXP)
    package static let arctan2 = OpCode(MLX_ARCTAN2)
    package static let multiplyOrZero = OpCode(MLX_MULTIPLY_OR_ZERO)
    package static let divideOrZero = OpCode(MLX_DIVIDE_OR_ZERO)
    package static let bitwiseAnd = OpCode(MLX_AND)
    package static let bitwiseOr = OpCode(MLX_OR)
    package static let bitwiseXor = OpCode(MLX_XOR)
    package static let leftShift = OpCode(MLX_SHL)
    package static let rightShift = OpCode(MLX_SHR)
    package static let equal = OpCode(MLX_EQUAL)
    package static let notEqual = OpCode(MLX_NOT_EQUAL)
    package static let less = OpCode(MLX_LESS)
    package static let lessEqual = OpCode(MLX_LESS_EQUAL)
    package static let greater = OpCode(MLX_GREATER)
    package static let greaterEqual = OpCode(MLX_GREATER_EQUAL)
    package static let logicalAnd = OpCode(MLX_LOGICAL_AND)
    package static let logicalOr = OpCode(MLX_LOGICAL_OR)
}

extension DTypeRule {
    static let promoteNotComplex = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        if type == .complex64 { throw context.error(.dtype, "does not take complex64") }
        return (type, type)
    }
}
