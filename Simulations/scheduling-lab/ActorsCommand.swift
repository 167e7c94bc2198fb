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
        abstract: "The real scheduler and devices in virtual time, beside the lab's timeline.",
        discussion: """
            Every seed draws anew what goes on first wherever several could; each time every step \
            must start when the lab expected it. An item is one turn of the loop: a job of an \
            actor, a driver's turn, a timer. One whole command, and what it prints:

              scheduling-lab actors --dag cholesky:8 --seeds 1000 --platform \
                Simulations/scheduling-lab/Platforms/three-unequal.json

              cholesky:8: 338 steps; expected 3395602 ns, by the actors 3395624 ns; 1000 seeds, of
              which 0 differ; 990000 items and 322000 steps a second of processor time
            """)

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
            let run = try ActorRun(graph, on: platform, policies[0])
            defer { run.close() }
            // The first evaluation plans; what is counted are those that find the plan.
            _ = try run.evaluate(seed: 0)
            let begin = ActorsCommand.processorSeconds()
            for seed in 0..<UInt64(seeds) {
                let outcome = try run.evaluate(seed: seed)
                if !outcome.agrees { different += 1 }
                items += outcome.items
                steps += outcome.order.count
                last = outcome
            }
            guard let last else { continue }
            // The simulation is one thread: what else the machine does is none of its speed.
            let seconds = max(ActorsCommand.processorSeconds() - begin, 1e-9)
            print(
                "\(name): \(last.graph.count) steps; expected"
                    + " \(Int(last.expected.makespanNanoseconds)) ns, by the actors"
                    + " \(Int(last.makespan)) ns; \(seeds) seeds, of which \(different) differ;"
                    + " \(Int(Double(items) / seconds)) items and \(Int(Double(steps) / seconds))"
                    + " steps a second of processor time")
            if let trace { try write(last, trace) }
        }
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
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
