import MLX
import MLXData
import MLXNN
import MLXOptimizers

/// Trains a model: takes batches from a loader, makes steps, validates, tells callbacks, and writes
/// checkpoints. A step happens whole or not at all: when it fails or the task is cancelled, model
/// and optimizer are as before it. What a run computes follows from the model's parameters, the
/// loader, the options and the number of the step, so one that is resumed makes the records that
/// it would have made.
///
/// ```swift
/// let trainer = Trainer(model, optimizer: Adam(learningRate: 1e-3), metrics: [.accuracy]) {
///     model, batch in
///     let logits = model(batch.input)
///     return LossOutput(
///         crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
///         predictions: logits)
/// }
/// trainer.callbacks = [ProgressLine(), EarlyStopping(.smallest("validation_loss"), patience: 3)]
/// try await trainer.train(loader, for: .epochs(20), validation: held)
/// ```
/// A trainer belongs to one task or actor at a time, as its model does.
public final class Trainer<Model: Module, Batch: Sendable> {
    /// The model.
    public let model: Model
    /// What makes the steps: any of MLXOptimizers, a `MultiOptimizer` too.
    public let optimizer: any StoringOptimizer
    /// Learning rates by the number of steps made before; none leaves the optimizer's own. A
    /// `MultiOptimizer` takes one for all of its optimizers or one for each.
    public var schedules: [(Int) -> Float] = []
    /// What is measured beside the loss, in training and validation.
    public var metrics: [Metric<Batch>]
    /// What goes along, called in this order.
    public var callbacks: [any TrainingCallback] = []
    /// Where and when checkpoints are written; nil for none.
    public var checkpoints: Checkpointing?
    /// How steps are made.
    public var options = TrainingOptions()
    /// How far training is.
    public let run: TrainingRun
    /// The batch that comes next.
    public internal(set) var position = LoaderPosition.start

    let loss: (Model, Batch) -> LossOutput
    /// The step and value of the best checkpoint, and the step of the latest one.
    var best: (step: Int, value: Double)?
    var savedStep: Int?

    /// - Parameters:
    ///   - model: the model.
    ///   - optimizer: what makes the steps.
    ///   - metrics: what is measured beside the loss.
    ///   - loss: the loss of a batch, from the model's output for it.
    public init(
        _ model: Model, optimizer: any StoringOptimizer, metrics: [Metric<Batch>] = [],
        loss: @escaping (Model, Batch) -> LossOutput
    ) {
        self.model = model
        self.optimizer = optimizer
        self.metrics = metrics
        self.loss = loss
        run = TrainingRun(model: model)
    }

    /// Trains, from where the trainer stands, until so much is done in all.
    ///
    /// - Parameters:
    ///   - data: the batches, epoch after epoch.
    ///   - limit: how many steps or epochs there are to be in all.
    ///   - validation: what the model is judged by, in inference mode; nil for nothing.
    /// - Returns: the latest record.
    /// - Throws: `ArrayError` of a wrong shape, say; `TrainingError`; `CancellationError` after
    ///   writing a checkpoint, if there are checkpoints; what the loader and callbacks throw.
    @discardableResult
    public nonisolated(nonsending) func train(
        _ data: DataLoader<Batch>, for limit: TrainingLimit,
        validation: DataLoader<Batch>? = nil
    ) async throws -> TrainingRecord? {
        try prepare(data, limit, validates: validation != nil)
        let modes = ModuleModes(model)
        model.train(true)
        defer { modes.restore() }
        do {
            for callback in callbacks { try callback.willBegin(run) }
            try await makeSteps(data, validation)
            try save()
        } catch is CancellationError {
            try save()
            try end(.cancelled)
            throw CancellationError()
        } catch {
            // The first error counts.
            try? end(.failed)
            throw error
        }
        try end(run.reasonToStop.map { .stopped($0) } ?? .finished)
        return run.latest
    }

    private func end(_ outcome: TrainingOutcome) throws {
        for callback in callbacks { try callback.didEnd(run, outcome) }
    }

    private func prepare(
        _ data: DataLoader<Batch>, _ limit: TrainingLimit, validates: Bool
    ) throws {
        guard data.batchesPerEpoch > 0 else {
            throw TrainingError.argument("there are no batches to train on")
        }
        guard options.accumulation > 0, options.validationInterval ?? 1 > 0,
            options.clipNorm ?? 1 > 0
        else {
            throw TrainingError.argument(
                "accumulation, validation interval and largest norm have to be positive")
        }
        guard position.batch < data.batchesPerEpoch else {
            throw TrainingError.argument(
                "training stands at \(position), but an epoch has \(data.batchesPerEpoch) batches")
        }
        try checkSchedules()
        run.stepsPerEpoch =
            (data.batchesPerEpoch + options.accumulation - 1) / options.accumulation
        let (stepCount, isTooLarge) =
            switch limit {
            case .steps(let count): (count, false)
            case .epochs(let count): count.multipliedReportingOverflow(by: run.stepsPerEpoch)
            }
        run.stepCount = stepCount
        guard stepCount >= 0, !isTooLarge else {
            throw TrainingError.argument("the number of steps or epochs is negative or too large")
        }
        run.clearReason()
        let measured = ["loss"] + metrics.map(\.name)
        run.figures =
            ["loss", "learning_rate"] + (options.clipNorm == nil ? [] : ["gradient_norm"])
            + metrics.map(\.name) + (validates ? measured.map { "validation_\($0)" } : [])
        try checkpoints?.prepare(isResumed: savedStep != nil)
    }

    private nonisolated(nonsending) func makeSteps(
        _ data: DataLoader<Batch>, _ validation: DataLoader<Batch>?
    ) async throws {
        var batches = data.batches(from: position).makeAsyncIterator()
        while run.step < run.stepCount, run.reasonToStop == nil {
            try Task.checkCancellation()
            var group: [Batch] = []
            var next = position
            repeat {
                guard let (position, batch) = try await batches.next() else { return }
                group.append(batch)
                next = data.position(after: position)
            } while group.count < options.accumulation && next.batch != 0
            let record = try await attempt(group, validation, endsEpoch: next.batch == 0)
            position = next
            run.step += 1
            run.epoch = next.epoch
            run.note(record)
            for callback in callbacks { try callback.didStep(record, run) }
            if isTimeToSave(record, endsEpoch: next.batch == 0) { try save() }
        }
    }

    /// One step and the validation after it, or nothing at all.
    private nonisolated(nonsending) func attempt(
        _ batches: [Batch], _ validation: DataLoader<Batch>?, endsEpoch: Bool
    ) async throws -> TrainingRecord {
        let before = TrainedState(model, optimizer)
        do {
            var record = try await makeStep(batches, before)
            let isDue =
                options.validationInterval.map { record.step % $0 == 0 } ?? endsEpoch
            if let validation, isDue || record.step == run.stepCount {
                for (name, value) in try await validate(on: validation) {
                    record["validation_\(name)"] = value
                }
            }
            return record
        } catch {
            try before.restore()
            throw error
        }
    }
}

extension TrainingRun {
    func note(_ record: TrainingRecord) {
        latest = record
        if record.names.contains("validation_loss") { latestValidation = record }
    }
}
