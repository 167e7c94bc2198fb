import Foundation
import MLXBase
import MLXPlanner

/// Looks for the instance that hurts a policy most, as PISA does (Coleman and Krishnamachari 2024):
/// simulated annealing over small graphs, whose steps' costs, bytes and edges change a little at
/// a time. What is maximized is the policy's makespan over the least of the others'.
struct Search {
    let policy: any SchedulingPolicy
    let others: [any SchedulingPolicy]
    let platform: Platform
    private var random: SplitMix64

    init(
        _ policy: any SchedulingPolicy, against others: [any SchedulingPolicy],
        on platform: Platform, seed: UInt64
    ) {
        (self.policy, self.others, self.platform) = (policy, others, platform)
        random = SplitMix64(seed: seed)
    }

    struct Outcome {
        var graph: LabGraph
        var ratio: Double
        /// Which of the others was best.
        var best: String
    }

    mutating func run(rounds: Int, tasks: Int, progress: (Int) -> Void) -> Outcome {
        var current = instance(tasks)
        var (ratio, name) = judge(current)
        var best = Outcome(graph: current, ratio: ratio, best: name)
        for round in 0..<rounds {
            let changed = mutate(current)
            let (other, otherName) = judge(changed)
            // Worse ones are taken more seldom the later it is.
            let temperature = 0.3 * (1 - Double(round) / Double(rounds)) + 1e-6
            if other > ratio || random.unit() < exp((other - ratio) / (ratio * temperature)) {
                (current, ratio) = (changed, other)
            }
            if other > best.ratio { best = Outcome(graph: changed, ratio: other, best: otherName) }
            progress(round + 1)
        }
        return best
    }

    private func judge(_ graph: LabGraph) -> (ratio: Double, best: String) {
        let placed = graph.placement(on: platform)
        func makespan(_ policy: any SchedulingPolicy) -> Double {
            Timeline(placed, policy.schedule(placed)).makespanNanoseconds
        }
        var (least, name) = (Double.infinity, "")
        for other in others {
            let time = makespan(other)
            if time < least { (least, name) = (time, other.name) }
        }
        return (least > 0 ? makespan(policy) / least : 1, name)
    }

    // MARK: - Instances

    private mutating func cost() -> Double {
        Double((100 * exp(random.unit() * 5)).rounded())
    }

    private mutating func instance(_ count: Int) -> LabGraph {
        var graph = LabGraph(name: "adversarial", family: "adversarial")
        for task in 0..<count {
            var record = LabGraph.Task(name: "task-\(task)", outputBytes: random.below(4096))
            record.byDevice = [:]
            for unit in platform.devices { record.byDevice?[unit.device.rawValue] = cost() }
            let reads = (0..<task).filter { _ in random.oneIn(4) }
            graph.add(record, reads: reads)
        }
        return graph
    }

    private mutating func mutate(_ graph: LabGraph) -> LabGraph {
        var graph = graph
        let task = random.below(graph.tasks.count)
        switch random.below(4) {
        case 0, 1:
            let unit = platform.devices[random.below(platform.devices.count)]
            graph.tasks[task].byDevice?[unit.device.rawValue] = cost()
        case 2:
            let bytes = random.below(65_536)
            graph.tasks[task].outputBytes = bytes
            for reader in graph.tasks.indices {
                for place in graph.tasks[reader].inputs.indices
                where graph.tasks[reader].inputs[place].task == task {
                    graph.tasks[reader].inputs[place].bytes = bytes
                }
            }
        default:
            guard task > 0 else { return graph }
            let producer = random.below(task)
            if let place = graph.tasks[task].inputs.firstIndex(where: { $0.task == producer }) {
                graph.tasks[task].inputs.remove(at: place)
            } else {
                graph.tasks[task].inputs.append(
                    .init(task: producer, bytes: graph.tasks[producer].outputBytes))
            }
        }
        return graph
    }
}
