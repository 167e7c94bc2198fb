import MLXBase
import ArgumentParser
import Foundation
import MLX
import MLXRuntime
import SimulationSupport

/// Real threads, real devices, no faults: tasks, plain threads and actors record and evaluate at
/// once for some minutes, every result is compared, and at the end nothing may be left behind and
/// the process must be idle. Prints one JSON object; ends with 1 when anything was wrong.
@main
struct Stress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stress", abstract: "Evaluates from many threads at once and checks it all.")

    @Option(help: "How long to run.") var minutes = 1.0
    @Option(help: "How many workers.") var tasks = 16
    @Option(help: "How many times a second to fork; children evaluate too.") var forks = 0.0
    @Option(help: "The seed of the workers' choices.") var seed: UInt64 = 1

    func validate() throws {
        guard minutes > 0, tasks > 0 else {
            throw ValidationError("--minutes and --tasks must be positive")
        }
    }

    func run() async throws {
        Donations.smallestByteCount = 1
        let engine = Runtime.engine
        let ledger = Ledger()
        let before = Footing(engine)
        let start = ContinuousClock.now
        let deadline = start + .seconds(minutes * 60)
        let perSecond = forks
        async let children =
            perSecond > 0
            ? Forks.run(
                perSecond: perSecond, until: Date() + minutes * 60, ledger) : 0
        await runWorkers(ledger, until: deadline)
        let childCount = await children
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        engine.synchronize()
        let idle = try await idleShare()
        var violations = ledger.violations
        violations += await Footing(engine).leaks(since: before)
        if idle > 0.05 { violations.append("an idle process uses \(idle) of a core") }
        try print(Report(ledger, violations, seconds: seconds, idle: idle, tasks, seed, childCount))
        if !violations.isEmpty { throw ExitCode(1) }
    }

    private func runWorkers(_ ledger: Ledger, until deadline: ContinuousClock.Instant) async {
        var random = SplitMix64(seed: seed)
        let cells = SharedCells(&random)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<tasks {
                let worker = Worker(
                    number: number, random: random.split(), ledger: ledger, cells: cells,
                    deadline: deadline)
                switch number % 8 {
                case 5:
                    // A task on the team's own thread.
                    group.addTask(executorPreference: Runtime.engine.teams[0]) {
                        await worker.run()
                    }
                case 6: group.addTask { await Resident(worker).run() }
                case 7: group.addTask { await worker.runOnPlainThread() }
                default: group.addTask { await worker.run() }
                }
            }
        }
    }

    /// The share of one core that the process uses while it has nothing to do.
    private func idleShare() async throws -> Double {
        // Threads spin for a moment after the last plan.
        try await Task.sleep(for: .milliseconds(100))
        let before = processorSeconds()
        try await Task.sleep(for: .milliseconds(500))
        return (processorSeconds() - before) / 0.5
    }

    private func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// An actor that has a worker do its work inside it.
private actor Resident {
    private let worker: Worker
    init(_ worker: Worker) { self.worker = worker }
    func run() async { await worker.run() }
}
