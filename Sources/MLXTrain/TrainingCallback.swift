import MLX
import MLXNN

/// What goes along with training: it watches records, writes something, or asks for an end. All
/// methods are called between steps, in the order of the callbacks, by the task that trains.
///
/// ```swift
/// final class Printer: TrainingCallback {
///     func didStep(_ record: TrainingRecord, _ run: TrainingRun) { print(record["loss"]!) }
/// }
/// ```
public protocol TrainingCallback: AnyObject {
    /// Training begins, or goes on after `run.step` steps.
    func willBegin(_ run: TrainingRun) throws
    /// A step was made, and validated if it was time for that.
    func didStep(_ record: TrainingRecord, _ run: TrainingRun) throws
    /// Training is over: all steps were made, something asked for an end, the task was cancelled,
    /// or there was an error.
    func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) throws
    /// What a checkpoint keeps of the callback, by name. Whatever the callback writes should be on
    /// the disk when this returns.
    func savedState() throws -> [String: MLXArray]
    /// Takes back what a checkpoint kept.
    func restore(_ state: [String: MLXArray]) throws
}

extension TrainingCallback {
    /// Does nothing.
    public func willBegin(_ run: TrainingRun) throws {}
    /// Does nothing.
    public func didStep(_ record: TrainingRecord, _ run: TrainingRun) throws {}
    /// Does nothing.
    public func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) throws {}
    /// Nothing.
    public func savedState() throws -> [String: MLXArray] { [:] }
    /// Does nothing.
    public func restore(_ state: [String: MLXArray]) throws {}
}

/// How training ended.
public enum TrainingOutcome: Sendable, Equatable {
    /// All steps were made.
    case finished
    /// A callback asked for an end, for this reason.
    case stopped(String)
    /// The task was cancelled.
    case cancelled
    /// An error was thrown.
    case failed
}

/// Training as callbacks see it.
public final class TrainingRun {
    /// The model being trained.
    public let model: Module
    /// How many steps are made.
    public internal(set) var step = 0
    /// How many steps there are to be in all.
    public internal(set) var stepCount = 0
    /// How many steps an epoch has.
    public internal(set) var stepsPerEpoch = 0
    /// How many epochs are over.
    public internal(set) var epoch = 0
    /// The names that records of this run can have, in order.
    public internal(set) var figures: [String] = []
    /// The latest record; nil before the first.
    public internal(set) var latest: TrainingRecord?
    /// The latest record with a validation; nil before the first.
    public internal(set) var latestValidation: TrainingRecord?
    /// Why training is to end; nil while nobody asked for it.
    public private(set) var reasonToStop: String?

    init(model: Module) { self.model = model }

    /// Asks for an end after this step.
    public func stop(because reason: String) { reasonToStop = reasonToStop ?? reason }

    func clearReason() { reasonToStop = nil }
}
