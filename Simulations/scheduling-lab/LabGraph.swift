import MLXBase
import MLXOps
import MLXPlanner

/// A graph of tasks, before anybody says what machine it runs on: generated, imported or captured.
/// Invariant: a task reads tasks of smaller numbers only, so there is no cycle.
struct LabGraph: Codable, Hashable, Sendable {
    /// One task: work by class, from which a platform's rates make a time, or a time given.
    struct Task: Codable, Hashable, Sendable {
        var name: String
        var work: WorkClass = .other
        var flops = 0.0
        /// Read and written.
        var bytes = 0.0
        var outputBytes = 0
        /// Nanoseconds on a device of speed one; what is given goes before work.
        var nanoseconds: Double?
        /// Nanoseconds by device, for graphs whose costs follow no rate.
        var byDevice: [String: Double]?
        /// The devices that have a kernel for it; nil for all.
        var devices: [DeviceType]?
        var inputs: [Input] = []
        /// Bytes of arrays that were there before.
        var givenBytes = 0
    }

    struct Input: Codable, Hashable, Sendable {
        var task: Int
        var bytes: Int
    }

    var name: String
    var family: String
    var tasks: [Task] = []
    /// A tiled Cholesky has a bound of its own.
    var choleskyTiles: Int?

    var edgeCount: Int { tasks.reduce(0) { $0 + $1.inputs.count } }

    /// Adds a task that reads whole results of others.
    @discardableResult
    mutating func add(_ task: Task, reads: [Int]) -> Int {
        var task = task
        task.inputs = reads.map { Input(task: $0, bytes: tasks[$0].outputBytes) }
        tasks.append(task)
        return tasks.count - 1
    }

    /// What policies see of it on a platform.
    func placement(on platform: Platform) -> PlacementGraph {
        var graph = PlacementGraph(coreSets: platform.coreSets, handovers: platform.handovers)
        var arrays = 0
        // A model says itself what it runs.
        let modelled = platform.devices.filter { $0.model != nil }.map(\.device)
        for task in tasks {
            var (candidates, nanoseconds) = platform.nanoseconds { unit in
                if let model = unit.model, !model.runs(task.name, task.work) { return nil }
                if let given = task.byDevice?[unit.device.rawValue] { return given }
                if let given = task.nanoseconds { return given / unit.speed }
                return unit.rates.nanoseconds(task.work, flops: task.flops, bytes: task.bytes)
            }
            if let devices = task.devices {
                let able = candidates.intersection(
                    DeviceSet((devices + modelled).map { DeviceSet($0) }))
                if !able.isEmpty { candidates = able }
                for device in DeviceType.allCases where !candidates.contains(device) {
                    nanoseconds[device] = .infinity
                }
            }
            graph.append(
                task.name, flops: task.flops, bytes: task.bytes,
                outputByteCount: task.outputBytes, candidates: candidates, isPinned: false,
                nanoseconds: nanoseconds)
            for input in task.inputs {
                graph.appendInput(.init(place: .step(input.task), byteCount: input.bytes))
            }
            if task.givenBytes > 0 {
                graph.appendInput(.init(place: .array(arrays), byteCount: task.givenBytes))
                arrays += 1
            }
        }
        return graph
    }
}

/// What a run's steps really take, drawn around what the model expects: the factor of each step is
/// the same on all devices, with a spread as measured on machines.
struct CostDraw {
    var spread: Double
    var seed: UInt64

    func costs(of graph: PlacementGraph) -> [PerDevice<Double>] {
        guard spread > 0 else { return graph.nanoseconds }
        var random = SplitMix64(seed: seed &* 0x9E37_79B9 &+ 17)
        return graph.nanoseconds.map { expected in
            // A sum of twelve even draws is close to a normal one; a tenth is the least factor.
            let normal = (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() }
            let factor = max(0.1, 1 + spread * normal)
            var drawn = expected
            for device in DeviceType.allCases { drawn[device] = expected[device] * factor }
            return drawn
        }
    }
}
