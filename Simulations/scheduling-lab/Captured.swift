import MLX
import MLXBase
import MLXOps
import MLXPlanner
import Synchronization

/// Graphs of the library itself: a policy that notes what it is shown sees a program's steps as the
/// planner cut and fused them, with their work.
enum Captured {
    static let names = ["attention", "perceptron-gradient", "spectrum"]

    static func graph(named name: String) throws -> LabGraph {
        guard names.contains(name) else {
            throw ArrayError(
                .argument, "dag",
                "captured:'\(name.prefix(64))' is none of \(names.joined(separator: ", "))")
        }
        let seen = Seen()
        try withPolicy(Noting(seen: seen)) { _ = try explain(program(name)) }
        guard let placed = seen.graph.withLock({ $0 }) else {
            throw ArrayError(.argument, "dag", "captured:\(name) has no steps")
        }
        return labGraph(placed, name)
    }

    /// The program of `captured:NAME`, to be recorded as often as wanted.
    static func program(named text: String) -> (() throws -> MLXArray)? {
        let name = String(text.drop { $0 != ":" }.dropFirst())
        guard text.hasPrefix("captured:"), names.contains(name) else { return nil }
        return { program(name) }
    }

    private static func program(_ name: String) -> MLXArray {
        switch name {
        case "attention": attention()
        case "perceptron-gradient": perceptronGradient()
        default: spectrum()
        }
    }

    private final class Seen: Sendable {
        let graph = Mutex<PlacementGraph?>(nil)
    }

    /// Places by cost and keeps what it was shown.
    private struct Noting: SchedulingPolicy {
        let seen: Seen
        var name: String { "noting" }
        func place(_ graph: PlacementGraph) -> [DeviceType] {
            seen.graph.withLock { $0 = graph }
            return CostPolicy().place(graph)
        }
        static func == (a: Noting, b: Noting) -> Bool { a.seen === b.seen }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(seen)) }
    }

    private static func labGraph(_ placed: PlacementGraph, _ name: String) -> LabGraph {
        var graph = LabGraph(name: "captured:\(name)", family: "captured")
        let classes = Dictionary(
            OpTable.rows.map { ($0.name, $0.work.workClass) }, uniquingKeysWith: { a, _ in a })
        for step in 0..<placed.count {
            var task = LabGraph.Task(
                name: placed.names[step], work: classes[placed.names[step]] ?? .other,
                flops: placed.flops[step], bytes: placed.bytes[step],
                outputBytes: placed.outputByteCounts[step])
            task.devices = placed.candidates[step].devices
            for input in placed.inputs(of: step) {
                if let producer = input.producer {
                    task.inputs.append(.init(task: producer, bytes: input.byteCount))
                } else {
                    task.givenBytes += input.byteCount
                }
            }
            graph.tasks.append(task)
        }
        return graph
    }

    // MARK: - Programs

    private static func given(_ shape: [Int], _ seed: UInt64) -> MLXArray {
        let array = MLXRandom.normal(shape, key: MLXRandom.key(seed))
        eval(array)
        return array
    }

    /// Four heads that nobody joined into one product.
    private static func attention() -> MLXArray {
        let x = given([128, 256], 1)
        let heads = (0..<4).map { head in
            let weights = (0..<3).map { given([256, 64], UInt64(10 + head * 3 + $0)) }
            let scores = softmax(
                matmul(matmul(x, weights[0]), matmul(x, weights[1]).T) / 8, axis: -1)
            return matmul(scores, matmul(x, weights[2]))
        }
        return matmul(concatenated(heads, axis: -1), given([256, 256], 2)) + x
    }

    private static func perceptronGradient() -> MLXArray {
        let x = given([64, 128], 3)
        let weights = [given([128, 256], 4), given([256, 256], 5), given([256, 10], 6)]
        func loss(_ weights: [MLXArray]) -> [MLXArray] {
            var value = x
            for weight in weights { value = tanh(matmul(value, weight)) }
            return [(value * value).mean()]
        }
        let gradients = grad(loss)(weights)
        return concatenated(gradients.map { $0.reshaped([-1]) })
    }

    private static func spectrum() -> MLXArray {
        let parts = (0..<6).map { part in
            let signal = given([64, 512], UInt64(20 + part))
            let power = MLX.abs(MLXFFT.rfft(signal)).square()
            return sorted(power, axis: -1).cumsum(axis: -1).mean(axis: 0)
        }
        return stacked(parts).max(axis: 0)
    }
}
