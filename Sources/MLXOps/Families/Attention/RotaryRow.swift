import MLXBase
import MLXGraph
import MLXKernels

/// Rotary positions (Su et al., 2021). Inputs: x (B, …, T, D), offsets (one, or one for each of B),
/// and where the words say so frequencies. The offset is an input, so decoding one token after the
/// other makes no new plan. Backwards, the same row rotates by the negative angle.
package enum RotaryRow {
    package static let rows: [OpRow] = [rope]

    package static func words(
        base: Double, scale: Double, dimensions: Int, traditional: Bool, inverse: Bool,
        hasFrequencies: Bool
    ) -> Attributes {
        Attributes(
            words: [
                Int(truncatingIfNeeded: base.bitPattern), Int(truncatingIfNeeded: scale.bitPattern),
                dimensions, traditional ? 1 : 0, inverse ? 1 : 0, hasFrequencies ? 1 : 0,
            ])
    }

    private static let rope = OpRow(
        code: .rope, name: "rope", synopsis: "y = x, pairs turned by position · frequency",
        arity: 2...3, traits: .shapeless,
        attributeNames: ["base", "scale", "dimensions", "traditional", "inverse", "frequencies"],
        dynamicWords: .first(2),
        dtype: DTypeRule { (context) throws(ArrayError) in
            let type = context.dtypes[0]
            guard type.isFloatingPoint, type != .complex64 else {
                throw context.error(.dtype, "needs real floating-point numbers, not \(type)")
            }
            guard context.dtypes[1].isInteger else {
                throw context.error(.dtype, "offsets are integers, not \(context.dtypes[1])")
            }
            if context.dtypes.count > 2,
                !context.dtypes[2].isFloatingPoint
                    || context.dtypes[2] == .complex64
            {
                throw context.error(.dtype, "frequencies are real floats")
            }
            return (nil, type)
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            try check(context)
            return context.shapes[0]
        },
        vjp: .rule { context in
            var words = context.attributes.words
            words[4] = 1 - words[4]
            let x = Ops.record(
                .rope, [context.cotangent] + context.inputs.dropFirst(),
                Attributes(words: words))
            let rest = context.inputs.indices.dropFirst().map { number -> MLXArray? in
                guard number == 2, context.wanted[2] else { return nil }
                return Ops.invalid(
                    ArrayError(.notDifferentiable, "rope", "has no derivative by frequencies"),
                    shapeHint: context.inputs[2].nodeShape, dtype: context.inputs[2].dtype)
            }
            return [x] + rest
        },
        jvp: .rule { context in
            context.tangents[0].map {
                Ops.record(
                    .rope, [$0] + context.inputs.dropFirst(), context.attributes,
                    stream: context.stream)
            }
        },
        vmap: .rule(mapped), work: OpWork(.elementwise) { Double($0.output.size) * 4 },
        kernel: Kernels.rope, toleranceEpsilons: 64,
        samples: SampleRule {
            func attributes(_ dims: Int, _ traditional: Bool, _ frequencies: Bool) -> Attributes {
                words(
                    base: 100, scale: 0.5, dimensions: dims, traditional: traditional,
                    inverse: false, hasFrequencies: frequencies)
            }
            return [
                .init(
                    [[2, 3, 5, 8], []], attributes(8, false, false), domains: [-2...2, 0...9],
                    fixedDTypes: [1: .int32]),
                .init(
                    [[2, 3, 2, 10], [2]], attributes(8, true, false), domains: [-2...2, 0...9],
                    fixedDTypes: [1: .int32]),
                .init(
                    [[2, 3, 8], [1], [3]], attributes(6, false, true),
                    domains: [-2...2, 0...9, 1...5], fixedDTypes: [1: .int64, 2: .float32]),
            ]
        })

    private static func check(_ context: RuleContext) throws(ArrayError) {
        let (x, offset, words) = (context.shapes[0], context.shapes[1], context.attributes.words)
        guard x.ndim >= 3 else {
            throw context.error(.shape, "needs 3 axes or more, got \(x)")
        }
        for index in 3...5 { try AttributeChecks.flag(context, index) }
        guard words[2] > 0, words[2] % 2 == 0, words[2] <= x[x.ndim - 1] else {
            throw context.error(
                .argument,
                "dimensions must be even, positive and within the last axis of \(x), not"
                    + " \(words[2])")
        }
        guard offset.ndim <= 1, offset.size == 1 || offset.size == x[0] else {
            throw context.error(
                .shape, "offsets are one, or one for each of \(x[0]), not \(offset)")
        }
        guard (words[5] != 0) == (context.shapes.count > 2) else {
            throw context.error(.argument, "takes a base or frequencies, one of them")
        }
        if context.shapes.count > 2, context.shapes[2].array != [words[2] / 2] {
            throw context.error(
                .shape, "needs \(words[2] / 2) frequencies, got \(context.shapes[2])")
        }
    }

    private static func mapped(_ context: VMapContext) -> MLXArray {
        if context.isBatched.count > 2 && context.isBatched[2] {
            return GroupCodes.stacked(context)
        }
        let offset = context.elementShape(1)
        if !context.isBatched[1] && offset.reduce(1, *) == 1 {
            return context.record(context.inputs, context.attributes)
        }
        // The batch joins the first axis, and every element of it gets an offset.
        let x = context.batched(0)
        let (element, lead) = (context.elementShape(0), x.nodeShape[1])
        let offsets = Ops.broadcast(
            Ops.reshape(context.batched(1), [context.size, offset.reduce(1, *)]),
            to: [context.size, lead])
        let flat = Ops.reshape(x, [context.size * lead] + element.dropFirst())
        let y = context.record(
            [flat, Ops.reshape(offsets, [context.size * lead])] + context.inputs.dropFirst(2),
            context.attributes)
        return Ops.reshape(y, [context.size] + element)
    }
}

extension OpCode {
    package static let rope = OpCode(.rotary)
}
