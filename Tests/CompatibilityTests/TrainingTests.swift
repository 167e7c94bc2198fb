import MLX
import MLXNN
import MLXOptimizers
import MLXRandom
import Testing

/// The convolutional network that tutorials train on handwritten digits.
private class LeNet: Module, UnaryLayer {
    @ModuleInfo var conv1: Conv2d
    @ModuleInfo var conv2: Conv2d
    @ModuleInfo var pool1: MaxPool2d
    @ModuleInfo var pool2: MaxPool2d
    @ModuleInfo var fc1: Linear
    @ModuleInfo var fc2: Linear
    @ModuleInfo var fc3: Linear

    override init() {
        conv1 = Conv2d(inputChannels: 1, outputChannels: 6, kernelSize: 5, padding: 2)
        conv2 = Conv2d(inputChannels: 6, outputChannels: 16, kernelSize: 5, padding: 0)
        pool1 = MaxPool2d(kernelSize: 2, stride: 2)
        pool2 = MaxPool2d(kernelSize: 2, stride: 2)
        fc1 = Linear(16 * 5 * 5, 120)
        fc2 = Linear(120, 84)
        fc3 = Linear(84, 10)
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray {
        var x = x
        x = pool1(tanh(conv1(x)))
        x = pool2(tanh(conv2(x)))
        x = flattened(x, start: 1)
        x = tanh(fc1(x))
        x = tanh(fc2(x))
        x = fc3(x)
        return x
    }
}

/// A perceptron of any depth.
private class MLP: Module, UnaryLayer {
    let layers: [Linear]

    init(layerCount: Int, input: Int, hidden: Int, output: Int) {
        let sizes = [input] + Array(repeating: hidden, count: layerCount) + [output]
        layers = zip(sizes.dropLast(), sizes.dropFirst()).map { Linear($0, $1) }
        super.init()
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray {
        var x = x
        for layer in layers.dropLast() { x = relu(layer(x)) }
        return layers.last!(x)
    }
}

private func loss(model: LeNet, x: MLXArray, y: MLXArray) -> MLXArray {
    crossEntropy(logits: model(x), targets: y, reduction: .mean)
}

private func accuracy(model: UnaryLayer, x: MLXArray, y: MLXArray) -> MLXArray {
    mean(argMax(model(x), axis: 1) .== y)
}

private struct BatchSequence: Sequence, IteratorProtocol {
    let x: MLXArray
    let y: MLXArray
    let batchSize: Int
    let indexes: [Int]
    var index = 0

    init(
        batchSize: Int, x: MLXArray, y: MLXArray,
        using generator: inout some RandomNumberGenerator
    ) {
        self.batchSize = batchSize
        self.x = x
        self.y = y
        indexes = (0 ..< y.size).shuffled(using: &generator)
    }

    mutating func next() -> (MLXArray, MLXArray)? {
        guard index < y.size else { return nil }
        let range = index ..< Swift.min(index + batchSize, y.size)
        index += batchSize
        let ids = MLXArray(indexes[range])
        return (x[ids], y[ids])
    }
}

@Suite("Training programs") struct TrainingTests {
    @Test("digits with a LeNet") func digits() {
        MLXRandom.seed(0)
        var generator = SystemRandomNumberGenerator()
        // Ten patterns with noise instead of a download.
        let patterns = MLXRandom.normal([10, 28, 28, 1])
        let labels = MLXArray((0 ..< 80).map { $0 % 10 })
        let images = patterns[labels] + 0.1 * MLXRandom.normal([80, 28, 28, 1])
        let model = LeNet()
        eval(model.parameters())
        let lossAndGradient = valueAndGrad(model: model, loss)
        let optimizer = SGD(learningRate: 0.05, momentum: 0.9)
        let before = accuracy(model: model, x: images, y: labels).item(Float.self)
        for _ in 0 ..< 4 {
            for (x, y) in BatchSequence(batchSize: 20, x: images, y: labels, using: &generator) {
                let (value, gradients) = lossAndGradient(model, x, y)
                optimizer.update(model: model, gradients: gradients)
                eval(model, optimizer)
                #expect(value.item(Float.self).isFinite)
            }
        }
        let after = accuracy(model: model, x: images, y: labels).item(Float.self)
        #expect(after > Swift.max(before, 0.8))
    }

    @Test("a perceptron with Adam, in Sequential too") func perceptron() {
        MLXRandom.seed(1)
        let x = MLXRandom.uniform(low: -1, high: 1, [64, 2])
        let y = (x[0..., 0] * x[0..., 1] .> 0).asType(Int32.self)
        let models: [Module & UnaryLayer] = [
            MLP(layerCount: 2, input: 2, hidden: 16, output: 2),
            Sequential {
                Linear(2, 16)
                Tanh()
                Linear(16, 16)
                GELU()
                Linear(16, 2)
            },
            Sequential(layers: [Linear(2, 32), ReLU(), Dropout(p: 0.01), Linear(32, 2)]),
        ]
        func loss(model: Module, x: MLXArray, y: MLXArray) -> MLXArray {
            crossEntropy(logits: (model as! UnaryLayer)(x), targets: y).mean()
        }
        for model in models {
            let optimizer = Adam(learningRate: 0.02)
            let step = valueAndGrad(model: model as Module, loss)
            let (first, _) = step(model, x, y)
            var last = first
            for _ in 0 ..< 40 {
                let (value, gradients) = step(model, x, y)
                optimizer.update(model: model, gradients: gradients)
                eval(model, optimizer, value)
                last = value
            }
            #expect(last.item(Float.self) < first.item(Float.self))
        }
    }

    @Test("every optimizer and clipped gradients") func optimizers() {
        let optimizers: [any Optimizer] = [
            SGD(learningRate: 0.1), SGD(learningRate: 0.1, momentum: 0.9, nesterov: true),
            RMSprop(learningRate: 0.01), AdaGrad(learningRate: 0.1), AdaDelta(learningRate: 1),
            Adam(learningRate: 0.01, betas: (0.9, 0.99), eps: 1e-8),
            AdamW(learningRate: 0.01, weightDecay: 0.01), Adamax(learningRate: 0.01),
            Lion(learningRate: 0.001), Adafactor(learningRate: 0.01),
        ]
        for optimizer in optimizers {
            let model = Linear(3, 2)
            let before = model.weight.asArray(Float.self)
            let gradients = model.mapParameters { MLXArray.ones(like: $0) }
            let (clipped, norm) = clipGradNorm(gradients: gradients, maxNorm: 1)
            #expect(norm.item(Float.self) > 1)
            optimizer.update(model: model, gradients: clipped)
            eval(model, optimizer)
            #expect(model.weight.asArray(Float.self) != before, "\(type(of: optimizer))")
        }
    }

    @Test("losses") func losses() {
        let logits = MLXArray(converting: [2, -1, 0, 1], [2, 2])
        let targets = MLXArray([0, 1])
        #expect(crossEntropy(logits: logits, targets: targets).shape == [2])
        #expect(
            crossEntropy(logits: logits, targets: targets, labelSmoothing: 0.1, reduction: .mean)
                .shape == [])
        let p = sigmoid(logits)
        #expect(binaryCrossEntropy(logits: logits, targets: p).shape == [])
        #expect(l1Loss(predictions: p, targets: logits).shape == [])
        #expect(mseLoss(predictions: p, targets: logits, reduction: .none).shape == [2, 2])
        #expect(nllLoss(inputs: logSoftmax(logits), targets: targets).shape == [2])
        #expect(klDivLoss(inputs: p, targets: p, axis: -1).shape == [2])
        #expect(smoothL1Loss(predictions: p, targets: logits).shape == [])
        #expect(huberLoss(inputs: p, targets: logits, delta: 1.0, reduction: .sum).shape == [])
        #expect(hingeLoss(inputs: p, targets: logits).shape == [2, 2])
        #expect(logCoshLoss(inputs: p, targets: logits, reduction: .mean).shape == [])
        #expect(cosineSimilarityLoss(x1: p, x2: logits).shape == [2])
        #expect(tripletLoss(anchors: p, positives: p, negatives: logits).shape == [2])
    }

    @Test("layers by name") func layers() {
        let x = MLXRandom.normal([2, 8, 8, 4])
        let unary: [(any UnaryLayer, [Int])] = [
            (Identity(), [2, 8, 8, 4]), (ReLU(), [2, 8, 8, 4]), (SiLU(), [2, 8, 8, 4]),
            (GELU(approximation: .fast), [2, 8, 8, 4]), (PReLU(), [2, 8, 8, 4]),
            (LayerNorm(dimensions: 4, eps: 1e-6), [2, 8, 8, 4]),
            (RMSNorm(dimensions: 4), [2, 8, 8, 4]), (BatchNorm(featureCount: 4), [2, 8, 8, 4]),
            (GroupNorm(groupCount: 2, dimensions: 4), [2, 8, 8, 4]),
            (InstanceNorm(dimensions: 4), [2, 8, 8, 4]),
            (Dropout(p: 0.2), [2, 8, 8, 4]), (Dropout2d(), [2, 8, 8, 4]),
            (AvgPool2d(kernelSize: 2, stride: 2), [2, 4, 4, 4]),
            (Conv2d(inputChannels: 4, outputChannels: 3, kernelSize: [3, 1]), [2, 6, 8, 3]),
            (ConvTransposed2d(inputChannels: 4, outputChannels: 3, kernelSize: 2, stride: 2),
                [2, 16, 16, 3]),
            (Bilinear.Pair(4, 5), [2, 8, 8, 5]),
        ]
        for (layer, shape) in unary { #expect(layer(x).shape == shape, "\(type(of: layer))") }
        #expect(Conv1d(inputChannels: 4, outputChannels: 2, kernelSize: 3)(x[0]).shape == [8, 6, 2])
        #expect(softmax(x, axis: -1).sum(axes: [-1]).allClose(MLXArray.ones([2, 8, 8])).item())
        let activations: [@Sendable (MLXArray) -> MLXArray] = [
            { relu($0) }, { gelu($0) }, { silu($0) }, { mish($0) }, { elu($0) }, { selu($0) },
            { softplus($0) }, { leakyRelu($0) }, { hardSwish($0) }, { glu($0) }, { relu6($0) },
        ]
        #expect(activations.allSatisfy { $0(x).ndim == 4 })
        #expect([x].map(gelu).count == 1)
        #expect([x].map(silu).map(relu).count == 1)
    }
}

extension Bilinear {
    /// A bilinear layer of an input with itself.
    fileprivate final class Pair: Module, UnaryLayer {
        let bilinear: Bilinear
        init(_ dimensions: Int, _ output: Int) {
            bilinear = Bilinear(dimensions, dimensions, output)
        }
        func callAsFunction(_ x: MLXArray) -> MLXArray { bilinear(x, x) }
    }
}
