import Foundation
import MLX
import MLXMemory
import MLXRuntime
import Synchronization

/// Threads that do the same at the same time, each on a core of its own, for measuring what cores
/// can do together. The library's own threads are asleep meanwhile.
enum Crew {
    /// The best of several runs of `body` by all members at once.
    /// - Parameters:
    ///   - cpus: a member for each.
    ///   - seconds: how long to go on; three runs at least.
    ///   - body: gets the member's number.
    /// - Returns: the slowest member's seconds of processor time, least of all runs: what other
    ///   processes take away in between is no limit of the machine.
    static func best(
        cpus: [Int], seconds: Double, _ body: @escaping @Sendable (Int) -> Void
    ) -> Double {
        let meeting = Meeting(cpus.count)
        let deadline = Timing.nanoseconds() + UInt64(seconds * 1e9)
        let others = DispatchGroup()
        for (number, cpu) in cpus.enumerated().dropFirst() {
            others.enter()
            Thread.detachNewThread {
                pin(cpu)
                while meeting.next() { meeting.time { body(number) } }
                others.leave()
            }
        }
        let best = Mutex(Double.infinity)
        // The first member leads, on a thread that ends: the caller's is not pinned.
        others.enter()
        Thread.detachNewThread {
            pin(cpus[0])
            var runs = 0
            while runs < 3 || Timing.nanoseconds() < deadline {
                meeting.call()
                meeting.time { body(0) }
                let time = meeting.gather()
                best.withLock { $0 = Swift.min($0, time) }
                runs += 1
            }
            meeting.dismiss()
            others.leave()
        }
        others.wait()
        return best.withLock { $0 }
    }

    private static func pin(_ cpu: Int) {
        let system = LinuxSystem(topology: Runtime.engine.topology)
        system.pinCurrentThread(name: "bench", cpus: [cpu])
    }

    /// Where members wait for each run to begin. They spin: waking up takes longer than a run.
    private final class Meeting: Sendable {
        private let count: Int
        private let round = Atomic<Int>(0)
        private let present = Atomic<Int>(0)
        private let isOver = Atomic<Bool>(false)
        private let longest = Mutex<UInt64>(0)

        init(_ count: Int) { self.count = count }

        /// A member other than the first: waits for the next run.
        /// - Returns: false when there is none.
        func next() -> Bool {
            let before = round.load(ordering: .acquiring)
            present.wrappingAdd(1, ordering: .acquiringAndReleasing)
            while round.load(ordering: .acquiring) == before {}
            return !isOver.load(ordering: .acquiring)
        }

        /// The first member: begins a run when the others are there.
        func call() {
            while present.load(ordering: .acquiring) < count - 1 {}
            present.store(0, ordering: .relaxed)
            longest.withLock { $0 = 0 }
            round.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }

        func time(_ body: () -> Void) {
            let start = Timing.nanoseconds(CLOCK_THREAD_CPUTIME_ID)
            body()
            let passed = Timing.nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start
            longest.withLock { $0 = Swift.max($0, passed) }
        }

        /// The first member: the seconds of the run, when the others are back.
        func gather() -> Double {
            while present.load(ordering: .acquiring) < count - 1 {}
            return longest.withLock { Double(Swift.max($0, 1)) / 1e9 }
        }

        func dismiss() {
            while present.load(ordering: .acquiring) < count - 1 {}
            isOver.store(true, ordering: .releasing)
            round.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
    }
}
