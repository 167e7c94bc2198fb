import Foundation
import MLX
import MLXGraph
import MLXMemory
import MLXNN
import MLXRuntime
import Synchronization

/// The figures of evaluations that run side by side: how many a second, how long one takes beside
/// others, what is computed once.
enum EngineBenchmarks {
    static let all: [Workload] = [
        Workload(name: "spine_single") { try await single() },
        Workload(name: "spine_many") { try await many() },
        Workload(name: "spine_fair") { try await fair() },
        Workload(name: "spine_beside") { try await beside() },
        Workload(name: "spine_once") { try await once() },
        Workload(name: "spine_low") { try await low() },
        Workload(name: "spine_independent") { try independent() },
    ]

    /// One small evaluation: recorded, evaluated, dropped.
    private static func single() async throws -> [Figure] {
        let a = MLXArray([1, 2, 3] as [Float])
        let count = 2000
        let blocking = try Timing.median(21) {
            for _ in 0..<count { try checkedEval(a + 1) }
        }
        try await evaluate(a + 1)
        var times: [UInt64] = []
        for _ in 0..<21 {
            let start = Timing.nanoseconds()
            for _ in 0..<count { try await evaluate(a + 1) }
            times.append(Timing.nanoseconds() - start)
        }
        let m = MLXRandom.normal([64, 64])
        eval(m)
        let product = try Timing.median(21) {
            for _ in 0..<count { try checkedEval(matmul(m, m)) }
        }
        func figure(_ name: String, _ nanoseconds: Double) -> Figure {
            Figure(
                workload: name, value: nanoseconds / Double(count) / 1000, unit: "us", count: 21)
        }
        return [
            figure("spine_single_blocking", blocking),
            figure("spine_single_async", Double(times.sorted()[10])),
            figure("spine_single_matmul64", product),
        ]
    }

    // MARK: - Many

    @inline(never) static func smallGraph(_ start: MLXArray) -> MLXArray {
        var x = start
        for _ in 0..<20 { x = x * 0.5 + 1 }
        return x
    }

    /// Evaluations a second of twenty small operations, from threads and from tasks.
    private static func many() async throws -> [Figure] {
        let random = MLXRandom.RandomState(seed: 2)
        let weights = [[64, 64], [64, 64], [64, 10]].map {
            MLXRandom.normal($0, scale: 0.1, key: random)
        }
        let biases = [64, 64, 10].map { MLXArray.zeros([$0]) }
        eval(weights + biases)
        let perceptron: @Sendable (MLXArray) -> MLXArray = { x in
            var h = x.reshaped(1, 64)
            for layer in 0..<2 { h = relu(matmul(h, weights[layer]) + biases[layer]) }
            return matmul(h, weights[2]) + biases[2]
        }
        return await many("spine_many", smallGraph)
            + many("spine_many_perceptron", perceptron)
    }

    private static func many(
        _ name: String, _ graph: @escaping @Sendable (MLXArray) -> MLXArray
    ) async -> [Figure] {
        var figures: [Figure] = []
        let seconds = 0.4
        for count in [1, 2, 4, 16, 64] {
            var threads: [Double] = []
            var tasks: [Double] = []
            for _ in 0..<5 {
                threads.append(await withThreads(count, seconds, graph))
                tasks.append(await withTasks(count, seconds, graph).reduce(0, +))
            }
            figures.append(rate("\(name)_threads_\(count)", threads.sorted()[2]))
            figures.append(rate("\(name)_tasks_\(count)", tasks.sorted()[2]))
        }
        return figures
    }

    private static func rate(_ name: String, _ value: Double) -> Figure {
        Figure(workload: name, value: value, unit: "evaluations/s", count: 5)
    }

    private static func withThreads(
        _ count: Int, _ seconds: Double, _ graph: @escaping @Sendable (MLXArray) -> MLXArray
    ) async -> Double {
        let group = DispatchGroup()
        let end = Timing.nanoseconds() + UInt64(seconds * 1e9)
        return await withCheckedContinuation { continuation in
            let sum = Sum()
            for _ in 0..<count {
                group.enter()
                Thread.detachNewThread {
                    let start = MLXArray([Float](repeating: 1, count: 64))
                    var done = 0
                    while Timing.nanoseconds() < end {
                        eval(graph(start))
                        done += 1
                    }
                    sum.add(done)
                    group.leave()
                }
            }
            group.notify(queue: .global()) {
                continuation.resume(returning: Double(sum.value) / seconds)
            }
        }
    }

    private final class Sum: Sendable {
        private let cell = Atomic<Int>(0)
        func add(_ count: Int) { cell.wrappingAdd(count, ordering: .relaxed) }
        var value: Int { cell.load(ordering: .relaxed) }
    }

    private static func withTasks(
        _ count: Int, _ seconds: Double, _ graph: @escaping @Sendable (MLXArray) -> MLXArray
    ) async -> [Double] {
        let end = Timing.nanoseconds() + UInt64(seconds * 1e9)
        return await withTaskGroup(of: Double.self) { group in
            for _ in 0..<count {
                group.addTask {
                    let start = MLXArray([Float](repeating: 1, count: 64))
                    var done = 0
                    while Timing.nanoseconds() < end {
                        try? await evaluate(graph(start))
                        done += 1
                    }
                    return Double(done) / seconds
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Of 32 tasks that evaluate without end: the slowest against the median, and how long
    /// another task waits for its start.
    private static func fair() async throws -> [Figure] {
        let rates = Task { await withTasks(32, 1, smallGraph) }
        try await Task.sleep(for: .milliseconds(200))
        var waits: [UInt64] = []
        for _ in 0..<50 {
            let asked = Timing.nanoseconds()
            waits.append(await Task.detached { Timing.nanoseconds() - asked }.value)
            try await Task.sleep(for: .milliseconds(5))
        }
        let sorted = await rates.value.sorted()
        return [
            Figure(
                workload: "spine_fair_slowest", value: sorted[0] / sorted[16],
                unit: "of the median", count: 32),
            Figure(
                workload: "spine_fair_start", value: Double(waits.max()!) / 1e6, unit: "ms",
                count: 50),
        ]
    }

    // MARK: - Beside

    private static func percentile(_ times: [Double], _ part: Double) -> Double {
        let sorted = times.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }

    /// Small evaluations beside two tasks that multiply large matrices without end.
    private static func beside() async throws -> [Figure] {
        let large = MLXRandom.normal([2048, 2048])
        let middle = MLXRandom.normal([512, 512])
        let small = MLXArray([1, 2, 3] as [Float])
        eval(large, middle, small)
        let alone = await products(large, seconds: 2) { _ in }
        var additions: [Double] = []
        let withAdditions = await products(large, seconds: 4) { end in
            while Timing.nanoseconds() < end {
                let start = Timing.nanoseconds()
                try? await evaluate(small + 1)
                additions.append(Double(Timing.nanoseconds() - start) / 1e6)
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        var middles: [Double] = []
        _ = await products(large, seconds: 6) { end in
            while Timing.nanoseconds() < end {
                let start = Timing.nanoseconds()
                try? await evaluate(matmul(middle, middle))
                middles.append(Double(Timing.nanoseconds() - start) / 1e6)
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        func figure(_ name: String, _ value: Double, _ unit: String, _ count: Int) -> Figure {
            Figure(workload: "spine_beside_\(name)", value: value, unit: unit, count: count)
        }
        return [
            figure("step", 1000 / alone, "ms", 1),
            figure("add_p50", percentile(additions, 0.5), "ms", additions.count),
            figure("add_p99", percentile(additions, 0.99), "ms", additions.count),
            figure("matmul512_p50", percentile(middles, 0.5), "ms", middles.count),
            figure("matmul512_p99", percentile(middles, 0.99), "ms", middles.count),
            figure("kept", withAdditions / alone, "of the throughput alone", 1),
        ]
    }

    /// Runs `body` beside two tasks of large products.
    /// - Returns: products a second.
    private static func products(
        _ large: MLXArray, seconds: Double, _ body: (UInt64) async -> Void
    ) async -> Double {
        let begin = Timing.nanoseconds()
        let end = begin + UInt64(seconds * 1e9)
        let tasks = (0..<2).map { _ in
            Task.detached {
                var done = 0
                while Timing.nanoseconds() < end {
                    try? await evaluate(matmul(large, large))
                    done += 1
                }
                return done
            }
        }
        await body(end)
        var done = 0
        for task in tasks { done += await task.value }
        return Double(done) / (Double(Timing.nanoseconds() - begin) / 1e9)
    }

    // MARK: - Once

    /// What is being computed is not computed again.
    private static func once() async throws -> [Figure] {
        let m = MLXRandom.normal([1024, 1024])
        eval(m)
        let alone = Timing.median(15) { eval(matmul(m, m)) }
        let twice = Timing.median(15) {
            let product = matmul(m, m)
            asyncEval([product])
            eval(product)
        }
        let before = steps()
        let shared = matmul(m, m)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { try? await evaluate(shared) } }
        }
        return [
            Figure(
                workload: "spine_once_async_then_eval", value: twice / alone, unit: "of eval",
                count: 15),
            Figure(
                workload: "spine_once_ten_tasks", value: Double(steps() - before),
                unit: "products", count: 1),
        ]
    }

    private static func steps() -> UInt64 {
        DeviceKind.allCases.reduce(0) { $0 + Runtime.engine.counters(of: $1).stepCount }
    }

    /// Wide runs of low priority beside endless ones of high priority.
    private static func low() async throws -> [Figure] {
        let m = MLXRandom.normal([1024, 1024])
        eval(m)
        let end = Timing.nanoseconds() + 3_000_000_000
        func work(_ priority: TaskPriority) -> Task<Int, Never> {
            Task.detached(priority: priority) {
                var done = 0
                while Timing.nanoseconds() < end {
                    try? await evaluate(matmul(m, m))
                    done += 1
                }
                return done
            }
        }
        let high = [work(.high), work(.high)]
        let low = work(.low)
        var urgent = 0
        for task in high { urgent += await task.value }
        let rest = await low.value
        return [
            Figure(
                workload: "spine_low_share", value: Double(rest) / Double(rest + urgent),
                unit: "of the runs", count: rest + urgent)
        ]
    }

    /// A thousand sums of a small matrix and its transpose, none of which needs another.
    private static func independent() throws -> [Figure] {
        let x = MLXRandom.normal([64, 64])
        eval(x)
        let time = try Timing.median(31) {
            try checkedEval((0..<1000).map { _ in x + x.T })
        }
        return [
            Figure(
                workload: "spine_independent_transposed", value: time / 1e6, unit: "us/op",
                count: 31)
        ]
    }
}
