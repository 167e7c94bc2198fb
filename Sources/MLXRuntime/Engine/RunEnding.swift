import MLXBase
import Synchronization

/// A run's device was lost before the run had ended: whoever began it begins it anew.
struct DeviceLost: Error {}

/// How a wide run ends: whether it must stop, what stopped it first, and who waits for it.
final class RunEnding: Sendable {
    private let stop = Atomic<Bool>(false)
    /// Whether a step was left out because a task did not want it any more; a wish that came
    /// after the last step changes nothing.
    private let leftOut = Atomic<Bool>(false)
    private let cancelled = Atomic<Bool>(false)
    private let failure = Locked<(any Error)?>(nil)

    /// Whether the run must not start another step. Remembers that it said so.
    @inline(__always) var isStopped: Bool {
        guard stop.load(ordering: .acquiring) else { return false }
        leftOut.store(true, ordering: .releasing)
        return true
    }

    /// Whether the run must not start another step, without saying so.
    var isStopRequested: Bool { stop.load(ordering: .acquiring) }

    /// Steps were left out without being asked for.
    func noteLeftOut() { leftOut.store(true, ordering: .releasing) }

    /// Stops the run at its next step. The first error stays.
    func fail(_ error: any Error) {
        failure.withLock { if $0 == nil { $0 = error } }
        stop.store(true, ordering: .releasing)
    }

    /// A task does not want the result any more.
    func cancel() {
        cancelled.store(true, ordering: .releasing)
        stop.store(true, ordering: .releasing)
    }

    /// What stopped the run; nil when it ran to its end.
    var error: (any Error)? {
        if let error = failure.withLock({ $0 }) { return error }
        let isCut = cancelled.load(ordering: .acquiring) && leftOut.load(ordering: .acquiring)
        return isCut ? CancellationError() : nil
    }
}
