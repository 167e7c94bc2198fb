import MLXBase

/// Decides which device runs each step of a plan. The same policies serve real and simulated
/// runs. A policy is a value and the key of the plans that it made: equal policies must place
/// equal graphs equally, and everything that it decides by must be part of its equality.
public protocol SchedulingPolicy: Hashable, Sendable {
    /// The name that `MLX_POLICY`, errors and traces use.
    var name: String { get }
    /// A device for each step, out of its candidates. Another number of devices, or a device that
    /// is no candidate, makes the evaluation fail with an `ArrayError` that names the policy.
    func place(_ graph: PlacementGraph) -> [DeviceType]
    /// The devices, and the order the steps are started in. A policy that has no order of its own
    /// leaves it out and is asked for devices alone. An order that is no permutation, or starts a
    /// step before one that it reads, makes the evaluation fail as above.
    func schedule(_ graph: PlacementGraph) -> Schedule
}

extension SchedulingPolicy {
    public func schedule(_ graph: PlacementGraph) -> Schedule { Schedule(devices: place(graph)) }
}

/// What a policy decides of a plan.
public struct Schedule: Hashable, Sendable {
    /// A device for each step.
    public var devices: [DeviceType]
    /// The steps in the order they are started in, each after those that it reads; nil for the
    /// order they were recorded in. Every device keeps to it.
    public var order: [Int]?

    /// - Parameters:
    ///   - devices: a device for each step.
    ///   - order: the steps in the order they are started in; nil for the recorded one.
    public init(devices: [DeviceType], order: [Int]? = nil) {
        self.devices = devices
        self.order = order
    }
}

/// Least cost. Where all devices share their cores, each step goes to the device that is best at
/// it, whatever stands before or beside it: so an expression has the same bits wherever it stands.
/// Where devices have cores of their own, each goes to the one that would be done with it first,
/// counting what its cores have to do before and a hand-over for inputs from other cores: list
/// scheduling as in HEFT (Topcuoglu, Hariri and Wu 2002), in recorded order.
public struct CostPolicy: SchedulingPolicy {
    public var name: String { "cost" }
    /// What a dependency between two core sets costs, in nanoseconds.
    public var handoverNanoseconds: Double

    /// - Parameter handoverNanoseconds: what a dependency between two core sets costs, in
    ///   nanoseconds.
    public init(handoverNanoseconds: Double = 200) {
        self.handoverNanoseconds = handoverNanoseconds
    }

    public func place(_ graph: PlacementGraph) -> [DeviceType] {
        if graph.coreSets.count == 1 {
            return (0..<graph.count).map { graph.cheapestDevice(for: $0) }
        }
        var clocks = PlacementClocks(graph, handoverNanoseconds: handoverNanoseconds)
        return (0..<graph.count).map { step in
            let candidates = graph.candidates[step]
            var best: DeviceType?
            var bestFinish = Double.infinity
            for device in DeviceType.allCases where candidates.contains(device) {
                let finish = clocks.finish(of: step, on: device)
                // Of equals the last, which is there for fewer things.
                if finish <= bestFinish || best == nil { (best, bestFinish) = (device, finish) }
            }
            clocks.place(step, on: best ?? .cpu)
            return best ?? .cpu
        }
    }
}

/// One clock for each core set: when its cores are free, as steps are placed one after the other.
struct PlacementClocks {
    private let graph: PlacementGraph
    private let handoverNanoseconds: Double
    private var free: [Double]
    private var finished: [Double] = []
    private var setOf: [Int] = []

    init(_ graph: PlacementGraph, handoverNanoseconds: Double) {
        self.graph = graph
        self.handoverNanoseconds = handoverNanoseconds
        free = Array(repeating: 0, count: graph.coreSets.count)
        finished.reserveCapacity(graph.count)
        setOf.reserveCapacity(graph.count)
    }

    /// When the next step would be done on a device.
    func finish(of step: Int, on device: DeviceType) -> Double {
        let set = graph.coreSet(of: device)
        var start = free[set]
        for input in graph.inputs(of: step) {
            guard let producer = input.producer else { continue }
            let handover = setOf[producer] == set ? 0 : handoverNanoseconds
            start = max(start, finished[producer] + handover)
        }
        return start + graph.nanoseconds[step][device]
    }

    mutating func place(_ step: Int, on device: DeviceType) {
        let finish = finish(of: step, on: device)
        let set = graph.coreSet(of: device)
        finished.append(finish)
        setOf.append(set)
        free[set] = finish
    }

    /// When the last of the placed steps is done.
    var makespanNanoseconds: Double { free.max() ?? 0 }
}

/// Devices in turn.
public struct RoundRobinPolicy: SchedulingPolicy {
    public var name: String { "round-robin" }
    /// The policy, which has no settings.
    public init() {}

    public func place(_ graph: PlacementGraph) -> [DeviceType] {
        graph.candidates.enumerated().map { turn, candidates in
            let devices = candidates.devices
            return devices[turn % devices.count]
        }
    }
}

/// A device drawn at random for each step, the same for the same seed.
public struct RandomPolicy: SchedulingPolicy {
    public var name: String { "random" }
    /// What the draws depend on.
    public var seed: UInt64
    /// - Parameter seed: what the draws depend on.
    public init(seed: UInt64 = 0) { self.seed = seed }

    public func place(_ graph: PlacementGraph) -> [DeviceType] {
        var random = SplitMix64(seed: seed)
        return graph.candidates.map { candidates in
            let devices = candidates.devices
            return devices[Int(random.next() % UInt64(devices.count))]
        }
    }
}

/// Everything on one device, as far as it has the kernels; the rest where it costs least.
public struct SingleDevicePolicy: SchedulingPolicy {
    public var name: String { "all-\(device.rawValue)" }
    /// The device.
    public var device: DeviceType
    /// Everything on the cpu, which has a kernel for every operation.
    public static let allCPU = SingleDevicePolicy(.cpu)
    /// Everything on the gpu, as far as it has kernels; the rest on the cpu.
    public static let allGPU = SingleDevicePolicy(.gpu)
    /// What the npu has kernels for, on it.
    public static let allNPU = SingleDevicePolicy(.npu)

    /// - Parameter device: where everything goes.
    public init(_ device: DeviceType) { self.device = device }

    public func place(_ graph: PlacementGraph) -> [DeviceType] {
        (0..<graph.count).map { step in
            graph.candidates[step].contains(device) ? device : graph.cheapestDevice(for: step)
        }
    }
}
