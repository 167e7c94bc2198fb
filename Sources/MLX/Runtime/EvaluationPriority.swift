import MLXGraph
import MLXRuntime

// Wide evaluations share the cores in turns, and what is more urgent gets a larger share: high
// four times, medium twice the share of low. A task's own priority counts; blocking calls, which
// may come from a plain thread, are told here.

/// Runs `body` with a priority for the evaluations in it, in place of the task's own.
/// ```swift
/// withEvaluationPriority(.low) { eval(nextBatch) }
/// ```
/// - Parameter priority: `.low` and below, `.medium`, `.high` and above are told apart.
public func withEvaluationPriority<R>(
    _ priority: TaskPriority, _ body: () throws -> R
) rethrows -> R {
    try Defaults.with({ $0.setEvaluationPriority(priority) }, body)
}

/// Runs `body` with a priority for the evaluations in it, in place of the task's own.
/// - Parameter priority: `.low` and below, `.medium`, `.high` and above are told apart.
public nonisolated(nonsending) func withEvaluationPriority<R>(
    _ priority: TaskPriority, _ body: () async throws -> R
) async rethrows -> R {
    try await Defaults.with({ $0.setEvaluationPriority(priority) }, body)
}

private enum PriorityKey {}

extension Defaults {
    fileprivate mutating func setEvaluationPriority(_ priority: TaskPriority) {
        extras[ObjectIdentifier(PriorityKey.self)] = EvaluationPriority(
            rawValue: priority.rawValue)
    }

    /// What `withEvaluationPriority` says; nil leaves it to the task.
    static var evaluationPriority: EvaluationPriority? {
        current?.value.extras[ObjectIdentifier(PriorityKey.self)] as? EvaluationPriority
    }
}
