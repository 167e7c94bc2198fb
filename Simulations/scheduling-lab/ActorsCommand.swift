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

/// The same on the real machine: how long plans take, beside what the costs promised.
struct RealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "real",
        abstract: "Evaluates graphs as programs on this machine, beside what was expected.")

    @Option(help: "Policies by comma.") var policy = "cost"
    @Option(parsing: .upToNextOption, help: "Graphs.") var dag = Arguments.dags
    @Option(help: "How many runs; the median is shown.") var times = 21

    func validate() throws {
        guard (1...10_000).contains(times) else {
            throw ValidationError("--times is from 1 to 10000")
        }
    }

    func run() throws {
        print(
            "graph,policy,steps,expected_us,least_us,median_us,error_percent,"
                + "quartile_spread_percent"
        )
        var errors: [Double] = []
        for name in dag {
            let graph = try GraphSource.graph(name, seed: 1)
            for policy in try Arguments.policies(policy) {
                errors.append(try measure(graph, policy))
            }
        }
        errors.sort()
        guard let last = errors.last else { return }
        let p95 = errors[min(errors.count - 1, errors.count * 95 / 100)]
        print(
            String(
                format: "%d rows: median error %.1f %%, 95 of 100 under %.1f %%, worst %.1f %%",
                errors.count, errors[errors.count / 2], p95, last))
    }

    /// - Returns: how far the median is from what was expected, in percent.
    private func measure(_ graph: LabGraph, _ policy: any SchedulingPolicy) throws -> Double {
        let noting = NotingPolicy(inner: policy)
        var number: UInt64 = 0
        var leaves: [MLXArray] = []
        _ = try ArrayProgram.results(of: graph) { shape in
            number += 1
            leaves.append(MLXRandom.normal(shape, key: MLXRandom.key(number)) / 10)
            return leaves[leaves.count - 1]
        }
        try checkedEval(leaves)
        func once() throws -> Double {
            var next = 0
            let results = try ArrayProgram.results(of: graph) { _ in
                next += 1
                return leaves[next - 1]
            }
            let taken = try ContinuousClock().measure {
                try withPolicy(noting) { try checkedEval(results) }
            }
            return Double(taken.components.attoseconds) / 1e9
                + Double(taken.components.seconds) * 1e9
        }
        // The first run plans, and warms what is touched.
        for _ in 0..<3 { _ = try once() }
        let runs = try (0..<times).map { _ in try once() }.sorted()
        guard let planned = noting.notes.seen.withLock({ $0 }) else { return 0 }
        let expected = Timeline(planned.graph, planned.schedule).makespanNanoseconds
        let median = runs[runs.count / 2]
        let error = abs(median - expected) / median * 100
        let spread = (runs[runs.count * 3 / 4] - runs[runs.count / 4]) / median * 100
        print(
            "\(graph.name),\(policy.name),\(planned.graph.count),"
                + String(
                    format: "%.1f,%.1f,%.1f,%.1f,%.1f", expected / 1000, runs[0] / 1000,
                    median / 1000, error, spread))
        return error
    }
}
