/// What a scheduling policy sees: the steps of a plan as columns, in execution order, and the core
/// sets that the devices live on. It says nothing about values: a plan serves every graph of its
/// structure, so neither contents nor the addresses of the given arrays are known.
public struct PlacementGraph: Sendable {
    /// Where a step finds an input, and how much it reads of it.
    public struct Input: Sendable, Hashable {
        /// Where a value lies.
        public enum Place: Sendable, Hashable {
            /// In memory of the device that an earlier step is placed on.
            case step(Int)
            /// In an array that was given, by its number. Who wrote it is not known.
            case array(Int)
            /// A number within the plan's constants.
            case constant
        }

        /// Where it lies.
        public var place: Place
        /// How many bytes the step reads of it.
        public var byteCount: Int

        /// The step that computes it, nil for what is there before.
        public var producer: Int? { if case .step(let step) = place { step } else { nil } }

        package init(place: Place, byteCount: Int) {
            self.place = place
            self.byteCount = byteCount
        }
    }

    /// The operations' names; a fused cluster has the name of its last one.
    public internal(set) var names: [String] = []
    /// Floating-point or integer operations of each step.
    public internal(set) var flops: [Double] = []
    /// Bytes each step reads and writes.
    public internal(set) var bytes: [Double] = []
    /// Bytes of what each step writes: the memory that the plan needs for it.
    public internal(set) var outputByteCounts: [Int] = []
    /// The devices that have a kernel for the step and that the user allows; at least one.
    public internal(set) var candidates: [DeviceSet] = []
    /// Whether the user named the device.
    public internal(set) var isPinned: [Bool] = []
    /// Calibrated cost of each step on each device; infinite where it cannot run.
    public internal(set) var nanoseconds: [PerDevice<Double>] = []
    /// The cores, and which devices share them.
    public internal(set) var coreSets: [CoreSet]
    /// What a value costs on its way from one core set to another, row by row.
    private var handovers: [Handover]
    private let coreSetOfDevice: PerDevice<Int>
    private var inputList: [Input] = []
    private var inputEnds: [Int] = []

    /// How many steps there are.
    public var count: Int { names.count }

    /// A graph without steps.
    /// - Parameter handovers: from each core set to each, row by row; nil for one memory that all
    ///   cores reach alike.
    package init(coreSets: [CoreSet] = CoreSet.shared, handovers: [Handover]? = nil) {
        self.coreSets = coreSets
        let count = coreSets.count
        self.handovers =
            handovers
            ?? (0..<(count * count)).map { $0 / count == $0 % count ? .none : .unified }
        var setOf = PerDevice(repeating: 0)
        for (number, set) in coreSets.enumerated() {
            for device in set.devices.devices { setOf[device] = number }
        }
        coreSetOfDevice = setOf
    }

    /// The inputs of a step, in the order its operation names them.
    public func inputs(of step: Int) -> ArraySlice<Input> {
        inputList[(step == 0 ? 0 : inputEnds[step - 1])..<inputEnds[step]]
    }

    /// The number of a device's core set.
    public func coreSet(of device: DeviceType) -> Int { coreSetOfDevice[device] }

    /// What handing values from one core set to another costs.
    public func handover(from source: Int, to destination: Int) -> Handover {
        handovers[source * coreSets.count + destination]
    }

    /// The candidate with the least cost for a step by itself; the first of equal ones.
    public func cheapestDevice(for step: Int) -> DeviceType {
        PlacementGraph.cheapest(nanoseconds[step], candidates[step])
    }

    @inline(__always) static func cheapest(
        _ costs: PerDevice<Double>, _ candidates: DeviceSet
    ) -> DeviceType {
        var best: DeviceType?
        for device in DeviceType.allCases where candidates.contains(device) {
            // Of equals the last, which is there for fewer things.
            if best == nil || costs[device] <= costs[best!] { best = device }
        }
        return best ?? .cpu
    }

    /// The same graph with other costs: what steps take when they run, beside what was expected.
    package func replacingNanoseconds(_ costs: [PerDevice<Double>]) -> PlacementGraph {
        var copy = self
        copy.nanoseconds = costs
        return copy
    }

    /// The same step at another size.
    mutating func update(
        _ step: Int, flops: Double, bytes: Double, outputByteCount: Int,
        nanoseconds: PerDevice<Double>
    ) {
        self.flops[step] = flops
        self.bytes[step] = bytes
        outputByteCounts[step] = outputByteCount
        self.nanoseconds[step] = nanoseconds
    }

    /// An input, counted over all steps, at another size.
    mutating func updateInput(_ number: Int, byteCount: Int) {
        inputList[number].byteCount = byteCount
    }

    mutating func reserve(_ steps: Int) {
        names.reserveCapacity(steps)
        flops.reserveCapacity(steps)
        bytes.reserveCapacity(steps)
        outputByteCounts.reserveCapacity(steps)
        candidates.reserveCapacity(steps)
        isPinned.reserveCapacity(steps)
        nanoseconds.reserveCapacity(steps)
        inputEnds.reserveCapacity(steps)
        inputList.reserveCapacity(steps * 2)
    }

    /// Adds a step that reads the given inputs.
    package mutating func append(
        _ name: String, flops: Double, bytes: Double, outputByteCount: Int,
        candidates: DeviceSet, isPinned: Bool, nanoseconds: PerDevice<Double>
    ) {
        names.append(name)
        self.flops.append(flops)
        self.bytes.append(bytes)
        outputByteCounts.append(outputByteCount)
        self.candidates.append(candidates)
        self.isPinned.append(isPinned)
        self.nanoseconds.append(nanoseconds)
        inputEnds.append(inputList.count)
    }

    /// Adds an input to the step added last.
    package mutating func appendInput(_ input: Input) {
        inputList.append(input)
        inputEnds[inputEnds.count - 1] += 1
    }
}

/// What a value costs on its way between two core sets. On one machine they share the memory: what
/// is left is waking the other side. Experiments describe machines with links.
public struct Handover: Hashable, Sendable {
    /// Nanoseconds, however small the value.
    public var nanoseconds: Double
    /// Nanoseconds for each byte.
    public var nanosecondsPerByte: Double

    /// - Parameters:
    ///   - nanoseconds: however small the value.
    ///   - nanosecondsPerByte: for each byte.
    public init(nanoseconds: Double, nanosecondsPerByte: Double = 0) {
        self.nanoseconds = nanoseconds
        self.nanosecondsPerByte = nanosecondsPerByte
    }

    /// Within a core set.
    public static let none = Handover(nanoseconds: 0)
    /// Between core sets of one memory, as `CostPolicy` takes it.
    public static let unified = Handover(nanoseconds: CostPolicy().handoverNanoseconds)

    /// What so many bytes take.
    public func nanoseconds(byteCount: Int) -> Double {
        nanoseconds + nanosecondsPerByte * Double(byteCount)
    }
}
