import MLXBase
import MLXGraph
import MLXKernels

/// Gathers and scatters. The inputs are the array and one index array for each indexed axis (and
/// the updates, last); all index arrays broadcast to one index shape. The words are the indexed
/// axes' mask and the size of the window taken along each axis (1 on indexed axes).
package enum Indexing {
    package static let rows: [OpRow] = [
        gather,
        scatter(
            .scatterAdd, "scatter_add", "y = x, y[i…] += u", Kernels.scatterAdd,
            vjp: .rule { [$0.cotangent] + noIndices($0) + [gathered($0)] }),
        scatter(
            .scatterAssign, "scatter", "y = x, y[i…] = u", Kernels.scatterAssign,
            vjp: .rule { context in
                let zero = zerosLike(context.inputs.last!)
                let base = Ops.record(
                    .scatterAssign,
                    [context.cotangent] + context.inputs.dropFirst().dropLast() + [zero],
                    Attributes(words: context.attributes.words))
                return [base] + noIndices(context) + [kept(context)]
            }),
        scatter(
            .scatterMax, "scatter_max", "y = x, y[i…] = max(y[i…], u)", Kernels.scatterMax,
            vjp: .rule(chosen)),
        scatter(
            .scatterMin, "scatter_min", "y = x, y[i…] = min(y[i…], u)", Kernels.scatterMin,
            vjp: .rule(chosen)),
        scatter(
            .scatterProduct, "scatter_prod", "y = x, y[i…] *= u", Kernels.scatterProduct, vjp: .none
        ),
    ]

    private static func noIndices(_ context: VJPContext) -> [MLXArray?] {
        [MLXArray?](repeating: nil, count: context.inputs.count - 2)
    }

    private static func gathered(_ context: VJPContext, from array: MLXArray? = nil) -> MLXArray {
        Ops.record(
            .gather, [array ?? context.cotangent] + context.inputs.dropFirst().dropLast(),
            Attributes(words: context.attributes.words))
    }

    /// The cotangent of the updates: none for those that another one overwrote.
    private static func kept(_ context: VJPContext) -> MLXArray? {
        guard context.wanted[context.wanted.count - 1] else { return nil }
        let updates = context.inputs[context.inputs.count - 1].nodeShape
        let window = context.attributes.words.dropFirst().reduce(1, *)
        if updates.size <= window { return gathered(context) }
        let numbers = Overwriting.numbers(updates)
        let last = Ops.record(
            .scatterAssign,
            [Overwriting.base(context.inputs[0], numbers)] + context.inputs.dropFirst().dropLast()
                + [numbers], Attributes(words: context.attributes.words))
        return Overwriting.selected(
            gathered(context), where: gathered(context, from: last), are: numbers)
    }

    /// The cotangent goes to whatever equals the result, to all of them where several do.
    private static func chosen(_ context: VJPContext) -> [MLXArray?] {
        func part(_ cotangent: MLXArray, _ input: MLXArray, _ result: MLXArray) -> MLXArray {
            Ops.select(
                Ops.binary(.equal, input, result), cotangent, Ops.scalar(0, cotangent.dtype))
        }
        let base = part(context.cotangent, context.inputs[0], context.output)
        let updates = part(
            gathered(context), context.inputs.last!, gathered(context, from: context.output))
        return [base] + noIndices(context) + [updates]
    }

    private static let gather = OpRow(
        code: .gather, name: "gather", synopsis: "y = x[i…]", arity: 2...(1 + Shape.maximumRank),
        traits: .mayFail, attributeNames: ["axes", "window…"],
        dtype: DTypeRule { (context) throws(ArrayError) in
            for type in context.dtypes.dropFirst() where !type.isInteger {
                throw context.error(.dtype, "needs integer indices, not \(type)")
            }
            return (nil, context.dtypes[0])
        },
        shape: ShapeRule { (context) throws(ArrayError) in
            let x = context.shapes[0]
            let window = try AttributeChecks.indexing(
                context, indexCount: context.shapes.count - 1)
            let indices = try Broadcasting.shape(
                Array(context.shapes.dropFirst()), operation: "gather")
            // No index at all asks for nothing, even of an axis without elements.
            guard zip(window, x.dims).allSatisfy({ $0 >= 0 && ($0 <= $1 || indices.size == 0) })
            else {
                throw context.error(
                    .index,
                    "window \(Shape.describe(Array(window))) does not fit \(x)")
            }
            return try Shape(validating: indices.array + window, operation: "gather")
        },
        vjp: .rule { context in
            let zeros = emptyBase(context.inputs[0])
            let gradient = Ops.record(
                .scatterAdd, [zeros] + context.inputs.dropFirst() + [context.cotangent],
                Attributes(words: context.attributes.words))
            return [gradient]
                + [MLXArray?](repeating: nil, count: context.inputs.count - 1)
        },
        jvp: .rule { context in
            context.tangents[0].map { tangent in
                Ops.record(
                    .gather, [tangent] + context.inputs.dropFirst(), context.attributes,
                    stream: context.stream)
            }
        },
        vmap: .rule(BatchRules.gather),
        work: OpWork(.gather, bytes: \.pickedBytes) { Double($0.output.size) },
        kernel: Kernels.gather,
        samples: SampleRule {
            [
                .init(
                    [[5, 4], [3]], Attributes(words: [0b01, 1, 4]), domains: [-4...4, 0...4],
                    fixedDTypes: [1: .int32]),
                .init(
                    [[5, 4], [2, 1], [3]], Attributes(words: [0b11, 1, 1]),
                    domains: [-4...4, 0...4, 0...3], fixedDTypes: [1: .int32, 2: .uint32]),
            ]
        })

    private static func scatter(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 3...(2 + Shape.maximumRank),
            traits: .mayFail, attributeNames: ["axes", "window…"],
            dtype: DTypeRule { (context) throws(ArrayError) in
                for type in context.dtypes.dropFirst().dropLast() where !type.isInteger {
                    throw context.error(.dtype, "needs integer indices, not \(type)")
                }
                guard context.dtypes.last == context.dtypes[0] else {
                    throw context.error(.dtype, "updates \(context.dtypes)")
                }
                return (nil, context.dtypes[0])
            },
            shape: ShapeRule { (context) throws(ArrayError) in
                let window = try AttributeChecks.indexing(
                    context, indexCount: context.shapes.count - 2)
                let indices = try Broadcasting.shape(
                    Array(context.shapes.dropFirst().dropLast()), operation: name)
                let (x, updates) = (context.shapes[0], context.shapes[context.shapes.count - 1])
                guard zip(window, x.dims).allSatisfy({ $0 >= 0 && $0 <= $1 }),
                    updates.array == indices.array + window
                else {
                    throw context.error(
                        .shape,
                        "updates of shape \(updates) for indices of shape \(indices) and window"
                            + " \(Shape.describe(Array(window)))")
                }
                return x
            },
            vjp: vjp, vmap: .rule(BatchRules.scatter),
            work: OpWork(.gather) { Double($0.shapes.last!.size) },
            kernel: kernel, overwrites: 0,
            samples: SampleRule {
                [
                    .init(
                        [[5, 4], [3], [3, 1, 4]], Attributes(words: [0b01, 1, 4]),
                        domains: [-4...4, 0...4, -4...4], fixedDTypes: [1: .int32])
                ]
            })
    }
}

extension OpCode {
    package static let gather = OpCode(.indexing)
    package static let scatterAdd = OpCode(.indexing)
    package static let scatterAssign = OpCode(.indexing)
    package static let scatterMax = OpCode(.indexing)
    package static let scatterMin = OpCode(.indexing)
    package static let scatterProduct = OpCode(.indexing)
}
