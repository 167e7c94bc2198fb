import Foundation
import MLX
import MLXNN
import Testing

/// Activations and losses at kinks, ties, large numbers and the largest ones, at probabilities of 0
/// and 1, in every float dtype, against Fixtures/edges.json, which the script beside it writes.
@Suite("Edges of activations and losses") struct EdgeTests {
    /// A number, or the name of an infinite one.
    struct Number: Decodable {
        let value: Double

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Double.self) {
                self.value = value
            } else {
                value = try container.decode(String.self) == "-inf" ? -.infinity : .infinity
            }
        }
    }

    struct Case: Decodable {
        let dtype: String
        let shapes: [[Int]]
        let inputs: [[Number]]
        let shape: [Int]
        let values: [Number]
        let gradients: [[Number]]

        var type: DType {
            ["float16": .float16, "bfloat16": .bfloat16, "float32": .float32][dtype] ?? .float64
        }
    }

    private struct File: Decodable {
        let activations: [String: [Case]]
        let losses: [String: [Case]]
    }

    private let file: File

    init() throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "edges", withExtension: "json", subdirectory: "Fixtures"))
        file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    }

    private static let activations: [String: @Sendable (MLXArray) -> MLXArray] = [
        "sigmoid": { MLXNN.sigmoid($0) }, "relu": { relu($0) }, "leakyRelu": { leakyRelu($0) },
        "elu": { elu($0) }, "elu 0.5": { elu($0, alpha: 0.5) }, "relu6": { relu6($0) },
        "softplus": { softplus($0) }, "softsign": { softsign($0) },
        "softshrink": { softshrink($0) }, "celu": { celu($0) },
        "celu 0.5": { celu($0, alpha: 0.5) }, "silu": { silu($0) },
        "logSigmoid": { logSigmoid($0) }, "gelu": { gelu($0) },
        "geluApproximate": { geluApproximate($0) },
        "geluFastApproximate": { geluFastApproximate($0) }, "selu": { selu($0) },
        "mish": { mish($0) }, "hardSwish": { hardSwish($0) }, "hardTanH": { hardTanH($0) },
        "hardShrink": { hardShrink($0) }, "tanh": { MLX.tanh($0) },
        "prelu": { prelu($0, alpha: MLXArray(0.25, dtype: $0.dtype)) },
        "logSoftmax": { logSoftmax($0) }, "softmax": { softmax($0, axis: -1) },
        "softmin": { softmin($0) }, "glu": { glu($0) }, "logSumExp": { logSumExp($0, axis: -1) },
    ]

    private static func losses() -> [String: ([MLXArray]) -> MLXArray] {
        let labels = MLXArray((0..<12).map { Float($0 % 2) })
        let classes = MLXArray([0, 1, 3, 2, 0, 1] as [Int32])
        func entropy(_ x: MLXArray, _ smoothing: Float) -> MLXArray {
            crossEntropy(logits: x, targets: classes[..<x.dim(0)], labelSmoothing: smoothing)
        }
        func triplet(_ p: Int) -> ([MLXArray]) -> MLXArray {
            { tripletLoss(anchors: $0[0], positives: $0[1], negatives: $0[2], p: p) }
        }
        func smooth(_ beta: Float) -> ([MLXArray]) -> MLXArray {
            { smoothL1Loss(predictions: $0[0], targets: $0[1], beta: beta, reduction: .none) }
        }
        return [
            "l1": { l1Loss(predictions: $0[0], targets: $0[1], reduction: .none) },
            "mse": { mseLoss(predictions: $0[0], targets: $0[1], reduction: .none) },
            "smoothL1 0": smooth(0), "smoothL1 1": smooth(1), "smoothL1 2": smooth(2),
            "huber": { huberLoss(inputs: $0[0], targets: $0[1]) },
            "logCosh": { logCoshLoss(inputs: $0[0], targets: $0[1]) },
            "hinge": { hingeLoss(inputs: $0[0], targets: (1 - 2 * labels).asType($0[0].dtype)) },
            "marginRanking": {
                marginRankingLoss(inputs1: $0[0], inputs2: $0[1], targets: ones(like: $0[0]))
            },
            "binaryCrossEntropy": {
                binaryCrossEntropy(
                    logits: $0[0], targets: labels.asType($0[0].dtype), reduction: .none)
            },
            "probabilities": {
                binaryCrossEntropy(
                    logits: $0[0], targets: $0[1], withLogits: false, reduction: .none)
            },
            "crossEntropy": { entropy($0[0], 0) }, "crossEntropy 0.1": { entropy($0[0], 0.1) },
            "crossEntropy one": { inputs in
                let one = MLXArray([1, 0, 0, 0] as [Float]).asType(inputs[0].dtype)
                return crossEntropy(
                    logits: inputs[0], targets: broadcast(one, to: inputs[0].shape))
            },
            "cosine": { cosineSimilarityLoss(x1: $0[0], x2: $0[1]) },
            "triplet 1": triplet(1), "triplet 2": triplet(2), "triplet 3": triplet(3),
        ]
    }

    /// Expects values to be the wanted ones, rounded to the dtype: infinite where those are too
    /// large for it.
    private func compare(_ got: MLXArray, _ wanted: [Number], _ type: DType, _ what: String) {
        #expect(got.dtype == type, "\(what)")
        let limits = type.finfo!
        let values = got.asType(.float64).asArray(Double.self)
        #expect(values.count == wanted.count, "\(what)")
        for (index, (value, wanted)) in zip(values, wanted.map(\.value)).enumerated() {
            // NUMERICS: an exponential or two, each a few units off; settings are of type Float.
            let bound = 8 * Swift.max(limits.eps, 0x1p-24) * (1 + wanted.magnitude)
            let overflows = wanted.magnitude >= limits.max * (1 - limits.eps)
            let isRight =
                (value - wanted).magnitude <= bound
                || overflows && (value.isInfinite || value.magnitude >= limits.max * 0.99)
                    && value.sign == wanted.sign
            #expect(isRight, "\(what)[\(index)] is \(value), not \(wanted)")
        }
    }

    private func check(
        _ name: String, _ cases: [Case], _ function: @escaping ([MLXArray]) -> MLXArray
    ) {
        for item in cases {
            let inputs = zip(item.inputs, item.shapes).map { numbers, shape in
                let bytes = numbers.map(\.value).withUnsafeBytes { Data($0) }
                return MLXArray(bytes, shape, dtype: .float64).asType(item.type)
            }
            compare(function(inputs), item.values, item.type, "\(name) \(item.dtype)")
            let gradients = grad({ [function($0).sum()] }, argumentNumbers: Array(inputs.indices))
            for (index, gradient) in gradients(inputs).enumerated() {
                compare(
                    gradient, item.gradients[index], item.type,
                    "gradient \(index) of \(name) \(item.dtype)")
            }
        }
    }

    @Test("activations") func activationEdges() {
        #expect(Set(file.activations.keys) == Set(Self.activations.keys))
        for (name, function) in Self.activations {
            check(name, file.activations[name] ?? []) { function($0[0]) }
        }
    }

    @Test("losses") func lossEdges() {
        let losses = Self.losses()
        #expect(Set(file.losses.keys) == Set(losses.keys))
        for (name, function) in losses { check(name, file.losses[name] ?? [], function) }
    }

    @Test(
        "half precision: a mean of losses is finite where their sum is not",
        arguments: [DType.float16, .bfloat16])
    func means(type: DType) {
        let x = broadcast(MLXArray(200, dtype: type), to: [4000])
        let y = zeros(like: x)
        for (name, loss, wanted) in [
            ("mse", mseLoss(predictions: x, targets: y), 40000),
            ("l1", l1Loss(predictions: x, targets: y), 200),
            ("smoothL1", smoothL1Loss(predictions: x, targets: y), 199.5),
            ("huber", huberLoss(inputs: x, targets: y, reduction: .mean), 199.5),
        ] as [(String, MLXArray, Double)] {
            #expect(loss.dtype == type, "\(name)")
            let value = Double(loss.item(Float.self))
            #expect(abs(value - wanted) <= wanted * type.finfo!.eps, "\(name): \(value)")
        }
    }

    @Test("the similarity of nothing to something has a gradient") func zeroVector() {
        let (zero, one) = (MLXArray.zeros([1, 3]), MLXArray.ones([1, 3]))
        let gradients = grad(
            { [cosineSimilarityLoss(x1: $0[0], x2: $0[1]).sum()] }, argumentNumbers: [0, 1])
        // (a · b) / 10⁻⁸ where the product of the lengths is smaller.
        let both = gradients([zero, one]).map { $0.asArray(Float.self) }
        #expect(both[0].allSatisfy { abs($0 - 1e8) < 100 } && both[1] == [0, 0, 0])
    }

    @Test("a divergence from impossible events adds nothing for them") func divergence() {
        let target = MLXArray([0, -Float.infinity, -.infinity])
        let inputs = MLXArray([-0.5, -.infinity, -2])
        let function = { (x: MLXArray) in klDivLoss(inputs: x, targets: target) }
        #expect(function(inputs).item(Float.self) == 0.5)
        #expect(grad(function)(inputs).asArray(Float.self) == [-1, 0, 0])
    }

    @Test("a class that is none is an error", arguments: [DType.int8, .int32, .int64])
    func classes(type: DType) {
        let logits = MLXArray.zeros([2, 4])
        for bad in [-1, 4] {
            let targets = MLXArray([0, bad]).asType(type)
            for loss in [
                crossEntropy(logits: logits, targets: targets),
                nllLoss(inputs: logits, targets: targets),
            ] {
                let error = #expect(throws: ArrayError.self) { try checkedEval(loss) }
                #expect(error?.kind == .index, "\(bad): \(String(describing: error))")
            }
        }
    }
}
