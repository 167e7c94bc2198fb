import Foundation
import MLX
import MLXRuntime
import Synchronization

/// Counts executor changes of evaluations: an actor on an executor that counts its jobs evaluates
/// graphs of different sizes; the team counts the jobs it gets.
enum HopBenchmark {
    static func run() async throws -> [Figure] {
        let executor = CountingExecutor()
        let caller = Caller(executor)
        let team = Runtime.engine.scheduler.team as? Team
        let rounds = 100
        var worst = 0.0
        for size in [1, 10, 1000] {
            try await caller.evaluateChain(of: size)
            let before = executor.count + Int(team?.jobCount ?? 0)
            try await caller.evaluateChains(of: size, rounds)
            let hops = executor.count + Int(team?.jobCount ?? 0) - before
            // Entering the actor and leaving it is the measurement's own.
            worst = Swift.max(worst, (Double(hops) - 1) / Double(rounds))
        }
        return [
            Figure(
                workload: "spine_hops", value: worst.rounded(), unit: "hops/evaluation",
                count: rounds)
        ]
    }

    private actor Caller {
        private let executor: CountingExecutor
        init(_ executor: CountingExecutor) { self.executor = executor }
        nonisolated var unownedExecutor: UnownedSerialExecutor {
            executor.asUnownedSerialExecutor()
        }

        func evaluateChain(of size: Int) async throws {
            var x = MLXArray([0] as [Float])
            for _ in 0..<size { x = x + 1 }
            try await evaluate(x)
        }

        func evaluateChains(of size: Int, _ rounds: Int) async throws {
            for _ in 0..<rounds { try await evaluateChain(of: size) }
        }
    }
}

/// A serial executor on one thread that counts what it is given.
private final class CountingExecutor: SerialExecutor, @unchecked Sendable {
    // SAFETY: the queue is guarded by the condition.
    private let condition = NSCondition()
    private var queue: [UnownedJob] = []
    private var given = 0

    init() {
        Thread.detachNewThread { [self] in
            while true { next().runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }

    var count: Int { condition.withLock { given } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            given += 1
            queue.append(job)
            condition.signal()
        }
    }

    private func next() -> UnownedJob {
        condition.withLock {
            while queue.isEmpty { condition.wait() }
            return queue.removeFirst()
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }
}
