import MLX
import MLXNN
import MLXOptimizers
import Testing

/// Models that learn: a line by every optimizer, exclusive or by a network with a hidden layer.
@Suite("Training") struct TrainingTests {
    private class Line: Module, UnaryLayer {
        let m = MLXArray(-3 as Float)
        let b = MLXArray(2 as Float)

        func callAsFunction(_ x: MLXArray) -> MLXArray { m * x + b }
    }

    @Test("a line is found")
    func line() async throws {
        let optimizers: [any Optimizer] = [
            SGD(learningRate: 0.05), SGD(learningRate: 0.02, momentum: 0.7, nesterov: true),
            RMSprop(learningRate: 0.1), AdaGrad(learningRate: 1),
            AdaDelta(learningRate: 30),
            Adam(learningRate: 0.3), AdamW(learningRate: 0.3, weightDecay: 0),
            Adam(learningRate: 0.3, biasCorrection: true), Adamax(learningRate: 0.3),
            Lion(learningRate: 0.03, betas: (0.9, 0.9)), Muon(learningRate: 0.05, weightDecay: 0),
        ]
        for optimizer in optimizers {
            let model = Line()
            let lossAndGrad = valueAndGrad(model: model) {
                (model: Line, x: MLXArray, y: MLXArray) in
                mseLoss(predictions: model(x), targets: y)
            }
            let x = MLXArray(converting: (0..<16).map { Double($0) / 4 - 2 })
            let y = 0.25 * x + 3
            var losses: [Float] = []
            for _ in 0..<200 {
                let (loss, gradients) = lossAndGrad(model, x, y)
                optimizer.update(model: model, gradients: gradients)
                try await evaluate(loss, model, optimizer)
                losses.append(try await loss.value(Float.self))
            }
            let (first, last) = (losses[0], losses[losses.count - 1])
            #expect(last < 0.02 * first, "\(type(of: optimizer)): from \(first) to \(last)")
        }
    }

    @Test("a hidden layer learns exclusive or, with a schedule") func exclusiveOr() async throws {
        let model = withRandomState(MLXRandom.RandomState(seed: 3)) {
            Sequential {
                Linear(2, 8)
                Tanh()
                Linear(8, 1)
            }
        }
        let x = MLXArray([0, 0, 0, 1, 1, 0, 1, 1] as [Float], [4, 2])
        let y = MLXArray([0, 1, 1, 0] as [Float], [4, 1])
        let optimizer = Adam(learningRate: 0.05)
        let schedule = cosineDecay(0.05, decaySteps: 300, end: 0.005)
        let lossAndGrad = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in
            binaryCrossEntropy(logits: model(x), targets: y)
        }
        for step in 0..<300 {
            optimizer.learningRate = schedule(step)
            let (loss, gradients) = lossAndGrad(model, x, y)
            let (clipped, _) = clipGradNorm(gradients: gradients, maxNorm: 5)
            optimizer.update(model: model, gradients: clipped)
            try await evaluate(loss, model, optimizer)
        }
        let outputs = try await MLXNN.sigmoid(model(x)).values(Float.self)
        #expect(zip(outputs, [0, 1, 1, 0]).allSatisfy { abs($0 - $1) < 0.1 }, "\(outputs)")
    }

    @Test("a small convolutional network learns where a line is") func convolution() async throws {
        let model = withRandomState(MLXRandom.RandomState(seed: 1)) {
            Sequential {
                Conv2d(inputChannels: 1, outputChannels: 4, kernelSize: 3, padding: 1)
                BatchNorm(featureCount: 4)
                ReLU()
                MaxPool2d(kernelSize: 2, stride: 2)
                Flatten()
                Linear(16, 2)
            }
        }
        // Four images with a row, four with a column.
        var pixels = [Float](repeating: 0, count: 8 * 16)
        for line in 0..<4 {
            for k in 0..<4 {
                pixels[line * 16 + line * 4 + k] = 1
                pixels[(4 + line) * 16 + k * 4 + line] = 1
            }
        }
        let images = MLXArray(pixels, [8, 4, 4, 1])
        let classes = MLXArray([0, 0, 0, 0, 1, 1, 1, 1] as [Int32])
        let optimizer = AdamW(learningRate: 0.02)
        let lossAndGrad = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in
            crossEntropy(logits: model(x), targets: y, reduction: .mean)
        }
        for _ in 0..<80 {
            let (loss, gradients) = lossAndGrad(model, images, classes)
            optimizer.update(model: model, gradients: gradients)
            try await evaluate(loss, model, optimizer)
        }
        model.train(false)
        let predicted = try await argMax(model(images), axis: 1).values(UInt32.self)
        #expect(predicted == [0, 0, 0, 0, 1, 1, 1, 1])
        quantizeInt8(model: model)
        let quantized = try await argMax(model(images), axis: 1).values(UInt32.self)
        #expect(quantized == predicted)
    }

    private class Flatten: Module, UnaryLayer {
        func callAsFunction(_ x: MLXArray) -> MLXArray { x.reshaped([x.dim(0), -1]) }
    }
}
