import MLXBase
import MLXGraph
import MLXKernels

/// Operations that move elements without computing: windows onto the input where the layout
/// allows, copies elsewhere, and the joins (concatenate, pad).
package enum Movement {
    package static let rows: [OpRow] = [
        view(
            .reshape, "reshape", "y = x in another shape, row-major order kept", shape: .reshaped,
            samples: [.init([[3, 4]], Attributes(outputShape: try! Shape(validating: [2, 6])))],
            vjp: .rule { [Ops.reshape($0.cotangent, $0.inputs[0].shape)] },
            vmap: BatchRules.reshape, identity: .ofSameShape, draw: .flat),
        view(
            .transpose, "transpose", "y[i…] = x[permuted i…]", attributes: ["permutation"],
            shape: .transposed,
            samples: [
                .init([[3, 4]], Attributes(word: Permutation([1, 0]).word)),
                .init([[2, 3, 4]], Attributes(word: Permutation([2, 0, 1]).word)),
            ],
            vjp: .rule {
                let permutation = Permutation(
                    word: $0.attributes.word, rank: $0.inputs[0].ndim)
                return [Ops.transpose($0.cotangent, permutation.inverse)]
            }, vmap: BatchRules.transpose, isShapeless: true, draw: .permutation),
        view(
            .broadcastTo, "broadcast_to", "y = x repeated along axes of size one", shape: .repeated,
            samples: [
                .init([[3, 1]], Attributes(outputShape: try! Shape(validating: [2, 3, 4])))
            ],
            vjp: .rule { [Ops.sum($0.cotangent, toShape: $0.inputs[0].nodeShape)] },
            vmap: BatchRules.broadcast, identity: .ofSameShape),
        view(
            .slice, "slice", "y[i] = x[start + i step]", attributes: ["start…", "step…"],
            shape: .sliced,
            samples: [
                .init(
                    [[5, 6]],
                    Attributes(
                        words: [1, 4, 2, -2],
                        outputShape: try! Shape(validating: [2, 3])))
            ],
            vjp: .rule(sliceVJP), vmap: BatchRules.slice, draw: .window),
        sliceUpdate, concatenate, pad,
    ]

    private static func view(
        _ code: OpCode, _ name: String, _ synopsis: String, attributes: [String] = [],
        shape: ShapeRule, samples: [SampleRule.Sample], vjp: VJPRule,
        vmap: @escaping @Sendable (VMapContext) -> MLXArray, isShapeless: Bool = false,
        identity: OpIdentity = .none, draw: DrawRule? = nil
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1,
            traits: isShapeless ? [.view, .shapeless] : .view, attributeNames: attributes,
            attributeForm: code == .transpose ? .permutation : .words,
            dynamicWords: code == .slice ? .half : .none,
            dtype: .same, shape: shape, vjp: vjp, jvp: .linear, vmap: .rule(vmap),
            work: .memory,
            kernel: Kernels.copy, identity: identity, draw: draw, samples: SampleRule { samples })
    }

    private static func sliceVJP(_ context: VJPContext) -> [MLXArray?] {
        let zeros = emptyBase(context.inputs[0])
        return [
            Ops.record(
                .sliceUpdate, [zeros, context.cotangent],
                Attributes(words: context.attributes.words))
        ]
    }

    private static let sliceUpdate = OpRow(
        code: .sliceUpdate, name: "slice_update",
        synopsis: "y = x, with y[start + i step] = u[i]", arity: 2...2,
        attributeNames: ["start…", "step…"], dynamicWords: .half, dtype: .same,
        shape: ShapeRule { (context) throws(ArrayError) in
            try AttributeChecks.window(context, of: context.shapes[0], sizes: context.shapes[1])
            return context.shapes[0]
        },
        vjp: .rule { context in
            let update = context.inputs[1].nodeShape
            let zero = Ops.full(update, 0, context.cotangent.dtype)
            let words = Attributes(words: context.attributes.words)
            var sliceWords = words
            sliceWords.outputShape = update
            return [
                context.wanted[0]
                    ? Ops.record(.sliceUpdate, [context.cotangent, zero], words) : nil,
                context.wanted[1] ? Ops.record(.slice, [context.cotangent], sliceWords) : nil,
            ]
        },
        jvp: .linear, vmap: .rule(BatchRules.sliceUpdate),
        work: .memory, kernel: Kernels.sliceUpdate, overwrites: 0,
        samples: SampleRule {
            [.init([[5, 6], [2, 3]], Attributes(words: [1, 4, 2, -2]))]
        })

    private static let concatenate = OpRow(
        code: .concatenate, name: "concatenate", synopsis: "y = x₁, x₂, … along an axis",
        arity: 1...255, traits: .shapeless, attributeNames: ["axis"],
        attributeForm: .integer, dtype: .promote,
        shape: ShapeRule { (context) throws(ArrayError) in
            let axis = try AttributeChecks.axis(context, rank: context.shapes[0].ndim)
            var dims = context.shapes[0].array
            for shape in context.shapes.dropFirst() {
                guard shape.ndim == dims.count else {
                    throw context.error(
                        .shape,
                        "All the input arrays must have the same number of dimensions. However, got"
                            + " arrays with dimensions \(dims.count) and \(shape.ndim).")
                }
                guard (0..<dims.count).allSatisfy({ $0 == axis || shape[$0] == dims[$0] }) else {
                    let shapes = context.shapes.map { "\($0)" }.joined(separator: ", ")
                    throw context.error(
                        .shape,
                        "All the input array dimensions must match exactly except for the"
                            + " concatenation axis. However, the provided shapes are \(shapes),"
                            + " and the concatenation axis is \(axis).")
                }
                let (sum, overflow) = dims[axis].addingReportingOverflow(shape[axis])
                if overflow { throw context.error(.limit, "the axis would be too long") }
                dims[axis] = sum
            }
            return try Shape(validating: dims, operation: "concatenate")
        },
        vjp: .rule { context in
            let axis = Int(context.attributes.word)
            var start = 0
            return context.inputs.map { input in
                let length = input.nodeShape[axis]
                defer { start += length }
                return Ops.slice(context.cotangent, axis: axis, start, length)
            }
        },
        jvp: .linear, vmap: .rule(BatchRules.concatenate),
        work: .memory, kernel: Kernels.concatenate, draw: .twice,
        samples: SampleRule {
            [
                .init([[2, 3], [2, 1], [2, 4]], Attributes(word: 1)),
                .init([[1, 3], [0, 3], [2, 3]], Attributes(word: 0)),
            ]
        })

    private static let pad = OpRow(
        code: .pad, name: "pad", synopsis: "y = x surrounded by v", arity: 2...2,
        traits: .shapeless, attributeNames: ["low…", "high…"],
        dtype: DTypeRule { context in (context.dtypes[0], context.dtypes[0]) },
        shape: ShapeRule { (context) throws(ArrayError) in
            let input = context.shapes[0]
            let words = context.attributes.words
            try AttributeChecks.count(context, 2 * input.ndim)
            guard context.shapes[1] == .scalar else {
                throw context.error(.shape, "needs one number around, not \(context.shapes[1])")
            }
            var dims: [Int] = []
            for axis in 0..<input.ndim {
                let (low, high) = (words[axis], words[input.ndim + axis])
                let (sum, o1) = input[axis].addingReportingOverflow(low)
                let (total, o2) = sum.addingReportingOverflow(high)
                if low < 0 || high < 0 || o1 || o2 {
                    throw context.error(.argument, "invalid padding (\(low), \(high))")
                }
                dims.append(total)
            }
            return try Shape(validating: dims, operation: "pad")
        },
        vjp: .rule { context in
            let input = context.inputs[0].nodeShape
            let low = Array(context.attributes.words.prefix(input.ndim))
            let inner = Ops.record(
                .slice, [context.cotangent],
                Attributes(
                    words: low + [Int](repeating: 1, count: input.ndim), outputShape: input))
            let rest =
                context.wanted[1]
                ? sub(
                    Ops.sum(context.cotangent, toShape: context.inputs[1].nodeShape),
                    Ops.sum(inner, toShape: context.inputs[1].nodeShape)) : nil
            return [inner, rest]
        },
        jvp: .linear, vmap: .rule(BatchRules.pad),
        work: .memory, kernel: Kernels.pad,
        samples: SampleRule { [.init([[2, 3], []], Attributes(words: [1, 0, 0, 2]))] })
}

/// A permutation of axes, 4 bits each, packed into one word.
package struct Permutation: Sendable {
    package let axes: [Int]
    package init(_ axes: [Int]) { self.axes = axes }
    package init(word: UInt64, rank: Int) {
        axes = (0..<rank).map { Int(word >> UInt64(4 * $0) & 15) }
    }
    package var word: UInt64 {
        axes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(4 * $1.offset) }
    }
    package var inverse: [Int] {
        var inverse = axes
        for (position, axis) in axes.enumerated() { inverse[axis] = position }
        return inverse
    }
}

extension OpCode {
    package static let reshape = OpCode(.movement)
    package static let transpose = OpCode(.movement)
    package static let broadcastTo = OpCode(.movement)
    package static let slice = OpCode(.movement)
    package static let sliceUpdate = OpCode(.movement)
    package static let concatenate = OpCode(.movement)
    package static let pad = OpCode(.movement)
}

extension ShapeRule {
    static let reshaped = ShapeRule { (context) throws(ArrayError) in
        let shape = try ShapeRule.told.apply(context)
        guard shape.size == context.shapes[0].size else {
            throw context.error(
                .shape,
                "Cannot reshape array of size \(context.shapes[0].size) into shape \(shape).")
        }
        return shape
    }

    /// The shape the operation was told, to which its input broadcasts.
    static let repeated = ShapeRule { (context) throws(ArrayError) in
        let shape = try ShapeRule.told.apply(context)
        let input = context.shapes[0]
        guard try Broadcasting.shape([input, shape], operation: context.row.name) == shape else {
            throw context.error(.shape, "\(input) does not broadcast to \(shape)")
        }
        return shape
    }

    static let sliced = ShapeRule { (context) throws(ArrayError) in
        let shape = try ShapeRule.told.apply(context)
        try AttributeChecks.window(context, of: context.shapes[0], sizes: shape)
        return shape
    }

    static let transposed = ShapeRule { (context) throws(ArrayError) in
        let input = context.shapes[0]
        let permutation = Permutation(word: context.attributes.word, rank: input.ndim)
        guard permutation.axes.sorted() == Array(0..<input.ndim),
            permutation.word == context.attributes.word
        else {
            throw context.error(
                .axis, "\(permutation.axes) is no permutation of \(input.ndim) axes")
        }
        return try Shape(validating: permutation.axes.map { input[$0] }, operation: "transpose")
    }
}

extension Ops {
    /// Arrays one after the other along an axis; one alone is returned as it is. The operation
    /// takes a limited number of arrays: more are joined in rounds.
    package static func concatenate(
        _ arrays: [MLXArray], axis: Int, stream: StreamID = .unpinned
    ) -> MLXArray {
        if arrays.count == 1 { return arrays[0] }
        let limit = OpTable[.concatenate].arity.upperBound
        guard arrays.count > limit else {
            return record(.concatenate, arrays, Attributes(word: UInt64(axis)), stream: stream)
        }
        let parts = stride(from: 0, to: arrays.count, by: limit).map {
            concatenate(
                Array(arrays[$0..<Swift.min($0 + limit, arrays.count)]), axis: axis, stream: stream)
        }
        return concatenate(parts, axis: axis, stream: stream)
    }

    package static func reshape(
        _ x: MLXArray, _ dims: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        dims.withUnsafeBufferPointer { reshape(x, $0, stream: stream) }
    }

    static func reshapeChecked(_ x: MLXArray, _ dims: [Int], stream: StreamID) -> MLXArray {
        let own = x.nodeShape
        do throws(ArrayError) {
            let resolved = try inferred(dims, size: own.size)
            let shape = try Shape(validating: resolved, operation: "reshape")
            return record(.reshape, [x], Attributes(outputShape: shape), stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }

    /// Replaces the one -1 by what the size leaves.
    private static func inferred(_ dims: [Int], size: Int) throws(ArrayError) -> [Int] {
        let unknown = dims.indices.filter { dims[$0] == -1 }
        if unknown.isEmpty { return dims }
        var known = 1
        for dim in dims where dim != -1 {
            let (product, overflow) = known.multipliedReportingOverflow(by: dim)
            known = overflow || dim < 0 ? 0 : product
        }
        guard unknown.count == 1, known > 0, size % known == 0 else {
            throw ArrayError(
                .shape, "reshape",
                "Cannot reshape array of size \(size) into shape \(Shape.describe(dims)).",
                shapes: [dims])
        }
        var result = dims
        result[unknown[0]] = size / known
        return result
    }

    package static func transpose(
        _ x: MLXArray, _ axes: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        if axes == Array(axes.indices) { return x.aliased() }
        return record(
            .transpose, [x], Attributes(word: Permutation(axes).word), stream: stream)
    }

    /// `length` elements of one axis from `start`, which must fit.
    package static func slice(
        _ x: MLXArray, axis: Int, _ start: Int, _ length: Int, stream: StreamID = .unpinned
    ) -> MLXArray {
        let own = x.nodeShape
        var dims = own.array
        guard dims.indices.contains(axis) else {
            return invalid(
                ArrayError(.axis, "slice", "there is no axis \(axis)", shapes: [dims]),
                inputs: [x])
        }
        dims[axis] = length
        var starts = [Int](repeating: 0, count: own.ndim)
        starts[axis] = start
        return slice(
            x, starts: starts, steps: [Int](repeating: 1, count: own.ndim), sizes: dims,
            stream: stream)
    }

    /// A window of `sizes` elements from `starts` with `steps`, all within the array.
    package static func slice(
        _ x: MLXArray, starts: [Int], steps: [Int], sizes: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        do throws(ArrayError) {
            let shape = try Shape(validating: sizes, operation: "slice")
            // One element has no next one, whatever the step.
            let steps = zip(steps, sizes).map { $1 > 1 ? $0 : 1 }
            return record(
                .slice, [x], Attributes(words: starts + steps, outputShape: shape),
                stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }

    /// The array as it would be broadcast to a shape.
    package static func broadcast(
        _ x: MLXArray, to dims: [Int], stream: StreamID = .unpinned
    ) -> MLXArray {
        do throws(ArrayError) {
            let shape = try Shape(validating: dims, operation: "broadcast_to")
            let own = x.nodeShape
            if own == shape { return x.aliased() }
            guard try Broadcasting.shape([own, shape], operation: "broadcast_to") == shape else {
                throw ArrayError(
                    .shape, "broadcast_shapes",
                    "Shapes \(own) and \(shape) cannot be broadcast.", shapes: [own.array, dims])
            }
            return record(.broadcastTo, [x], Attributes(outputShape: shape), stream: stream)
        } catch {
            return invalid(error, inputs: [x])
        }
    }
}
