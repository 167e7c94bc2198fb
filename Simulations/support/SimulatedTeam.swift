import MLXRuntime

/// A team without threads: its jobs and messages are items of the simulation's loop, its token is
/// held while one of them runs, and a fan-out works through its chunks in a drawn order.
package final class SimulatedTeam: EngineTeam, @unchecked Sendable {
    // SAFETY: only touched on the loop's thread, which `enqueue` and `post` check.
    private let loop: SimulatedLoop
    private let number: Int
    package let width: Int
    private var holders = 0
    private var hasTurn = false

    package init(loop: SimulatedLoop, number: Int, width: Int) {
        self.loop = loop
        self.number = number
        self.width = width
    }

    package var holdsToken: Bool { holders > 0 }

    package func withToken<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        loop.check()
        holders += 1
        defer { holders -= 1 }
        return try body()
    }

    package func post(_ work: @escaping @Sendable () -> Void) { loop.push(.work(work), to: number) }

    package func perform(_ item: SimulatedLoop.Item) {
        if case .driving(let work) = item { return work() }
        precondition(holders == 0, "two items of one team at once")
        holders = 1
        switch item {
        case .job(let job):
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .work(let work), .driving(let work): work()
        }
        holders = 0
    }

    package func postDriving(_ work: @escaping @Sendable () -> Void) {
        loop.push(.driving(work), to: number)
    }

    package func beginTurn() {
        precondition(!hasTurn, "two turns of one team at once")
        hasTurn = true
    }

    package func endTurn() {
        precondition(hasTurn, "a turn ended that had not begun")
        hasTurn = false
    }

    package func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void) {
        // Any order is a legal one: who claims what first is a race on real threads.
        guard chunks > 1, loop.draw(below: 4) == 0 else {
            for chunk in 0..<max(0, chunks) { body(chunk) }
            return
        }
        var left = Array(0..<chunks)
        while !left.isEmpty { body(left.swapRemove(at: loop.draw(below: left.count))) }
    }
}

extension Array {
    /// Removes in constant time by putting the last element in the gap.
    fileprivate mutating func swapRemove(at index: Int) -> Element {
        swapAt(index, count - 1)
        return removeLast()
    }
}

extension SimulatedTeam {
    package func enqueue(_ job: consuming ExecutorJob) {
        loop.push(.job(UnownedJob(job)), to: number)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    package func isSameExclusiveExecutionContext(other: SimulatedTeam) -> Bool { other === self }
    package func isIsolatingCurrentContext() -> Bool? { holdsToken }
    package func checkIsolated() { precondition(holdsToken, "the team's token is not held") }
}

/// Where tasks run that are on no team: the simulation's stand-in for the global pool.
package final class SimulatedPool: TaskExecutor {
    private let loop: SimulatedLoop
    package init(loop: SimulatedLoop) { self.loop = loop }
    package func enqueue(_ job: consuming ExecutorJob) { loop.pushToBag(UnownedJob(job)) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }
}

/// The loop's clock.
package final class SimulatedClock: EngineClock {
    private let loop: SimulatedLoop
    package init(loop: SimulatedLoop) { self.loop = loop }
    package func nanoseconds() -> UInt64 { loop.now }
}
