import MLXBase
import MLXGraph
import MLXKernels

/// Products with int8 weights: w[n] = scale[n] q[n], symmetric, one scale for each output
/// channel. Each row of activations is quantized on the fly and multiplied in integers, to the
/// same bits on every device; it is what the NPU is there for. The result has the activations'
/// dtype.
package enum Quantized {
    package static let rows: [OpRow] = [
        row(
            .int8Matmul, "int8_matmul", "y = x (s q)ᵀ, q int8 (N,K)", Kernels.int8Matmul,
            attributes: [],
            shape: ShapeRule { (context) throws(ArrayError) in
                let (x, q) = (context.shapes[0], context.shapes[1])
                try checkTypes(context)
                guard x.ndim >= 1, q.ndim == 2, x[x.ndim - 1] == q[1],
                    context.shapes[2].array == [q[0]]
                else {
                    throw context.error(
                        .shape,
                        "\(x), weight \(q) and scales \(context.shapes[2]) do not fit")
                }
                return try Shape(
                    validating: x.array.dropLast() + [q[0]], operation: context.row.name)
            },
            samples: [.init([[5, 16], [3, 16], [3]], fixedDTypes: [1: .int8])],
            vjp: .rule { context in
                [
                    Ops.record(.matmul, [context.cotangent, dequantized(context)]), nil, nil,
                ]
            }),
        row(
            .int8Conv2d, "int8_conv2d", "y = conv2d(x, s q), q int8 (O,kH,kW,C)",
            Kernels.int8Conv2d, attributes: ConvolutionGeometry.names,
            shape: ShapeRule { (context) throws(ArrayError) in
                try checkTypes(context)
                guard context.shapes[1].ndim == 4,
                    context.shapes[2].array == [context.shapes[1][0]]
                else { throw context.error(.shape, "weight and scales do not fit") }
                return try ConvolutionGeometry(checking: context).outputShape(
                    context.shapes[0], context.shapes[1], context)
            },
            samples: [
                .init(
                    [[2, 5, 6, 4], [3, 3, 3, 4], [3]],
                    Attributes(words: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]),
                    fixedDTypes: [1: .int8])
            ],
            vjp: .rule { context in
                [
                    Ops.record(
                        .convInputGradient, [context.cotangent, dequantized(context)],
                        Attributes(
                            words: context.attributes.words,
                            outputShape: context.inputs[0].nodeShape)), nil, nil,
                ]
            }),
    ]

    /// The weight in floating point.
    private static func dequantized(_ context: VJPContext) -> MLXArray {
        let (q, scales) = (context.inputs[1], context.inputs[2])
        let type = context.cotangent.dtype
        let rank = q.ndim
        let column = Ops.reshape(
            scales, [scales.nodeShape.size] + [Int](repeating: 1, count: rank - 1))
        return mul(Ops.cast(q, to: type), Ops.cast(column, to: type))
    }

    private static func checkTypes(_ context: RuleContext) throws(ArrayError) {
        let floats: [DType] = [.float32, .float16, .bfloat16]
        guard context.dtypes[1] == .int8, floats.contains(context.dtypes[2]),
            floats.contains(context.dtypes[0])
        else {
            throw context.error(
                .dtype,
                "takes x and scales in float32, float16 or bfloat16 and int8 weights, not "
                    + "\(context.dtypes)")
        }
    }

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        attributes: [String],
        shape: ShapeRule, samples: [SampleRule.Sample], vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 3...3,
            attributeNames: attributes, dtype: .same, shape: shape, vjp: vjp,
            work: OpWork(.int8) { context in
                let weight = context.shapes[1]
                return 2 * Double(context.output.size) * Double(weight.size)
                    / Double(max(weight[0], 1))
            },
            kernel: kernel, specialKernels: [.int8: kernel],
            // NUMERICS: an activation is off by up to half a step of amax/127, so a dot product
            // of K terms is off by about amax/254 Σ|w|: 2^-8 of the result's scale.
            toleranceEpsilons: 0x1p-6 / 0x1p-23,
            errorBound: ErrorBound { context in
                let weight = context.shapes[1]
                return ErrorBound.oneSide(
                    terms: weight.size / max(weight[0], 1), itemSize: context.itemSize)
            }, samples: SampleRule { samples })
    }
}

extension OpCode {
    package static let int8Matmul = OpCode(.int8Products)
    package static let int8Conv2d = OpCode(.int8Products)
}
