import Foundation
import MLX
import MLXNN
import MLXOptimizers

/// Trains the demo's network and keeps what the report shows.
struct DemoTraining {
    private(set) var losses: [Double] = []
    private(set) var trainingAccuracies: [Double] = []
    private(set) var float32Accuracies: [Double] = []
    private(set) var int8Accuracies: [Double] = []
    private(set) var int8TrainingAccuracies: [Double] = []
    private(set) var samplesPerSecond = 0.0

    let epochs: Int
    private let rate: Float = 2e-3

    /// - Parameter watch: called before the last epoch.
    mutating func run(
        _ model: DigitsNet, _ data: inout DemoData, watch: () -> Void
    ) async throws {
        let optimizer = Adam(learningRate: rate)
        let lossAndGradient = valueAndGrad(model: model) {
            (model: DigitsNet, arrays: [MLXArray]) -> [MLXArray] in
            let logits = model(arrays[0])
            let loss = crossEntropy(logits: logits, targets: arrays[1], reduction: .mean)
            return [loss, (argMax(logits, axis: 1) .== arrays[1]).sum()]
        }
        var progress = ProgressLine(total: epochs * data.batchCount)
        let steps = Float(epochs * data.batchCount)
        var step = 0
        for epoch in 0..<epochs {
            if epoch == epochs - 1 { watch() }
            model.train(true)
            var correct = 0
            for (images, labels) in data.epoch() {
                optimizer.learningRate = rate * 0.5 * (1 + cos(.pi * Float(step) / steps))
                let (values, gradients) = lossAndGradient(model, [images, labels])
                optimizer.update(model: model, gradients: gradients)
                try await evaluate(model, optimizer, values)
                losses.append(Double(values[0].item(Float.self)))
                correct += values[1].item(Int.self)
                step += 1
                progress.show(
                    step: step, samples: labels.dim(0), loss: losses.last!,
                    accuracy: float32Accuracies.last ?? 0)
            }
            trainingAccuracies.append(Double(correct) / Double(data.training.count))
            try await measure(model, data)
        }
        progress.finish()
        samplesPerSecond = progress.samplesPerSecond
    }

    /// Accuracy on the test writers, in float32 and in int8 on the NPU.
    private mutating func measure(_ model: DigitsNet, _ data: DemoData) async throws {
        model.train(false)
        let quantized = try await DemoTraining.int8(model)
        float32Accuracies.append(
            try await DemoTraining.accuracy(model, data.test.images, data.test.labels))
        int8Accuracies.append(
            try await DemoTraining.accuracy(quantized, data.test.images, data.test.labels))
        // As many digits that the model has seen, to show how much int8 costs on those.
        let seen = data.training[0..<data.test.count]
        int8TrainingAccuracies.append(
            try await DemoTraining.accuracy(quantized, seen.images, seen.labels))
    }

    /// A copy of the model with int8 weights in every convolution and linear layer.
    static func int8(_ model: DigitsNet) async throws -> DigitsNet {
        let copy = DigitsNet()
        copy.update(parameters: model.parameters().mapValues { $0 + 0 })
        quantizeInt8(model: copy)
        copy.train(false)
        try await evaluate(copy)
        return copy
    }

    static func accuracy(
        _ model: DigitsNet, _ images: MLXArray, _ labels: MLXArray
    ) async throws -> Double {
        let hits = (argMax(model(images), axis: 1) .== labels).asType(.float32).mean()
        return Double(try await hits.value(Float.self))
    }

    static func predictions(_ model: DigitsNet, _ images: MLXArray) async throws -> [Int] {
        try await argMax(model(images), axis: 1).values(UInt32.self).map(Int.init)
    }
}

/// A line on the terminal that says how far training is; nothing where there is no terminal.
struct ProgressLine {
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) != 0
    private let start = Timing.nanoseconds()
    private var lastShown: UInt64 = 0
    private var samples = 0

    init(total: Int) { self.total = total }

    private var seconds: Double { Double(Timing.nanoseconds() - start) / 1e9 }
    var samplesPerSecond: Double { Double(samples) / max(seconds, 1e-9) }

    mutating func show(step: Int, samples count: Int, loss: Double, accuracy: Double) {
        samples += count
        let now = Timing.nanoseconds()
        guard isTerminal, now - lastShown > 100_000_000 || step == total else { return }
        lastShown = now
        let left = seconds / Double(step) * Double(total - step)
        let line = String(
            format: "\r\u{1B}[Kstep %d/%d  loss %.4f  accuracy %.3f  %.0f samples/s  ETA %.0f s",
            step, total, loss, accuracy, samplesPerSecond, left)
        FileHandle.standardError.write(Data(line.utf8))
    }

    func finish() {
        if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
    }
}
