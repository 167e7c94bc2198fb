import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers

@testable import MLXTrain

/// A small network with everything that a resumed run could get wrong: dropout, running
/// statistics, and layers of two kinds.
final class SmallNet: Module, UnaryLayer {
    let first: Linear
    let norm: BatchNorm
    let dropout = Dropout(p: 0.3)
    let second: Linear

    init(inputs: Int = 4, width: Int = 8) {
        first = Linear(inputs, width)
        norm = BatchNorm(featureCount: width)
        second = Linear(width, 3)
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray { second(dropout(relu(norm(first(x))))) }
}

/// Points of three classes, and trainers for them.
enum TrainingFixture {
    static func data(_ count: Int = 40, batchSize: Int = 8) throws -> DataLoader<Example> {
        let x = MLXRandom.normal([count, 4], key: MLXRandom.key(3))
        let y = argMax(x[0..., 0..<3], axis: 1).asType(.int32)
        try checkedEval(x, y)
        return try DataLoader(try ArrayDataset(Example(x, y)), batchSize: batchSize, shuffle: 5)
    }

    static func model(width: Int = 8) -> SmallNet {
        withRandomState(MLXRandom.RandomState(seed: 1)) { SmallNet(width: width) }
    }

    static func trainer(
        _ model: SmallNet = model(), optimizer: any StoringOptimizer = Adam(learningRate: 0.01)
    ) -> Trainer<SmallNet, Example> {
        let trainer = Trainer(model, optimizer: optimizer, metrics: [.accuracy, .perplexity]) {
            (model: SmallNet, batch: Example) in
            let logits = model(batch.input)
            return LossOutput(
                crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
                predictions: logits)
        }
        trainer.schedules = [cosineDecay(0.02, decaySteps: 30)]
        trainer.options.seed = 11
        return trainer
    }

    /// The bits of all parameters.
    static func bits(_ model: Module) throws -> [[UInt32]] {
        try checkedEval(model)
        return model.innerState().map { $0.asArray(Float.self).map(\.bitPattern) }
    }

    /// Runs `body` with a directory that is removed afterwards.
    static func withDirectory<R>(
        isolation: isolated (any Actor)? = #isolation, _ body: (URL) async throws -> R
    ) async throws -> R {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("training-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try await body(url)
    }
}

/// Keeps the records, and does something at a step.
final class Recorder: TrainingCallback {
    private(set) var records: [TrainingRecord] = []
    private(set) var outcome: TrainingOutcome?
    var onStep: ((TrainingRecord) throws -> Void)?

    func didStep(_ record: TrainingRecord, _ run: TrainingRun) throws {
        records.append(record)
        try onStep?(record)
    }

    func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) { self.outcome = outcome }
}
