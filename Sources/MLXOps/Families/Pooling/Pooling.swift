import MLXBase
import MLXGraph
import MLXKernels

/// Pooling over windows of (N,H,W,C), and its derivatives. Words: window (2), stride (2), padding
/// low (2), padding high (2). Averages count the padding, as MLX's layers do.
package enum Pooling {
    package static let rows: [OpRow] = [
        row(
            .maxPool, "max_pool2d", "y = max over windows", Kernels.maxPool, arity: 1,
            dtype: .anyReal, shape: .pooled,
            samples: geometries.map { .init([$0.input], Attributes(words: $0.words)) },
            vjp: .rule { context in
                [
                    Ops.record(
                        .maxPoolGradient,
                        [context.inputs[0], context.output, context.cotangent],
                        Attributes(words: context.attributes.words))
                ]
            }),
        // Both rows below are linear in their last input and each other's adjoint.
        row(
            .maxPoolGradient, "max_pool2d_gradient",
            "g of each window goes to its maxima, evenly", Kernels.maxPoolGradient, arity: 3,
            shape: ShapeRule { (context) throws(ArrayError) in
                try checkPooled(context, context.shapes[0], [context.shapes[1], context.shapes[2]])
                return context.shapes[0]
            },
            samples: geometries.map {
                .init([$0.input, $0.output, $0.output], Attributes(words: $0.words))
            },
            vjp: .rule { adjoint(.maxPoolTangent, $0) }),
        row(
            .maxPoolTangent, "max_pool2d_tangent", "mean of t over each window's maxima",
            Kernels.maxPoolTangent, arity: 3,
            shape: ShapeRule { (context) throws(ArrayError) in
                guard context.shapes[2] == context.shapes[0] else {
                    throw context.error(.shape, "needs a tangent for each element")
                }
                try checkPooled(context, context.shapes[0], [context.shapes[1]])
                return context.shapes[1]
            },
            samples: geometries.map {
                .init([$0.input, $0.output, $0.input], Attributes(words: $0.words))
            },
            vjp: .rule { adjoint(.maxPoolGradient, $0) }),
        row(
            .averagePool, "avg_pool2d", "y = mean over windows", Kernels.averagePool, arity: 1,
            dtype: .promoteRealFloat, shape: .pooled,
            samples: geometries.map { .init([$0.input], Attributes(words: $0.words)) },
            vjp: .rule { context in
                [
                    Ops.record(
                        .averagePoolGradient, [context.cotangent],
                        Attributes(
                            words: context.attributes.words,
                            outputShape: context.inputs[0].nodeShape))
                ]
            }),
        row(
            .averagePoolGradient, "avg_pool2d_gradient", "g of each window spread evenly",
            Kernels.averagePoolGradient, arity: 1,
            shape: ShapeRule { (context) throws(ArrayError) in
                let x = try ShapeRule.told.apply(context)
                try checkPooled(context, x, [context.shapes[0]])
                return x
            },
            samples: geometries.map {
                .init(
                    [$0.output],
                    Attributes(words: $0.words, outputShape: try! Shape(validating: $0.input)))
            },
            vjp: .rule { context in
                [
                    Ops.record(
                        .averagePool, [context.cotangent],
                        Attributes(words: context.attributes.words))
                ]
            }),
    ]

    /// - Throws: unless pooling x gives the shape of all `results`.
    private static func checkPooled(
        _ context: RuleContext, _ x: Shape, _ results: [Shape]
    ) throws(ArrayError) {
        let output = try ShapeRule.pooledShape(x, context)
        for result in results where result != output {
            throw context.error(.shape, "\(x) pools to \(output), not \(result)")
        }
    }

    /// Images are independent: the batch joins theirs.
    private static func mapped(_ context: VMapContext) -> MLXArray {
        func joined(_ shape: [Int]) -> [Int] {
            [context.size * shape[0]] + shape.dropFirst()
        }
        let inputs = context.inputs.indices.map {
            Ops.reshape(context.batched($0), joined(context.elementShape($0)))
        }
        var attributes = context.attributes
        attributes.outputShape = try? Shape(
            validating: joined(context.shape.array), operation: context.row.name)
        let result = context.record(inputs, attributes)
        return Ops.reshape(result, [context.size] + context.shape.array)
    }

    private static func adjoint(_ code: OpCode, _ context: VJPContext) -> [MLXArray?] {
        [
            nil, nil,
            Ops.record(
                code, [context.inputs[0], context.inputs[1], context.cotangent],
                Attributes(words: context.attributes.words)),
        ]
    }

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, _ kernel: @escaping Kernel,
        arity: Int, dtype: DTypeRule = .inexactReal, shape: ShapeRule,
        samples: [SampleRule.Sample], vjp: VJPRule
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: arity...arity,
            attributeNames: ["window…", "stride…", "padding low…", "padding high…"],
            dtype: dtype, shape: shape, vjp: vjp, vmap: .rule(mapped),
            work: OpWork(.pooling) {
                Double(max($0.output.size, $0.shapes[0].size)) * Double($0.words[0])
                    * Double($0.words[1])
            },
            kernel: kernel, toleranceEpsilons: 16,
            samples: SampleRule { samples })
    }

    private static let geometries: [(input: [Int], output: [Int], words: [Int])] = [
        ([2, 4, 6, 3], [2, 2, 3, 3], [2, 2, 2, 2, 0, 0, 0, 0]),
        ([1, 5, 5, 2], [1, 3, 3, 2], [3, 3, 2, 2, 1, 1, 1, 1]),
    ]
}

extension OpCode {
    package static let maxPool = OpCode(.pooling)
    package static let maxPoolGradient = OpCode(.pooling)
    package static let maxPoolTangent = OpCode(.pooling)
    package static let averagePool = OpCode(.pooling)
    package static let averagePoolGradient = OpCode(.pooling)
}

extension DTypeRule {
    /// Every dtype but complex64, which has no order, stays.
    static let anyReal = DTypeRule { (context) throws(ArrayError) in
        if context.dtypes[0] == .complex64 {
            throw context.error(.dtype, "does not take complex64")
        }
        return (nil, context.dtypes[0])
    }

    static let inexactReal = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        if !type.isFloatingPoint || type == .complex64 {
            throw context.error(.dtype, "needs a real floating-point type, not \(type)")
        }
        return (type, type)
    }
}

extension ShapeRule {
    static let pooled = ShapeRule { (context) throws(ArrayError) in
        try pooledShape(context.shapes[0], context)
    }

    /// Of windows, steps and paddings; areas and distances of them fit an `Int`.
    private static let largest = 1 << 30

    static func pooledShape(_ x: Shape, _ context: RuleContext) throws(ArrayError) -> Shape {
        try AttributeChecks.count(context, 8)
        let words = context.attributes.words
        guard x.ndim == 4 else { throw context.error(.shape, "needs an array (N,H,W,C)") }
        var dims = [x[0]]
        for axis in 0..<2 {
            let (window, stride) = (words[axis], words[2 + axis])
            let (low, high) = (words[4 + axis], words[6 + axis])
            guard (1...largest).contains(window), (1...largest).contains(stride),
                (0...largest).contains(low), (0...largest).contains(high)
            else {
                throw context.error(
                    .argument,
                    "window \(window), stride \(stride), padding (\(low), \(high)) make no sense")
            }
            let (a, o1) = x[1 + axis].addingReportingOverflow(low)
            let (padded, o2) = a.addingReportingOverflow(high)
            guard !o1, !o2, padded >= window else {
                throw context.error(
                    .shape, "window \(window) is larger than the padded input \(padded)")
            }
            dims.append((padded - window) / stride + 1)
        }
        return try Shape(validating: dims + [x[3]], operation: context.row.name)
    }
}
