import MLX
import MLXNN

/// Ends training when a figure has not become better for a while, and gives the model the
/// parameters that it was best with. What it has seen is part of checkpoints, so a resumed run
/// ends where it would have ended.
///
/// ```swift
/// trainer.callbacks.append(
///     EarlyStopping(.smallest("validation_loss", minimumDelta: 1e-3), patience: 5))
/// ```
public final class EarlyStopping: TrainingCallback {
    private let goal: MetricGoal
    private let patience: Int
    private let restoresBest: Bool
    /// The best value so far; nil before the first record with the figure.
    public private(set) var best: Double?
    /// How many records with the figure have come since the best one.
    public private(set) var waited = 0
    private var parameters: [String: MLXArray] = [:]

    /// - Parameters:
    ///   - goal: the figure and which way it gets better. Records without it do not count.
    ///   - patience: how many records that are no better end training.
    ///   - restoresBest: whether the model gets the best parameters back when training is over.
    public init(_ goal: MetricGoal, patience: Int, restoresBest: Bool = true) {
        self.goal = goal
        self.patience = max(patience, 1)
        self.restoresBest = restoresBest
    }

    public func willBegin(_ run: TrainingRun) throws {
        guard run.figures.contains(goal.name) else {
            throw TrainingError.argument(
                "records will have no '\(goal.name)', only " + run.figures.joined(separator: ", "))
        }
        if waited >= patience { run.stop(because: reason) }
    }

    public func didStep(_ record: TrainingRecord, _ run: TrainingRun) {
        guard let value = record[goal.name] else { return }
        if goal.isImproved(value, over: best) {
            (best, waited) = (value, 0)
            // The model's arrays get other values later; these stay.
            let current = run.model.parameters().flattened().map { ($0.0, $0.1.aliased()) }
            if restoresBest { parameters = Dictionary(current) { first, _ in first } }
        } else {
            waited += 1
            if waited >= patience { run.stop(because: reason) }
        }
    }

    public func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) throws {
        switch outcome {
        case .finished, .stopped:
            if !parameters.isEmpty { try run.model.setWeights(parameters) }
        case .cancelled, .failed: break
        }
    }

    private var reason: String {
        "\(goal.name) has not become better than \(best.map { "\($0)" } ?? "nothing") "
            + "in \(waited) records"
    }

    public func savedState() -> [String: MLXArray] {
        var state = ["waited": MLXArray(Int64(waited))]
        state["best"] = best.map { MLXArray($0, dtype: .float64) }
        for (key, array) in parameters { state["parameters.\(key)"] = array }
        return state
    }

    public func restore(_ state: [String: MLXArray]) {
        best = state["best"].map { $0.item(Double.self) }
        waited = state["waited"].map { $0.item(Int.self) } ?? 0
        let prefix = "parameters."
        let kept = state.filter { $0.key.hasPrefix(prefix) }
            .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        parameters = Dictionary(kept) { first, _ in first }
    }
}
