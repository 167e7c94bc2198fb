import MLX
import MLXData
import MLXNN

// Judging a model, in inference mode: no gradients, no dropout, nothing changed.
extension Trainer {
    /// The means of the loss and the metrics over an epoch of a loader, weighted by examples. The
    /// model computes in inference mode; afterwards every module is in the mode that it had.
    ///
    /// ```swift
    /// let figures = try await trainer.validate(on: held)     // [("loss", …), ("accuracy", …)]
    /// ```
    /// - Throws: what `train` throws of a step.
    public nonisolated(nonsending) func validate(
        on data: DataLoader<Batch>
    ) async throws -> [(name: String, value: Double)] {
        let modes = ModuleModes(model)
        model.train(false)
        defer { modes.restore() }
        var totals = Totals(metrics.count)
        var batches = data.batches(epochs: 1).makeAsyncIterator()
        while let (position, batch) = try await batches.next() {
            let key = RandomKey(seed: options.seed).derived(-1).derived(position.batch)
            let measured = try recording {
                withRandomState(MLXRandom.RandomState(seed: key.bits)) {
                    withComputeDType(options.computeDType) { measure(model, batch) }
                }
            }
            try await evaluate(measured.arrays)
            totals.add(measured)
        }
        return [("loss", totals.loss)]
            + zip(metrics, totals.metrics).map { ($0.name, $0.finish($1)) }
    }
}

/// The modes of a model and its submodules, which may differ from each other.
struct ModuleModes {
    private let modes: [(module: Module, isTraining: Bool)]

    init(_ model: Module) { modes = model.modules().map { ($0, $0.training) } }

    func restore() {
        for (module, isTraining) in modes {
            module.training = isTraining
            module.didSetTrain(isTraining)
        }
    }
}
