import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXNN
import MLXTrain

/// `mlx train`: trains one of two networks that need nothing but this program.
struct TrainCommand: AsyncParsableCommand, Sendable {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a network on data that this program carries.",
        discussion: """
            digits: a small convolutional network on 1,438 handwritten digits, shifted by up to \
            one pixel; 60 epochs of 23 steps unless --steps says otherwise. Validated after each \
            epoch on 359 digits by other writers.
            chars: a decoder (4 layers, width 256, context 128, batch 16) on the characters of \
            this library's documentation; 500 steps unless --steps says otherwise. Validated \
            every 100 steps on the last tenth of the text.

            The learning rate falls over all steps. The last line is `train: step= loss= \
            accuracy=`: how many steps were made, and the mean cross entropy and the share of \
            right answers (digits; next characters) on the validation data after the last step. \
            --quantized prints these, and the perplexity, with weights in int8 (and inputs, on the \
            NPU) and in 4 bits in groups of 32 (nearest codes, GPTQ, AWQ before GPTQ; tables and \
            convolutions have 8 bits). A log has a line for each step with the figures of its \
            batch, and `validation_loss` and `validation_accuracy` where the step was validated. \
            Interrupted (SIGINT, \
            SIGTERM), it writes a checkpoint and ends with status 1.
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable { case digits, chars }

    @Argument(help: "What to train: digits or chars.") var subject: Subject
    @Option(help: "The seed of parameters, order, shifts and dropout.") var seed: UInt64 = 0
    @Option(help: "How many steps to make in all.") var steps: Int?
    @Option(help: "A file for a line of figures for each step: JSON, or .csv.") var log: String?
    @Option(help: "A page with charts.") var report: String?
    @Option(help: "A directory for checkpoints.") var checkpoint: String?
    @Option(help: "A checkpoint after every so many steps.") var every: Int?
    @Option(help: "Validate after every so many steps.") var validateEvery: Int?
    @Option(help: "How many checkpoints are kept, beside the best one.") var keep = 3
    @Flag(help: "Go on from the newest checkpoint, or begin if there is none.") var resume = false
    @Flag(help: "Load every checkpoint of the directory, and do nothing else.") var verify = false
    @Flag(help: "Print resident memory, bytes of arrays and live nodes on the way.")
    var memory = false
    @Flag(help: "Print the figures with weights in 8 and 4 bits too.") var quantized = false
    @Flag(help: "Compute products in bfloat16, with parameters in float32.") var bfloat16 = false

    func validate() throws {
        guard [steps ?? 1, every ?? 1, validateEvery ?? 1, keep].allSatisfy({ $0 > 0 }) else {
            throw ValidationError("numbers of steps and checkpoints have to be positive")
        }
        guard checkpoint != nil || !(resume || verify || every != nil) else {
            throw ValidationError("--resume, --every and --verify need --checkpoint DIR")
        }
    }

    func run() async throws {
        do {
            try await Interruption.cancelling { try await train() }
        } catch is CancellationError {
            throw Interrupted()
        }
    }

    private func train() async throws {
        switch subject {
        case .digits:
            let task = try DigitsTask(try Digits.bundled(), seed: seed)
            let steps = steps ?? DigitsTask.epochs * task.training.batchesPerEpoch
            try await train(steps, task.training, task.validation) {
                task.trainer(seed: seed, steps: steps)
            }
        case .chars:
            let task = try CharactersTask(seed: seed)
            let steps = steps ?? CharactersTask.steps
            try await train(steps, task.training, task.validation) {
                task.trainer(seed: seed, steps: steps)
            }
        }
    }

    private func train<Model: Module & UnaryLayer>(
        _ steps: Int, _ training: DataLoader<Example>, _ validation: DataLoader<Example>,
        _ fresh: @escaping () -> Trainer<Model, Example>
    ) async throws {
        let trainer = fresh()
        func url(_ path: String) -> URL { URL(fileURLWithPath: path) }
        trainer.options.computeDType = bfloat16 ? .bfloat16 : nil
        trainer.options.validationInterval = validateEvery ?? trainer.options.validationInterval
        trainer.callbacks = [ProgressLine()]
        if let log { trainer.callbacks.append(TrainingLog(url(log))) }
        if let report {
            trainer.callbacks.append(TrainingReport(url(report), title: "mlx train \(subject)"))
        }
        if memory { trainer.callbacks.append(MemoryWatch()) }
        trainer.checkpoints = checkpoint.map {
            Checkpointing(
                url($0), everySteps: every, everyEpochs: every == nil ? 1 : nil, keepLast: keep,
                best: .smallest("validation_loss"))
        }
        if verify { return try check(trainer) }
        if resume { try trainer.resume() }
        try await trainer.train(training, for: .steps(steps), validation: validation)
        let latest = trainer.run.latestValidation
        let isCurrent = latest?.step == trainer.run.step
        let figures = isCurrent ? nil : try await trainer.validate(on: validation)
        func figure(_ name: String) -> Double {
            figures?.first { $0.name == name }?.value ?? latest?["validation_\(name)"] ?? .nan
        }
        print(
            "train: step=\(trainer.run.step) loss=\(String(format: "%.4f", figure("loss"))) "
                + "accuracy=\(String(format: "%.4f", figure("accuracy")))")
        guard quantized else { return }
        try await QuantizedFigures(fresh: fresh, training: training, validation: validation)
            .print(of: trainer)
    }

    private func check<Model: Module>(_ trainer: Trainer<Model, Example>) throws {
        for checkpoint in trainer.checkpoints?.all() ?? [] {
            try trainer.resume(from: checkpoint)
            print("\(checkpoint.lastPathComponent): step=\(trainer.run.step)")
        }
    }
}

/// A signal came before the last step.
private struct Interrupted: Error, CustomStringConvertible {
    let description = "interrupted; with --checkpoint, --resume goes on from here"
}
