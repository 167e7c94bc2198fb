import MLXBase
import MLXGraph
import MLXKernels

/// Sorting, selecting and searching along the last axis; other axes are brought there by views.
/// The order is stable, NaN comes last, complex numbers are ordered by real part and then by
/// imaginary part.
package enum Sorting {
    package static let rows: [OpRow] = [
        row(
            .sort, "sort", "y = x in ascending order", Kernels.sort, dtype: .same,
            samples: samples(nil),
            vjp: .rule { [scattered($0.cotangent, by: Ops.argSort($0.inputs[0]), $0.inputs[0])] },
            jvp: .rule { context in
                context.tangents[0].map {
                    Ops.gatherAlongLast($0, Ops.argSort(context.inputs[0]))
                }
            }),
        row(
            .argSort, "argsort", "y = numbers of x's elements in ascending order", Kernels.argSort,
            dtype: .index, samples: samples(nil), vjp: .zero),
        row(
            .partition, "partition", "y = x with rank k in its place, smaller before, larger after",
            Kernels.partition, attributes: ["kth"], dtype: .same, samples: samples(2),
            vjp: .rule { context in
                let order = Ops.record(
                    .argPartition, [context.inputs[0]], context.attributes)
                return [scattered(context.cotangent, by: order, context.inputs[0])]
            },
            jvp: .rule { context in
                let order = Ops.record(
                    .argPartition, [context.inputs[0]], context.attributes)
                return context.tangents[0].map { Ops.gatherAlongLast($0, order) }
            }),
        row(
            .argPartition, "argpartition", "y = numbers of the elements of partition(x)",
            Kernels.argPartition, attributes: ["kth"], dtype: .index, samples: samples(2),
            vjp: .zero),
        searchSorted,
    ]

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        attributes: [String] = [],
        dtype: DTypeRule, samples: [SampleRule.Sample], vjp: VJPRule,
        jvp: JVPRule = .transposed
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1, traits: .shapeless,
            attributeNames: attributes, attributeForm: .integer, dtype: dtype,
            shape: attributes.isEmpty ? .hasAxis : .hasRank,
            vjp: vjp, jvp: jvp,
            vmap: .trailing,
            work: OpWork(.sort) {
                // A pass for each eleven bits of a key, whatever the length.
                Double($0.output.size) * (attributes.isEmpty ? 12 : 4)
            },
            kernel: kernel, samples: SampleRule { samples })
    }

    /// Short rows, rows that are merged, rows that are sorted by digits.
    private static func samples(_ kth: UInt64?) -> [SampleRule.Sample] {
        [[7], [3, 5], [2, 0, 3], [4, 33], [2, 600]].map {
            .init([$0], Attributes(word: kth ?? 0))
        }
    }

    /// The adjoint of picking elements along the last axis, each of them once.
    private static func scattered(
        _ cotangent: MLXArray, by order: MLXArray, _ x: MLXArray
    ) -> MLXArray {
        Ops.addAlongLast(cotangent, at: order, count: x.nodeShape.dims.last ?? 1)
    }

    private static let searchSorted = OpRow(
        code: .searchSorted, name: "searchsorted",
        synopsis: "y = where v belongs in the ascending x", arity: 2...2,
        attributeNames: ["batch axes", "after equal"],
        dtype: DTypeRule { context in (DTypeRule.promoted(context), .uint32) },
        shape: ShapeRule { (context) throws(ArrayError) in
            try AttributeChecks.flag(context, 1)
            let (x, values) = (context.shapes[0], context.shapes[1])
            let batch = context.attributes.words[0]
            guard batch >= 0, batch == x.ndim - 1, values.ndim >= batch,
                Array(x.dims.prefix(batch)) == Array(values.dims.prefix(batch))
            else {
                throw context.error(.shape, "needs a sorted vector, not \(x)")
            }
            return values
        },
        vjp: .zero,
        vmap: .rule { context in
            var words = context.attributes.words
            if !context.isBatched[0] && words[0] == 0 {
                return context.record(context.inputs, context.attributes)
            }
            words[0] += 1
            return context.record(
                [context.batched(0), context.batched(1)], Attributes(words: words))
        },
        work: OpWork(.sort) { Double($0.output.size) * 20 + Double($0.shapes[0].size) },
        kernel: Kernels.searchSorted,
        samples: SampleRule {
            [
                .init([[1], [2, 3]], Attributes(words: [0, 0])),
                .init([[1], [4]], Attributes(words: [0, 1])),
                .init([[2, 1], [2, 3]], Attributes(words: [1, 0])),
            ]
        })
}

extension OpCode {
    package static let sort = OpCode(.sorting)
    package static let argSort = OpCode(.sorting)
    package static let partition = OpCode(.sorting)
    package static let argPartition = OpCode(.sorting)
    package static let searchSorted = OpCode(.sorting)
}

extension ShapeRule {
    /// The input's shape, which has an axis.
    static let hasAxis = ShapeRule { (context) throws(ArrayError) in
        guard context.shapes[0].ndim > 0 else {
            throw context.error(.axis, "needs an array with an axis")
        }
        return context.shapes[0]
    }

    /// As `hasAxis`; the word is a position along the last axis.
    static let hasRank = ShapeRule { (context) throws(ArrayError) in
        let shape = try ShapeRule.hasAxis.apply(context)
        let length = shape[shape.ndim - 1]
        guard context.attributes.word < UInt64(length) || shape.size == 0 else {
            throw context.error(
                .argument,
                "rank \(Int(truncatingIfNeeded: context.attributes.word)) of \(length) elements")
        }
        return shape
    }
}

extension Ops {
    /// The axis as the last one, the others in their order.
    package static func axisLast(
        _ x: MLXArray, _ axis: Int, stream: StreamID = .unpinned
    ) -> MLXArray {
        let rank = x.ndim
        return transpose(x, (0..<rank).filter { $0 != axis } + [axis], stream: stream)
    }

    /// Undoes `axisLast`.
    package static func axisBack(
        _ x: MLXArray, _ axis: Int, stream: StreamID = .unpinned
    ) -> MLXArray {
        let rank = x.ndim
        var axes = Array(0..<rank - 1)
        axes.insert(rank - 1, at: axis)
        return transpose(x, axes, stream: stream)
    }

    package static func argSort(_ x: MLXArray, stream: StreamID = .unpinned) -> MLXArray {
        record(.argSort, [x], stream: stream)
    }

    /// y[…, j] = x[…, indices[…, j]]; axes before the last are the same in both.
    package static func gatherAlongLast(
        _ x: MLXArray, _ indices: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        let places = flatPlaces(indices, length: x.nodeShape.dims.last ?? 1, stream)
        let picked = record(
            .gather, [reshape(x, [x.nodeShape.size], stream: stream), places],
            Attributes(words: [1, 1]), stream: stream)
        return reshape(picked, indices.shape, stream: stream)
    }

    /// y[…, indices[…, j]] += values[…, j] on zeros, `count` along the last axis.
    package static func addAlongLast(
        _ values: MLXArray, at indices: MLXArray, count: Int, stream: StreamID = .unpinned
    ) -> MLXArray {
        let shape = indices.shape
        let size = shape.dropLast().reduce(count, *)
        do throws(ArrayError) {
            let zeros = full(
                try Shape(validating: [size], operation: "scatter_add"), 0, values.dtype,
                stream: stream)
            if values.nodeShape.size == 0 {
                return reshape(zeros, shape.dropLast() + [count], stream: stream)
            }
            let updates = reshape(values, [indices.nodeShape.size, 1], stream: stream)
            let sums = record(
                .scatterAdd, [zeros, flatPlaces(indices, length: count, stream), updates],
                Attributes(words: [1, 1]), stream: stream)
            return reshape(sums, shape.dropLast() + [count], stream: stream)
        } catch {
            return invalid(error, inputs: [values])
        }
    }

    /// Numbers along the last axis as numbers of the flattened array.
    private static func flatPlaces(
        _ indices: MLXArray, length: Int, _ stream: StreamID
    ) -> MLXArray {
        let shape = indices.shape
        let rows = shape.dropLast().reduce(1, *)
        let type: DType = rows * length <= Int(Int32.max) ? .int32 : .int64
        let flat = cast(
            reshape(indices, [rows, shape.last ?? 1], stream: stream), to: type, stream: stream)
        let starts = arange(
            start: 0, increment: Double(length), count: rows, type, stream: stream)
        let places = binary(
            .add, flat, reshape(starts, [rows, 1], stream: stream), stream: stream)
        return reshape(places, [indices.nodeShape.size], stream: stream)
    }
}
