import MLXBase
import MLXGraph
import MLXKernels

/// How an array's memory is read: as another dtype, with other strides, from a start that is only
/// known when it runs.
package enum Layout {
    package static let rows: [OpRow] = [viewAs, asStrided, dynamicSlice, dynamicSliceUpdate]

    private static let viewAs = OpRow(
        code: .viewAs, name: "view", synopsis: "y = the bytes of x as another dtype", arity: 1...1,
        traits: .view, dtype: .told,
        shape: ShapeRule { (context) throws(ArrayError) in
            let shape = context.shapes[0]
            let (old, new) = (context.dtypes[0], context.attributes.outputDType ?? .float32)
            if old.size == new.size { return shape }
            var dims = shape.array
            let (bytes, overflow) = (dims.last ?? 1).multipliedReportingOverflow(by: old.size)
            if overflow { throw context.error(.limit, "the axis would be too long") }
            guard !dims.isEmpty, bytes % new.size == 0 else {
                throw context.error(
                    .shape, "the last axis of \(shape) has no whole number of \(new)")
            }
            dims[dims.count - 1] = bytes / new.size
            return try Shape(validating: dims, operation: "view")
        },
        vjp: .none, vmap: .rule { $0.record($0.inputs, $0.attributes) }, work: .memory,
        kernel: Kernels.copy,
        samples: SampleRule {
            [
                .init(
                    [[2, 4]], Attributes(outputDType: .uint32), domains: [0...100],
                    fixedDTypes: [0: .int32]),
                .init(
                    [[2, 4]], Attributes(outputDType: .uint8), domains: [0...100],
                    fixedDTypes: [0: .int32]),
                .init(
                    [[3, 8]], Attributes(outputDType: .int64), domains: [0...100],
                    fixedDTypes: [0: .uint8]),
            ]
        })

    private static let asStrided = OpRow(
        code: .asStrided, name: "as_strided", synopsis: "y[i…] = x[offset + Σ i stride]",
        arity: 1...1, traits: .view, attributeNames: ["offset", "stride…"],
        dynamicWords: .first(1), dtype: .same,
        shape: ShapeRule { (context) throws(ArrayError) in
            let shape = try ShapeRule.told.apply(context)
            try AttributeChecks.count(context, shape.ndim + 1)
            try checkReach(context, shape)
            return shape
        },
        vjp: .rule { context in
            let strides = Array(context.attributes.words.dropFirst())
            let input = context.inputs[0].nodeShape
            let places = positions(
                context.cotangent.nodeShape, strides, offset: context.attributes.words[0])
            let count = context.cotangent.nodeShape.size
            return [
                Ops.reshape(
                    Ops.addAlongLast(
                        Ops.reshape(context.cotangent, [count]), at: places, count: input.size),
                    input.array)
            ]
        },
        jvp: .linear,
        vmap: .rule { context in
            let words = context.attributes.words
            let size = context.elementShape(0).reduce(1, *)
            do throws(ArrayError) {
                let shape = try Shape(
                    validating: [context.size] + context.shape.array, operation: "as_strided")
                return context.record(
                    context.inputs,
                    Attributes(
                        words: [words[0], size] + words.dropFirst(),
                        outputShape: shape))
            } catch {
                return Ops.invalid(error, inputs: context.inputs)
            }
        },
        work: .memory, kernel: Kernels.asStrided,
        samples: SampleRule {
            [
                .init(
                    [[12]],
                    Attributes(
                        words: [1, 2, 1],
                        outputShape: try! Shape(validating: [4, 3]))),
                .init(
                    [[3, 3]],
                    Attributes(
                        words: [8, -3, -1],
                        outputShape: try! Shape(validating: [3, 3]))),
                .init(
                    [[4]],
                    Attributes(
                        words: [2, 0],
                        outputShape: try! Shape(validating: [5]))),
            ]
        })

    /// - Throws: unless the lowest and the highest element lie in the input. Strides that are never
    ///   taken are within the array too, because offsets are computed with them all the same.
    private static func checkReach(
        _ context: RuleContext, _ shape: Shape
    ) throws(ArrayError) {
        let (size, words) = (context.shapes[0].size, context.attributes.words)
        let isEmpty = shape.size == 0
        var (low, high) = (words[0], words[0])
        for (dim, stride) in zip(shape.dims, words.dropFirst()) {
            // One axis that spans more than the array is out of bounds whatever the others do.
            let (span, o1) = (max(dim, 1) - 1).multipliedReportingOverflow(by: stride)
            let (lower, o2) = low.addingReportingOverflow(min(span, 0))
            let (higher, o3) = high.addingReportingOverflow(max(span, 0))
            guard !o1, !o2, !o3, stride.magnitude <= max(size, 1) else {
                throw context.error(.index, "reaches beyond an array with \(size) elements")
            }
            (low, high) = (lower, higher)
        }
        guard isEmpty ? (0...size).contains(words[0]) : low >= 0 && high < size else {
            throw context.error(
                .index, "elements \(low) to \(high) of an array with \(size)")
        }
    }

    /// The numbers of the elements that a strided window reads, as a vector.
    private static func positions(_ shape: Shape, _ strides: [Int], offset: Int) -> MLXArray {
        var numbers = Ops.scalar(Double(offset), .int64)
        for (axis, stride) in strides.enumerated() {
            var column = [Int](repeating: 1, count: shape.ndim)
            column[axis] = shape[axis]
            let steps = Ops.arange(
                start: 0, increment: Double(stride), count: shape[axis], .int64)
            numbers = add(numbers, Ops.reshape(steps, column))
        }
        return Ops.reshape(Ops.broadcast(numbers, to: shape.array), [shape.size])
    }

    // MARK: - Starts that are arrays

    private static let dynamicSlice = OpRow(
        code: .dynamicSlice, name: "dynamic_slice", synopsis: "y[i…] = x[start + i…]",
        arity: 2...2, traits: .mayFail, attributeNames: ["axes from the last…"],
        dtype: .withStarts(at: 1),
        shape: ShapeRule { (context) throws(ArrayError) in
            let shape = try ShapeRule.told.apply(context)
            try checkStarts(context, window: shape, starts: context.shapes[1])
            return shape
        },
        vjp: .rule { context in
            let words = Attributes(words: context.attributes.words)
            return [
                Ops.record(
                    .dynamicSliceUpdate,
                    [emptyBase(context.inputs[0]), context.cotangent, context.inputs[1]], words),
                nil,
            ]
        },
        jvp: .rule { context in
            context.tangents[0].map {
                Ops.record(.dynamicSlice, [$0, context.inputs[1]], context.attributes)
            }
        },
        vmap: .rule { context in
            var attributes = context.attributes
            if context.isBatched[1] { return context.eachElement() }
            do throws(ArrayError) {
                attributes.outputShape = try Shape(
                    validating: [context.size] + context.shape.array, operation: "dynamic_slice")
                return context.record([context.batched(0), context.inputs[1]], attributes)
            } catch {
                return Ops.invalid(error, inputs: context.inputs)
            }
        },
        work: OpWork(.memory, bytes: \.pickedBytes) { _ in 0 }, kernel: Kernels.dynamicSlice,
        samples: SampleRule {
            [
                .init(
                    [[5, 6], [2]],
                    Attributes(
                        words: [1, 0], outputShape: try! Shape(validating: [2, 3])),
                    domains: [-4...4, 0...3], fixedDTypes: [1: .int32]),
                .init(
                    [[4, 3], [1]],
                    Attributes(words: [0], outputShape: try! Shape(validating: [4, 2])),
                    domains: [-4...4, 0...1], fixedDTypes: [1: .uint8]),
            ]
        })

    private static let dynamicSliceUpdate = OpRow(
        code: .dynamicSliceUpdate, name: "dynamic_slice_update",
        synopsis: "y = x, with y[start + i…] = u[i…]", arity: 3...3, traits: .mayFail,
        attributeNames: ["axes from the last…"], dtype: .withStarts(at: 2),
        shape: ShapeRule { (context) throws(ArrayError) in
            try checkStarts(context, window: context.shapes[1], starts: context.shapes[2])
            return context.shapes[0]
        },
        vjp: .rule { context in
            let (update, starts) = (context.inputs[1], context.inputs[2])
            let words = context.attributes.words
            return [
                context.wanted[0]
                    ? Ops.record(
                        .dynamicSliceUpdate, [context.cotangent, zerosLike(update), starts],
                        Attributes(words: words)) : nil,
                context.wanted[1]
                    ? Ops.record(
                        .dynamicSlice, [context.cotangent, starts],
                        Attributes(words: words, outputShape: update.nodeShape)) : nil,
                nil,
            ]
        },
        vmap: .rule { context in
            if context.isBatched[2] { return context.eachElement() }
            return context.record(
                [context.batched(0), context.batched(1), context.inputs[2]], context.attributes)
        },
        work: .memory, kernel: Kernels.dynamicSliceUpdate, overwrites: 0,
        samples: SampleRule {
            [
                .init(
                    [[5, 6], [2, 3], [2]], Attributes(words: [1, 0]),
                    domains: [-4...4, -4...4, 0...3], fixedDTypes: [2: .int32])
            ]
        })

    private static func checkStarts(
        _ context: RuleContext, window: Shape, starts: Shape
    ) throws(ArrayError) {
        let (x, axes) = (context.shapes[0], context.attributes.words)
        guard starts.array == [axes.count] else {
            throw context.error(.shape, "starts of shape \(starts) for \(axes.count) axes")
        }
        guard axes.allSatisfy({ (0..<x.ndim).contains($0) }), Set(axes).count == axes.count else {
            throw context.error(.axis, "axes \(axes) from the last one of \(x)")
        }
        guard window.ndim == x.ndim, zip(window.dims, x.dims).allSatisfy({ $0 <= $1 }) else {
            throw context.error(.shape, "a window of shape \(window) onto \(x)")
        }
    }
}

extension OpCode {
    package static let viewAs = OpCode(.layout)
    package static let asStrided = OpCode(.layout)
    package static let dynamicSlice = OpCode(.layout)
    package static let dynamicSliceUpdate = OpCode(.layout)
}

extension DTypeRule {
    /// Inputs of one dtype, but for starts, which are integers.
    static func withStarts(at place: Int) -> DTypeRule {
        DTypeRule { (context) throws(ArrayError) in
            guard context.dtypes[place].isInteger else {
                throw context.error(.dtype, "needs integer starts, not \(context.dtypes[place])")
            }
            guard place == 1 || context.dtypes[1] == context.dtypes[0] else {
                throw context.error(.dtype, "updates \(context.dtypes[0])")
            }
            return (nil, context.dtypes[0])
        }
    }
}
