import MLXBase
import MLXGraph
import MLXKernels

/// Picking and placing along one axis, an index for every element: index array and array have one
/// shape but for that axis. A gather over all axes could say the same, with an index array for each
/// axis to be read; here the other axes need none. The word is the axis.
package enum AlongAxis {
    package static let rows: [OpRow] = [
        OpRow(
            code: .takeAlong, name: "take_along_axis", synopsis: "y[i, j, k] = x[i, n[i, j, k], k]",
            arity: 2...2, traits: [.mayFail, .shapeless], attributeNames: ["axis"],
            attributeForm: .integer, dtype: indexed,
            shape: ShapeRule { (context) throws(ArrayError) in
                try check(context, 1)
                return context.shapes[1]
            },
            vjp: .rule { context in
                let x = context.inputs[0]
                let (indices, ones) = allIndices(context.inputs[1], context)
                let updates = Ops.reshape(context.cotangent, context.cotangent.shape + ones)
                return [
                    Ops.record(
                        .scatterAdd, [emptyBase(x)] + indices + [updates],
                        Attributes(words: [1 << ones.count - 1] + ones)), nil,
                ]
            },
            jvp: .rule { context in
                context.tangents[0].map {
                    Ops.record(.takeAlong, [$0, context.inputs[1]], context.attributes)
                }
            },
            vmap: .rule(mapped),
            work: OpWork(.gather, bytes: \.pickedBytes) { Double($0.output.size) },
            kernel: Kernels.takeAlong,
            samples: SampleRule {
                samples.map { .init([$0.0, $0.1], $0.2, domains: $0.3, fixedDTypes: [1: .int32]) }
            }),
        OpRow(
            code: .putAlong, name: "put_along_axis",
            synopsis: "y = x, y[i, n[i, j, k], k] = u[i, j, k]", arity: 3...3,
            traits: [.mayFail, .shapeless], attributeNames: ["axis"],
            attributeForm: .integer, dtype: indexed,
            shape: ShapeRule { (context) throws(ArrayError) in
                try check(context, 1)
                guard context.shapes[2] == context.shapes[1],
                    context.dtypes[2] == context.dtypes[0]
                else { throw context.error(.shape, "one value for each index") }
                return context.shapes[0]
            },
            vjp: .rule { context in
                let indices = context.inputs[1]
                let zeros = zerosLike(context.inputs[2])
                return [
                    Ops.record(
                        .putAlong, [context.cotangent, indices, zeros], context.attributes), nil,
                    context.wanted[2] ? kept(context) : nil,
                ]
            },
            vmap: .rule(mapped), work: OpWork(.gather) { Double($0.shapes[1].size) },
            kernel: Kernels.putAlong,
            samples: SampleRule {
                [
                    ([4, 3], [4, 1], 1), ([3, 5], [1, 5], 0), ([6], [1], 0), ([4, 3], [4, 5], 1),
                ].map {
                    .init(
                        [$0.0, $0.1, $0.1], Attributes(word: UInt64($0.2)),
                        domains: [-4...4, 0...2, -4...4], fixedDTypes: [1: .int32])
                }
            }),
    ]

    private static let samples: [([Int], [Int], Attributes, [ClosedRange<Double>])] = [
        ([4, 3], [4, 2], Attributes(word: 1), [-4...4, 0...2]),
        ([5, 3], [2, 3], Attributes(word: 0), [-4...4, -5...4]),
        ([2, 3, 4], [2, 6, 4], Attributes(word: 1), [-4...4, 0...2]),
        ([7], [9], Attributes(word: 0), [-4...4, 0...6]),
    ]

    private static let indexed = DTypeRule { (context) throws(ArrayError) in
        guard context.dtypes[1].isInteger else {
            throw context.error(.dtype, "needs integer indices, not \(context.dtypes[1])")
        }
        return (nil, context.dtypes[0])
    }

    private static func check(_ context: RuleContext, _ number: Int) throws(ArrayError) {
        let (x, indices) = (context.shapes[0], context.shapes[number])
        let axis = try AttributeChecks.axis(context, rank: x.ndim)
        guard indices.ndim == x.ndim,
            (0..<x.ndim).allSatisfy({ $0 == axis || x[$0] == indices[$0] })
        else {
            throw context.error(.shape, "indices \(indices) along axis \(axis) of \(x)")
        }
    }

    /// The cotangent of the values: none for those that another one overwrote.
    private static func kept(_ context: VJPContext) -> MLXArray {
        let indices = context.inputs[1]
        func taken(_ x: MLXArray) -> MLXArray {
            Ops.record(.takeAlong, [x, indices], context.attributes)
        }
        if indices.nodeShape[Int(context.attributes.word)] <= 1 { return taken(context.cotangent) }
        let numbers = Overwriting.numbers(indices.nodeShape)
        let last = Ops.record(
            .putAlong, [Overwriting.base(context.inputs[0], numbers), indices, numbers],
            context.attributes)
        return Overwriting.selected(taken(context.cotangent), where: taken(last), are: numbers)
    }

    private static func mapped(_ context: VMapContext) -> MLXArray {
        context.record(
            context.inputs.indices.map(context.batched),
            Attributes(word: context.attributes.word + 1))
    }

    /// Index arrays for all axes, as a scatter takes them.
    private static func allIndices(
        _ indices: MLXArray, _ context: VJPContext
    ) -> ([MLXArray], ones: [Int]) {
        let shape = indices.nodeShape
        let ones = [Int](repeating: 1, count: shape.ndim)
        let numbers = (0..<shape.ndim).map { axis -> MLXArray in
            if axis == Int(context.attributes.word) { return indices }
            var column = ones
            column[axis] = shape[axis]
            return Ops.reshape(
                Ops.arange(start: 0, increment: 1, count: shape[axis], .int32), column)
        }
        return (numbers, ones)
    }
}

extension OpCode {
    package static let takeAlong = OpCode(.alongAxis)
    package static let putAlong = OpCode(.alongAxis)
}
