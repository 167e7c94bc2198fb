import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner

/// What `MLX_DEBUG` prints of an evaluation: a summary, the time and rates of every step, the
/// plan, the graph.
enum DebugReport {
    static func text(_ run: Run, _ plan: Plan, level: Int) -> String {
        var devices: [String: Int] = [:]
        for step in plan.steps {
            devices[plan.name(of: plan.streams[Int(step.stream)]), default: 0] += 1
        }
        let shares = devices.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        var lines = [
            "mlx: \(plan.nodeCount) nodes in \(plan.steps.count) steps ("
                + shares.joined(separator: ", ") + ")"
                + (run.ending.error.map { ", failed: \($0)" } ?? "")
        ]
        if level >= 2, let times = run.stepNanoseconds {
            for (index, step) in plan.steps.enumerated() {
                lines.append(line(index, step, times[index], plan))
            }
        }
        if level >= 3 { lines.append(plan.description) }
        if level >= 4 { lines.append(graph(run.graph)) }
        return lines.joined(separator: "\n")
    }

    private static func line(
        _ index: Int, _ step: Step, _ nanoseconds: UInt64, _ plan: Plan
    ) -> String {
        let time = Double(max(nanoseconds, 1))
        let name = plan.label(of: step)
        return "  \(index) \(plan.name(of: plan.streams[Int(step.stream)])) \(name): "
            + "\(rounded(time / 1000)) us, \(rounded(step.flops / time)) GFLOP/s, "
            + "\(rounded(step.bytes / time)) GB/s"
    }

    /// Two decimals, without Foundation.
    private static func rounded(_ value: Double) -> String {
        "\((value * 100).rounded() / 100)"
    }

    private static func graph(_ graph: borrowing Subgraph) -> String {
        var lines = ["graph:"]
        for node in 0..<graph.count {
            let inputs = graph.inputs(of: node).map { "%\($0)" }.joined(separator: " ")
            let name = graph.value(node) != nil ? "data" : OpTable.name(graph.ops[node])
            lines.append(
                "  %\(node) = \(name) \(inputs) : \(graph.dtypes[node])\(graph.shapes[node])"
                    + (graph.isKept(node) ? " kept" : ""))
        }
        return lines.joined(separator: "\n")
    }
}
