/// What is known about one step: named figures in a fixed order. It has no times, so that two runs
/// of the same training make equal records.
public struct TrainingRecord: Sendable, Equatable {
    /// How many steps are made, this one counted.
    public let step: Int
    /// How many epochs were over when the step began.
    public let epoch: Int
    /// The names of the figures: `loss`, `learning_rate`, metrics, and after a validation the same
    /// with `validation_` in front.
    public private(set) var names: [String] = []
    /// The figures, in the order of the names.
    public private(set) var values: [Double] = []

    /// A record without figures.
    public init(step: Int, epoch: Int) {
        self.step = step
        self.epoch = epoch
    }

    /// The figure with a name; nil when there is none.
    public subscript(name: String) -> Double? {
        get { names.firstIndex(of: name).map { values[$0] } }
        set {
            if let index = names.firstIndex(of: name) {
                names.remove(at: index)
                values.remove(at: index)
            }
            if let newValue {
                names.append(name)
                values.append(newValue)
            }
        }
    }

    /// Records are equal when their figures have the same bits; so a NaN equals itself.
    public static func == (a: TrainingRecord, b: TrainingRecord) -> Bool {
        a.step == b.step && a.epoch == b.epoch && a.names == b.names
            && a.values.map(\.bitPattern) == b.values.map(\.bitPattern)
    }
}

/// Which way a figure of records gets better: what early stopping waits for, and which checkpoint
/// is the best one.
public struct MetricGoal: Sendable {
    /// The figure's name in records.
    public let name: String
    /// Whether more is better.
    public let isGreaterBetter: Bool
    /// A change by less counts as none.
    public let minimumDelta: Double

    /// The figure is to become small: `.smallest("validation_loss")`.
    public static func smallest(_ name: String, minimumDelta: Double = 0) -> MetricGoal {
        MetricGoal(name: name, isGreaterBetter: false, minimumDelta: minimumDelta)
    }

    /// The figure is to become large: `.greatest("validation_accuracy")`.
    public static func greatest(_ name: String, minimumDelta: Double = 0) -> MetricGoal {
        MetricGoal(name: name, isGreaterBetter: true, minimumDelta: minimumDelta)
    }

    /// Whether a value is better than the best one so far; a NaN never is.
    func isImproved(_ value: Double, over best: Double?) -> Bool {
        guard let best else { return !value.isNaN }
        return isGreaterBetter ? value > best + minimumDelta : value < best - minimumDelta
    }
}
