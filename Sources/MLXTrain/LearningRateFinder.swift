import Foundation
import MLX
import MLXData

/// What a range test saw: losses while the learning rate rose from step to step. (Smith, "Cyclical
/// Learning Rates for Training Neural Networks", 2017.)
public struct LearningRateSearch: Sendable {
    /// The rate of each step.
    public let rates: [Float]
    /// The loss of each step, before it.
    public let losses: [Double]
    /// The losses smoothed: a running mean that forgets a fifth with each step.
    public let smoothed: [Double]

    init(rates: [Float], losses: [Double]) {
        self.rates = rates
        self.losses = losses
        var (mean, weight) = (0.0, 0.0)
        smoothed = losses.map { loss in
            mean = 0.8 * mean + 0.2 * loss
            weight = 0.8 * weight + 0.2
            return mean / weight
        }
    }

    /// A rate to train with: where the smoothed loss falls fastest over the logarithm of the rate,
    /// before it is lowest. nil when it never falls.
    public var suggestion: Float? {
        guard let lowest = smoothed.min(), let low = smoothed.firstIndex(of: lowest), low > 0
        else { return nil }
        // Rates are evenly spaced in their logarithms, so differences are slopes.
        let slopes: [Double] = zip(smoothed.dropFirst(), smoothed).prefix(low).map(-)
        return slopes.min().flatMap(slopes.firstIndex).map { rates[$0 + 1] }
    }

    /// The losses over the logarithm of the rate.
    public var chart: Report.LineChart {
        let x: [Double] = rates.map { Foundation.log10(Double($0)) }
        func points(_ values: [Double]) -> [(x: Double, y: Double)] {
            x.indices.map { (x: x[$0], y: values[$0]) }
        }
        return Report.LineChart(
            title: "Range test of the learning rate", xLabel: "log10 of the learning rate",
            yLabel: "loss",
            series: [
                .init("loss", points(losses)),
                .init("smoothed", points(smoothed)),
            ])
    }
}

extension Trainer {
    /// Makes steps with a rising learning rate, until the loss has grown to four times its lowest
    /// value or is not finite. Afterwards the trainer is as before: model, optimizer, position.
    /// Callbacks are not called.
    ///
    /// ```swift
    /// let search = try await trainer.findLearningRate(loader)
    /// trainer.schedules = [cosineDecay(search.suggestion ?? 1e-3, decaySteps: 1000)]
    /// ```
    /// - Parameters:
    ///   - data: the batches, from the trainer's position on.
    ///   - first: the rate of the first step.
    ///   - last: the rate of the last step.
    ///   - steps: how many steps at most.
    /// - Throws: what `train` throws.
    public nonisolated(nonsending) func findLearningRate(
        _ data: DataLoader<Batch>, from first: Float = 1e-6, to last: Float = 1,
        steps: Int = 100
    ) async throws -> LearningRateSearch {
        guard first > 0, last > first, last.isFinite, steps > 1, data.batchesPerEpoch > 0 else {
            throw TrainingError.argument(
                "a range test needs batches, two steps, and rates that are positive and rise")
        }
        let before = TrainedState(model, optimizer)
        let (schedulesBefore, stepBefore, modes) = (schedules, run.step, ModuleModes(model))
        model.train(true)
        var (rates, losses): ([Float], [Double]) = ([], [])
        do {
            var batches = data.batches(from: position).makeAsyncIterator()
            for step in 0..<steps {
                let part = Float(step) / Float(steps - 1)
                let rate = first * Foundation.pow(last / first, part)
                schedules = [{ _ in rate }]
                try checkSchedules()
                guard let (_, batch) = try await batches.next() else { break }
                let state = TrainedState(model, optimizer)
                let record = try await makeStep([batch], state)
                let loss = record["loss"] ?? .nan
                run.step += 1
                guard loss.isFinite, loss <= 4 * (losses.min() ?? .infinity) else { break }
                rates.append(rate)
                losses.append(loss)
            }
        } catch TrainingError.notFinite {
            // The rate is too large; that is what was to be found out.
        } catch {
            try reset()
            throw error
        }
        try reset()
        return LearningRateSearch(rates: rates, losses: losses)

        func reset() throws {
            (schedules, run.step) = (schedulesBefore, stepBefore)
            modes.restore()
            try before.restore()
        }
    }
}
