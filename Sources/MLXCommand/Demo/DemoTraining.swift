import Foundation
import MLX
import MLXData
import MLXNN
import MLXTrain

/// Watches the demo's training and keeps what the report shows: after each epoch it judges the
/// network on digits of other writers, in float32 and in int8 on the NPU.
final class DemoTraining: TrainingCallback {
    private(set) var losses: [Double] = []
    private(set) var trainingAccuracies: [Double] = []
    private(set) var float32Accuracies: [Double] = []
    private(set) var int8Accuracies: [Double] = []
    private(set) var int8TrainingAccuracies: [Double] = []
    private(set) var samplesPerSecond = 0.0

    private let digits: Digits
    private let watch: () -> Void
    private let start = Timing.nanoseconds()
    private var accuracies: [Double] = []

    /// - Parameter watch: called before the last epoch.
    init(_ digits: Digits, watch: @escaping () -> Void) {
        self.digits = digits
        self.watch = watch
    }

    /// Trains the network of a trainer.
    func run(
        _ trainer: Trainer<DigitsNet, Example>, _ task: DigitsTask, epochs: Int
    ) async throws {
        trainer.callbacks = [self, ProgressLine()]
        try await trainer.train(task.training, for: .epochs(epochs))
        let seconds = Double(Timing.nanoseconds() - start) / 1e9
        samplesPerSecond = Double(epochs * digits.training.count) / max(seconds, 1e-9)
    }

    func willBegin(_ run: TrainingRun) {
        if run.stepCount == run.stepsPerEpoch { watch() }
    }

    func didStep(_ record: TrainingRecord, _ run: TrainingRun) throws {
        losses.append(record["loss"] ?? .nan)
        accuracies.append(record["accuracy"] ?? .nan)
        guard run.step % run.stepsPerEpoch == 0, let model = run.model as? DigitsNet else {
            return
        }
        trainingAccuracies.append(accuracies.reduce(0, +) / Double(accuracies.count))
        accuracies = []
        try measure(model)
        if run.step == run.stepCount - run.stepsPerEpoch { watch() }
    }

    /// Accuracy on the test writers, in float32 and in int8 on the NPU.
    private func measure(_ model: DigitsNet) throws {
        model.train(false)
        defer { model.train(true) }
        let quantized = try DemoTraining.int8(model)
        float32Accuracies.append(try DemoTraining.accuracy(model, digits.test))
        int8Accuracies.append(try DemoTraining.accuracy(quantized, digits.test))
        // As many digits that the model has seen, to show how much int8 costs on those.
        let seen = digits.training[0..<digits.test.count]
        int8TrainingAccuracies.append(try DemoTraining.accuracy(quantized, seen))
    }

    /// A copy of the model with int8 weights in every convolution and linear layer.
    static func int8(_ model: DigitsNet) throws -> DigitsNet {
        let copy = DigitsNet()
        copy.update(parameters: model.parameters().mapValues { $0 + 0 })
        quantizeInt8(model: copy)
        copy.train(false)
        try checkedEval(copy)
        return copy
    }

    static func accuracy(_ model: DigitsNet, _ digits: Digits) throws -> Double {
        let hits = (argMax(model(digits.images), axis: 1) .== digits.labels)
        let share = hits.asType(.float32).mean()
        try checkedEval(share)
        return Double(share.item(Float.self))
    }

    static func predictions(_ model: DigitsNet, _ images: MLXArray) async throws -> [Int] {
        try await argMax(model(images), axis: 1).values(UInt32.self).map(Int.init)
    }
}
