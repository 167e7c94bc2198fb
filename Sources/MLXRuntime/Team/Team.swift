import CMLXKernels
import MLXBase
import MLXMemory
import Synchronization

/// A set of threads on one NUMA node: the serial executor of every actor that lives on those
/// cores, a task executor that a user's task may prefer, and what kernels fan out over. One
/// thread, the runner, works off jobs and messages with the token; another drives the wide runs
/// that no blocked caller drives; the others serve fan-outs. Runner and driver sleep unless they
/// are needed. A blocking caller on any thread takes the token instead and never runs jobs.
/// Invariant: jobs, messages and `withToken` bodies of one team never overlap in time.
package final class Team: EngineTeam, @unchecked Sendable {
    // SAFETY: the token and the workers synchronise themselves; `runner` is written by `init`
    // and read by `shutdown`.
    private let token: Token
    private let workers: Workers
    private let clock: any EngineClock
    private let runnerSpinNanoseconds: UInt64
    private var runner: SystemThread?
    private let driver: Driver
    package let cpus: [Int]
    /// Executor changes to this team so far.
    private let enqueuedJobs = Atomic<UInt64>(0)
    package var jobCount: UInt64 { enqueuedJobs.load(ordering: .relaxed) }

    /// Below this much work waking a sleeping thread costs more than it brings.
    package static let wakeThresholdNanoseconds = 60_000
    /// The runner's own spin where the user's thread needs a core too.
    private static let shortSpinNanoseconds: UInt64 = 50_000

    /// - Parameters:
    ///   - threadCount: how many threads compute at once, a fan-out's caller among them. What
    ///     the system refuses to start is recorded and done without.
    package init(
        name: String, cpus: [Int], threadCount: Int, system: any SystemThreads,
        clock: any EngineClock = MonotonicClock(),
        wakeThresholdNanoseconds: Int = Team.wakeThresholdNanoseconds
    ) {
        // With more threads than cores a spinning one keeps a working one from running.
        let spins = cpus.count > 1 && threadCount <= cpus.count
        self.cpus = cpus
        self.clock = clock
        token = Token(spins: spins)
        workers = Workers(
            count: max(1, threadCount) - 1, name: name, cpus: cpus, system: system,
            clock: clock, spins: spins, wakeThresholdNanoseconds: wakeThresholdNanoseconds)
        // Workers, the runner and one thread of the user's: is there a core for each?
        runnerSpinNanoseconds =
            !spins
            ? 0
            : threadCount < cpus.count
                ? Workers.spinNanoseconds
                : Team.shortSpinNanoseconds
        driver = Driver()
        driver.start(
            name: "\(name).driver", cpus: cpus, system: system, clock: clock,
            spinNanoseconds: spins ? Team.shortSpinNanoseconds : 0)
        token.expectRunner()
        runner = system.start(name: name) { [self] in
            system.pinCurrentThread(name: name, cpus: cpus)
            token.runLoop(rest: rest, run: perform)
        }
        if runner == nil { token.refuseRunner() }
    }

    /// Ends the threads after the work that is queued. What comes later runs on the thread that
    /// brings it. Called once, without the token unless from a job.
    package func shutdown() {
        token.stop()
        driver.stop()
        workers.stop()
        if let runner {
            if runner.isCurrent { runner.detach() } else { runner.join() }
        }
        runner = nil
    }

    private func rest(_ parker: Parker) {
        var watch = SpinWatch(nanoseconds: runnerSpinNanoseconds)
        repeat {
            for _ in 0..<64 {
                if parker.hasPermit { return }
                mlx_pause()
            }
        } while watch.maySpin(clock: clock, restart: false)
    }

    /// Runs one item on the thread that holds the token.
    private func perform(_ item: WorkItem) {
        let words = mlx_thread()!
        let outer = words.pointee.team
        words.pointee.team = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        defer { words.pointee.team = outer }
        switch item {
        case .job(let job):
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .work(let work):
            work()
        }
    }

    // MARK: - Token

    package var holdsToken: Bool { token.isHeldHere }

    package func withToken<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        if token.isHeldHere { return try body() }
        let outer = enter()
        defer { leave(outer) }
        return try body()
    }

    private func enter() -> UnsafeRawPointer? {
        token.acquire()
        let words = mlx_thread()!
        let outer = words.pointee.team
        words.pointee.team = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        return outer
    }

    private func leave(_ outer: UnsafeRawPointer?) {
        mlx_thread()!.pointee.team = outer
        token.release(run: perform)
    }

    package func post(_ work: @escaping @Sendable () -> Void) {
        token.push(.work(work), run: perform)
    }

    // MARK: - Fan-out

    package var width: Int { 1 + workers.count }

    package func beginTurn() { workers.beginTurn() }
    package func endTurn() { workers.endTurn() }

    package func postDriving(_ work: @escaping @Sendable () -> Void) { driver.post(work) }

    /// How many of the team's threads sleep at the moment, the runner aside.
    package var sleepingWorkerCount: Int { workers.sleepingCount }

    /// Without the turn, as on a worker that is inside a chunk, everything runs on the caller.
    package func run(chunks: Int, nanoseconds: Int, _ body: (Int) -> Void) {
        if workers.isTurnHere {
            workers.run(chunks: chunks, nanoseconds: nanoseconds, body)
        } else {
            for chunk in 0..<max(0, chunks) { body(chunk) }
        }
    }

    /// Sets the calibrated break-even of waking a thread.
    package func setWakeThreshold(nanoseconds: Int) {
        workers.wakeThresholdNanoseconds = nanoseconds
    }
}

/// The team as an executor of Swift concurrency.
extension Team {
    package func enqueue(_ job: consuming ExecutorJob) {
        enqueuedJobs.wrappingAdd(1, ordering: .relaxed)
        token.push(.job(UnownedJob(job)), run: perform)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    package func isSameExclusiveExecutionContext(other: Team) -> Bool { other === self }

    package func isIsolatingCurrentContext() -> Bool? { holdsToken }

    package func checkIsolated() {
        precondition(holdsToken, "this thread does not hold the team's token")
    }
}
