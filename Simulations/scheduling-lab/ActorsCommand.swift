import ArgumentParser
import Foundation
import MLX
import MLXBase
import MLXPlanner

/// Plans run by the real scheduler and devices, beside what the lab expected of them: in virtual
/// time on the simulators' loop, or on the real machine.
struct ActorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "actors",
        abstract: "The real scheduler and devices in virtual time, beside the lab's timeline.")

    @Option(help: "One policy.") var policy = "heft"
    @Option(parsing: .upToNextOption, help: "Graphs.") var dag = ["cholesky:8"]
    @Option(help: "A platform file.") var platform: String
    @Option(help: "How many seeds of what happens first.") var seeds = 1
    @Option(help: "Write both timelines of the last graph here, for Perfetto.") var trace: String?

    func validate() throws {
        guard (1...1_000_000).contains(seeds) else {
            throw ValidationError("--seeds is from 1 to 1000000")
        }
    }

    func run() throws {
        let policies = try Arguments.policies(policy)
        guard policies.count == 1 else { throw ValidationError("--policy is one policy") }
        let platform = try PlatformFile.read(path: platform)
        for name in dag {
            let graph = try GraphSource.graph(name, seed: 1)
            var (different, items, steps) = (0, 0, 0)
            var last: ActorRun.Outcome?
            let taken = try ContinuousClock().measure {
                for seed in 0..<UInt64(seeds) {
                    let outcome = try ActorRun.run(graph, on: platform, policies[0], seed: seed)
                    if !outcome.agrees { different += 1 }
                    items += outcome.items
                    steps += outcome.order.count
                    last = outcome
                }
            }
            guard let last else { continue }
            let seconds =
                Double(taken.components.seconds) + Double(taken.components.attoseconds) / 1e18
            print(
                "\(name): \(last.graph.count) steps; expected"
                    + " \(Int(last.expected.makespanNanoseconds)) ns, by the actors"
                    + " \(Int(last.makespan)) ns; \(seeds) seeds, of which \(different) differ;"
                    + " \(Int(Double(items) / seconds)) items and \(Int(Double(steps) / seconds))"
                    + " steps a second")
            if let trace { try write(last, trace) }
        }
    }

    private func write(_ outcome: ActorRun.Outcome, _ path: String) throws {
        var file = TraceFile()
        file.add(
            "expected", process: 1, outcome.graph, outcome.schedule,
            starts: outcome.expected.starts, finishes: outcome.expected.finishes, policy: policy)
        file.add(
            "scheduler and devices", process: 2, outcome.graph, outcome.schedule,
            starts: outcome.starts, finishes: outcome.finishes, policy: policy)
        try file.write(to: path)
        print("wrote \(path)")
    }
}

extension ActorRun.Outcome {
    /// Whether every step started when the lab expected it, but for rounding to nanoseconds, and
    /// every core set started its steps in the lab's order.
    var agrees: Bool {
        // NUMERICS: each step and each handover on the longest way may be rounded by half.
        let tolerance = Double(2 * graph.count)
        let isOnTime = zip(starts, expected.starts).allSatisfy { abs($0 - $1) <= tolerance }
        let sets = expected.coreSets
        return isOnTime
            && graph.coreSets.indices.allSatisfy { set in
                order.filter { sets[$0] == set } == expected.order.filter { sets[$0] == set }
            }
    }
}
