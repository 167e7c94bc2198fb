import MLX
import MLXNN
import Testing

/// Layers, activations and losses against what MLX computes, with its initial draws.
@Suite("Layers") struct LayerTests {
    private let rows = MLXArray([1, -2, 3, 0.5, 0, 0.25, -1, 2] as [Float], [2, 4])
    private let sequence = MLXArray(0..<56, [2, 7, 4]).asType(.float32) / 10 - 2
    private let image = sin((MLXArray(0..<240, [2, 6, 5, 4]).asType(.float32) / 50 - 2) * 3)

    @Test("activations") func activations() throws {
        let x = MLXArray(
            [-4, -3, -1.5, -0.7, -0.5, -0.2, 0.1, 0.4, 0.6, 1, 2.5, 3.5, 7, 20] as [Float])
        let pairs: [(String, (MLXArray) -> MLXArray, any UnaryLayer)] = [
            ("sigmoid", { MLXNN.sigmoid($0) }, Sigmoid()), ("relu", relu, ReLU()),
            ("leakyRelu", { leakyRelu($0) }, LeakyReLU()), ("elu", { elu($0) }, ELU()),
            ("relu6", relu6, ReLU6()), ("reluSquared", reluSquared, ReLUSquared()),
            ("softplus", softplus, Softplus()), ("softsign", softsign, Softsign()),
            ("softshrink", { softshrink($0) }, Softshrink()), ("celu", { celu($0) }, CELU()),
            ("silu", silu, SiLU()), ("logSigmoid", logSigmoid, LogSigmoid()),
            ("gelu", gelu, GELU()),
            ("geluApproximate", geluApproximate, GELU(approximation: .tanh)),
            ("geluFastApproximate", geluFastApproximate, GELU(approximation: .fast)),
            ("glu", { glu($0) }, GLU()), ("selu", selu, SELU()), ("mish", mish, Mish()),
            ("hardSwish", hardSwish, HardSwish()), ("hardTanH", { hardTanH($0) }, HardTanh()),
            ("hardShrink", { hardShrink($0) }, HardShrink()),
            ("softmin", { softmin($0) }, Softmin()),
            ("logSoftmax", { logSoftmax($0) }, LogSoftmax()),
            ("prelu", { prelu($0, alpha: MLXArray([0.25] as [Float])) }, PReLU()),
            ("step", { step($0) }, Step()),
        ]
        let golden = try Golden.load().activations
        #expect(pairs.count == golden.count)
        for (name, function, layer) in pairs {
            try expect(function(x), name, golden)
            try expect(layer(x), name, golden)
        }
        #expect(step(x).dtype == .int32)
        #expect(gelu(x.asType(.float16)).dtype == .float16)
    }

    @Test("losses") func losses() throws {
        let golden = try Golden.load().losses
        let logits = MLXArray([2, -1, 0.5, 0.1, 0.2, -3] as [Float], [2, 3])
        let classes = MLXArray([2, 0] as [Int32])
        let probabilities = MLXArray([0.2, 0.3, 0.5, 0.7, 0.1, 0.2] as [Float], [2, 3])
        let other = MLXArray([1, 0.5, 0.25, -2, 3, -2.5] as [Float], [2, 3])
        let third = MLXArray([0, 1.5, -0.25, 0.5, 2, -1] as [Float], [2, 3])
        let signs = MLXArray([1, -1, 1, -1, 1, 1] as [Float], [2, 3])
        let labels = MLXArray([1, 0, 1, 0, 1, 0] as [Float], [2, 3])
        let losses: [(String, MLXArray)] = [
            ("crossEntropy", crossEntropy(logits: logits, targets: classes)),
            (
                "crossEntropy smoothed",
                crossEntropy(logits: logits, targets: classes, labelSmoothing: 0.1)
            ),
            (
                "crossEntropy probabilities",
                crossEntropy(logits: logits, targets: probabilities, reduction: .sum)
            ),
            (
                "crossEntropy weighted",
                crossEntropy(
                    logits: logits, targets: classes, weights: MLXArray([0.5, 2] as [Float]),
                    reduction: .mean)
            ),
            ("crossEntropy axis", crossEntropy(logits: logits.T, targets: classes, axis: 0)),
            ("binaryCrossEntropy", binaryCrossEntropy(logits: logits, targets: labels)),
            (
                "binaryCrossEntropy probabilities",
                binaryCrossEntropy(
                    logits: probabilities, targets: labels, withLogits: false, reduction: .none)
            ),
            ("l1", l1Loss(predictions: logits, targets: other)),
            ("mse", mseLoss(predictions: logits, targets: other)),
            ("nll", nllLoss(inputs: logits, targets: classes)),
            ("kl", klDivLoss(inputs: logSoftmax(logits), targets: log(probabilities))),
            (
                "smoothL1",
                smoothL1Loss(predictions: logits, targets: other, beta: 0.8, reduction: .none)
            ),
            ("triplet", tripletLoss(anchors: logits, positives: other, negatives: third)),
            ("triplet 4", tripletLoss(anchors: logits, positives: other, negatives: third, p: 4)),
            ("hinge", hingeLoss(inputs: logits, targets: signs)),
            ("huber", huberLoss(inputs: logits, targets: other, delta: 1.2)),
            ("logCosh", logCoshLoss(inputs: logits, targets: other)),
            ("cosine", cosineSimilarityLoss(x1: logits, x2: other)),
        ]
        #expect(losses.count == golden.count)
        for (name, loss) in losses { try expect(loss, name, golden) }
    }

    @Test("the gradient of the cross entropy is softmax minus one-hot")
    func crossEntropyGradient() {
        let logits = MLXArray([2, -1, 0.5, 0.1, 0.2, -3] as [Float], [2, 3])
        let classes = MLXArray([2, 0] as [Int32])
        let gradient = grad { (x: MLXArray) in
            crossEntropy(logits: x, targets: classes, reduction: .mean)
        }(logits)
        let oneHot = (classes.reshaped([2, 1]) .== MLXArray(0..<3)).asType(.float32)
        #expect(allClose(gradient, (softmax(logits, axis: -1) - oneHot) / 2, atol: 1e-6).item())
    }

    @Test("linear layers and tables") func linear() throws {
        let golden = try Golden.load().layers
        let linear = seeded { Linear(3, 2) }
        #expect(
            linear.weight.asArray(Float.self) == [
                -0.49375740, -0.55387884, -0.48822826, 0.43726099, -0.38731796, -0.45990178,
            ])
        try expect(seeded { Linear(4, 3) }(rows), "linear", golden)
        try expect(seeded { Bilinear(4, 4, 3) }(rows, rows + 1), "bilinear", golden)
        let indices = MLXArray([0, 4, 2, 2] as [Int32], [2, 2])
        let table = seeded { Embedding(embeddingCount: 5, dimensions: 3) }
        try expect(table(indices), "embedding", golden)
        #expect(table.description == "Embedding[5, 3]")
        try expect(
            seeded { Embedding(embeddingCount: 5, dimensions: 4) }.asLinear(rows),
            "embedding as linear", golden)
        #expect(Linear(4, 3, bias: false)(rows).shape == [2, 3])
        // Another array of the same values: assigning to one changes not the other.
        #expect(Identity()(rows) !== rows && arrayEqual(Identity()(rows), rows).item())
    }

    @Test("convolutions and pooling") func convolutions() throws {
        let golden = try Golden.load().layers
        let conv1d = seeded {
            Conv1d(inputChannels: 4, outputChannels: 3, kernelSize: 3, stride: 2, padding: 1)
        }
        try expect(conv1d(sequence), "conv1d", golden)
        let conv2d = seeded {
            Conv2d(
                inputChannels: 4, outputChannels: 3, kernelSize: [3, 2], stride: [1, 2],
                padding: 1)
        }
        try expect(conv2d(image), "conv2d", golden)
        let grouped = seeded {
            Conv2d(inputChannels: 4, outputChannels: 6, kernelSize: 3, dilation: 2, groups: 2)
        }
        try expect(grouped(image), "conv2d groups", golden)
        try expect(
            MaxPool1d(kernelSize: 3, stride: 2, padding: 1)(sequence), "maxPool1d", golden)
        try expect(MaxPool2d(kernelSize: 2, stride: 2)(image), "maxPool2d", golden)
        try expect(
            MaxPool2d(kernelSize: [3, 2], stride: [2, 1], padding: [1, 0])(image),
            "maxPool2d padded", golden)
        try expect(AvgPool1d(kernelSize: 2, stride: 1)(sequence), "avgPool1d", golden)
        try expect(AvgPool2d(kernelSize: 3, stride: 2, padding: 1)(image), "avgPool2d", golden)
    }

    @Test("normalization") func normalization() throws {
        let golden = try Golden.load().layers
        try expect(LayerNorm(dimensions: 4)(rows), "layerNorm", golden)
        try expect(RMSNorm(dimensions: 4)(rows), "rmsNorm", golden)
        try expect(InstanceNorm(dimensions: 4)(image), "instanceNorm", golden)
        try expect(GroupNorm(groupCount: 2, dimensions: 4)(image), "groupNorm", golden)
        try expect(
            GroupNorm(groupCount: 2, dimensions: 4, pytorchCompatible: true)(image),
            "groupNorm pytorch", golden)
        try expect(BatchNorm(featureCount: 4)(image), "batchNorm training", golden)
        #expect(LayerNorm(dimensions: 4)(rows.asType(.bfloat16)).dtype == .float32)
        let plain = LayerNorm(dimensions: 4, affine: false)
        #expect(plain(rows.asType(.bfloat16)).dtype == .bfloat16 && plain.parameters().isEmpty)
    }

    @Test("running statistics follow the batches and are used afterwards") func batchNorm() {
        let norm = BatchNorm(featureCount: 2)
        #expect(
            norm.parameters().flattened().map(\.0)
                == ["bias", "running_mean", "running_var", "weight"])
        #expect(norm.trainableParameters().flattened().map(\.0) == ["bias", "weight"])
        let statistics = norm.parameters()
        let x = MLXArray([1, 2, 3, 6] as [Float], [2, 2])
        _ = norm(x)
        let mean = statistics[unwrapping: "running_mean"]?.asArray(Float.self) ?? []
        let variance = statistics[unwrapping: "running_var"]?.asArray(Float.self) ?? []
        #expect(zip(mean, [0.2, 0.4] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(zip(variance, [1, 1.3] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        norm.train(false)
        let y = norm(x).asArray(Float.self)
        #expect(abs(y[0] - 0.8) < 1e-4 && abs(y[3] - 5.6 / Float(1.3).squareRoot()) < 1e-4)
        #expect(norm.parameters()[unwrapping: "running_mean"]?.asArray(Float.self) == mean)
    }

    @Test("running statistics written inside a gradient have left its trace")
    func batchNormInGradient() async throws {
        let model = Sequential(layers: Linear(2, 2), BatchNorm(featureCount: 2))
        let lossAndGrad = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in
            mseLoss(predictions: model(x), targets: y)
        }
        let x = MLXArray([1, 2, 3, 6, -1, 0] as [Float], [3, 2])
        for _ in 0..<3 {
            let (loss, gradients) = lossAndGrad(model, x, x * 2)
            #expect(gradients.flattened().count == 4)
            try await evaluate(loss, gradients, model)
        }
        let expected = mean(model.layers[0](x), axis: 0) * (1 - Float(0.9 * 0.9 * 0.9))
        let running = try #require(model.layers[1].parameters()[unwrapping: "running_mean"])
        #expect(allClose(running, expected, rtol: 1e-4).item())
    }

    @Test("dropout draws like MLX and only while training") func dropout() throws {
        let golden = try Golden.load().layers
        try expect(seeded { Dropout(p: 0.3)(rows) }, "dropout", golden)
        try expect(seeded { Dropout2d(p: 0.5)(image) }, "dropout2d", golden)
        let layer = Dropout(p: 0.5)
        layer.train(false)
        #expect(layer(rows) !== rows && arrayEqual(layer(rows), rows).item())
        #expect(Dropout3d(p: 0.5)(MLXArray.ones([2, 2, 2, 3])).shape == [2, 2, 2, 3])
        #expect(Dropout()(rows.asType(.float16)).dtype == .float16)
    }

    @Test("sequences are built from braces") func builder() {
        func make(_ isWide: Bool) -> Sequential {
            Sequential {
                Tanh()
                if isWide { Linear(4, 20) } else { Linear(4, 10) }
                for _ in 0..<3 { Sigmoid() }
            }
        }
        #expect(make(true).layers.count == 5)
        #expect(make(false)(rows).shape == [2, 10])
    }
}
