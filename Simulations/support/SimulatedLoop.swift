import MLXBase
import Glibc

/// The world's only thread and its clock. Everything that could happen next waits in a queue: one
/// for each team, first in first out as a team promises, a bag for tasks that are on no team, and
/// timers. A seeded generator says which of them goes on, so every interleaving of whole items is
/// possible and each seed has exactly one.
/// Invariant: nothing but this thread ever adds to a queue; what escapes to another ends the run.
package final class SimulatedLoop: @unchecked Sendable {
    // SAFETY: `check()` stops the process before any other thread could touch anything.
    package enum Item {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
        /// Driving wide runs, without the token.
        case driving(@Sendable () -> Void)
    }

    private struct Timer {
        let time: UInt64
        let action: @Sendable () -> Void
    }

    private var random: SplitMix64
    private let thread = pthread_self()
    private var teams: [SimulatedTeam] = []
    private var queues: [[Item]] = []
    private var bag: [UnownedJob] = []
    private var timers: [Timer] = []
    package private(set) var now: UInt64 = 1
    package private(set) var itemCount = 0
    package let log: EventLog
    /// How many nanoseconds an item takes, drawn anew for each; nil for none.
    private let pace: ClosedRange<Int>?
    /// A run that needs more items than this goes in circles.
    private static let maximumItems = 2_000_000

    /// - Parameter pace: how many nanoseconds an item takes; nil for none, so that time passes by
    ///   timers alone.
    package init(random: SplitMix64, log: EventLog, pace: ClosedRange<Int>? = 50...2049) {
        self.random = random
        self.log = log
        self.pace = pace
    }

    package func check() {
        precondition(
            pthread_equal(thread, pthread_self()) != 0,
            "something escaped the simulation to another thread")
    }

    // MARK: - Adding

    package func makeTeam(width: Int) -> SimulatedTeam {
        let team = SimulatedTeam(loop: self, number: teams.count, width: width)
        teams.append(team)
        queues.append([])
        return team
    }

    package func push(_ item: Item, to team: Int) {
        check()
        queues[team].append(item)
    }

    package func pushToBag(_ job: UnownedJob) {
        check()
        bag.append(job)
    }

    package func after(_ nanoseconds: UInt64, _ action: @escaping @Sendable () -> Void) {
        check()
        timers.append(Timer(time: now + nanoseconds, action: action))
    }

    /// Suspends the calling task in virtual time.
    package func sleep(_ nanoseconds: UInt64) async {
        await withCheckedContinuation { continuation in
            after(nanoseconds) { continuation.resume() }
        }
    }

    /// A draw for whatever needs one while an item runs.
    package func draw(below bound: Int) -> Int {
        check()
        return random.below(bound)
    }

    // MARK: - Running

    /// Runs until nothing is left.
    /// - Returns: false when it had to be stopped.
    package func run(pool: SimulatedPool) -> Bool {
        while itemCount < SimulatedLoop.maximumItems {
            var ready = queues.indices.filter { !queues[$0].isEmpty }
            if !bag.isEmpty { ready.append(queues.count) }
            let due = timers.indices.filter { timers[$0].time <= now }
            ready += due.map { queues.count + 1 + $0 }
            if ready.isEmpty {
                guard let next = timers.map(\.time).min() else { return true }
                now = next
                continue
            }
            itemCount += 1
            if let pace { now += UInt64(random.within(pace)) }
            let choice = ready[random.below(ready.count)]
            log.note(choice: choice)
            if choice < queues.count {
                teams[choice].perform(queues[choice].removeFirst())
            } else if choice == queues.count {
                let job = bag.remove(at: random.below(bag.count))
                job.runSynchronously(on: pool.asUnownedTaskExecutor())
            } else {
                timers.remove(at: choice - queues.count - 1).action()
            }
        }
        return false
    }

    /// Lets go of the teams, which hold the loop.
    package func close() {
        teams = []
        queues = []
        timers = []
    }
}

/// What happened, as text and as a number that two runs of one seed must agree in.
package final class EventLog: @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    package private(set) var lines: [String] = []
    package private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private let keepsLines: Bool

    package init(keepsLines: Bool) { self.keepsLines = keepsLines }

    package func append(_ line: @autoclosure () -> String) {
        let line = line()
        for byte in line.utf8 { mix(UInt64(byte)) }
        if keepsLines { lines.append(line) }
    }

    package func note(choice: Int) { mix(UInt64(choice)) }

    /// FNV-1a.
    private func mix(_ word: UInt64) { digest = (digest ^ word) &* 0x0000_0100_0000_01B3 }
}
