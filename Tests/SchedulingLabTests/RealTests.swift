import Foundation
import MLX
import MLXBase
import MLXPlanner
import MLXRuntime
import Testing

@testable import SchedulingLab

/// What the lab does with the real engine: one order of steps everywhere, costs that are learned,
/// and how small tasks may be.
@Suite("Scheduling lab on real threads") struct RealTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func platform(_ name: String) throws -> Platform {
        try PlatformFile.read(
            path: root.appending(path: "Simulations/scheduling-lab/Platforms/\(name).json").path)
    }

    /// One whose trace has nothing of other tests.
    private static func engine() -> Engine { Engine(Engine.Configuration(topology: .system())) }

    private static func end(_ engine: Engine) {
        for team in engine.teams { (team as? Team)?.shutdown() }
    }

    @Test("one thread runs every plan in the lab's order, as the simulators' loop does")
    func order() throws {
        for name in ["zen4-2", "three-unequal"] {
            let comparison = try OrderComparison(platform: try Self.platform(name))
            defer { comparison.close() }
            for seed in 1...15 {
                let orders = try comparison.orders(seed: UInt64(seed))
                #expect(orders.areEqual, "\(name), seed \(seed)")
                #expect(orders.lab.count > 20 && orders.lab.sorted() == Array(orders.lab.indices))
            }
        }
    }

    @Test("learning notes every step of every run on its device") func learning() throws {
        let engine = Self.engine()
        defer { Self.end(engine) }
        let program = try ArrayProgram.Prepared(
            try GraphSource.graph("fork-join:2x3", seed: 1)
        ) { shape, _ in try engine.leaf(shape) }
        var observations = CostObservations()
        let times = 4
        let (steps, devices) = try LearnCommand.observe(
            program.record, on: engine, times: times, &observations)
        #expect(devices == [.cpu, .gpu])
        let history = observations.history(machine: "m", level: "l")
        for device in devices {
            let counts = history.entries.filter { $0.key.device == device }.map(\.value.count)
            #expect(counts.reduce(0, +) == steps * times, "\(device)")
        }
        #expect(Set(history.entries.keys.map(\.op)).isSuperset(of: ["matmul"]))
        // What was learned is what is expected of the same graph.
        let noting = NotingPolicy(inner: SingleDevicePolicy.allCPU)
        let run = try ObservedRun(program.record(), on: engine, noting)
        let expected = history.applied(to: run.graph)
        for step in 0..<run.graph.count {
            let estimate = history.estimate(
                run.graph.names[step], flops: run.graph.flops[step],
                bytes: run.graph.bytes[step], on: .cpu)
            #expect(estimate?.source == .measured)
            #expect(expected.nanoseconds[step][.cpu] == estimate?.nanoseconds)
        }
    }

    @Test("captured graphs are learned as the programs they are") func capturedPrograms() throws {
        let engine = Self.engine()
        defer { Self.end(engine) }
        var observations = CostObservations()
        for name in Captured.names {
            let record = try LearnCommand.program("captured:\(name)")
            _ = try LearnCommand.observe(
                record, on: engine, times: 1, &observations)
        }
        let history = observations.history(machine: "m", level: "l")
        let ops = Set(history.entries.keys.map(\.op))
        #expect(ops.isSuperset(of: ["matmul", "softmax", "rfft", "sort"]), "\(ops)")
    }

    @Test("the least granularity lies between the sizes around the share") func granularity() {
        func least(_ points: [(Double, Double)], _ share: Double = 0.5) -> Double? {
            Granularity.least(
                points.map { Granularity.Point(nanoseconds: $0.0, rate: $0.1) }, share: share)
        }
        #expect(least([]) == nil)
        #expect(least([(1000, 1), (100, 0.9), (10, 0.6)]) == 10)
        #expect(least([(1000, 1), (100, 0.75), (50, 0.25)]) == 75)
        // The best rate need not be the largest tasks'; a dip above does not count as the end.
        #expect(least([(4000, 0.4), (1000, 1), (100, 0.75), (50, 0.25)]) == 75)
        #expect(least([(1000, 1), (100, 0.75), (50, 0.25)], 0.25) == 50)
    }

    @Test("all eleven patterns are programs with a task for every point") func patterns() throws {
        var command = GranularityCommand()
        (command.workers, command.times, command.largest) = (1, 1, 8)
        (command.share, command.steps, command.columns) = (0.5, 4, 4)
        #expect(Generator.taskBenchFamilies.count == 11)
        for generator in Generator.taskBenchFamilies {
            let graph = generator.make([4, 4], 1)
            let points = try command.measure(graph)
            #expect(points.allSatisfy { $0.rate > 0 && $0.nanoseconds > 0 })
            let found = try #require(Granularity.least(points, share: 0.5))
            let all = points.map(\.nanoseconds)
            #expect(
                found >= all.min() ?? 0 && found <= all.max() ?? 0, "\(generator.family)")
            // Each row of a softmax adds up to one, whatever was read.
            let noting = NotingPolicy(inner: SingleDevicePolicy.allCPU)
            let program = try GranularityProgram(graph, rows: 2)
            let results = program.record()
            try withPolicy(noting) { try checkedEval(results) }
            for result in results {
                let sums = result.sum(axis: -1).asArray(Float.self)
                #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
            }
            let planned = noting.notes.seen.withLock { $0 }
            #expect(planned?.graph.names.count { $0 == "softmax" } == 16, "\(generator.family)")
        }
    }
}
