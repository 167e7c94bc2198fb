import CMLXKernels
import Glibc
import MLXBase
import MLXGraph
import MLXKernels

/// Reductions over a set of axes, and the functions that normalise along axes. The word holds the
/// axes as an `AxisMask`.
package enum Reduce {
    package static let rows: [OpRow] = [
        row(
            .sum, "sum", "y = Σ x", Kernels.reduction(MLX_SUM), { $0.reduce(0, +) }, .accumulating,
            vjp: .rule { context in
                let x = context.inputs[0]
                let cotangent = Ops.cast(context.cotangent, to: x.dtype)
                return [Ops.full(x.nodeShape, restored(cotangent, context))]
            }),
        row(
            .product, "prod", "y = Π x", Kernels.reduction(MLX_PRODUCT), { $0.reduce(1, *) },
            .accumulating, domain: 0.5...1.5, vjp: .rule(productVJP)),
        row(
            .max, "max", "y = max x, NaN if any is", Kernels.reduction(MLX_MAX), largest, .same,
            vjp: .rule(extremumVJP)),
        row(
            .min, "min", "y = min x, NaN if any is", Kernels.reduction(MLX_MIN), smallest, .same,
            vjp: .rule(extremumVJP)),
        row(
            .all, "all", "y = every x", Kernels.reduction(MLX_MIN),
            { $0.allSatisfy { $0 != 0 } ? 1 : 0 }, .logical, vjp: .zero),
        row(
            .any, "any", "y = some x", Kernels.reduction(MLX_MAX),
            { $0.contains { $0 != 0 } ? 1 : 0 }, .logical, vjp: .zero),
        row(
            .argMax, "argmax", "y = first index of the largest x", Kernels.argMax,
            { Double($0.firstIndex(of: largest($0))!) }, .index, vjp: .zero),
        row(
            .argMin, "argmin", "y = first index of the smallest x", Kernels.argMin,
            { Double($0.firstIndex(of: smallest($0))!) }, .index, vjp: .zero),
        row(
            .logSumExp, "logsumexp", "y = ln Σ e^x", Kernels.logSumExp,
            { log($0.reduce(0) { $0 + exp($1) }) }, .promoteFloat, weight: 12,
            vjp: .rule {
                if $0.output.dtype == .complex64 {
                    let shifted = sub($0.inputs[0], restored($0.output, $0))
                    return [mul(restored($0.cotangent, $0), conj(Ops.unary(.exp, shifted)))]
                }
                // NUMERICS: e^(x - y) is off by as much as y was rounded, which for large x is
                // more than 1.
                let axes = UInt64(AxisMask($0.attributes.word).bits)
                let weights = Ops.record(.softmax, [$0.inputs[0]], Attributes(word: axes))
                return [mul(restored($0.cotangent, $0), weights)]
            }),
        softmax, ElementCount.row,
    ]

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        _ reference: @escaping @Sendable ([Double]) -> Double, _ dtype: DTypeRule,
        weight: Double = 1, domain: ClosedRange<Double> = -4...4, vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1, traits: .shapeless,
            attributeNames: ["axes"], attributeForm: .axisMask, dtype: dtype,
            shape: code == .argMax || code == .argMin
                ? .argReduce : code == .max || code == .min ? .extremeReduce : .reduce,
            vjp: vjp, jvp: code == .sum ? .linear : .transposed,
            vmap: .rule(BatchRules.axisMask),
            work: OpWork(.reduction) { Double($0.shapes[0].size) * weight },
            kernel: kernel, draw: .axes,
            toleranceEpsilons: 64, reference: .fold(reference),
            samples: SampleRule { samples(domain) })
    }

    @Sendable private static func largest(_ x: [Double]) -> Double {
        x.contains(where: \.isNaN) ? .nan : x.max()!
    }

    @Sendable private static func smallest(_ x: [Double]) -> Double {
        x.contains(where: \.isNaN) ? .nan : x.min()!
    }

    private static let softmax = OpRow(
        code: .softmax, name: "softmax", synopsis: "y = e^x / Σ e^x", arity: 1...1,
        traits: .shapeless, attributeNames: ["axes"], attributeForm: .axisMask,
        dtype: .promoteFloat, shape: .normalized,
        vjp: .rule { context in
            let output = conj(context.output)
            let weighted = mul(output, context.cotangent)
            let mask = AxisMask(context.attributes.word)
            let total = Ops.record(
                .sum, [weighted], Attributes(word: UInt64(mask.bits) | 1 << 16))
            return [sub(weighted, mul(output, total))]
        },
        vmap: .rule(BatchRules.axisMask),
        work: OpWork(.reduction) { Double($0.output.size) * 14 },
        kernel: Kernels.softmax, draw: .oneAxis, toleranceEpsilons: 64,
        samples: SampleRule { samples(-4...4) })

    private static func samples(_ domain: ClosedRange<Double>) -> [SampleRule.Sample] {
        [
            .init([[7]], Attributes(word: 1), domains: [domain]),
            .init([[3, 5]], Attributes(word: 1 << 1), domains: [domain]),
            .init([[3, 5]], Attributes(word: 1 | 1 << 16), domains: [domain]),
            .init([[2, 3, 4]], Attributes(word: 0b101), domains: [domain]),
            .init([[4, 33]], Attributes(word: 0b11), domains: [domain]),
        ]
    }

    /// A reduced array with its axes back as size one, so that it broadcasts against the input.
    static func restored(_ y: MLXArray, _ context: VJPContext) -> MLXArray {
        let input = context.inputs[0].nodeShape
        let mask = AxisMask(context.attributes.word)
        if mask.keepsDims { return y }
        return Ops.reshape(y, (0..<input.ndim).map { mask.contains($0) ? 1 : input[$0] })
    }

    /// Tied elements share the cotangent evenly.
    private static func extremumVJP(_ context: VJPContext) -> [MLXArray?] {
        let x = context.inputs[0]
        let isBest = Ops.binary(.equal, x, restored(context.output, context))
        let mask = AxisMask(context.attributes.word)
        let ties = Ops.record(.sum, [isBest], Attributes(word: UInt64(mask.bits) | 1 << 16))
        let cotangent = restored(context.cotangent, context)
        let share = div(cotangent, Ops.cast(ties, to: cotangent.dtype))
        return [Ops.select(isBest, share, zerosLike(cotangent))]
    }

    /// Π over the other elements, found without dividing, so that zeros are handled exactly: with
    /// one zero only its place gets a gradient, with two none does. `safe` replaces zeros by one.
    private static func productVJP(_ context: VJPContext) -> [MLXArray?] {
        let x = context.inputs[0]
        let mask = AxisMask(context.attributes.word)
        let kept = Attributes(word: UInt64(mask.bits) | 1 << 16)
        let isZero = Ops.binary(.equal, x, zerosLike(x))
        let one = Ops.full(x.nodeShape, 1, x.dtype)
        let safe = Ops.select(isZero, one, x)
        let rest = Ops.record(.product, [safe], kept)
        let zeros = Ops.record(.sum, [Ops.cast(isZero, to: x.dtype)], kept)
        let noZero = indicator(Ops.binary(.equal, zeros, zerosLike(zeros)), like: x)
        let oneZero = indicator(
            Ops.binary(.equal, zeros, Ops.full(zeros.nodeShape, 1, x.dtype)), like: x)
        let elsewhere = mul(noZero, div(rest, safe))
        let atZero = mul(oneZero, rest)
        let slope = Ops.select(isZero, Ops.full(x.nodeShape, atZero), elsewhere)
        return [mul(restored(context.cotangent, context), conj(slope))]
    }
}

extension OpCode {
    package static let sum = OpCode(.reductions)
    package static let product = OpCode(.reductions)
    package static let max = OpCode(.reductions)
    package static let min = OpCode(.reductions)
    package static let all = OpCode(.reductions)
    package static let any = OpCode(.reductions)
    package static let argMax = OpCode(.reductions)
    package static let argMin = OpCode(.reductions)
    package static let logSumExp = OpCode(.reductions)
    package static let softmax = OpCode(.reductions)
}

extension DTypeRule {
    /// Small integers and bool accumulate in 32 bits. A wider float may be asked for; the kernel
    /// converts while it reads.
    static let accumulating = DTypeRule { (context) throws(ArrayError) in
        let type = context.dtypes[0]
        let own: DType =
            switch type {
            case .bool, .int8, .int16: .int32
            case .uint8, .uint16: .uint32
            default: type
            }
        let told = context.attributes.outputDType ?? own
        let isWider =
            type != .complex64
            && (told == .float64 || told == .float32 && (type.isHalf || !type.isFloatingPoint))
        guard told == own || isWider else {
            throw context.error(.dtype, "gives \(own) of \(type), not \(told)")
        }
        return (nil, told)
    }

    static let index = DTypeRule { _ in (nil, .uint32) }
}

extension ShapeRule {
    /// The input's shape; the word's axes must be among its own.
    static let normalized = ShapeRule { (context) throws(ArrayError) in
        _ = try AttributeChecks.axisMask(context, rank: context.shapes[0].ndim)
        return context.shapes[0]
    }

    /// As `reduce`; there is no largest element along an axis without elements.
    static let extremeReduce = ShapeRule { (context) throws(ArrayError) in
        let input = context.shapes[0]
        let axes = try AttributeChecks.axisMask(context, rank: input.ndim)
        if axes.axes(rank: input.ndim).contains(where: { input[$0] == 0 }) {
            throw context.error(.argument, "over an axis without elements")
        }
        return try ShapeRule.reduce.apply(context)
    }

    /// As `reduce`; an empty axis has no largest element.
    static let argReduce = ShapeRule { (context) throws(ArrayError) in
        if context.shapes[0].size == 0 {
            throw context.error(.argument, "of an array without elements")
        }
        return try ShapeRule.reduce.apply(context)
    }
}

extension Ops {
    /// A reduction over axes that may be negative; nil means all. A sum may be asked for in a
    /// wider float.
    package static func reduce(
        _ code: OpCode, _ x: MLXArray, axes: [Int]?, keepDims: Bool, dtype: DType? = nil,
        stream: StreamID = .unpinned
    ) -> MLXArray {
        let rank = x.ndim
        do throws(ArrayError) {
            let name = OpTable.name(code)
            let normal = try axes.map { (axes) throws(ArrayError) in
                try Axes.normalize(axes, rank: rank, operation: name)
            }
            let reduced = normal ?? Array(0..<rank)
            return record(
                code, [x],
                Attributes(
                    word: AxisMask(reduced, keepDims: keepDims).word, outputDType: dtype),
                stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }

    /// Sums over the axes along which `shape` would be broadcast to the array's own.
    package static func sum(_ x: MLXArray, toShape shape: Shape) -> MLXArray {
        let own = x.nodeShape
        if own == shape { return x }
        let lead = own.ndim - shape.ndim
        var axes = Array(0..<max(lead, 0))
        for axis in 0..<shape.ndim where shape[axis] == 1 && own[axis + lead] != 1 {
            axes.append(axis + lead)
        }
        // Not `record(.sum)`: a cotangent keeps its dtype, also a small integer one.
        let total = Ops.cast(
            record(.sum, [x], Attributes(word: AxisMask(axes, keepDims: true).word)), to: x.dtype)
        return reshape(total, shape.array)
    }
}
