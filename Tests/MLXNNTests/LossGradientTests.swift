import MLX
import MLXNN
import Testing

/// Losses and activations against MLX's outputs and gradients, and initializers against its draws.
@Suite("Gradients of losses and activations") struct LossGradientTests {
    private let golden: GradientGolden
    private let logits = GradientGolden.wave(3, 4)
    private let second = GradientGolden.wave(3, 4) * 0.6 + 0.2
    private let third = cos(GradientGolden.wave(3, 4) * 2)
    private let variances = abs(GradientGolden.wave(3, 4)) + 0.1
    private let classes = MLXArray([2, 0, 3] as [Int32])
    private let labels = MLXArray([1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1] as [Float], [3, 4])
    private let targets = MLXArray(
        [0.1, 0.2, 0.3, 0.4, 0.7, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25] as [Float], [3, 4])

    init() throws { golden = try GradientGolden() }

    @Test("losses of labels") func labelled() throws {
        let (classes, labels, targets) = (classes, labels, targets)
        try golden.check("crossEntropy", [logits]) {
            crossEntropy(logits: $0[0], targets: classes, reduction: .mean)
        }
        try golden.check("crossEntropy probabilities", [logits]) {
            crossEntropy(logits: $0[0], targets: targets, labelSmoothing: 0.2)
        }
        try golden.check("binaryCrossEntropy", [logits]) {
            binaryCrossEntropy(logits: $0[0], targets: labels)
        }
        try golden.check("binaryCrossEntropy probabilities", [targets]) {
            binaryCrossEntropy(logits: $0[0], targets: labels, withLogits: false)
        }
        try golden.check("nll", [logits]) { nllLoss(inputs: $0[0], targets: classes) }
        try golden.check("hinge", [logits]) { hingeLoss(inputs: $0[0], targets: labels * 2 - 1) }
    }

    @Test("losses of pairs") func paired() throws {
        let pair = [logits, second]
        try golden.check("l1", pair) { l1Loss(predictions: $0[0], targets: $0[1]) }
        try golden.check("mse", pair) { mseLoss(predictions: $0[0], targets: $0[1]) }
        try golden.check("kl", pair) { klDivLoss(inputs: $0[0], targets: $0[1]) }
        try golden.check("smoothL1", pair) {
            smoothL1Loss(predictions: $0[0], targets: $0[1], beta: 0.5)
        }
        try golden.check("huber", pair) { huberLoss(inputs: $0[0], targets: $0[1], delta: 0.4) }
        try golden.check("logCosh", pair) { logCoshLoss(inputs: $0[0], targets: $0[1]) }
        try golden.check("cosine", pair) { cosineSimilarityLoss(x1: $0[0], x2: $0[1]) }
        try golden.check("triplet", pair + [third]) {
            tripletLoss(anchors: $0[0], positives: $0[1], negatives: $0[2])
        }
    }

    @Test("losses that MLX has in Python only") func fromPython() throws {
        let signs = labels * 2 - 1
        try golden.check("gaussianNLL", [logits, second, variances]) {
            gaussianNLLLoss(inputs: $0[0], targets: $0[1], variances: $0[2])
        }
        try golden.check("gaussianNLL full", [logits, second, variances]) {
            gaussianNLLLoss(
                inputs: $0[0], targets: $0[1], variances: $0[2], full: true, eps: 0.5,
                reduction: .none)
        }
        try golden.check("marginRanking", [logits, second]) {
            marginRankingLoss(inputs1: $0[0], inputs2: $0[1], targets: signs)
        }
        try golden.check("marginRanking margin", [logits, second]) {
            marginRankingLoss(
                inputs1: $0[0], inputs2: $0[1], targets: signs, margin: 0.3, reduction: .sum)
        }
        let flat = MLXArray.zeros([4])
        for bad in [
            gaussianNLLLoss(inputs: logits, targets: flat, variances: variances),
            marginRankingLoss(inputs1: logits, inputs2: second, targets: flat),
        ] {
            #expect(throws: (any Error).self) { try checkedEval(bad) }
        }
    }

    @Test("activations") func activations() throws {
        let x = MLXArray(
            [-4, -3, -1.5, -0.7, -0.45, -0.2, 0.1, 0.4, 0.6, 1.1, 2.5, 3.5, 7, 20] as [Float])
        let layers: [(String, any UnaryLayer)] = [
            ("sigmoid", Sigmoid()), ("relu", ReLU()), ("leakyRelu", LeakyReLU()), ("elu", ELU()),
            ("relu6", ReLU6()), ("reluSquared", ReLUSquared()), ("softplus", Softplus()),
            ("softsign", Softsign()), ("softshrink", Softshrink()), ("celu", CELU()),
            ("silu", SiLU()), ("logSigmoid", LogSigmoid()), ("gelu", GELU()),
            ("geluApproximate", GELU(approximation: .precise)),
            ("geluFastApproximate", GELU(approximation: .fast)), ("glu", GLU()), ("selu", SELU()),
            ("mish", Mish()), ("hardSwish", HardSwish()), ("hardTanH", HardTanh()),
            ("hardShrink", HardShrink()), ("softmin", Softmin()), ("logSoftmax", LogSoftmax()),
            ("softmax", Softmax()), ("tanh", Tanh()),
        ]
        for (name, layer) in layers {
            try golden.check(name, [x]) { layer($0[0]) }
        }
    }

    @Test("initializers draw like MLX") func initializers() throws {
        let (matrix, window) = (MLXArray.zeros([4, 3]), MLXArray.zeros([4, 2, 3]))
        let cases: [(String, Initializer, MLXArray)] = [
            ("constant", .constant(0.5), matrix),
            ("normal", .normal(mean: 1, standardDeviation: 2), matrix),
            ("uniform", .uniform(low: -1, high: 2), matrix),
            ("identity", .identity(), MLXArray.zeros([3, 3])),
            ("glorotNormal", .glorotNormal(gain: 2), window),
            ("glorotUniform", .glorotUniform(), window), ("heNormal", .heNormal(), window),
            ("heNormal fanOut", .heNormal(mode: .fanOut, gain: 0.5), window),
            ("heUniform", .heUniform(), window), ("sparse", .sparse(sparsity: 0.5), matrix),
        ]
        for (name, initializer, array) in cases {
            try golden.check("init \(name)", seeded { initializer(array) })
        }
        let q = seeded { Initializer.orthogonal(gain: 2)(matrix) }
        #expect(allClose(matmul(q.T, q), eye(3, dtype: .float32) * 4, atol: 1e-5).item())
        try golden.check("init orthogonal", q)
        #expect(Initializer.normal(dtype: .float16)(matrix).dtype == .float16)
        for bad in [
            Initializer.identity()(matrix), Initializer.heNormal()([4]),
            Initializer.sparse(sparsity: 2)(matrix), Initializer.orthogonal()(window),
        ] {
            #expect(throws: (any Error).self) { try checkedEval(bad) }
        }
    }
}
