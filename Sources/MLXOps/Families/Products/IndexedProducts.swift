import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels

/// Matrix products of chosen parts of their operands, and the Hadamard transform.
package enum IndexedProducts {
    package static let rows: [OpRow] = [gatherMM, segmentedMM, hadamard]

    private static let gatherMM = OpRow(
        code: .gatherMM, name: "gather_mm", synopsis: "c[i…] = a[l[i…]] b[r[i…]]", arity: 4...4,
        traits: .mayFail, dtype: .indexedProduct,
        shape: ShapeRule { (context) throws(ArrayError) in
            let (a, b) = (context.shapes[0], context.shapes[1])
            guard a.ndim >= 2, b.ndim >= 2, a[a.ndim - 1] == b[b.ndim - 2],
                context.shapes[2] == context.shapes[3]
            else {
                throw context.error(.shape, "cannot multiply matrices of \(a) and \(b)")
            }
            return try Shape(
                validating: context.shapes[2].array + [a[a.ndim - 2], b[b.ndim - 1]],
                operation: "gather_mm")
        },
        vjp: .rule(gatherVJP), vmap: .rule(gatherBatch),
        work: OpWork(.matmul) { 2 * Double($0.output.size) * Double($0.shapes[0].dims.last ?? 1) },
        kernel: Kernels.gatherMM, toleranceEpsilons: 256,
        samples: SampleRule {
            [
                .init(
                    [[3, 2, 4], [2, 4, 5], [2, 2], [2, 2]],
                    domains: [-4...4, -4...4, 0...2, 0...1],
                    fixedDTypes: [2: .uint32, 3: .int32]),
                .init(
                    [[6, 1, 4], [4, 3], [6], [6]], domains: [-4...4, -4...4, 0...5, 0...0],
                    fixedDTypes: [2: .int64, 3: .uint8]),
            ]
        })

    private static func matrices(_ x: MLXArray) -> MLXArray {
        Ops.reshape(x, [x.shape.dropLast(2).reduce(1, *)] + x.shape.suffix(2))
    }

    private static func gatherVJP(_ context: VJPContext) -> [MLXArray?] {
        let (a, b) = (matrices(context.inputs[0]), matrices(context.inputs[1]))
        let count = context.inputs[2].nodeShape.size
        let (left, right) = (
            Ops.reshape(context.inputs[2], [count]), Ops.reshape(context.inputs[3], [count])
        )
        let cotangent = matrices(context.cotangent)
        let each = Ops.arange(start: 0, increment: 1, count: count, .int64)
        func summed(_ products: MLXArray, _ numbers: MLXArray, _ input: MLXArray) -> MLXArray {
            let shape = matrices(input).shape
            let sums = Ops.record(
                .scatterAdd,
                [
                    emptyBase(matrices(input)), numbers,
                    Ops.reshape(products, [count, 1] + shape.dropFirst()),
                ], Attributes(words: [1, 1] + shape.dropFirst()))
            return Ops.reshape(sums, input.shape)
        }
        return [
            context.wanted[0]
                ? summed(
                    Ops.record(.gatherMM, [cotangent, conj(Ops.swapLast(b)), each, right]), left,
                    context.inputs[0]) : nil,
            context.wanted[1]
                ? summed(
                    Ops.record(.gatherMM, [conj(Ops.swapLast(a)), cotangent, left, each]), right,
                    context.inputs[1]) : nil,
            nil, nil,
        ]
    }

    /// A batched operand has more matrices: those of later elements have higher numbers.
    private static func gatherBatch(_ context: VMapContext) -> MLXArray {
        var inputs = context.inputs
        for (operand, numbers) in [(0, 2), (1, 3)] {
            let indices = Ops.cast(context.batched(numbers), to: .int64)
            guard context.isBatched[operand] else {
                inputs[numbers] = indices
                continue
            }
            let count = context.elementShape(operand).dropLast(2).reduce(1, *)
            let starts = Ops.arange(
                start: 0, increment: Double(count), count: context.size, .int64)
            let ones = [Int](repeating: 1, count: indices.shape.count - 1)
            // Numbers from the end would count from the end of the batch.
            let isNegative = Ops.binary(.less, indices, zerosLike(indices))
            let fromFront = Ops.select(isNegative, plus(indices, Double(count)), indices)
            inputs[numbers] = add(fromFront, Ops.reshape(starts, [context.size] + ones))
        }
        return context.record(inputs, context.attributes)
    }

    private static let segmentedMM = OpRow(
        code: .segmentedMM, name: "segmented_mm",
        synopsis: "c[s] = Σ a[i,k] b[k,j] over start[s] ≤ k < end[s]", arity: 3...3,
        traits: .mayFail, dtype: .indexedProduct,
        shape: ShapeRule { (context) throws(ArrayError) in
            let (a, b, segments) = (context.shapes[0], context.shapes[1], context.shapes[2])
            guard a.ndim == 2, b.ndim == 2, a[1] == b[0], segments.dims.last == 2 else {
                throw context.error(
                    .shape, "needs (M, K), (K, N) and (…, 2), not \(a), \(b) and \(segments)")
            }
            return try Shape(
                validating: segments.array.dropLast() + [a[0], b[1]], operation: "segmented_mm")
        },
        vjp: .rule { context in
            let (a, b) = (context.inputs[0], context.inputs[1])
            let bounds = Ops.cast(Ops.reshape(context.inputs[2], [-1, 2]), to: .int64)
            let cotangent = matrices(context.cotangent)
            let numbers = Ops.arange(start: 0, increment: 1, count: b.nodeShape[0], .int64)
            // Which segments an element of the inner axis is in: (S, K).
            let isIn = indicator(
                Ops.binary(
                    .logicalAnd,
                    Ops.binary(.greaterEqual, numbers, Ops.slice(bounds, axis: 1, 0, 1)),
                    Ops.binary(.less, numbers, Ops.slice(bounds, axis: 1, 1, 1))),
                like: context.cotangent)
            func total(_ products: MLXArray, _ shape: [Int], _ input: MLXArray) -> MLXArray {
                Ops.reshape(
                    Ops.sum(
                        mul(products, Ops.reshape(isIn, shape)), toShape: input.nodeShape),
                    input.shape)
            }
            let (s, k) = (isIn.nodeShape[0], isIn.nodeShape[1])
            return [
                context.wanted[0]
                    ? total(
                        Ops.record(.matmul, [cotangent, conj(Ops.swapLast(b))]), [s, 1, k], a)
                    : nil,
                context.wanted[1]
                    ? total(
                        Ops.record(.matmul, [conj(Ops.swapLast(a)), cotangent]), [s, k, 1], b)
                    : nil,
                nil,
            ]
        },
        work: OpWork(.matmul) { 2 * Double($0.shapes[0].size) * Double($0.output.dims.last ?? 1) },
        kernel: Kernels.segmentedMM, toleranceEpsilons: 256,
        samples: SampleRule {
            [
                .init(
                    [[3, 7], [7, 4], [5, 2]], domains: [-4...4, -4...4, 0...7],
                    fixedDTypes: [2: .uint32])
            ]
        })

    private static let hadamard = OpRow(
        code: .hadamard, name: "hadamard", synopsis: "y = s H x", arity: 1...1,
        attributeNames: ["scale", "transposed"], dynamicWords: .first(1), dtype: .promoteRealFloat,
        shape: ShapeRule { (context) throws(ArrayError) in
            try AttributeChecks.flag(context, 1)
            let shape = try ShapeRule.hasAxis.apply(context)
            let length = shape[shape.ndim - 1]
            guard mlx_hadamard_factor(length) > 0 else {
                throw context.error(
                    .shape,
                    "the last axis has \(length) elements, not 1, 12, 20 or 28 times a"
                        + " power of two")
            }
            return shape
        },
        vjp: .rule { context in
            let words = context.attributes.words
            let turned = Attributes(words: [words[0], 1 - words[1]])
            return [Ops.record(.hadamard, [context.cotangent], turned)]
        },
        jvp: .linear, vmap: .trailing,
        work: OpWork(.other) { context in
            let length = context.shapes[0].dims.last ?? 1
            return Double(context.output.size * (64 - length.leadingZeroBitCount))
        },
        kernel: Kernels.hadamard, toleranceEpsilons: 64,
        samples: SampleRule {
            [[3, 8], [2, 12], [1, 40], [28], [2, 1]].map {
                .init([$0], Attributes(words: Ops.hadamardWords(scale: 0.5)))
            }
                + [
                    .init(
                        [[2, 20]],
                        Attributes(
                            words: [Ops.hadamardWords(scale: 1)[0], 1]))
                ]
        })
}

extension OpCode {
    package static let gatherMM = OpCode(.indexedProducts)
    package static let segmentedMM = OpCode(.indexedProducts)
    package static let hadamard = OpCode(.indexedProducts)
}

extension DTypeRule {
    /// Two matrices of one inexact dtype, then integers.
    static let indexedProduct = DTypeRule { (context) throws(ArrayError) in
        let type = context.dtypes[0]
        guard type.isFloatingPoint, type == context.dtypes[1] else {
            throw context.error(.dtype, "needs matrices of one floating-point type")
        }
        for index in context.dtypes.dropFirst(2) where !index.isInteger {
            throw context.error(.dtype, "needs integer indices, not \(index)")
        }
        return (nil, type)
    }
}

extension Ops {
    package static func hadamardWords(scale: Double) -> [Int] {
        [Int(truncatingIfNeeded: Int64(bitPattern: scale.bitPattern)), 0]
    }
}
