import MLXBase
import MLXGraph
import MLXOps

/// How long a step takes on a device, from figures measured on the machine: a start-up cost, a
/// rate for arithmetic by class of work, and a rate for memory traffic. The slower of the two
/// rates binds (the roofline model, Williams, Waterman and Patterson 2009). A function of the
/// operation and its operands' layouts: it sees no neighbour and no value.
package struct CostModel: Hashable, Sendable {
    package struct Rates: Hashable, Sendable {
        /// Nanoseconds before a step does anything.
        package var startNanoseconds: Double
        /// Bytes per nanosecond from and to memory.
        package var bandwidth: Double
        /// Operations per nanosecond, while the data is in cache, by class of work; bytes per
        /// nanosecond for `memory`, whose operations compute nothing.
        fileprivate var work: [Double]
        /// The local memory of a modelled accelerator; nil where caches do what they do.
        package var tiles: NPUModel.Tiles?

        /// - Parameter other: the rate of classes that `work` does not name.
        package init(
            startNanoseconds: Double, bandwidth: Double, other: Double = 1,
            work: [WorkClass: Double] = [:]
        ) {
            self.startNanoseconds = startNanoseconds
            self.bandwidth = bandwidth
            self.work = WorkClass.allCases.map { work[$0] ?? other }
        }

        /// Operations per nanosecond of a class.
        package subscript(work: WorkClass) -> Double {
            get { self.work[work.index] }
            set { self.work[work.index] = newValue }
        }

        /// Whether a policy can divide by the figures.
        package var isUsable: Bool {
            startNanoseconds >= 0 && startNanoseconds.isFinite && tiles?.isUsable != false
                && ([bandwidth] + work).allSatisfy { $0 > 0 && $0.isFinite }
        }
    }

    /// By device kind: cpu, gpu, npu.
    package var rates: [Rates]

    package init(rates: [Rates]) {
        precondition(rates.count == DeviceKind.allCases.count, "rates for every device")
        self.rates = rates
    }

    fileprivate static let memory = WorkClass.memory.index

    package var isUsable: Bool { rates.allSatisfy(\.isUsable) }

    /// Typical of a two-core machine with AVX2; stands in until the machine has been measured.
    package static let typical = CostModel(rates: [
        Rates(
            startNanoseconds: 300, bandwidth: 20,
            work: [
                .matmul: 150, .convolution: 60, .elementwise: 2, .reduction: 4, .int8: 20,
                .quantized: 20, .attention: 60, .pooling: 2, .sort: 2, .scan: 2, .gather: 1,
                .fft: 4, .linearAlgebra: 4, .memory: 10, .random: 2,
            ]),
        Rates(
            startNanoseconds: 500, bandwidth: 25,
            work: [
                .matmul: 140, .convolution: 80, .elementwise: 4, .reduction: 8, .int8: 20,
                .quantized: 20, .attention: 60, .pooling: 2, .sort: 2, .scan: 2, .gather: 1,
                .fft: 4, .linearAlgebra: 4, .memory: 10, .random: 2,
            ]),
        Rates(startNanoseconds: 500, bandwidth: 20, work: [.int8: 200]),
    ])

    /// What a step with so much work costs on each device that may run it; infinite elsewhere.
    package func nanoseconds(
        _ op: OpCode, flops: Double, bytes: Double, on candidates: DeviceSet
    ) -> PerDevice<Double> {
        let (work, special) = (WorkClass.index(of: op), OpTable.specialWork[Int(op.raw)])
        var costs = PerDevice(repeating: Double.infinity)
        for kind in DeviceKind.allCases where candidates.contains(kind) {
            costs[DeviceType(kind)] = price(kind, work, special, flops, bytes)
        }
        return costs
    }

    package func nanoseconds(
        _ op: OpCode, flops: Double, bytes: Double, on kind: DeviceKind
    ) -> Double {
        price(kind, WorkClass.index(of: op), OpTable.specialWork[Int(op.raw)], flops, bytes)
    }

    @inline(__always) private func price(
        _ kind: DeviceKind, _ work: Int, _ special: OpWork.Special?, _ flops: Double,
        _ bytes: Double
    ) -> Double {
        if let special, special.engine == kind.traits.products {
            return rates[kind.index].nanoseconds(
                special.workClass, flops: flops + special.flopsPerByte * bytes, bytes: bytes)
        }
        return rates[kind.index].nanoseconds(work, flops, bytes)
    }
}

extension CostModel {
    /// What a step weighs when it is asked whether waking other cores would help it: the rates are
    /// those of all cores of a device, so what lies beyond the start is more work for one core,
    /// the more cores there are. With two of them it is the expected time.
    func weight(_ nanoseconds: Double, on device: DeviceType, _ coreSets: [CoreSet]) -> Double {
        let threads = coreSets.first { $0.devices.contains(device) }?.threadCount ?? 1
        let shared = nanoseconds - rates[device.kind.index].startNanoseconds
        return max(nanoseconds, shared * Double(threads) / 2)
    }
}

extension CostModel.Rates {
    /// What a step of a class of work takes.
    package func nanoseconds(_ work: WorkClass, flops: Double, bytes: Double) -> Double {
        nanoseconds(work.index, flops, bytes)
    }

    @inline(__always) fileprivate func nanoseconds(
        _ work: Int, _ flops: Double, _ bytes: Double
    ) -> Double {
        if work == CostModel.memory { return startNanoseconds + bytes / self.work[work] }
        if let tiles {
            return startNanoseconds
                + tiles.nanoseconds(
                    flops: flops, bytes: bytes, rate: self.work[work], bandwidth: bandwidth)
        }
        return startNanoseconds + max(flops / self.work[work], bytes / bandwidth)
    }
}

// MARK: - Models that no machine has

extension CostModel {
    /// A machine drawn at random, the same for the same seed: tests that pass under several of
    /// them do not rely on where a step happens to run.
    package static func random(seed: UInt64) -> CostModel {
        var random = SplitMix64(seed: seed)
        /// Between a sixteenth and sixteen times of `value`, evenly in the exponent.
        func around(_ value: Double) -> Double {
            let exponent = random.unit() * 8 - 4
            // Without a mathematical library: powers of two by halves.
            let whole = exponent.rounded(.down)
            return value * Double(sign: .plus, exponent: Int(whole), significand: 1)
                * (1 + exponent - whole)
        }
        var model = typical
        for device in model.rates.indices {
            model.rates[device].startNanoseconds = around(200)
            model.rates[device].bandwidth = around(20)
            for work in WorkClass.allCases {
                model.rates[device][work] = around(typical.rates[device][work])
            }
        }
        return model
    }

    /// A machine on which one device is a hundred times better than the others at everything.
    package static func favouring(_ device: DeviceType) -> CostModel {
        var model = typical
        for kind in DeviceKind.allCases where kind != device.kind {
            model.rates[kind.index].startNanoseconds *= 100
            model.rates[kind.index].bandwidth /= 100
            for work in WorkClass.allCases { model.rates[kind.index][work] /= 100 }
        }
        return model
    }

    /// The models that tests ask for by name: `typical`, `random:SEED`, `favouring:DEVICE`.
    package static func named(_ name: String) -> CostModel? {
        if name == "typical" { return .typical }
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "random": return UInt64(parts[1]).map { random(seed: $0) }
        case "favouring": return DeviceType(rawValue: parts[1]).map { favouring($0) }
        default: return nil
        }
    }
}

// MARK: - As text

extension CostModel.Rates: Codable {
    private enum Key: String, CodingKey { case startNanoseconds, bandwidth, work, tiles }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        startNanoseconds = try container.decode(Double.self, forKey: .startNanoseconds)
        bandwidth = try container.decode(Double.self, forKey: .bandwidth)
        tiles = try container.decodeIfPresent(NPUModel.Tiles.self, forKey: .tiles)
        let named = try container.decode([String: Double].self, forKey: .work)
        work = try WorkClass.allCases.map { work in
            guard let rate = named[work.rawValue] else {
                throw DecodingError.dataCorruptedError(
                    forKey: .work, in: container, debugDescription: "no rate of \(work.rawValue)")
            }
            return rate
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(startNanoseconds, forKey: .startNanoseconds)
        try container.encode(bandwidth, forKey: .bandwidth)
        try container.encodeIfPresent(tiles, forKey: .tiles)
        let named = zip(WorkClass.allCases, work).map { ($0.rawValue, $1) }
        try container.encode(Dictionary(uniqueKeysWithValues: named), forKey: .work)
    }
}

extension CostModel: Codable {
    private enum Key: String, CodingKey { case cpu, gpu, npu }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        rates = try [Key.cpu, .gpu, .npu].map { try container.decode(Rates.self, forKey: $0) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (key, rates) in zip([Key.cpu, .gpu, .npu], rates) {
            try container.encode(rates, forKey: key)
        }
    }
}

extension WorkClass {
    /// Places in `allCases` by op code: planning asks for every step.
    private static let indexes: [UInt8] = OpTable.workClasses.map { UInt8($0.index) }

    @inline(__always) package static func index(of op: OpCode) -> Int {
        Int(indexes[Int(op.raw)])
    }

    /// Its place in `allCases`, where rates are listed.
    package var index: Int { WorkClass.allCases.firstIndex(of: self)! }
}
