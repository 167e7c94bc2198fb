import MLXBase
import MLXGraph
import MLXKernels

/// Two-dimensional convolution, channels last, and its two adjoints. The three are bilinear and
/// closed under differentiation: each one's derivative is written in the other two, so any order
/// of derivative needs no further kernel. Words: `ConvolutionGeometry`.
package enum Convolution {
    package static let rows: [OpRow] = [
        row(
            .conv2d, "conv2d", "y[n,o,c] = Σ x[n, o stride + k dilation - pad, i] w[c,k,i]",
            Kernels.conv2d,
            shape: ShapeRule { (context) throws(ArrayError) in
                try ConvolutionGeometry(checking: context).outputShape(
                    context.shapes[0], context.shapes[1], context)
            },
            samples: sampleGeometries.map { .init($0.shapes, Attributes(words: $0.words)) },
            traits: .shapeless, vjp: .rule(pulled)),
        row(
            .convInputGradient, "conv2d_input_gradient", "x = adjoint of conv2d in x, of (g, w)",
            Kernels.convInputGradient,
            shape: ShapeRule { (context) throws(ArrayError) in
                let x = try ShapeRule.told.apply(context)
                try checkAdjoint(context, x, context.shapes[1], gradient: context.shapes[0])
                return x
            },
            samples: sampleGeometries.map(inputGradientSample),
            vjp: .rule { context in
                let (g, w) = (context.inputs[0], context.inputs[1])
                return [
                    context.wanted[0]
                        ? record(.conv2d, context.cotangent, conj(w), g.nodeShape, context) : nil,
                    context.wanted[1]
                        ? record(
                            .convWeightGradient, context.cotangent, conj(g), w.nodeShape, context)
                        : nil,
                ]
            }),
        row(
            .convWeightGradient, "conv2d_weight_gradient", "w = adjoint of conv2d in w, of (x, g)",
            Kernels.convWeightGradient,
            shape: ShapeRule { (context) throws(ArrayError) in
                let w = try ShapeRule.told.apply(context)
                try checkAdjoint(context, context.shapes[0], w, gradient: context.shapes[1])
                return w
            },
            samples: sampleGeometries.map(weightGradientSample),
            vjp: .rule { context in
                let (x, g) = (context.inputs[0], context.inputs[1])
                return [
                    context.wanted[0]
                        ? record(
                            .convInputGradient, conj(g), context.cotangent, x.nodeShape, context)
                        : nil,
                    context.wanted[1]
                        ? record(.conv2d, conj(x), context.cotangent, g.nodeShape, context) : nil,
                ]
            }),
    ]

    /// The derivative of a convolution, whose geometry is the first of the attributes.
    static func pulled(_ context: VJPContext) -> [MLXArray?] {
        let (x, w) = (context.inputs[0], context.inputs[1])
        return [
            context.wanted[0]
                ? record(.convInputGradient, context.cotangent, conj(w), x.nodeShape, context)
                : nil,
            context.wanted[1]
                ? record(.convWeightGradient, conj(x), context.cotangent, w.nodeShape, context)
                : nil,
        ]
    }

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        shape: ShapeRule,
        samples: [SampleRule.Sample], traits: OpTraits = [], vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 2...2, traits: traits,
            attributeNames: ConvolutionGeometry.names, dtype: .inexact, shape: shape, vjp: vjp,
            work: OpWork(.convolution) { cost($0, code) }, kernel: kernel,
            toleranceEpsilons: 256, samples: SampleRule { samples })
    }

    /// - Throws: unless a convolution of x with w has the shape of the gradient.
    private static func checkAdjoint(
        _ context: RuleContext, _ x: Shape, _ w: Shape, gradient: Shape
    ) throws(ArrayError) {
        let output = try ConvolutionGeometry(checking: context).outputShape(x, w, context)
        guard output == gradient else {
            throw context.error(
                .shape, "\(x) and \(w) make \(output), the gradient has shape \(gradient)")
        }
    }

    private static func record(
        _ code: OpCode, _ a: MLXArray, _ b: MLXArray, _ shape: Shape, _ context: VJPContext
    ) -> MLXArray {
        Ops.record(
            code, [a, b],
            Attributes(
                words: Array(context.attributes.words.prefix(ConvolutionGeometry.wordCount)),
                outputShape: shape))
    }

    /// Two operations for each element of the output and each weight that reaches it.
    private static func cost(_ context: CostContext, _ code: OpCode) -> Double {
        let output: Shape
        let weight: Shape
        switch code {
        case .conv2d: (output, weight) = (context.output, context.shapes[1])
        case .convInputGradient: (output, weight) = (context.shapes[0], context.shapes[1])
        default: (output, weight) = (context.shapes[1], context.output)
        }
        return 2 * Double(output.size) * Double(weight.size) / Double(max(weight[0], 1))
    }

    // MARK: - Samples

    private struct SampleGeometry {
        var shapes: [[Int]]
        var words: [Int]
        var output: [Int]
    }

    /// Plain; strided with padding; dilated and grouped; flipped with a dilated input.
    private static let sampleGeometries: [SampleGeometry] = [
        .init(
            shapes: [[2, 5, 6, 3], [4, 3, 3, 3]], words: [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0],
            output: [2, 3, 4, 4]),
        .init(
            shapes: [[1, 7, 6, 2], [3, 3, 2, 2]], words: [2, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0],
            output: [1, 4, 6, 3]),
        .init(
            shapes: [[2, 6, 6, 4], [6, 2, 2, 2]], words: [1, 1, 0, 0, 0, 0, 2, 2, 1, 1, 2, 0],
            output: [2, 4, 4, 6]),
        .init(
            shapes: [[1, 3, 3, 2], [2, 3, 3, 2]], words: [1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 1, 1],
            output: [1, 7, 7, 2]),
    ]

    private static func inputGradientSample(_ sample: SampleGeometry) -> SampleRule.Sample {
        .init(
            [sample.output, sample.shapes[1]],
            Attributes(
                words: sample.words, outputShape: try! Shape(validating: sample.shapes[0])))
    }

    private static func weightGradientSample(_ sample: SampleGeometry) -> SampleRule.Sample {
        .init(
            [sample.shapes[0], sample.output],
            Attributes(
                words: sample.words, outputShape: try! Shape(validating: sample.shapes[1])))
    }
}

/// The attributes of a two-dimensional convolution.
package struct ConvolutionGeometry: Sendable {
    package var stride = [1, 1]
    package var paddingLow = [0, 0]
    package var paddingHigh = [0, 0]
    package var kernelDilation = [1, 1]
    package var inputDilation = [1, 1]
    package var groups = 1
    package var flip = false

    package static let names = [
        "stride…", "padding low…", "padding high…", "kernel dilation…", "input dilation…",
        "groups", "flip",
    ]

    package init() {}

    package init(words: [Int]) {
        stride = Array(words[0..<2])
        paddingLow = Array(words[2..<4])
        paddingHigh = Array(words[4..<6])
        kernelDilation = Array(words[6..<8])
        inputDilation = Array(words[8..<10])
        groups = words[10]
        flip = words[11] != 0
    }

    /// Integers in `words`.
    static let wordCount = 12

    /// - Parameter further: how many words follow.
    /// - Throws: unless there are as many attributes as a convolution has, none absurd.
    init(checking context: RuleContext, further: Int = 0) throws(ArrayError) {
        try AttributeChecks.count(context, ConvolutionGeometry.wordCount + further)
        guard (0...1).contains(context.attributes.words[11]) else {
            throw context.error(.argument, "flip is 0 or 1, not \(context.attributes.words[11])")
        }
        self.init(words: context.attributes.words)
        for padding in paddingLow + paddingHigh where padding < -1 << 40 || padding > 1 << 40 {
            throw context.error(.argument, "padding \(padding) is out of any range")
        }
    }

    package var words: [Int] {
        stride + paddingLow + paddingHigh + kernelDilation + inputDilation + [groups, flip ? 1 : 0]
    }

    func outputShape(
        _ x: Shape, _ w: Shape, _ context: RuleContext
    ) throws(ArrayError) -> Shape {
        guard x.ndim == 4, w.ndim == 4 else {
            throw context.error(.shape, "needs an input (N,H,W,C) and a weight (O,kH,kW,C)")
        }
        for (name, values) in [
            ("stride", stride), ("kernel dilation", kernelDilation),
            ("input dilation", inputDilation),
        ] where values.contains(where: { $0 < 1 || $0 > 1 << 31 }) {
            throw context.error(.argument, "\(name) \(values) must be at least 1")
        }
        guard groups >= 1, w[0] % groups == 0, x[3] % groups == 0, x[3] / groups == w[3] else {
            throw context.error(
                .shape,
                groups == 1
                    ? "Expect the input channels in the input and weight array to match but got"
                        + " shapes - input: \(x) and weight: \(w)"
                    : "input channels \(x[3]) and weight \(w) do not fit \(groups) groups")
        }
        guard w[1] > 0, w[2] > 0 else { throw context.error(.shape, "the kernel is empty") }
        var dims = [x[0]]
        for axis in 0..<2 {
            dims.append(try outputLength(x[1 + axis], w[1 + axis], axis, context))
        }
        return try Shape(validating: dims + [w[0]], operation: context.row.name)
    }

    private func outputLength(
        _ input: Int, _ kernel: Int, _ axis: Int, _ context: RuleContext
    ) throws(ArrayError) -> Int {
        let (spread, o1) = max(input - 1, 0).multipliedReportingOverflow(by: inputDilation[axis])
        let (reach, o2) = (kernel - 1).multipliedReportingOverflow(by: kernelDilation[axis])
        let (low, o3) = (spread + (input > 0 ? 1 : 0)).addingReportingOverflow(paddingLow[axis])
        let (padded, o4) = low.addingReportingOverflow(paddingHigh[axis])
        guard !o1, !o2, !o3, !o4, reach < Int.max / 2 else {
            throw context.error(.limit, "the sizes are too large")
        }
        guard padded > reach else {
            throw context.error(
                .shape, "the padded input (\(padded)) is smaller than the kernel (\(reach + 1))")
        }
        return (padded - reach - 1) / stride[axis] + 1
    }
}

extension OpCode {
    package static let conv2d = OpCode(.convolution)
    package static let convInputGradient = OpCode(.convolution)
    package static let convWeightGradient = OpCode(.convolution)
}
