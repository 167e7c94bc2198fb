import ArgumentParser
import Foundation
import MLX
import MLXBase
import MLXPlanner

/// Plans on the real machine: how long they take, beside what the costs promised.
struct RealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "real",
        abstract: "Evaluates graphs as programs on this machine, beside what was expected.")

    @Option(help: "Policies by comma.") var policy = "cost"
    @Option(parsing: .upToNextOption, help: "Graphs.") var dag = Arguments.dags
    @Option(help: "How many runs; the median is shown.") var times = 21
    @Option(help: "Expect what this cost history says, of `learn`, instead of the calibration.")
    var history: String?

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
        let expecting = try history.map { try CostHistory(contentsOf: URL(fileURLWithPath: $0)) }
        var errors: [Double] = []
        for name in dag {
            let graph = try GraphSource.graph(name, seed: 1)
            for policy in try Arguments.policies(policy) {
                errors.append(try measure(graph, policy, expecting))
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
    private func measure(
        _ graph: LabGraph, _ policy: any SchedulingPolicy, _ history: CostHistory?
    ) throws -> Double {
        let noting = NotingPolicy(inner: policy)
        let program = try ArrayProgram.Prepared(graph)
        func once() throws -> Double {
            let results = try program.record()
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
        let history = history ?? (policy as? HistoryPolicy)?.history
        let costs = history?.applied(to: planned.graph) ?? planned.graph
        let expected = Timeline(costs, planned.schedule).makespanNanoseconds
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
