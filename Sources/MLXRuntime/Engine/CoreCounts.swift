import MLXBase
import Synchronization

/// What one core has evaluated. Written by its thread, read by everybody.
final class CoreCounts: Sendable {
    private let evaluationCell = Atomic<UInt64>(0)
    private let narrowCell = Atomic<UInt64>(0)
    private let wideCell = Atomic<UInt64>(0)
    private let waitCell = Atomic<UInt64>(0)
    private let hitCell = Atomic<UInt64>(0)
    private let adaptedCell = Atomic<UInt64>(0)
    private let planningCell = Atomic<UInt64>(0)

    @inline(__always) func noteEvaluation() { CoreCounts.raise(evaluationCell) }
    @inline(__always) func noteNarrow() { CoreCounts.raise(narrowCell) }
    @inline(__always) func noteWide() { CoreCounts.raise(wideCell) }
    @inline(__always) func noteWait() { CoreCounts.raise(waitCell) }
    @inline(__always) func noteHit() { CoreCounts.raise(hitCell) }

    func noteAdapted() { CoreCounts.raise(adaptedCell) }

    /// Time spent on a plan that the core did not have at hand.
    func notePlanning(_ nanoseconds: UInt64) {
        CoreCounts.raise(planningCell, by: nanoseconds)
    }

    @inline(__always) private static func raise(
        _ cell: borrowing Atomic<UInt64>, by count: UInt64 = 1
    ) {
        cell.store(cell.load(ordering: .relaxed) &+ count, ordering: .relaxed)
    }

    var values: EvaluationCounts {
        EvaluationCounts(
            evaluations: evaluationCell.load(ordering: .relaxed),
            narrowRuns: narrowCell.load(ordering: .relaxed),
            wideRuns: wideCell.load(ordering: .relaxed),
            waits: waitCell.load(ordering: .relaxed),
            planHits: hitCell.load(ordering: .relaxed),
            plansAdapted: adaptedCell.load(ordering: .relaxed),
            planningNanoseconds: planningCell.load(ordering: .relaxed))
    }
}

/// What an engine has evaluated.
package struct EvaluationCounts: Sendable, Equatable {
    /// Requests, whatever became of them.
    package var evaluations: UInt64 = 0
    /// Runs that one core carried out alone.
    package var narrowRuns: UInt64 = 0
    /// Runs that took turns.
    package var wideRuns: UInt64 = 0
    /// How often a request waited for a run that was computing what it wanted.
    package var waits: UInt64 = 0
    /// Runs whose plan was known.
    package var planHits: UInt64 = 0
    /// Plans written down for another length of a family.
    package var plansAdapted: UInt64 = 0
    /// Time spent finding, writing down and making plans that were not at hand.
    package var planningNanoseconds: UInt64 = 0

    package init() {}

    init(
        evaluations: UInt64, narrowRuns: UInt64, wideRuns: UInt64, waits: UInt64,
        planHits: UInt64, plansAdapted: UInt64, planningNanoseconds: UInt64
    ) {
        self.evaluations = evaluations
        self.narrowRuns = narrowRuns
        self.wideRuns = wideRuns
        self.waits = waits
        self.planHits = planHits
        self.plansAdapted = plansAdapted
        self.planningNanoseconds = planningNanoseconds
    }

    static func + (a: EvaluationCounts, b: EvaluationCounts) -> EvaluationCounts {
        EvaluationCounts(
            evaluations: a.evaluations &+ b.evaluations, narrowRuns: a.narrowRuns &+ b.narrowRuns,
            wideRuns: a.wideRuns &+ b.wideRuns, waits: a.waits &+ b.waits,
            planHits: a.planHits &+ b.planHits,
            plansAdapted: a.plansAdapted &+ b.plansAdapted,
            planningNanoseconds: a.planningNanoseconds &+ b.planningNanoseconds)
    }
}

/// The counts of all cores of an engine, those of threads that have ended among them.
final class CoreCountBook: Sendable {
    private let state = Locked<(open: [CoreCounts], closed: EvaluationCounts)>(
        ([], EvaluationCounts()))

    func open(_ counts: CoreCounts) { state.withLock { $0.open.append(counts) } }

    func close(_ counts: CoreCounts) {
        state.withLock { state in
            state.closed = state.closed + counts.values
            state.open.removeAll { $0 === counts }
        }
    }

    var total: EvaluationCounts {
        state.withLock { state in state.open.reduce(state.closed) { $0 + $1.values } }
    }
}
