import Foundation
import MLX
import MLXGraph
import MLXRuntime
import Synchronization

/// The figures of the runtime itself: recording, planning, dispatch, hops, plans, depth.
enum SpineBenchmarks {
    static let all: [Workload] = [
        Workload(name: "spine_record") { try await record() },
        Workload(name: "general_record") { RecordBenchmark.run() },
        Workload(name: "spine_chain") { try chain() },
        Workload(name: "spine_unseen") { try unseen() },
        Workload(name: "spine_empty_step") { try emptyStep() },
        Workload(name: "spine_hops") { try await HopBenchmark.run() },
        Workload(name: "spine_plans") { try PlanBenchmark.run() },
        Workload(name: "spine_tokens") { try await TokenBenchmark.run() },
        Workload(name: "placement") { try PlacementBenchmark.run() },
        Workload(name: "spine_deep") { try deep() },
        Workload(name: "spine_muladd") { try multiplyAdd() },
        Workload(name: "spine_matmul_ratio") { try MatmulBenchmark.ratio() },
    ]

    private static let length = 1000

    @inline(never) private static func recordChain(_ start: MLXArray) -> MLXArray {
        var x = start
        for _ in 0..<length { x = x + 1 }
        return x
    }

    /// Recording and releasing a chain, per operation; alone, and with a second task doing the
    /// same.
    private static func record() async throws -> [Figure] {
        let start = MLXArray([0] as [Float])
        let alone = Timing.median(201) { _ = recordChain(start) } / Double(length)
        let together = await withTaskGroup(of: Double.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let own = MLXArray([0] as [Float])
                    return Timing.median(2001) { _ = recordChain(own) } / Double(length)
                }
            }
            var slowest = 0.0
            for await time in group { slowest = Swift.max(slowest, time) }
            return slowest
        }
        return [
            Figure(workload: "spine_record", value: alone, unit: "ns/op", count: 201),
            Figure(
                workload: "spine_record_two_tasks", value: together, unit: "ns/op", count: 2001),
        ]
    }

    /// 1,000 additions on one element, recorded and evaluated anew each time.
    private static func chain() throws -> [Figure] {
        let start = MLXArray([0.1] as [Float])
        var expected: Float = 0.1
        for _ in 0..<length { expected += 1 }
        let time = try Timing.median(201) {
            let x = recordChain(start)
            try checkedEval(x)
            guard x.item(Float.self) == expected else { throw BenchError("wrong sum") }
        }
        return [
            Figure(
                workload: "spine_chain", value: time / Double(length) / 1000, unit: "us/op",
                count: 201)
        ]
    }

    /// What a step of a cached plan takes that computes next to nothing (a softmax of one number,
    /// with which nothing fuses), as the device's own time: recording, finding the plan and
    /// binding it are left out.
    private static func emptyStep() throws -> [Figure] {
        let engine = Runtime.engine
        let start = MLXArray([0.5] as [Float])
        try checkedEval(start)
        func counters() -> (steps: UInt64, busy: UInt64) {
            DeviceKind.allCases.reduce((0, 0)) { sum, kind in
                let counters = engine.counters(of: kind)
                return (sum.0 + counters.stepCount, sum.1 + counters.busyNanoseconds)
            }
        }
        var times: [Double] = []
        for run in 0..<202 {
            var x = start
            for _ in 0..<length { x = softmax(x, axis: -1) }
            let before = counters()
            try checkedEval(x)
            let after = counters()
            guard after.steps - before.steps == UInt64(length),
                x.item(Float.self) == 1
            else { throw BenchError("not a step for each operation") }
            let busy = Double(after.busy - before.busy)
            // The first run plans.
            if run > 0 { times.append(busy / Double(length)) }
        }
        return [
            Figure(
                workload: "spine_empty_step", value: times.sorted()[times.count / 2],
                unit: "ns/step", count: times.count)
        ]
    }

    /// Chains of random operations, each seen for the first time.
    private static func unseen() throws -> [Figure] {
        var random = SystemRandomNumberGenerator()
        let start = MLXArray([0.1, 0.2, 0.3, 0.4] as [Float])
        let time = try Timing.median(51) {
            var x = start
            for _ in 0..<length {
                switch UInt8.random(in: 0..<8, using: &random) {
                case 0: x = x + 0.5
                case 1: x = x * 0.5
                case 2: x = -x
                case 3: x = abs(x)
                case 4: x = maximum(x, start)
                case 5: x = x - start
                case 6: x = tanh(x)
                default: x = start / (abs(x) + 1)
                }
            }
            try checkedEval(x)
        }
        return [
            Figure(
                workload: "spine_unseen", value: time / Double(length) / 1000, unit: "us/op",
                count: 51)
        ]
    }

    /// A chain of a million operations: recorded, differentiated, evaluated, released.
    private static func deep() throws -> [Figure] {
        let start = Timing.nanoseconds()
        let count = 1_000_000
        let live = GraphStore.shared.liveCount
        try autoreleasing {
            let gradient = grad { (x: MLXArray) -> MLXArray in
                var y = x
                for _ in 0..<count { y = y + 1 }
                return y
            }
            let slope = gradient(MLXArray(1 as Float))
            guard slope.item(Float.self) == 1 else { throw BenchError("wrong gradient") }
            var x = MLXArray([0] as [Float])
            for _ in 0..<count { x = x + 1 }
            try checkedEval(x)
            guard x.item(Float.self) == Float(count) else { throw BenchError("wrong sum") }
        }
        guard GraphStore.shared.liveCount <= live + 16 else { throw BenchError("nodes leaked") }
        return [
            Figure(
                workload: "spine_deep", value: Double(Timing.nanoseconds() - start) / 1e9,
                unit: "s", count: 1)
        ]
    }

    private static func autoreleasing(_ body: () throws -> Void) rethrows { try body() }

    /// a * b + c over 16 million elements, each array counted once.
    private static func multiplyAdd() throws -> [Figure] {
        let count = 1 << 24
        let a = MLXArray.ones([count])
        let b = MLXArray.full([count], values: MLXArray(2 as Float))
        let c = MLXArray.full([count], values: MLXArray(3 as Float))
        eval(a, b, c)
        let plan = try explain(a * b + c)
        let time = try Timing.median(15) { try checkedEval(a * b + c) }
        return [
            Figure(
                workload: "spine_muladd", value: Double(count) * 16 / time, unit: "GB/s",
                count: 15),
            Figure(
                workload: "spine_muladd_steps",
                value: Double(stepCount(plan)), unit: "steps", count: 1),
        ]
    }
}

/// The steps that an explanation lists: their lines begin with their number.
private func stepCount(_ explanation: String) -> Int {
    explanation.split(separator: "\n").count { $0.drop { $0 == " " }.first?.isNumber == true }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
