import MLXBase
import MLXGraph
import MLXKernels

/// Scaled dot-product attention (Vaswani et al., 2017): queries (B, H, L, D), keys (B, G, S, D) and
/// values (B, G, S, E), where G divides H, then a mask and sinks where the words say so. The row
/// never holds the matrix of scores; its derivatives, written with ordinary rows, do.
package enum AttentionRow {
    package static let rows: [OpRow] = [attention]

    package static func words(
        scale: Double, isCausal: Bool, hasMask: Bool, hasSinks: Bool
    ) -> Attributes {
        Attributes(
            words: [
                Int(truncatingIfNeeded: scale.bitPattern), isCausal ? 1 : 0, hasMask ? 1 : 0,
                hasSinks ? 1 : 0,
            ])
    }

    private static let attention = OpRow(
        code: .attention, name: "scaled_dot_product_attention",
        synopsis: "y = softmax(scale q kᵀ + mask) v", arity: 3...5,
        traits: .shapeless,
        attributeNames: ["scale", "causal", "mask", "sinks"], dynamicWords: .first(1),
        dtype: DTypeRule { (context) throws(ArrayError) in
            let type = context.dtypes[0]
            guard type.isFloatingPoint, type != .complex64,
                context.dtypes[1] == type, context.dtypes[2] == type
            else {
                throw context.error(
                    .dtype, "needs real floating-point numbers, got \(context.dtypes)")
            }
            for other in context.dtypes.dropFirst(3)
            where other != .bool && DType.promote(other, type) != type {
                throw context.error(.dtype, "a mask of \(other) does not promote into \(type)")
            }
            return (nil, type)
        },
        shape: ShapeRule { (context) throws(ArrayError) in try checked(context) },
        vjp: .rule(pulled), vmap: .rule(mapped),
        work: OpWork(.attention) { context in
            let (q, k) = (context.shapes[0], context.shapes[1])
            let pairs = Double(q[0]) * Double(q[1]) * Double(q[2]) * Double(k[2])
            return pairs * 2 * Double(q[3] + context.shapes[2][3])
        },
        kernel: Kernels.attention,
        toleranceEpsilons: 256, samples: SampleRule { samples })

    private static var samples: [SampleRule.Sample] {
        func sample(_ shapes: [[Int]], _ words: Attributes, _ fixed: [Int: DType] = [:])
            -> SampleRule.Sample
        {
            .init(
                shapes, words, domains: Array(repeating: -2...2, count: shapes.count),
                fixedDTypes: fixed)
        }
        func attributes(_ causal: Bool, _ mask: Bool, _ sinks: Bool) -> Attributes {
            words(scale: 0.4, isCausal: causal, hasMask: mask, hasSinks: sinks)
        }
        return [
            sample([[2, 2, 5, 4], [2, 2, 6, 4], [2, 2, 6, 3]], attributes(false, false, false)),
            sample([[1, 4, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4]], attributes(true, false, false)),
            sample(
                [[1, 2, 11, 4], [1, 1, 7, 4], [1, 1, 7, 5], [2, 1, 7], [2]],
                attributes(false, true, true)),
            sample(
                [[1, 2, 3, 4], [1, 2, 6, 4], [1, 2, 6, 4], [1, 1, 3, 6]],
                attributes(true, true, false), [3: .bool]),
            sample(
                [[1, 1, 2, 4], [1, 1, 3, 4], [1, 1, 3, 2], [1]], attributes(false, false, true)),
            sample(
                [[1, 1, 50, 2], [1, 1, 140, 2], [1, 1, 140, 3]], attributes(true, false, false)),
        ]
    }

    private static func checked(_ context: RuleContext) throws(ArrayError) -> Shape {
        let (q, k, v) = (context.shapes[0], context.shapes[1], context.shapes[2])
        let words = context.attributes.words
        for shape in [q, k, v] where shape.ndim != 4 {
            throw context.error(.shape, "queries, keys and values have 4 axes, not \(shape)")
        }
        guard q[0] == k[0], q[0] == v[0] else {
            throw context.error(.shape, "batches differ: \(q), \(k), \(v)")
        }
        guard q[3] == k[3], k[2] == v[2], k[1] == v[1] else {
            throw context.error(.shape, "queries \(q), keys \(k) and values \(v) do not fit")
        }
        guard k[1] > 0, q[1] % k[1] == 0 else {
            throw context.error(
                .shape, "\(q[1]) query heads are no multiple of \(k[1]) heads of keys")
        }
        for index in 1...3 { try AttributeChecks.flag(context, index) }
        guard context.shapes.count == 3 + words[2] + words[3] else {
            throw context.error(.argument, "needs the mask and sinks that the words announce")
        }
        if words[2] != 0 {
            let scores = try Shape(
                validating: [q[0], q[1], q[2], k[2]], operation: context.row.name)
            let mask = context.shapes[3]
            guard mask.ndim <= 4,
                try Broadcasting.shape([mask, scores], operation: context.row.name) == scores
            else {
                throw context.error(.shape, "the mask \(mask) does not broadcast to \(scores)")
            }
        }
        if words[3] != 0, context.shapes[3 + words[2]].array != [q[1]] {
            throw context.error(
                .shape,
                "needs one sink for each of \(q[1]) heads, got"
                    + " \(context.shapes[3 + words[2]])")
        }
        return try Shape(validating: [q[0], q[1], q[2], v[3]], operation: context.row.name)
    }

    private static func mapped(_ context: VMapContext) -> MLXArray {
        let words = context.attributes.words
        if words[3] != 0 && context.isBatched[3 + words[2]] { return GroupCodes.stacked(context) }
        func folded(_ x: MLXArray, _ element: [Int]) -> MLXArray {
            Ops.reshape(x, [context.size * element[0]] + element.dropFirst())
        }
        var inputs = (0..<3).map { folded(context.batched($0), context.elementShape($0)) }
        if words[2] != 0 {
            let own = context.elementShape(3)
            let isShared = !context.isBatched[3] && (own.count < 4 || own[0] == 1)
            if isShared {
                inputs.append(context.inputs[3])
            } else {
                let batch = context.elementShape(0)[0]
                let wide = [Int](repeating: 1, count: 4 - own.count) + own
                let full = [context.size, batch] + wide.dropFirst()
                let mask = Ops.reshape(context.batched(3), [context.size] + wide)
                inputs.append(folded(Ops.broadcast(mask, to: full), Array(full.dropFirst())))
            }
        }
        if words[3] != 0 { inputs.append(context.inputs[3 + words[2]]) }
        let y = context.record(inputs, context.attributes)
        return Ops.reshape(y, [context.size] + context.shape.array)
    }
}

extension OpCode {
    package static let attention = OpCode(.attention)
}
