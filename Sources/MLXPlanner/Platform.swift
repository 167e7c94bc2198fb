import MLXBase
import MLXGraph

/// A machine as experiments see it: devices with their cores and rates, links between the cores,
/// memories and how far apart they are. `mlx doctor --platform` writes the one it runs on, the
/// scheduling lab reads any.
/// Invariant: devices have all cores in common or none, as in a topology file, because a core set
/// runs one step at a time.
package struct Platform: Hashable, Sendable {
    package struct Unit: Hashable, Sendable {
        /// Which of the device types it is.
        package var device: DeviceType
        /// The cores it computes on; the same as another device's or none of them.
        package var cores: [Int]
        /// How many threads compute at once.
        package var threads: Int
        /// The number of its memory in `memories`.
        package var memory: Int
        /// How much faster than a machine of speed one it is at steps whose time is given.
        package var speed: Double
        /// What it takes for steps whose work is given.
        package var rates: CostModel.Rates
        /// What the rates are made of, for an accelerator that is only modelled.
        package var model: NPUModel?

        package init(
            device: DeviceType, cores: [Int], threads: Int, memory: Int, speed: Double,
            rates: CostModel.Rates
        ) {
            self.device = device
            self.cores = cores
            self.threads = threads
            self.memory = memory
            self.speed = speed
            self.rates = rates
        }
    }

    /// What values cost on their way between two devices' cores, in both directions.
    package struct Link: Hashable, Sendable, Codable {
        package var between: [DeviceType]
        package var nanoseconds: Double
        package var nanosecondsPerByte: Double
    }

    package struct Memory: Hashable, Sendable, Codable {
        package var bytes: Int
        package var bytesPerNanosecond: Double

        package init(bytes: Int, bytesPerNanosecond: Double) {
            self.bytes = bytes
            self.bytesPerNanosecond = bytesPerNanosecond
        }
    }

    package var name: String
    package var devices: [Unit]
    /// Pairs that are not listed share a memory, or reach over to the other's.
    package var links: [Link]
    package var memories: [Memory]
    /// How far each memory is from each: 10 is here, 20 takes twice as long.
    package var distances: [[Double]]

    package init(
        name: String, devices: [Unit], links: [Link], memories: [Memory], distances: [[Double]]
    ) {
        self.name = name
        self.devices = devices
        self.links = links
        self.memories = memories
        self.distances = distances
    }
}

extension Platform.Unit: Codable {
    private enum Key: String, CodingKey {
        case device, cores, threads, memory, speed, rates, model
    }

    /// The rates, or a model that makes them.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let model = try container.decodeIfPresent(NPUModel.self, forKey: .model)
        if model != nil && container.contains(.rates) {
            throw DecodingError.dataCorruptedError(
                forKey: .model, in: container, debugDescription: "stands beside rates")
        }
        self.init(
            device: try container.decode(DeviceType.self, forKey: .device),
            cores: try container.decode([Int].self, forKey: .cores),
            threads: try container.decode(Int.self, forKey: .threads),
            memory: try container.decode(Int.self, forKey: .memory),
            speed: try container.decode(Double.self, forKey: .speed),
            rates: try model?.rates ?? container.decode(CostModel.Rates.self, forKey: .rates))
        self.model = model
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(device, forKey: .device)
        try container.encode(cores, forKey: .cores)
        try container.encode(threads, forKey: .threads)
        try container.encode(memory, forKey: .memory)
        try container.encode(speed, forKey: .speed)
        if let model {
            try container.encode(model, forKey: .model)
        } else {
            try container.encode(rates, forKey: .rates)
        }
    }
}

extension Platform: Codable {
    private enum Key: String, CodingKey { case name, devices, links, memories, distances }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        name = try container.decode(String.self, forKey: .name)
        devices = try container.decode([Unit].self, forKey: .devices)
        links = try container.decodeIfPresent([Link].self, forKey: .links) ?? []
        memories = try container.decode([Memory].self, forKey: .memories)
        distances = try container.decodeIfPresent([[Double]].self, forKey: .distances) ?? []
    }
}

// MARK: - What is wrong with it

extension Platform {
    /// What policies could not work with, by field; nil when the platform makes sense.
    package var problem: String? {
        if name.isEmpty { return "name: is empty" }
        guard (1...DeviceType.allCases.count).contains(devices.count) else {
            return "devices: not a list of 1 to \(DeviceType.allCases.count)"
        }
        if devices.allSatisfy({ $0.model != nil }) {
            return "devices: all are modelled, and one must run everything"
        }
        if memories.isEmpty { return "memories: is empty" }
        for (index, memory) in memories.enumerated() {
            if memory.bytes < 0 { return "memories[\(index)].bytes: is negative" }
            if !(memory.bytesPerNanosecond > 0 && memory.bytesPerNanosecond.isFinite) {
                return "memories[\(index)].bytesPerNanosecond: is not above zero"
            }
        }
        for index in devices.indices {
            if let problem = problem(ofDevice: index) { return "devices[\(index)].\(problem)" }
        }
        for (index, link) in links.enumerated() {
            if let problem = problem(of: link) { return "links[\(index)].\(problem)" }
        }
        return problemOfDistances
    }

    private func problem(ofDevice index: Int) -> String? {
        let device = devices[index]
        let before = devices[..<index]
        if before.contains(where: { $0.device == device.device }) {
            return "device: \(device.device) is listed twice"
        }
        if device.cores.isEmpty || device.cores.contains(where: { $0 < 0 }) {
            return "cores: not a list of one or more cores"
        }
        if Set(device.cores).count != device.cores.count { return "cores: a core is named twice" }
        for other in before {
            let common = Set(other.cores).intersection(device.cores)
            if !common.isEmpty && Set(other.cores) != Set(device.cores) {
                return "cores: shares some cores with \(other.device), not all"
            }
        }
        if device.threads < 1 { return "threads: is not above zero" }
        if !memories.indices.contains(device.memory) {
            return "memory: there is no memory \(device.memory)"
        }
        if !(device.speed > 0 && device.speed.isFinite) { return "speed: is not above zero" }
        if let problem = device.model?.problem { return "model.\(problem)" }
        return device.rates.isUsable ? nil : "rates: not all are above zero"
    }

    private func problem(of link: Link) -> String? {
        guard link.between.count == 2, link.between[0] != link.between[1] else {
            return "between: not two devices"
        }
        for device in link.between where !devices.contains(where: { $0.device == device }) {
            return "between: there is no device \(device)"
        }
        for (name, value) in [
            ("nanoseconds", link.nanoseconds), ("nanosecondsPerByte", link.nanosecondsPerByte),
        ] where !(value >= 0 && value.isFinite) {
            return "\(name): is negative"
        }
        return nil
    }

    private var problemOfDistances: String? {
        if distances.isEmpty { return nil }
        guard distances.count == memories.count else {
            return "distances: \(distances.count) rows for \(memories.count) memories"
        }
        for (index, row) in distances.enumerated() {
            guard row.count == memories.count else {
                return "distances[\(index)]: \(row.count) numbers for \(memories.count) memories"
            }
            if row.contains(where: { !($0 >= 10 && $0.isFinite) }) {
                return "distances[\(index)]: below 10, which is here"
            }
        }
        return nil
    }
}

// MARK: - What policies see of it

extension Platform {
    /// Devices by the cores they share.
    package var coreSets: [CoreSet] {
        var sets: [CoreSet] = []
        for unit in devices {
            if let index = sets.firstIndex(where: { Set($0.cores) == Set(unit.cores) }) {
                sets[index].devices.insert(DeviceSet(unit.device))
            } else {
                sets.append(
                    CoreSet(
                        devices: DeviceSet(unit.device), cores: unit.cores,
                        threadCount: unit.threads, memoryNode: unit.memory,
                        memoryByteCount: memories[unit.memory].bytes))
            }
        }
        return sets
    }

    /// Between each two core sets, row by row: the link of their devices, or what the distance of
    /// their memories makes of waking another core.
    package var handovers: [Handover] {
        let sets = coreSets
        return sets.flatMap { from in
            sets.map { to in from == to ? .none : handover(from, to) }
        }
    }

    private func handover(_ from: CoreSet, _ to: CoreSet) -> Handover {
        let link = links.first { link in
            from.devices.contains(link.between[0]) && to.devices.contains(link.between[1])
                || from.devices.contains(link.between[1]) && to.devices.contains(link.between[0])
        }
        if let link {
            return Handover(
                nanoseconds: link.nanoseconds, nanosecondsPerByte: link.nanosecondsPerByte)
        }
        guard from.memoryNode != to.memoryNode, !distances.isEmpty else { return .unified }
        let factor = distances[from.memoryNode][to.memoryNode] / 10
        return Handover(
            nanoseconds: Handover.unified.nanoseconds * factor,
            nanosecondsPerByte: (factor - 1) / memories[from.memoryNode].bytesPerNanosecond)
    }

    /// All memories together.
    package var bytesPerNanosecond: Double {
        memories.reduce(0) { $0 + $1.bytesPerNanosecond }
    }

    /// The device of a type.
    package func unit(_ device: DeviceType) -> Unit? { devices.first { $0.device == device } }

    /// What a step takes on each device that runs it, and which those are.
    /// - Parameter cost: nil where a device does not run it.
    package func nanoseconds(
        _ cost: (Unit) -> Double?
    ) -> (candidates: DeviceSet, nanoseconds: PerDevice<Double>) {
        var costs = PerDevice(repeating: Double.infinity)
        var candidates: DeviceSet = []
        for unit in devices {
            guard let nanoseconds = cost(unit) else { continue }
            costs[unit.device] = nanoseconds
            candidates.insert(DeviceSet(unit.device))
        }
        return (candidates, costs)
    }
}
