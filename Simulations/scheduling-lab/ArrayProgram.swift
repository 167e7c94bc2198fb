import MLX
import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// A lab's graph as a program of the library: each task adds up what it reads and multiplies it
/// with a matrix of its own, whose width follows from the task's work, and back. The engine plans
/// and runs it like any other, so what the lab expects can be compared with what happens.
enum ArrayProgram {
    /// Rows and columns of what tasks hand on.
    static let side = 96
    private static let widths = 16...512

    /// - Parameter leaf: makes an evaluated array of a shape; its contents do not matter.
    /// - Returns: what no task reads.
    static func results(
        of graph: LabGraph, leaf: ([Int]) throws -> MLXArray
    ) throws -> [MLXArray] {
        let most = graph.tasks.map(weight).max() ?? 1
        var results: [MLXArray] = []
        var isRead = [Bool](repeating: false, count: graph.tasks.count)
        var backs: [Int: MLXArray] = [:]
        for task in graph.tasks {
            let share = most > 0 ? weight(task) / most : 1
            let width = max(widths.lowerBound, Int(share * Double(widths.upperBound)))
            let back = try backs[width] ?? leaf([width, side])
            backs[width] = back
            var input = try task.inputs.first.map { results[$0.task] } ?? leaf([side, side])
            for other in task.inputs.dropFirst() { input = input + results[other.task] }
            for other in task.inputs { isRead[other.task] = true }
            results.append(matmul(matmul(input, try leaf([side, width])), back))
        }
        return results.indices.filter { !isRead[$0] }.map { results[$0] }
    }

    /// A graph's program with its leaves made and evaluated, to be recorded again and again.
    struct Prepared {
        let graph: LabGraph
        private let leaves: [MLXArray]

        /// - Parameter leaf: makes an evaluated array of a shape, the n-th of the program.
        init(_ graph: LabGraph, leaf: ([Int], _ number: Int) throws -> MLXArray) throws {
            self.graph = graph
            var leaves: [MLXArray] = []
            _ = try ArrayProgram.results(of: graph) { shape in
                leaves.append(try leaf(shape, leaves.count))
                return leaves[leaves.count - 1]
            }
            self.leaves = leaves
        }

        /// With random numbers, evaluated by the process's engine.
        init(_ graph: LabGraph) throws {
            try self.init(graph) { shape, number in
                MLXRandom.normal(shape, key: MLXRandom.key(UInt64(number + 1))) / 10
            }
            try checkedEval(leaves)
        }

        /// - Returns: what no task reads, recorded anew.
        func record() throws -> [MLXArray] {
            var next = 0
            return try ArrayProgram.results(of: graph) { _ in
                next += 1
                return leaves[next - 1]
            }
        }
    }

    private static func weight(_ task: LabGraph.Task) -> Double {
        task.nanoseconds ?? task.byDevice?.values.max() ?? max(task.flops, task.bytes)
    }
}

/// Passes on what another policy says, and keeps what it was shown and what it said.
struct NotingPolicy: SchedulingPolicy {
    final class Notes: Sendable {
        let seen = Mutex<(graph: PlacementGraph, schedule: Schedule)?>(nil)
    }

    let inner: any SchedulingPolicy
    let notes = Notes()
    var name: String { inner.name }

    func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    func schedule(_ graph: PlacementGraph) -> Schedule {
        let schedule = inner.schedule(graph)
        notes.seen.withLock { $0 = (graph, schedule) }
        return schedule
    }

    static func == (a: NotingPolicy, b: NotingPolicy) -> Bool { a.notes === b.notes }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(notes)) }
}
