import MLXBase
import MLXGraph
import MLXPlanner
import Synchronization

/// A wide run's place in the turns: what is left of it on each stream, its share so far, and who
/// waits for its end.
final class Ticket: @unchecked Sendable {
    // SAFETY: `time`, `openLists`, `counting`, `waiters`, `callers`, `claims` are guarded by the
    // turns' lock, `lists` too, but that nothing changes it while a list runs; `progress` is
    // atomic; all else is constant.
    let run: Run
    let plan: Plan
    let share: ShareClass
    let number: UInt64
    /// How many steps of each stream of the plan have run: the run's own timelines. A step waits
    /// for a stream and a number.
    let progress: UnsafeMutablePointer<Atomic<Int>>
    /// Whether a blocked caller began the run, which nobody else may be there to go on with.
    let isBlocking: Bool

    // The lock keeps two threads apart and one does not overlap with itself: checks of that at run
    // time are a tenth of a turn.
    /// Virtual time: what the run has had of the cores.
    @exclusivity(unchecked) var time = 0.0
    @exclusivity(unchecked) var openLists: Int
    /// The last time that runs were counted and it was among them.
    @exclusivity(unchecked) var counting: UInt64 = 0
    /// The run's parts, from when it is submitted until it has ended.
    @exclusivity(unchecked) var lists: [CommandList] = []
    /// Called once, without the lock, when the run has ended.
    var waiters: [@Sendable () -> Void] = []
    /// Blocked callers that drive or sleep until the run has ended.
    var callers: [BlockedCaller] = []
    /// Result nodes that are marked as being computed, with a reference to each.
    var claims: [NodeHandle] = []

    init(_ run: Run, share: ShareClass, number: UInt64, caller: BlockedCaller?) {
        self.run = run
        plan = run.plan
        self.share = share
        self.number = number
        isBlocking = caller != nil
        if let caller { callers = [caller] }
        openLists = run.plan.streams.count
        progress = .allocate(capacity: max(openLists, 1))
        for stream in 0..<openLists { (progress + stream).initialize(to: Atomic(0)) }
    }

    deinit {
        progress.deinitialize(count: plan.streams.count)
        progress.deallocate()
    }

    /// Of the lists that one turn runs, the one that goes on: whose next step stands first in the
    /// plan, which is in the policy's order, among those that can run. Called with the turn.
    /// - Returns: nil when none can.
    func next(onTeam team: Int) -> CommandList? {
        if lists.count == 1 { return lists[0].isDone ? nil : lists[0] }
        var best: CommandList?
        for list in lists where list.team == team && list.isRunning && !list.isDone {
            let step = list.nextStep
            if let best, best.nextStep < step { continue }
            if run.ending.isStopRequested || isReady(step) { best = list }
        }
        return best
    }

    /// Whether all that a step waits for on other streams has run.
    func isReady(_ step: Int) -> Bool {
        let record = plan.steps.base + step
        let first = Int(record.pointee.waitStart)
        for wait in first..<(first + Int(record.pointee.waitCount)) {
            let condition = plan.waits[wait]
            let done = progress[Int(condition.stream)].load(ordering: .acquiring)
            if done < Int(condition.count) { return false }
        }
        return true
    }
}

/// A thread that waits for a run, its own or another's, and drives whatever is next meanwhile.
final class BlockedCaller: @unchecked Sendable {
    // SAFETY: `isDone` is guarded by the turns' lock; a parker is made for sharing.
    let parker = Parker()
    var isDone = false
}

/// The steps of one run on one stream, and how many of them have run.
final class CommandList: @unchecked Sendable {
    // SAFETY: `next` belongs to the thread with the turn, and to the turns' lock between turns;
    // the flags are guarded by that lock.
    let ticket: Ticket
    /// The stream's place in the plan.
    let stream: Int
    let id: StreamID
    let device: Device
    /// The number of its team.
    let team: Int
    let steps: Column<Int32>
    @exclusivity(unchecked) var next = 0
    @exclusivity(unchecked) var isRunning = false
    /// Somebody asked for a pause: it is left out until the next kick.
    @exclusivity(unchecked) var isStalled = false

    init(_ ticket: Ticket, stream: Int, device: Device, team: Int) {
        self.ticket = ticket
        self.team = team
        self.stream = stream
        id = ticket.plan.streams[stream]
        self.device = device
        steps = ticket.plan.steps(ofStream: stream)
    }

    var isDone: Bool { next == steps.count }

    /// The place in the plan of its next step; before all others when it has none left.
    var nextStep: Int { isDone ? -1 : Int(steps.base[next]) }

    /// Whether its next step can run. Called with the turns' lock.
    var isReady: Bool {
        if isRunning || isStalled { return false }
        return isDone || ticket.run.ending.isStopRequested
            || ticket.isReady(nextStep)
    }
}

/// A device's open command lists, oldest first. Guarded by the turns' lock.
final class CommandQueue: @unchecked Sendable {
    // SAFETY: only touched with the lock of the engine's turns held.
    @exclusivity(unchecked) var lists: [CommandList] = []

    /// Whether nothing on the same stream of the user's came before: such a stream has its runs
    /// in order. The device's own lane, 0, promises no order between runs.
    func isFirst(_ list: CommandList) -> Bool {
        guard list.id.lane > 0 else { return true }
        return lists.first { $0.id == list.id } === list
    }

    func remove(_ list: CommandList) { lists.removeAll { $0 === list } }
}

/// Classes of priority. Each gets a share of the cores in proportion to its weight whenever it
/// wants one, so what is urgent goes first and what is not goes on.
enum ShareClass: Int, CaseIterable {
    case low, medium, high

    /// Against both others the low class keeps a seventh.
    var weight: Double {
        switch self {
        case .low: 1
        case .medium: 2
        case .high: 4
        }
    }

    init(_ priority: EvaluationPriority) {
        self =
            priority.rawValue >= EvaluationPriority.high.rawValue
            ? .high : priority.rawValue >= EvaluationPriority.medium.rawValue ? .medium : .low
    }
}

/// How urgent an evaluation is: the raw values are those of `TaskPriority`.
package struct EvaluationPriority: Sendable, Equatable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let low = EvaluationPriority(rawValue: TaskPriority.low.rawValue)
    package static let medium = EvaluationPriority(rawValue: TaskPriority.medium.rawValue)
    package static let high = EvaluationPriority(rawValue: TaskPriority.high.rawValue)

    /// The surrounding task's, raised by whoever waits for it; medium on a plain thread.
    package static var current: EvaluationPriority {
        let hasTask = withUnsafeCurrentTask(body: { $0 != nil })
        return hasTask ? EvaluationPriority(rawValue: Task.currentPriority.rawValue) : .medium
    }
}
