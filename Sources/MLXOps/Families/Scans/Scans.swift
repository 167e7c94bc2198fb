import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels

/// Running folds along one axis. Words: how far the axis is from the last one, 1 to run backwards,
/// 1 to leave each element out of its own result.
package enum Scans {
    package static let rows: [OpRow] = [
        row(
            .cumulativeSum, "cumsum", "y[i] = Σ x[0…i]", Kernels.scan(MLX_SUM),
            dtype: DTypeRule { context in
                let type = context.dtypes[0] == .bool ? DType.int32 : context.dtypes[0]
                return (type, type)
            },
            vjp: .rule { [turned(.cumulativeSum, $0.cotangent, $0)] }, jvp: .linear),
        row(
            .cumulativeProduct, "cumprod", "y[i] = Π x[0…i]", Kernels.scan(MLX_PRODUCT),
            domain: 0.5...1.5,
            vjp: .rule(productVJP)),
        row(
            .cumulativeMaximum, "cummax", "y[i] = max x[0…i]", Kernels.scan(MLX_MAX),
            vjp: extremeVJP(.cumulativeMaximum)),
        row(
            .cumulativeMinimum, "cummin", "y[i] = min x[0…i]", Kernels.scan(MLX_MIN),
            vjp: extremeVJP(.cumulativeMinimum)),
        row(
            .logCumulativeSum, "logcumsumexp", "y[i] = ln Σ e^x[0…i]", Kernels.logCumulativeSum,
            dtype: .promoteRealFloat,
            weight: 24, vjp: .rule(logSumVJP), jvp: .rule(logSumJVP)),
    ]

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        dtype: DTypeRule = .same,
        weight: Double = 2, domain: ClosedRange<Double> = -4...4, vjp: VJPRule,
        jvp: JVPRule = .transposed
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1, traits: .shapeless,
            attributeNames: ["axis from the last", "reverse", "exclusive"], dtype: dtype,
            shape: .scanned, vjp: vjp, jvp: jvp, vmap: .trailing,
            work: OpWork(.scan) { Double($0.output.size) * weight },
            kernel: kernel, toleranceEpsilons: 64,
            samples: SampleRule {
                [
                    .init([[7]], Attributes(words: [0, 0, 0]), domains: [domain]),
                    .init([[3, 5]], Attributes(words: [1, 1, 0]), domains: [domain]),
                    .init([[2, 6, 3]], Attributes(words: [1, 0, 1]), domains: [domain]),
                    .init([[2, 9]], Attributes(words: [0, 1, 1]), domains: [domain]),
                    .init([[2, 0, 3]], Attributes(words: [0, 0, 0]), domains: [domain]),
                ]
            })
    }

    private static func scan(_ code: OpCode, _ x: MLXArray, _ words: [Int]) -> MLXArray {
        Ops.record(code, [x], Attributes(words: words))
    }

    /// The scan in the other direction: the adjoint of a running sum.
    private static func turned(
        _ code: OpCode, _ x: MLXArray, _ context: VJPContext
    ) -> MLXArray {
        var words = context.attributes.words
        words[1] = 1 - words[1]
        return scan(code, x, words)
    }

    /// Σ g[k] y[k] / x[i] over the k that x[i] has a part in. Up to the first zero that is exact;
    /// the first zero itself gets the same sum of products in which it counts as one, and what
    /// comes after it has no influence.
    private static func productVJP(_ context: VJPContext) -> [MLXArray?] {
        let x = context.inputs[0]
        let words = context.attributes.words
        let isZero = Ops.binary(.equal, x, zerosLike(x))
        let before = scan(.cumulativeSum, isZero, [words[0], words[1], 1])
        let isFirst = Ops.binary(
            .logicalAnd, isZero, Ops.binary(.equal, before, zerosLike(before)))
        let one = Ops.full(x.nodeShape, 1, x.dtype)
        let rest = scan(.cumulativeProduct, Ops.select(isFirst, one, x), words)
        let plain = turned(.cumulativeSum, mul(context.cotangent, conj(context.output)), context)
        let atZero = turned(.cumulativeSum, mul(context.cotangent, conj(rest)), context)
        let elsewhere = Ops.select(
            isZero, zerosLike(x), div(plain, conj(Ops.select(isZero, one, x))))
        return [Ops.select(isFirst, atZero, elsewhere)]
    }

    /// Each cotangent goes to the last of the elements so far that are the extreme in force.
    private static func extremeVJP(_ code: OpCode) -> VJPRule {
        .rule { extremeCotangent(code, $0) }
    }

    private static func extremeCotangent(
        _ code: OpCode, _ context: VJPContext
    ) -> [MLXArray?] {
        let words = context.attributes.words
        let axis = context.inputs[0].ndim - 1 - words[0]
        let reverse = words[1] == 1
        let x = Ops.axisLast(context.inputs[0], axis)
        let length = x.nodeShape.dims.last!
        if x.nodeShape.size == 0 { return [context.cotangent] }
        var cotangent = Ops.axisLast(context.cotangent, axis)
        if words[2] == 1 {
            // Leaving out its own element is the same scan one place further on.
            let zero = Ops.slice(zerosLike(cotangent), axis: x.ndim - 1, 0, 1)
            let others = Ops.slice(
                cotangent, axis: x.ndim - 1, reverse ? 0 : 1, length - 1)
            cotangent = Ops.record(
                .concatenate, reverse ? [zero, others] : [others, zero],
                Attributes(word: UInt64(x.ndim - 1)))
        }
        let isExtreme = Ops.binary(.equal, x, scan(code, x, [0, words[1], 0]))
        let numbers = Ops.arange(start: 0, increment: 1, count: length, .int32)
        let first = Ops.scalar(reverse ? Double(length - 1) : 0, .int32)
        let sources = scan(
            reverse ? .cumulativeMinimum : .cumulativeMaximum,
            Ops.select(isExtreme, numbers, first), [0, words[1], 0])
        let sums = Ops.addAlongLast(cotangent, at: sources, count: length)
        return [Ops.axisBack(sums, axis)]
    }

    /// Σ g[k] e^(x[i] - y[k]): weights are summed as logarithms, positive and negative ones apart.
    private static func logSumVJP(_ context: VJPContext) -> [MLXArray?] {
        let y = zeroWhereNothing(context.output)
        return [
            signed(context.cotangent) { logs in
                add(context.inputs[0], turned(.logCumulativeSum, sub(logs, y), context))
            }
        ]
    }

    /// Σ t[i] e^(x[i] - y[k])
    private static func logSumJVP(_ context: JVPContext) -> MLXArray? {
        context.tangents[0].map { tangent in
            let y = zeroWhereNothing(context.output)
            return signed(tangent) { logs in
                sub(
                    scan(
                        .logCumulativeSum, add(context.inputs[0], logs),
                        context.attributes.words), y)
            }
        }
    }

    private static func zeroWhereNothing(_ y: MLXArray) -> MLXArray {
        let nothing = Ops.scalar(-Double.infinity, y.dtype)
        return Ops.select(Ops.binary(.equal, y, nothing), zerosLike(y), y)
    }

    /// The exponential of a function of weights' logarithms. A weight of zero, and one of the other
    /// sign, counts as a number far below all others.
    private static func signed(
        _ weights: MLXArray, _ function: (MLXArray) -> MLXArray
    ) -> MLXArray {
        let type = weights.dtype
        let least = Ops.scalar(type == .float16 ? -3e4 : -1e30, type)
        func part(_ weights: MLXArray) -> MLXArray {
            let isPositive = Ops.binary(.greater, weights, zerosLike(weights))
            let safe = Ops.select(isPositive, weights, Ops.scalar(1, type))
            return Ops.unary(
                .exp, function(Ops.select(isPositive, Ops.unary(.log, safe), least)))
        }
        return sub(part(weights), part(neg(weights)))
    }
}

extension OpCode {
    package static let cumulativeSum = OpCode(.scans)
    package static let cumulativeProduct = OpCode(.scans)
    package static let cumulativeMaximum = OpCode(.scans)
    package static let cumulativeMinimum = OpCode(.scans)
    package static let logCumulativeSum = OpCode(.scans)
}

extension ShapeRule {
    /// The input's shape; the words name an axis of it and say yes or no twice.
    static let scanned = ShapeRule { (context) throws(ArrayError) in
        let words = context.attributes.words
        guard words[0] >= 0, words[0] < context.shapes[0].ndim else {
            throw context.error(
                .axis, "axis \(words[0]) from the last one of \(context.shapes[0].ndim)")
        }
        for index in 1...2 { try AttributeChecks.flag(context, index) }
        return context.shapes[0]
    }
}

extension Ops {
    /// A running fold along an axis that may be negative.
    package static func scan(
        _ code: OpCode, _ x: MLXArray, axis: Int, reverse: Bool, inclusive: Bool,
        stream: StreamID = .unpinned
    ) -> MLXArray {
        do throws(ArrayError) {
            let rank = x.ndim
            let axis = try Axes.normalize(axis, rank: rank, operation: OpTable.name(code))
            let words = [rank - 1 - axis, reverse ? 1 : 0, inclusive ? 0 : 1]
            return record(code, [x], Attributes(words: words), stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }
}
