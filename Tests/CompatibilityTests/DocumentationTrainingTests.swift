import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers
import MLXTrain
import Testing

/// The code of the page on training, as it stands there; see `DocumentationTests`.
@Suite("Documentation: training") struct DocumentationTrainingTests {
    private final class Classifier: Module, UnaryLayer {
        let output = Linear(64, 10)

        func callAsFunction(_ x: MLXArray) -> MLXArray { output(x.flattened(start: 1)) }
    }

    @Test("Training") func training() async throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("training-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let model = Classifier()

        let digits = try Digits.bundled()
        let loader = try DataLoader(digits.training, batchSize: 64, shuffle: 1)
        let held = try DataLoader(digits.test, batchSize: 359)

        let trainer = Trainer(model, optimizer: Adam(learningRate: 2e-3), metrics: [.accuracy]) {
            model, batch in
            let logits = model(batch.input)
            return LossOutput(
                crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
                predictions: logits)
        }
        trainer.schedules = [cosineDecay(2e-3, decaySteps: 20 * loader.batchesPerEpoch)]
        let log = TrainingLog(directory.appendingPathComponent("log.jsonl"))
        trainer.callbacks = [ProgressLine(), log]
        let last = try await trainer.train(loader, for: .epochs(20), validation: held)
        print(last?["validation_accuracy"] ?? .nan)
        #expect(try #require(last?["validation_accuracy"]) > 0.8)

        trainer.checkpoints = Checkpointing(
            directory, everySteps: 100, best: .smallest("validation_loss"))
        try trainer.resume()                        // from the newest one, if there is one
        try await trainer.train(loader, for: .epochs(20), validation: held)
        #expect(trainer.checkpoints?.newest() != nil)

        trainer.options.accumulation = 4            // four batches make one step
        trainer.options.clipNorm = 1                // records have gradient_norm then
        trainer.options.computeDType = .bfloat16    // products; parameters stay float32
        let more = try await trainer.train(loader, for: .steps(trainer.run.step + 2))
        #expect(more?["gradient_norm"] != nil)
    }

    @Test("Figures") func figures() {
        let error = Metric<Example>("error") { output, batch in
            (abs(output.predictions! - batch.target).sum(), batch.target.size)
        }
        #expect(error.name == "error")
    }
}
