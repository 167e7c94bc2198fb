import MLXBase
import MLXGraph
import MLXKernels

/// Products that may be computed in int8 where that is off by no more than a tolerance: the same as
/// `matmul` and `conv2d`, but engines of int8 round both operands. The last two words are the
/// tolerance in millionths of ‖x‖₂ ‖w‖₂ and whether the bound is within it, which is a function of
/// the number of terms, so that it is part of the structure. Which of the engines computes them is
/// the policy's choice, as it is for every step. Derivatives are those of the exact products.
package enum LimitedProducts {
    package static let rows: [OpRow] = [matmul, conv2d]

    private static let wordNames = ["tolerance", "rounds"]

    /// Rounding a weight of four bytes takes a core about as long as sixty multiplications of
    /// integers.
    private static let rounding = OpWork.Special(.int8, .int8, flopsPerByte: 15)

    private static func terms(_ context: CostContext) -> Int {
        let (x, w) = (context.shapes[0], context.shapes[1])
        return w.ndim == 2 ? x[x.ndim - 1] : w.size / max(w[0], 1)
    }

    private static let errorBound = ErrorBound(isLimited: true) { context in
        ErrorBound.bothSides(terms: terms(context), itemSize: context.itemSize)
    }

    private static let dtype = DTypeRule { (context) throws(ArrayError) in
        let type = context.dtypes[0]
        guard [.float32, .float16, .bfloat16].contains(type), context.dtypes[1] == type else {
            throw context.error(
                .dtype,
                "takes two arrays in float32, float16 or bfloat16, not \(context.dtypes)")
        }
        return (nil, type)
    }

    private static func check(_ context: RuleContext, _ output: Shape) throws(ArrayError) {
        try Tolerance.check(
            context,
            bound: errorBound.relative(
                CostContext(
                    shapes: context.shapes, output: output, words: context.attributes.words,
                    itemSize: context.dtypes[0].size)))
    }

    private static let matmul = OpRow(
        code: .limitedMatmul, name: "matmul_within", synopsis: "c = a b, or int8(a) int8(b)",
        arity: 2...2, attributeNames: wordNames, dtype: dtype,
        shape: ShapeRule { (context) throws(ArrayError) in
            let (a, b) = (context.shapes[0], context.shapes[1])
            guard a.ndim >= 2, b.ndim == 2, a[a.ndim - 1] == b[0] else {
                throw context.error(.shape, "needs (…, M, K) and (K, N), not \(a) and \(b)")
            }
            let output = try Shape(
                validating: a.array.dropLast() + [b[1]], operation: context.row.name)
            try check(context, output)
            return output
        },
        vjp: .rule(Matmul.pulled),
        vmap: .rule { context in
            // A matrix for each element is a product of batches, which is not rounded.
            context.isBatched[1]
                ? Ops.record(.matmul, context.aligned, stream: context.stream)
                : context.record(context.inputs, context.attributes)
        },
        work: OpWork(.matmul, special: rounding) { context in
            2 * Double(context.output.size) * Double(terms(context))
        },
        kernel: Kernels.matmul,
        specialKernels: [.openBLAS: Kernels.matmulBLAS, .int8: Kernels.limitedMatmul],
        toleranceEpsilons: 0x1p-4 / 0x1p-23, errorBound: errorBound,
        samples: SampleRule {
            let words = Attributes(words: [1_000_000, 1])
            return [
                .init([[3, 4], [4, 5]], words), .init([[2, 3, 16], [16, 7]], words),
                .init([[3, 0], [0, 2]], words), .init([[20, 65], [65, 70]], words),
            ]
        })

    private static let conv2d = OpRow(
        code: .limitedConv2d, name: "conv2d_within",
        synopsis: "y = conv2d(x, w), or conv2d(int8(x), int8(w))", arity: 2...2,
        attributeNames: ConvolutionGeometry.names + wordNames, dtype: dtype,
        shape: ShapeRule { (context) throws(ArrayError) in
            let geometry = try ConvolutionGeometry(checking: context, further: wordNames.count)
            let output = try geometry.outputShape(context.shapes[0], context.shapes[1], context)
            try check(context, output)
            return output
        },
        vjp: .rule(Convolution.pulled),
        work: OpWork(.convolution, special: rounding) { context in
            2 * Double(context.output.size) * Double(terms(context))
        },
        kernel: Kernels.conv2d, specialKernels: [.int8: Kernels.limitedConv2d],
        toleranceEpsilons: 0x1p-4 / 0x1p-23, errorBound: errorBound,
        samples: SampleRule {
            [
                .init(
                    [[2, 5, 6, 4], [3, 3, 3, 4]],
                    Attributes(words: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1_000_000, 1])),
                .init(
                    [[1, 6, 6, 4], [6, 2, 2, 2]],
                    Attributes(words: [2, 1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 1, 1_000_000, 1])),
            ]
        })
}

extension OpCode {
    package static let limitedMatmul = OpCode(.limitedProducts)
    package static let limitedConv2d = OpCode(.limitedProducts)
}

extension Ops {
    /// The words of a product that may be rounded: `tolerance` is a word of ``Tolerance``.
    static func limitWords(
        tolerance: Int, terms: Int, itemSize: Int
    ) -> [Int] {
        let bound = ErrorBound.bothSides(terms: terms, itemSize: itemSize)
        return [tolerance, Tolerance.contains(bound, word: tolerance) ? 1 : 0]
    }

    /// Whether a product of these may be rounded at all: real floating-point numbers of one
    /// dtype, of four bytes or two, whose integers' sum fits.
    private static func isLimited(_ a: MLXArray, _ b: MLXArray, terms: Int) -> Bool {
        let type = a.dtype
        return type == b.dtype && type.isFloatingPoint && type != .complex64 && type.size <= 4
            && terms > 0 && terms <= Kernels.longestInt8Row
    }

    /// ``matmul(_:_:stream:)`` of x with one matrix, in int8 where the tolerance allows; nil for
    /// operands that are never rounded.
    package static func matmul(
        _ a: MLXArray, _ b: MLXArray, tolerance: Int, stream: StreamID
    ) -> MLXArray? {
        let (x, w) = (a.recordedShape, b.recordedShape)
        guard x.ndim >= 1, w.ndim == 2, x[x.ndim - 1] == w[0], isLimited(a, b, terms: w[0])
        else { return nil }
        let words = limitWords(tolerance: tolerance, terms: w[0], itemSize: a.dtype.size)
        let rows = x.ndim == 1 ? reshape(a, [1, x[0]], stream: stream) : a
        let y = record(.limitedMatmul, [rows, b], Attributes(words: words), stream: stream)
        return x.ndim == 1 ? reshape(y, [w[1]], stream: stream) : y
    }

    /// A convolution, in int8 where the tolerance allows; nil for operands that are never rounded.
    package static func conv2d(
        _ x: MLXArray, _ w: MLXArray, _ geometry: ConvolutionGeometry, tolerance: Int,
        stream: StreamID
    ) -> MLXArray? {
        let shape = w.recordedShape
        let terms = shape.size / max(shape.ndim > 0 ? shape[0] : 1, 1)
        guard shape.ndim == 4, x.recordedShape.ndim == 4, isLimited(x, w, terms: terms)
        else { return nil }
        let words = limitWords(tolerance: tolerance, terms: terms, itemSize: x.dtype.size)
        return record(
            .limitedConv2d, [x, w], Attributes(words: geometry.words + words), stream: stream)
    }
}
