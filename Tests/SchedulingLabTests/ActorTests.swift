import Foundation
import MLXBase
import MLXPlanner
import Testing

@testable import SchedulingLab

/// The lab beside the real scheduler and devices on the simulators' loop: the same steps at the
/// same times in the same order, whatever the loop lets happen first.
@Suite("The lab and the actors") struct ActorTests {
    private static func platform(_ name: String) throws -> Platform {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try PlatformFile.read(
            path: root.appending(path: "Simulations/scheduling-lab/Platforms/\(name).json").path)
    }

    @Test(
        "every step runs when the lab says, in the lab's order",
        arguments: ["heft", "peft", "dmdas", "eager", "cost", "memory", "random:3"])
    func agreement(policy: String) throws {
        let policy = try #require(schedulingPolicy(named: policy))
        for platform in [try Self.platform("three-unequal"), try Self.platform("three-equal")] {
            for name in ["cholesky:5", "fft:3", "erdos:30x10", "fork-join:3x6", "stencil:5x5"] {
                let graph = try GraphSource.graph(name, seed: 2)
                for seed in 0..<4 {
                    let outcome = try ActorRun.run(graph, on: platform, policy, seed: UInt64(seed))
                    #expect(outcome.agrees, "\(policy.name) \(name) \(platform.name) \(seed)")
                }
            }
        }
    }

    @Test("devices that share cores never run side by side") func sharedCores() throws {
        var platform = try Self.platform("three-unequal")
        platform.devices[1].cores = platform.devices[0].cores
        platform.links = []
        #expect(platform.problem == nil)
        let graph = try GraphSource.graph("cholesky:5", seed: 1)
        for seed in 0..<4 {
            let outcome = try ActorRun.run(
                graph, on: platform, RandomPolicy(seed: 5), seed: UInt64(seed))
            let sets = outcome.expected.coreSets
            for set in Set(sets) {
                let steps = outcome.order.filter { sets[$0] == set }
                for (step, next) in zip(steps, steps.dropFirst()) {
                    #expect(outcome.finishes[step] <= outcome.starts[next])
                }
            }
            #expect(
                outcome.makespan
                    >= MakespanBounds(outcome.graph, rounds: 50).best.nanoseconds * 0.999)
        }
    }

    @Test("a platform without a device and a program too short are errors") func refusals() throws {
        var platform = try Self.platform("three-unequal")
        let short = try GraphSource.graph("cholesky:1", seed: 1)
        #expect(throws: ArrayError.self) {
            try ActorRun.run(short, on: platform, ListPolicy.heft, seed: 1)
        }
        platform.devices.removeLast()
        let graph = try GraphSource.graph("cholesky:5", seed: 1)
        #expect(throws: ArrayError.self) {
            try ActorRun.run(graph, on: platform, ListPolicy.heft, seed: 1)
        }
    }

    @Test("both timelines stand in one trace, with arrows and counters") func trace() throws {
        let outcome = try ActorRun.run(
            try GraphSource.graph("cholesky:5", seed: 1), on: try Self.platform("three-unequal"),
            ListPolicy.heft, seed: 1)
        var file = TraceFile()
        for (process, times) in [
            (outcome.expected.starts, outcome.expected.finishes),
            (outcome.starts, outcome.finishes),
        ].enumerated() {
            file.add(
                "timeline", process: process, outcome.graph, outcome.schedule, starts: times.0,
                finishes: times.1, policy: "heft")
        }
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: path) }
        try file.write(to: path.path)
        let root = try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any]
        let events = try #require(root?["traceEvents"] as? [[String: Any]])
        func count(_ phase: String) -> Int { events.count { $0["ph"] as? String == phase } }
        #expect(count("X") == 2 * outcome.graph.count)
        #expect(count("s") == count("f") && count("s") > 0 && count("C") > 0)
    }
}
