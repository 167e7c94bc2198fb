import MLX
import MLXNN

/// Layers, activations and losses at common sizes, forwards and with gradients of their parameters
/// and inputs, for `Benchmarks/parity --layers`. The script's side has the same names and sizes.
enum ParityLayers {
    typealias Case = ParityCases.Case

    static func all() -> [Case] {
        dense() + convolutions() + norms() + sequences() + spatial() + positions()
            + activations() + losses()
    }

    /// Deterministic numbers around 0.
    private static func draw(_ shape: [Int], _ seed: UInt64 = 1) -> MLXArray {
        let x = MLXRandom.uniform(-1..<1, shape, key: MLXRandom.key(seed))
        eval(x)
        return x
    }

    /// A layer with its input as a parameter, so that the gradient of both is one call.
    private final class Probe: Module {
        @ParameterInfo var input: MLXArray
        let layer: Module

        init(_ layer: Module, _ input: MLXArray) {
            self.layer = layer
            _input = ParameterInfo(wrappedValue: input)
        }
    }

    private static func layer<L: Module>(
        _ name: String, _ layer: L, _ x: MLXArray, _ call: @escaping (L, MLXArray) -> MLXArray
    ) -> [Case] {
        eval(layer.parameters())
        let probe = Probe(layer, x)
        let gradient = valueAndGrad(model: probe) { (probe: Probe, _: [MLXArray]) in
            [sum(square(call(layer, probe.input)))]
        }
        return [
            ("\(name)", { [call(layer, x)] }),
            (
                "\(name) gradient",
                {
                    let (values, gradients) = gradient(probe, [])
                    return values + gradients.flattenedValues()
                }
            ),
        ]
    }

    private static func unary<L: Module & UnaryLayer>(_ name: String, _ layer: L, _ x: MLXArray)
        -> [Case]
    {
        self.layer(name, layer, x) { $0($1) }
    }

    private static func function(
        _ name: String, _ x: MLXArray, _ call: @escaping (MLXArray) -> MLXArray
    ) -> [Case] {
        let gradient = grad { (x: MLXArray) in sum(square(call(x))) }
        return [(name, { [call(x)] }), ("\(name) gradient", { [gradient(x)] })]
    }

    private static func dense() -> [Case] {
        let ids = MLXRandom.randInt(0..<32_000, [16, 128], key: MLXRandom.key(3))
        let embedding = Embedding(embeddingCount: 32_000, dimensions: 512)
        eval(ids, embedding.parameters())
        let gradient = valueAndGrad(model: embedding) {
            (layer: Embedding, ids: [MLXArray]) in [sum(square(layer(ids[0])))]
        }
        let (left, right) = (draw([256, 64]), draw([256, 64], 2))
        let plain = Linear(1024, 1024)
        eval(plain.parameters())
        let cases: [[Case]] = [
            unary("Linear", Linear(512, 2048), draw([256, 512])),
            layer("Bilinear", Bilinear(64, 64, 64), left) { $0($1, right) },
            [
                ("Embedding", { [embedding(ids)] }),
                (
                    "Embedding gradient",
                    {
                        let (values, gradients) = gradient(embedding, [ids])
                        return values + gradients.flattenedValues()
                    }
                ),
            ],
            unary(
                "QuantizedLinear", QuantizedLinear(plain, groupSize: 64, bits: 4),
                draw([64, 1024])),
        ]
        return cases.flatMap { $0 }
    }

    private static func convolutions() -> [Case] {
        let cases: [[Case]] = [
            unary(
                "Conv1d", Conv1d(inputChannels: 64, outputChannels: 128, kernelSize: 3),
                draw([16, 256, 64])),
            unary(
                "Conv2d", Conv2d(inputChannels: 64, outputChannels: 64, kernelSize: 3, padding: 1),
                draw([8, 32, 32, 64])),
            unary(
                "Conv2d strided",
                Conv2d(inputChannels: 3, outputChannels: 64, kernelSize: 7, stride: 2, padding: 3),
                draw([4, 112, 112, 3])),
            unary(
                "Conv3d", Conv3d(inputChannels: 16, outputChannels: 16, kernelSize: 3),
                draw([2, 16, 16, 16, 16])),
            unary(
                "ConvTranspose1d",
                ConvTransposed1d(inputChannels: 64, outputChannels: 64, kernelSize: 4, stride: 2),
                draw([8, 128, 64])),
            unary(
                "ConvTranspose2d",
                ConvTransposed2d(inputChannels: 32, outputChannels: 32, kernelSize: 4, stride: 2),
                draw([4, 32, 32, 32])),
            unary(
                "ConvTranspose3d",
                ConvTransposed3d(inputChannels: 8, outputChannels: 8, kernelSize: 4, stride: 2),
                draw([2, 8, 8, 8, 8])),
        ]
        return cases.flatMap { $0 }
    }

    private static func norms() -> [Case] {
        let rows = draw([512, 1024])
        let images = draw([8, 32, 32, 64])
        let fixed = BatchNorm(featureCount: 64)
        fixed.train(false)
        let cases: [[Case]] = [
            unary("LayerNorm", LayerNorm(dimensions: 1024), rows),
            unary("RMSNorm", RMSNorm(dimensions: 1024), rows),
            unary("GroupNorm", GroupNorm(groupCount: 8, dimensions: 64), images),
            unary("InstanceNorm", InstanceNorm(dimensions: 64, affine: true), images),
            unary("BatchNorm", BatchNorm(featureCount: 64), images),
            unary("BatchNorm inference", fixed, images),
            unary("Dropout", Dropout(p: 0.3), rows),
            unary("Dropout2d", Dropout2d(p: 0.3), images),
        ]
        return cases.flatMap { $0 }
    }

    private static func sequences() -> [Case] {
        let x = draw([16, 64, 128])
        let wide = draw([8, 128, 512])
        let narrow = draw([8, 128, 256])
        let cases: [[Case]] = [
            layer("RNN", RNN(inputSize: 128, hiddenSize: 256), x) { $0($1) },
            layer("GRU", GRU(inputSize: 128, hiddenSize: 256), x) { $0($1) },
            layer("LSTM", LSTM(inputSize: 128, hiddenSize: 256), x) { $0($1).0 },
            layer("MultiHeadAttention", MultiHeadAttention(dimensions: 512, numHeads: 8), wide) {
                $0($1, keys: $1, values: $1)
            },
            layer(
                "TransformerEncoderLayer",
                TransformerEncoderLayer(dimensions: 256, numHeads: 8), narrow
            ) { $0($1, mask: nil) },
        ]
        return cases.flatMap { $0 }
    }

    private static func spatial() -> [Case] {
        let images = draw([8, 64, 64, 32])
        let small = draw([4, 32, 32, 16])
        let cases: [[Case]] = [
            unary("MaxPool1d", MaxPool1d(kernelSize: 2, stride: 2), draw([16, 256, 64])),
            unary("AvgPool1d", AvgPool1d(kernelSize: 2, stride: 2), draw([16, 256, 64])),
            unary("MaxPool2d", MaxPool2d(kernelSize: 2, stride: 2), images),
            unary("AvgPool2d", AvgPool2d(kernelSize: 2, stride: 2), images),
            unary("MaxPool2d 3x3", MaxPool2d(kernelSize: 3, stride: 2), images),
            unary("Upsample nearest", Upsample(scaleFactor: 2.0, mode: .nearest), small),
            unary(
                "Upsample linear", Upsample(scaleFactor: 2.0, mode: .linear(alignCorners: false)),
                small),
            unary(
                "Upsample cubic", Upsample(scaleFactor: 2.0, mode: .cubic(alignCorners: false)),
                small),
        ]
        return cases.flatMap { $0 }
    }

    private static func positions() -> [Case] {
        let sinusoids = SinusoidalPositionalEncoding(dimensions: 256)
        let steps = MLXArray(0..<512)
        let cases: [[Case]] = [
            unary("RoPE", RoPE(dimensions: 64), draw([8, 8, 256, 64])),
            [("SinusoidalPositionalEncoding", { [sinusoids(steps)] })],
            layer("ALiBi", ALiBi(), draw([4, 8, 128, 128])) { $0(attentionScores: $1) },
        ]
        return cases.flatMap { $0 }
    }

    private static func activations() -> [Case] {
        let x = draw([512, 2048])
        let functions: [(String, (MLXArray) -> MLXArray)] = [
            ("relu", { relu($0) }), ("leaky_relu", { leakyRelu($0) }), ("elu", { elu($0) }),
            ("selu", { selu($0) }), ("celu", { celu($0) }), ("relu6", { relu6($0) }),
            ("silu", { silu($0) }), ("gelu", { gelu($0) }),
            ("gelu_approx", { geluApproximate($0) }),
            ("gelu_fast_approx", { geluFastApproximate($0) }), ("mish", { mish($0) }),
            ("hardswish", { hardSwish($0) }), ("softplus", { softplus($0) }),
            ("softsign", { softsign($0) }), ("log_sigmoid", { logSigmoid($0) }),
            ("softmax", { softmax($0, axis: -1) }), ("log_softmax", { logSoftmax($0, axis: -1) }),
            ("glu", { glu($0) }), ("step", { step($0) }),
            ("hard_tanh", { hardTanH($0) }), ("softmin", { softmin($0) }),
        ]
        let cases: [[Case]] = [
            functions.flatMap { function("nn.\($0.0)", x, $0.1) },
            unary("PReLU", PReLU(), x),
        ]
        return cases.flatMap { $0 }
    }

    private static func losses() -> [Case] {
        let logits = draw([512, 1000])
        let x = draw([512, 1024])
        let y = draw([512, 1024], 2)
        let classes = MLXRandom.randInt(0..<1000, [512], key: MLXRandom.key(4))
        let truths = (y .> 0).asType(.float32)
        let variances = abs(y) + 0.1
        let z = draw([512, 1024], 5)
        eval(classes, truths, variances)
        let functions: [(String, MLXArray, (MLXArray) -> MLXArray)] = [
            ("cross_entropy", logits, { crossEntropy(logits: $0, targets: classes) }),
            ("nll_loss", logits, { nllLoss(inputs: $0, targets: classes) }),
            ("binary_cross_entropy", x, { binaryCrossEntropy(logits: $0, targets: truths) }),
            ("l1_loss", x, { l1Loss(predictions: $0, targets: y) }),
            ("mse_loss", x, { mseLoss(predictions: $0, targets: y) }),
            ("kl_div_loss", x, { klDivLoss(inputs: $0, targets: y) }),
            ("smooth_l1_loss", x, { smoothL1Loss(predictions: $0, targets: y) }),
            ("triplet_loss", x, { tripletLoss(anchors: $0, positives: y, negatives: z) }),
            ("hinge_loss", x, { hingeLoss(inputs: $0, targets: y) }),
            ("huber_loss", x, { huberLoss(inputs: $0, targets: y) }),
            ("log_cosh_loss", x, { logCoshLoss(inputs: $0, targets: y) }),
            ("cosine_similarity_loss", x, { cosineSimilarityLoss(x1: $0, x2: y) }),
            (
                "gaussian_nll_loss", x,
                { gaussianNLLLoss(inputs: $0, targets: y, variances: variances) }
            ),
            ("margin_ranking_loss", x, { marginRankingLoss(inputs1: $0, inputs2: y, targets: z) }),
        ]
        return functions.flatMap { function($0.0, $0.1, $0.2) }
    }
}
