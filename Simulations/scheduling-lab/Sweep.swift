import Foundation
import MLXBase
import MLXPlanner

/// Every policy on every graph on every platform for every seed: what the lab does most.
struct Sweep {
    var policies: [any SchedulingPolicy]
    var graphs: [String]
    var platforms: [Platform]
    var seeds: [UInt64]
    /// Of the costs in a run, around what policies expect.
    var spread: Double
    /// How long to look for mixed bounds.
    var rounds = 300

    /// - Parameters:
    ///   - done: called after each run with how many are done and of how many.
    ///   - each: called with each run, in order.
    func run(done: (Int, Int) -> Void, each: (LabRun) throws -> Void) throws {
        let total = policies.count * graphs.count * platforms.count * seeds.count
        var count = 0
        for platform in platforms {
            for name in graphs {
                for seed in seeds {
                    let graph = try GraphSource.graph(name, seed: seed)
                    let expected = graph.placement(on: platform)
                    let costs = CostDraw(spread: spread, seed: seed).costs(of: expected)
                    let drawn = expected.replacingNanoseconds(costs)
                    let bounds = MakespanBounds(
                        drawn, memoryBytesPerNanosecond: platform.bytesPerNanosecond,
                        choleskyTiles: graph.choleskyTiles, rounds: rounds)
                    for policy in policies {
                        try each(
                            LabRun(
                                policy, graph, platform, seed: seed, expected: expected,
                                drawn: drawn, bounds: bounds))
                        count += 1
                        done(count, total)
                    }
                }
            }
        }
    }
}

/// A bar on the standard error stream, drawn anew only when it looks different; nothing where that
/// is no terminal and the work is short.
final class ProgressBar {
    private let isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
    private var last = -1

    func show(_ done: Int, of total: Int) {
        let width = 40
        let filled = total > 0 ? done * width / total : width
        guard filled != last || done == total else { return }
        last = filled
        guard isTerminal || done == total else { return }
        let bar =
            String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        let end = done == total ? "\n" : ""
        FileHandle.standardError.write(Data("\r[\(bar)] \(done)/\(total)\(end)".utf8))
    }
}

/// Ratios to the bound by policy, over all runs: their geometric mean, median and worst.
struct Standing {
    private var ratios: [(policy: String, values: [Double])] = []

    mutating func note(_ run: LabRun) {
        if let index = ratios.firstIndex(where: { $0.policy == run.policy }) {
            ratios[index].values.append(run.ratio)
        } else {
            ratios.append((run.policy, [run.ratio]))
        }
    }

    /// The policy with the least mean first.
    var lines: [String] {
        let rows = ratios.map { entry -> (String, Double, Double, Double) in
            let values = entry.values.sorted()
            let mean = exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
            return (entry.policy, mean, values[values.count / 2], values.last ?? 1)
        }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        let width = max(6, rows.map(\.0.count).max() ?? 6)
        func padded(_ text: String) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        let head = "\(padded("policy"))    mean  median   worst   (makespan over its bound)"
        return [head]
            + rows.map { row in
                padded(row.0)
                    + [row.1, row.2, row.3].map { String(format: "%8.3f", $0) }.joined()
            }
    }
}
