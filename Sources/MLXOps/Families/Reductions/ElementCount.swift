import MLXBase
import MLXGraph
import MLXKernels

/// The number of elements along axes, for recordings that hold for any shape: a mean divides by it.
/// Elsewhere a count is a constant, and so it is once a recording is replayed.
package enum ElementCount {
    static let row = OpRow(
        code: .elementCount, name: "number_of_elements",
        synopsis: "y = n - less, or 1 / (n - less), of the n elements along axes", arity: 1...1,
        traits: .shapeless, attributeNames: ["axes", "less", "reciprocal"], dtype: .told,
        shape: ShapeRule { (context) throws(ArrayError) in
            try AttributeChecks.count(context, 3)
            let words = context.attributes.words
            guard words[0] >= 0, words[0] < 1 << context.shapes[0].ndim,
                (0...1).contains(words[2])
            else {
                throw context.error(.axis, "attributes \(words) of \(context.shapes[0])")
            }
            return .scalar
        },
        vjp: .zero,
        vmap: .rule { context in
            let words = context.attributes.words
            let count = value(
                context.elementShape(0), axes: words[0], less: words[1], isReciprocal: words[2] == 1
            )
            return Ops.broadcast(Ops.scalar(count, context.dtype), to: [context.size])
        },
        work: OpWork(.other) { _ in 1 }, kernel: Kernels.elementCount,
        samples: SampleRule {
            [
                ([3, 5], [0b11, 0, 0]), ([3, 5], [0b10, 1, 1]), ([7], [1, 9, 0]), ([], [0, 0, 1]),
            ]
            .map { .init([$0.0], Attributes(words: $0.1, outputDType: .float32)) }
        })

    static func value(_ shape: [Int], axes: Int, less: Int, isReciprocal: Bool) -> Double {
        ElementCounts.value(shape, axes: axes, less: less, isReciprocal: isReciprocal)
    }
}

extension OpCode {
    package static let elementCount = OpCode(.reductions)
}

extension Ops {
    /// The number of elements along axes as a scalar: a constant, unless a recording goes on that
    /// is to hold for other shapes.
    package static func elementCount(
        _ x: MLXArray, axes: [Int], less: Int = 0, isReciprocal: Bool = false, _ dtype: DType
    ) -> MLXArray {
        elementCount(
            x,
            Attributes(
                words: [AxisMask(axes, keepDims: false).bits, less, isReciprocal ? 1 : 0]), dtype)
    }

    /// As recorded before, for another array.
    package static func elementCount(
        _ x: MLXArray, _ attributes: Attributes, _ dtype: DType
    ) -> MLXArray {
        if x.isShapeWatched {
            var attributes = attributes
            attributes.outputDType = dtype
            return record(.elementCount, [x], attributes)
        }
        let words = attributes.words
        let count = ElementCount.value(
            x.shape, axes: words[0], less: words[1], isReciprocal: words[2] == 1)
        return scalar(count, dtype)
    }
}
