import MLXBase
import MLXGraph

/// What a scheduling policy sees of the steps of a plan: columns, in execution order.
public struct PlacementGraph: Sendable {
    /// The operations' names; a fused cluster has the name of its last one.
    public internal(set) var names: [String] = []
    /// Floating-point or integer operations of each step.
    public internal(set) var flops: [Double] = []
    /// Bytes each step reads and writes.
    public internal(set) var bytes: [Double] = []
    /// The devices that have a kernel for the step and that the user allows.
    public internal(set) var candidates: [DeviceSet] = []
    /// Whether the user named the device.
    public internal(set) var isPinned: [Bool] = []
    /// Calibrated cost of each step on each device, in nanoseconds; infinite where it cannot run.
    public internal(set) var nanoseconds: [[Double]] = []
    /// Producers of each step's inputs.
    public internal(set) var producers: [[Int]] = []
    /// How many steps there are.
    public var count: Int { names.count }
    /// A graph without steps.
    public init() {}
}

/// A set of device kinds.
public struct DeviceSet: OptionSet, Sendable, Hashable {
    /// One bit for each device kind.
    public let rawValue: UInt8
    /// The set of the devices whose bits are set.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The cpu.
    public static let cpu = DeviceSet(rawValue: 1)
    /// The gpu.
    public static let gpu = DeviceSet(rawValue: 2)
    /// The npu.
    public static let npu = DeviceSet(rawValue: 4)

    package init(_ kind: DeviceKind) { self.init(rawValue: 1 << UInt8(kind.index)) }
    package func contains(_ kind: DeviceKind) -> Bool { contains(DeviceSet(kind)) }
    package var first: DeviceKind? { DeviceKind.allCases.first(where: contains) }
    package var kinds: [DeviceKind] { DeviceKind.allCases.filter(contains) }
}

/// Decides which device runs each step of a plan. The same policies serve real and simulated
/// runs. A policy is a value: equal keys must place equal graphs equally, because plans are cached.
public protocol SchedulingPolicy: Sendable {
    /// The name that `MLX_POLICY` and traces use.
    var name: String { get }
    /// Identifies the policy together with its parameters.
    var cacheKey: UInt64 { get }
    /// A device for each step, out of its candidates, as an index: 0 cpu, 1 gpu, 2 npu.
    func place(_ graph: PlacementGraph) -> [Int]
}

extension SchedulingPolicy {
    /// FNV-1a of the name.
    public var cacheKey: UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

/// Earliest finish time: each step goes to the device that would be done with it first, counting
/// the calibrated cost, what the device has to do before, and a hand-over for inputs from another
/// one. It is list scheduling as in HEFT (Topcuoglu, Hariri and Wu 2002) in recorded order; where
/// all devices share cores, it still keeps a chain on the device that is best at it.
public struct CostPolicy: SchedulingPolicy {
    public var name: String { "cost" }
    /// What a dependency between two devices costs, in nanoseconds.
    public var handoverNanoseconds: Double

    /// - Parameter handoverNanoseconds: what a dependency between two devices costs, in
    ///   nanoseconds.
    public init(handoverNanoseconds: Double = 200) {
        self.handoverNanoseconds = handoverNanoseconds
    }

    public func place(_ graph: PlacementGraph) -> [Int] {
        var devices: [Int] = []
        var finished: [Double] = []
        devices.reserveCapacity(graph.count)
        finished.reserveCapacity(graph.count)
        var free = [Double](repeating: 0, count: DeviceKind.allCases.count)
        for step in 0..<graph.count {
            var best = -1
            var bestFinish = Double.infinity
            for kind in graph.candidates[step].kinds {
                let device = kind.index
                var start = free[device]
                for producer in graph.producers[step] {
                    let handover = devices[producer] == device ? 0 : handoverNanoseconds
                    start = max(start, finished[producer] + handover)
                }
                let finish = start + graph.nanoseconds[step][device]
                if finish < bestFinish || best < 0 { (best, bestFinish) = (device, finish) }
            }
            devices.append(best)
            finished.append(bestFinish)
            free[best] = bestFinish
        }
        return devices
    }
}

/// Devices in turn.
public struct RoundRobinPolicy: SchedulingPolicy {
    public var name: String { "round-robin" }
    /// The policy, which has no settings.
    public init() {}

    public func place(_ graph: PlacementGraph) -> [Int] {
        var turn = 0
        return graph.candidates.map { candidates in
            let kinds = candidates.kinds
            defer { turn += 1 }
            return kinds[turn % kinds.count].index
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
    public var cacheKey: UInt64 { seed &* 0x9E37_79B9_7F4A_7C15 ^ 0x5261_6E64 }

    public func place(_ graph: PlacementGraph) -> [Int] {
        var random = SplitMix64(seed: seed)
        return graph.candidates.map { candidates in
            let kinds = candidates.kinds
            return kinds[Int(random.next() % UInt64(kinds.count))].index
        }
    }
}

/// Everything on one device, as far as it has the kernels.
public struct SingleDevicePolicy: SchedulingPolicy {
    public let name: String
    private let index: Int
    /// Everything on the cpu, which has a kernel for every operation.
    public static let allCPU = SingleDevicePolicy(name: "all-cpu", index: 0)
    /// Everything on the gpu, as far as it has kernels; the rest on the cpu.
    public static let allGPU = SingleDevicePolicy(name: "all-gpu", index: 1)

    private init(name: String, index: Int) {
        self.name = name
        self.index = index
    }

    public func place(_ graph: PlacementGraph) -> [Int] {
        graph.candidates.map { candidates in
            let kinds = candidates.kinds
            return kinds.contains { $0.index == index } ? index : kinds[0].index
        }
    }
}

/// Policies by the names that `MLX_POLICY` takes; `random:SEED` sets the seed.
public func schedulingPolicy(named name: String) -> (any SchedulingPolicy)? {
    switch name {
    case "cost": CostPolicy()
    case "round-robin": RoundRobinPolicy()
    case "random": RandomPolicy()
    case "all-cpu": SingleDevicePolicy.allCPU
    case "all-gpu": SingleDevicePolicy.allGPU
    default:
        name.hasPrefix("random:")
            ? UInt64(name.dropFirst("random:".count)).map { RandomPolicy(seed: $0) } : nil
    }
}
