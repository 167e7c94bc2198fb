import Foundation
import MLX
import MLXNN
import MLXOptimizers

/// Scenarios of what stands on the op table: transforms, layers, optimizers, files.
extension Scenario {
    static var transforms: [Scenario] {
        let function = { @Sendable (x: MLXArray) in (tanh(matmul(x, x.T)) * 2).sum() }
        return [
            Scenario(name: "vjp") {
                let x = numbers([3, 4])
                return vjp({ [exp($0[0]), $0[0] * 3] }, primals: [x], cotangents: [x, x]).1
            },
            Scenario(name: "jvp") {
                let x = numbers([3, 4])
                return jvp({ [sin($0[0]), $0[0] * 3] }, primals: [x], tangents: [x]).1
            },
            Scenario(name: "grad of grad") {
                let slope = grad { (x: MLXArray) in grad(function)(x).square().sum() }
                return [slope(numbers([3, 3]))]
            },
            Scenario(name: "value and grad") {
                let (values, slopes) = valueAndGrad { (x: [MLXArray]) in [function(x[0])] }([
                    numbers([4, 4])
                ])
                return values + slopes
            },
            Scenario(name: "compiled") {
                let fast = compile { (x: MLXArray) in tanh(x) * x + 1 }
                return [fast(numbers([5])), fast(numbers([5], seed: 2)), fast(numbers([7]))]
            },
            Scenario(name: "compiled shapeless") {
                let fast = compile(shapeless: true) { (x: MLXArray) in abs(x) + x }
                return [fast(numbers([5])), fast(numbers([7]))]
            },
            Scenario(name: "vmap of grad") {
                [vmap(grad { (x: MLXArray) in x.square().sum() })(numbers([3, 4]))]
            },
            Scenario(name: "wide") {
                let x = numbers([300, 300])
                return [matmul(matmul(x, x) * 0.01, x).sum(axis: 0)]
            },
            Scenario(name: "two streams") {
                let x = numbers([64, 64])
                let y = matmul(x, x, stream: .cpu)
                return [add(y, matmul(x, y, stream: .gpu), stream: .cpu)]
            },
            Scenario(name: "in place") {
                let x = numbers([6, 6])
                x[1] = numbers([6], seed: 3)
                x[0..., 2] += 5
                return [x, x[0..<3, .newAxis], x.T]
            },
            Scenario(name: "read back") {
                let sum = numbers([9]).sum()
                try checkedEval(sum)
                return [numbers([3]) * sum.item(Float.self)]
            },
            Scenario(name: "in the background") {
                let x = numbers([128, 128])
                let y = matmul(x, x)
                asyncEval(y)
                return [y.sum(axis: 1)]
            },
        ]
    }

    // MARK: - Layers

    private struct Layer: Sendable {
        let name: String
        let shape: [Int]
        let make: @Sendable () -> any UnaryLayer
    }

    private static let unaryLayers: [Layer] = [
        Layer(name: "Linear", shape: [3, 8]) { Linear(8, 5) },
        Layer(name: "Sequential", shape: [3, 8]) {
            Sequential(layers: Linear(8, 5), ReLU(), Linear(5, 2))
        },
        Layer(name: "QuantizedLinear", shape: [2, 64]) { QuantizedLinear(64, 32) },
        Layer(name: "Conv1d", shape: [2, 9, 3]) {
            Conv1d(inputChannels: 3, outputChannels: 4, kernelSize: 3)
        },
        Layer(name: "Conv2d", shape: [1, 7, 7, 3]) {
            Conv2d(inputChannels: 3, outputChannels: 4, kernelSize: 3, padding: 1)
        },
        Layer(name: "Conv3d", shape: [1, 4, 4, 4, 2]) {
            Conv3d(inputChannels: 2, outputChannels: 2, kernelSize: 2)
        },
        Layer(name: "ConvTransposed1d", shape: [2, 5, 3]) {
            ConvTransposed1d(inputChannels: 3, outputChannels: 4, kernelSize: 3)
        },
        Layer(name: "ConvTransposed2d", shape: [1, 4, 4, 3]) {
            ConvTransposed2d(inputChannels: 3, outputChannels: 2, kernelSize: 3)
        },
        Layer(name: "MaxPool2d", shape: [1, 6, 6, 2]) { MaxPool2d(kernelSize: 2, stride: 2) },
        Layer(name: "AvgPool2d", shape: [1, 6, 6, 2]) { AvgPool2d(kernelSize: 2, stride: 2) },
        Layer(name: "MaxPool1d", shape: [1, 6, 2]) { MaxPool1d(kernelSize: 2, stride: 2) },
        Layer(name: "LayerNorm", shape: [3, 8]) { LayerNorm(dimensions: 8) },
        Layer(name: "RMSNorm", shape: [3, 8]) { RMSNorm(dimensions: 8) },
        Layer(name: "BatchNorm", shape: [4, 5]) { BatchNorm(featureCount: 5) },
        Layer(name: "GroupNorm", shape: [2, 6, 8]) { GroupNorm(groupCount: 2, dimensions: 8) },
        Layer(name: "InstanceNorm", shape: [2, 6, 8]) { InstanceNorm(dimensions: 8) },
        Layer(name: "Dropout", shape: [4, 5]) { Dropout(p: 0.4) },
        Layer(name: "Dropout2d", shape: [1, 3, 3, 4]) { Dropout2d(p: 0.4) },
        Layer(name: "PReLU", shape: [4, 5]) { PReLU() },
        Layer(name: "GELU", shape: [4, 5]) { GELU() },
        Layer(name: "GLU", shape: [4, 6]) { GLU() },
        Layer(name: "SiLU", shape: [4, 5]) { SiLU() },
        Layer(name: "Mish", shape: [4, 5]) { Mish() },
        Layer(name: "Softmax", shape: [4, 5]) { Softmax() },
        Layer(name: "Upsample", shape: [1, 3, 3, 2]) { Upsample(scaleFactor: 2.0) },
        Layer(name: "SinusoidalPositionalEncoding", shape: [6]) {
            SinusoidalPositionalEncoding(dimensions: 8)
        },
    ]

    private static func applied<Made: UnaryLayer>(_ layer: Made, _ x: MLXArray) -> [MLXArray] {
        [layer(x)]
    }

    /// The derivative by the input, which every layer has, and the parameters.
    private static func differentiated<Made: UnaryLayer>(_ layer: Made, _ x: MLXArray) -> [MLXArray]
    {
        let slope = grad { (x: MLXArray) in layer(x).square().sum() }
        return [slope(x)] + layer.parameters().flattenedValues()
    }

    static var layers: [Scenario] {
        let forwards = unaryLayers.map { layer in
            Scenario(name: "layer:\(layer.name)") {
                applied(layer.make(), numbers(layer.shape))
            }
        }
        let backwards = unaryLayers.map { layer in
            Scenario(name: "training:\(layer.name)") {
                differentiated(layer.make(), numbers(layer.shape))
            }
        }
        return forwards + backwards + [
            Scenario(name: "layer:Embedding") {
                [Embedding(embeddingCount: 9, dimensions: 4)(MLXArray([1, 0, 8]))]
            },
            Scenario(name: "layer:MultiHeadAttention") {
                let x = numbers([1, 5, 8])
                let layer = MultiHeadAttention(dimensions: 8, numHeads: 2)
                return [layer(x, keys: x, values: x)]
            },
            Scenario(name: "layer:LSTM") {
                let (hidden, cell) = LSTM(inputSize: 4, hiddenSize: 3)(numbers([2, 5, 4]))
                return [hidden, cell]
            },
            Scenario(name: "layer:GRU") {
                [GRU(inputSize: 4, hiddenSize: 3)(numbers([2, 5, 4]))]
            },
            Scenario(name: "loss:cross entropy") {
                [crossEntropy(logits: numbers([4, 5]), targets: MLXArray([0, 1, 2, 4]))]
            },
            Scenario(name: "loss:mse") {
                [mseLoss(predictions: numbers([4]), targets: numbers([4], seed: 2))]
            },
        ]
    }

    // MARK: - Optimizers

    private static let updateRules: [(name: String, make: @Sendable () -> any Optimizer)] = [
        ("SGD", { SGD(learningRate: 0.1, momentum: 0.9) }),
        ("RMSprop", { RMSprop(learningRate: 0.01) }), ("AdaGrad", { AdaGrad(learningRate: 0.1) }),
        ("AdaDelta", { AdaDelta(learningRate: 1) }), ("Adam", { Adam(learningRate: 0.01) }),
        ("AdamW", { AdamW(learningRate: 0.01) }), ("Adamax", { Adamax(learningRate: 0.01) }),
        ("Lion", { Lion(learningRate: 0.01) }), ("Adafactor", { Adafactor() }),
        ("Muon", { Muon(learningRate: 0.01) }),
    ]

    static var optimizers: [Scenario] {
        updateRules.map { rule in
            Scenario(name: "optimizer:\(rule.name)") {
                let model = Sequential(layers: Linear(6, 4), Tanh(), Linear(4, 2))
                let optimizer = rule.make()
                let (x, y) = (numbers([5, 6]), numbers([5, 2], seed: 2))
                let step = valueAndGrad(model: model) { (model: Sequential, x, y) in
                    mseLoss(predictions: model(x), targets: y, reduction: .mean)
                }
                var losses: [MLXArray] = []
                for _ in 0..<2 {
                    let (loss, gradients) = step(model, x, y)
                    optimizer.update(model: model, gradients: gradients)
                    try checkedEval(model, optimizer, loss)
                    losses.append(loss)
                }
                return losses + model.parameters().flattenedValues()
            }
        }
    }

    // MARK: - Files

    /// Hands a file of an extension in a folder that nobody else has to `body`.
    private static func withFile<R>(_ type: String, _ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "scenario-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.appending(path: "arrays.\(type)"))
    }

    static var files: [Scenario] {
        let single = Scenario(name: "file:npy") {
            try withFile("npy") { file in
                try save(array: numbers([4, 5]) * 2, url: file)
                return [try loadArray(url: file)]
            }
        }
        let many = ["safetensors", "gguf", "npz"].map { type in
            Scenario(name: "file:\(type)") {
                try withFile(type) { file in
                    let x = numbers([4, 32])
                    try save(arrays: ["a": x * 2, "b": x.sum(axis: 0)], url: file)
                    let found = try loadArrays(url: file)
                    return found.sorted { $0.key < $1.key }.map(\.value)
                }
            }
        }
        let data = Scenario(name: "file:data") {
            let bytes = try saveToData(arrays: ["x": numbers([3, 3]) + 1])
            return try loadArrays(data: bytes).sorted { $0.key < $1.key }.map(\.value)
        }
        return [single, data] + many
    }

    // MARK: - Others

    static var others: [Scenario] {
        [
            Scenario(name: "random") {
                [
                    MLXRandom.normal([20]), MLXRandom.uniform(low: 0, high: 1, [20]),
                    MLXRandom.randInt(0..<9, [7]), MLXRandom.bernoulli(0.3, [9]),
                    MLXRandom.categorical(numbers([3, 4])),
                ]
            },
            Scenario(name: "random keys") {
                let keys = MLXRandom.split(key: MLXRandom.key(3), into: 2)
                return keys.map { MLXRandom.gumbel([6], key: $0) }
            },
            Scenario(name: "fourier") {
                let x = numbers([4, 16])
                return [MLXFFT.irfft(MLXFFT.rfft(x)), abs(MLXFFT.fft2(x))]
            },
            Scenario(name: "linear algebra") {
                let x = numbers([5, 5]) + MLXArray.eye(5) * 9
                return [MLXLinalg.inv(x), MLXLinalg.norm(x), MLXLinalg.solve(x, numbers([5, 2]))]
            },
            Scenario(name: "quantized") {
                let (codes, scales, biases) = quantized(numbers([32, 64]))
                return [dequantized(codes, scales: scales, biases: biases)]
            },
            Scenario(name: "attention") {
                let x = numbers([1, 2, 6, 8])
                return [
                    MLXFast.scaledDotProductAttention(
                        queries: x, keys: x, values: x, scale: 0.3, mask: .causal)
                ]
            },
            Scenario(name: "sorting") {
                let x = numbers([6, 6])
                return [sorted(x), argSort(x, axis: 0), top(x, k: 2), cumsum(x, axis: 1)]
            },
        ]
    }
}

extension NestedDictionary where Element == MLXArray {
    /// All arrays, by key.
    fileprivate func flattenedValues() -> [MLXArray] {
        flattened().sorted { $0.0 < $1.0 }.map(\.1)
    }
}
