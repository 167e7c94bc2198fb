import Foundation
import MLX
import MLXBase
import MLXMemory
import MLXRuntime
import SimulationSupport

/// One process's part of a run: workers on every kind of thread until the time is up, somebody who
/// forks, somebody who looks on, and at the end whether anything was left behind.
struct Soak {
    var seconds: Double
    var tasks: Int
    var forksPerSecond: Double
    var seed: UInt64
    /// Samples of resident memory before this are not judged.
    var warmUpSeconds: Double
    /// Whether memory may be refused: then such errors are counted, else they are violations.
    var isLimited: Bool

    private static let idleTolerance = 0.05

    func run() async throws -> Summary {
        Donations.smallestByteCount = 1
        let engine = Runtime.engine
        let ledger = Ledger()
        let before = Footing(engine)
        let start = ContinuousClock.now
        let sampler = Sampler(ledger, seconds: seconds)
        sampler.begin()
        let (forks, length) = (forksPerSecond, seconds)
        async let children =
            forks > 0
            ? Forks.run(perSecond: forks, until: Date() + length, ledger) : 0
        await runWorkers(ledger, until: start + .seconds(seconds))
        var summary = Summary(seed: seed, tasks: tasks, seconds: 0)
        summary.forks = await children
        summary.seconds = (ContinuousClock.now - start) / .seconds(1)
        let samples = await sampler.end()
        summary.samples = samples
        engine.synchronize()
        let idle = try await idleShare()
        summary.steadiness = Steadiness(samples, warmUp: warmUpSeconds)
        summary.evaluations = ledger.latencies.count
        summary.evaluationsByWay = ledger.evaluations
        (summary.cancelled, summary.refused) = (ledger.cancelled, ledger.refused)
        summary.latencies = ledger.latencies
        summary.idleCoreShare = idle
        summary.violations = ledger.violations
        summary.violations += await Footing(engine).leaks(since: before)
        if idle > Soak.idleTolerance {
            summary.violations.append("an idle process uses \(idle) of a core")
        }
        if let growth = summary.steadiness?.violation { summary.violations.append(growth) }
        return summary
    }

    private func runWorkers(_ ledger: Ledger, until deadline: ContinuousClock.Instant) async {
        var random = SplitMix64(seed: seed)
        let cells = SharedCells(&random)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<tasks {
                let worker = Worker(
                    number: number, random: random.split(), ledger: ledger, cells: cells,
                    deadline: deadline, isLimited: isLimited)
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
