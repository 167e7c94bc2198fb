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

    /// First in, first out; what was taken is let go of in one piece.
    private struct Queue {
        private var items: [Item?] = []
        private var first = 0

        var isEmpty: Bool { first == items.count }

        mutating func append(_ item: Item) { items.append(item) }

        mutating func removeFirst() -> Item? {
            guard first < items.count else { return nil }
            let item = items[first]
            items[first] = nil
            first += 1
            if first == items.count {
                items.removeAll(keepingCapacity: true)
                first = 0
            }
            return item
        }
    }

    private var random: SplitMix64
    private let thread = pthread_self()
    private var teams: [SimulatedTeam] = []
    private var queues: [Queue] = []
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
        queues.append(Queue())
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

    /// Draws from another generator, and counts anew, for one more run of the same world.
    package func begin(_ random: SplitMix64) {
        check()
        self.random = random
        itemCount = 0
    }

    /// Runs until nothing is left.
    /// - Returns: false when it had to be stopped.
    package func run(pool: SimulatedPool) -> Bool {
        while itemCount < SimulatedLoop.maximumItems {
            let readyCount = countReady()
            if readyCount == 0 {
                guard let next = timers.lazy.map(\.time).min() else { return true }
                now = next
                continue
            }
            itemCount += 1
            let before = now
            if let pace { now += UInt64(random.within(pace)) }
            // What has become due meanwhile waits for the next choice.
            let choice = place(random.below(readyCount), at: before)
            log.note(choice: choice)
            if choice < queues.count {
                if let item = queues[choice].removeFirst() { teams[choice].perform(item) }
            } else if choice == queues.count {
                let job = bag.remove(at: random.below(bag.count))
                job.runSynchronously(on: pool.asUnownedTaskExecutor())
            } else {
                timers.remove(at: choice - queues.count - 1).action()
            }
        }
        return false
    }

    /// How many could go on now: queues, the bag, timers that are due.
    private func countReady() -> Int {
        var count = bag.isEmpty ? 0 : 1
        for queue in queues where !queue.isEmpty { count += 1 }
        for timer in timers where timer.time <= now { count += 1 }
        return count
    }

    /// The place of the n-th of those that could go on at a time: the queues come first, then the
    /// bag, then the timers.
    private func place(_ number: Int, at time: UInt64) -> Int {
        var left = number
        for place in queues.indices where !queues[place].isEmpty {
            if left == 0 { return place }
            left -= 1
        }
        if !bag.isEmpty {
            if left == 0 { return queues.count }
            left -= 1
        }
        for place in timers.indices where timers[place].time <= time {
            if left == 0 { return queues.count + 1 + place }
            left -= 1
        }
        preconditionFailure("what was counted is not there")
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
