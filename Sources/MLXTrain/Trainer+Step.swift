import Foundation
import MLX
import MLXBase
import MLXData
import MLXGraph
import MLXNN
import MLXOptimizers

// One step: gradients of one batch or of several, clipping, the optimizer's update, and one
// evaluation of everything for each batch. Nothing here changes how far training is.
extension Trainer {
    /// Makes a step.
    /// - Parameter before: what model and optimizer go back to when a step is left out.
    nonisolated(nonsending) func makeStep(
        _ batches: [Batch], _ before: TrainedState
    ) async throws -> TrainingRecord {
        var totals = Totals(metrics.count)
        var pending: [Measured] = []
        var sum = ModuleParameters()
        for (number, batch) in batches.enumerated() {
            let (measured, gradients) = try recording { try differentiate(batch, number) }
            if batches.count == 1 {
                (sum, pending) = (gradients, [measured])
                continue
            }
            sum = added(gradients, weight: measured.count, to: number == 0 ? nil : sum)
            // Each batch is computed by itself: that is what saves memory.
            try await evaluate(sum.flattenedValues(), measured.arrays, model)
            totals.add(measured)
        }
        let step = run.step
        let divisor = batches.count == 1 ? nil : totals.count
        let norm = try recording { update(sum, divisor, step) }
        let figures = pending.flatMap(\.arrays) + (norm.map { [$0] } ?? [])
        try await evaluate(figures, model, optimizer)
        for measured in pending { totals.add(measured) }

        var record = TrainingRecord(step: step + 1, epoch: run.epoch)
        record["loss"] = totals.loss
        record["learning_rate"] = learningRate.map(Double.init)
        record["gradient_norm"] = norm.map { Double($0.item(Float.self)) }
        for (metric, value) in zip(metrics, totals.metrics) {
            record[metric.name] = metric.finish(value)
        }
        for figure in ["loss", "gradient_norm"] where record[figure]?.isFinite == false {
            try before.restore()
            if options.nonFinite == .skipStep { break }
            throw TrainingError.notFinite(step: step + 1, figure: figure)
        }
        return record
    }

    /// The figures of a batch and the gradients, not computed yet.
    private func differentiate(
        _ batch: Batch, _ number: Int
    ) throws -> (Measured, ModuleParameters) {
        let key = RandomKey(seed: options.seed).derived(run.step).derived(number)
        return withRandomState(MLXRandom.RandomState(seed: key.bits)) {
            withComputeDType(options.computeDType) {
                var counts: [Int] = []
                let differentiated = valueAndGrad(model: model) { (model: Model, batch: Batch) in
                    let measured = self.measure(model, batch)
                    counts = measured.counts
                    return measured.arrays
                }
                let (arrays, gradients) = differentiated(model, batch)
                return (Measured(arrays: arrays, counts: counts), gradients)
            }
        }
    }

    /// Clips the gradients and gives them to the optimizer.
    /// - Returns: the norm before clipping; nil without a limit.
    private func update(
        _ sum: ModuleParameters, _ divisor: Int?, _ step: Int
    ) -> MLXArray? {
        var gradients = sum
        if let divisor { gradients = gradients.mapValues { $0 / Float(divisor) } }
        var norm: MLXArray?
        if let limit = options.clipNorm {
            let clipped = clipGradNorm(gradients: gradients, maxNorm: limit)
            (gradients, norm) = (clipped.0, clipped.1)
        }
        setLearningRates(step)
        optimizer.update(model: model, gradients: gradients)
        return norm
    }

    /// Gradients of a batch, weighted by its number of examples, added to those of others.
    private func added(
        _ gradients: ModuleParameters, weight: Int, to sum: ModuleParameters?
    ) -> ModuleParameters {
        let weighted = gradients.flattenedValues().map { $0 * Float(weight) }
        let before = sum?.flattenedValues()
        return gradients.replacingValues(
            with: before.map { zip($0, weighted).map { $0 + $1 } } ?? weighted)
    }

    /// The loss and metrics of a batch, not computed yet.
    func measure(_ model: Model, _ batch: Batch) -> Measured {
        let output = loss(model, batch)
        let figures = metrics.map { $0.measure(output, batch) }
        return Measured(
            arrays: [output.loss] + figures.map { stopGradient($0.sum) },
            counts: [output.count] + figures.map(\.count))
    }

    /// Runs `body` so that the first wrong operation in it is thrown, with everything it says.
    func recording<R>(_ body: () throws -> R) throws -> R {
        let first = Locked<ArrayError?>(nil)
        let result = try Defaults.with(
            { $0.onInvalid = { error in first.withLock { $0 = $0 ?? error } } }, body)
        if let error = first.withLock({ $0 }) { throw error }
        return result
    }

    // MARK: - Learning rates

    /// The first optimizer's.
    var learningRate: Float? { rated.first??.learningRate }

    private var rated: [(any RatedOptimizer)?] {
        guard let several = optimizer as? MultiOptimizer else {
            return [optimizer as? any RatedOptimizer]
        }
        return several.optimizers.map { $0 as? any RatedOptimizer }
    }

    func setLearningRates(_ step: Int) {
        guard let first = schedules.first else { return }
        for (index, optimizer) in rated.enumerated() {
            optimizer?.learningRate = (schedules.count == 1 ? first : schedules[index])(step)
        }
    }

    func checkSchedules() throws {
        let rated = rated
        guard schedules.isEmpty || schedules.count == 1 || schedules.count == rated.count else {
            throw TrainingError.argument(
                "\(schedules.count) schedules for \(rated.count) optimizers")
        }
        guard schedules.isEmpty || !rated.contains(where: { $0 == nil }) else {
            throw TrainingError.argument("an optimizer's learning rate cannot be set by a schedule")
        }
    }
}

/// The figures of one batch: the loss, and the sums of the metrics, with what they are means of.
struct Measured {
    let arrays: [MLXArray]
    let counts: [Int]

    var count: Int { counts.first ?? 1 }
}

/// Figures of several batches.
struct Totals {
    private(set) var count = 0
    private var lossSum = 0.0
    private var sums: [Double]
    private var counts: [Int]

    init(_ metricCount: Int) {
        sums = [Double](repeating: 0, count: metricCount)
        counts = [Int](repeating: 0, count: metricCount)
    }

    /// Adds those of a batch, which are computed already.
    mutating func add(_ measured: Measured) {
        let values = measured.arrays.map { Double($0.item(Float.self)) }
        count += measured.count
        lossSum += values[0] * Double(measured.count)
        for index in sums.indices {
            sums[index] += values[index + 1]
            counts[index] += measured.counts[index + 1]
        }
    }

    var loss: Double { lossSum / Double(max(count, 1)) }
    var metrics: [Double] { zip(sums, counts).map { $0 / Double(max($1, 1)) } }
}

/// What a step changes, to go back to. Arrays share their memory with the model's, so taking one
/// costs references only.
struct TrainedState {
    private let parameters: [(array: MLXArray, value: MLXArray)]
    private let optimizer: any StoringOptimizer
    private let state: [String: MLXArray]

    init(_ model: Module, _ optimizer: any StoringOptimizer) {
        parameters = model.innerState().map { ($0, $0.aliased()) }
        self.optimizer = optimizer
        state = optimizer.namedState()
    }

    func restore() throws {
        for (array, value) in parameters { array._updateInternal(value) }
        try optimizer.setNamedState(state)
    }
}
