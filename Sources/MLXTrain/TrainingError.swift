import Foundation

/// Why training cannot begin or go on. Errors of arrays, a wrong shape say, are `ArrayError`s.
public enum TrainingError: Error, Equatable, Sendable {
    /// The loss, or the norm of the gradients, is NaN or infinite at this step. The model and the
    /// optimizer are as before the step.
    case notFinite(step: Int, figure: String)
    /// Options or data that make no sense, with the reason.
    case argument(String)
    /// A directory has checkpoints of another run, which a new one would mix with its own.
    case directoryInUse(String)
    /// A checkpoint that does not fit the trainer, or is damaged, with the reason.
    case checkpoint(String, String)
    /// The system refused something about a file, with the reason.
    case file(String, String)
}

extension TrainingError: LocalizedError, CustomStringConvertible {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .notFinite(let step, let figure):
            "step \(step): the \(figure) is not a finite number"
        case .argument(let reason): reason
        case .directoryInUse(let path):
            "\(path) has checkpoints already: resume from them or take another directory"
        case .checkpoint(let path, let reason): "the checkpoint \(path) cannot be used: \(reason)"
        case .file(let path, let reason): "\(path): \(reason)"
        }
    }
}
