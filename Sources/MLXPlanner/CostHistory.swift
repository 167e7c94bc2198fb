import MLXBase
import MLXOps

/// What steps took on one machine, by operation, device and size: mean and spread of what was
/// measured, and lines through it for sizes that were not. An experiment's choice, beside the
/// calibration that the default policy places by: ``HistoryPolicy`` and the scheduling lab ask it.
/// Invariant: a value that never changes by itself. Equal histories expect equal times, so a
/// policy that has one stays a function of its graph.
public struct CostHistory: Hashable, Sendable {
    /// Which processor, how many threads, and which topology it was measured on.
    public let machine: String
    /// The instruction-set level it was measured at.
    public let level: String
    package let entries: [Key: Entry]
    /// By operation, and by class of work for operations that were not seen.
    private let lines: [LineKey: Line]

    /// What is measured together.
    package struct Key: Hashable, Sendable {
        package var op: String
        package var device: DeviceType
        package var size: SizeKey
    }

    /// A class of sizes: quarters of powers of two of the operations and of the bytes.
    package struct SizeKey: Hashable, Sendable, Comparable {
        package var flops: Int
        package var bytes: Int

        package init(flops: Double, bytes: Double) {
            (self.flops, self.bytes) = (SizeKey.quarter(flops), SizeKey.quarter(bytes))
        }

        /// Four times the logarithm to the base of two, linear within a power; 0 below one.
        private static func quarter(_ value: Double) -> Int {
            guard value >= 1, value.isFinite else { return 0 }
            return 1 + 4 * Int(value.exponent) + Int((value.significand - 1) * 4)
        }

        package static func < (a: SizeKey, b: SizeKey) -> Bool {
            (a.flops, a.bytes) < (b.flops, b.bytes)
        }
    }

    /// What was measured of one key: Welford's running mean and sum of squared differences, so that
    /// no sum of large squares loses what is small (Welford 1962).
    package struct Entry: Hashable, Sendable {
        package var count = 0
        package var flops = 0.0
        package var bytes = 0.0
        package var mean = 0.0
        package var squares = 0.0

        package init() {}

        package mutating func note(flops: Double, bytes: Double, nanoseconds: Double) {
            count += 1
            self.flops += (flops - self.flops) / Double(count)
            self.bytes += (bytes - self.bytes) / Double(count)
            let difference = nanoseconds - mean
            mean += difference / Double(count)
            squares += difference * (nanoseconds - mean)
        }

        /// The standard deviation over the mean.
        package var spread: Double {
            count > 1 && mean > 0 ? (squares / Double(count - 1)).squareRoot() / mean : 0
        }
    }

    /// What a step is expected to take.
    public struct Estimate: Hashable, Sendable {
        /// Where an expectation comes from.
        public enum Source: String, Hashable, Sendable {
            /// Steps of this operation and size were measured.
            case measured
            /// A line through other sizes of this operation.
            case operation
            /// A line through other operations of its class of work.
            case workClass
        }

        /// How long, in nanoseconds.
        public var nanoseconds: Double
        /// The standard deviation of single steps over their mean.
        public var spread: Double
        /// Where it comes from.
        public var source: Source
    }

    private enum LineKey: Hashable {
        case operation(String, DeviceType)
        case workClass(WorkClass, DeviceType)
    }

    private struct Line: Hashable {
        var squares: LeastSquares
        /// The mean of its entries'.
        var spread: Double
        /// The least that was measured: no line is believed below half of it.
        var least: Double
    }

    package init(machine: String, level: String, entries: [Key: Entry]) {
        (self.machine, self.level, self.entries) = (machine, level, entries)
        lines = CostHistory.lines(entries)
    }

    /// Fewer sizes make no line.
    private static let fewestSizes = 3

    private static func lines(_ entries: [Key: Entry]) -> [LineKey: Line] {
        var groups: [LineKey: [Entry]] = [:]
        let classes = CostHistory.workClasses
        // In one order, so that sums are the same in every process.
        for key in entries.keys.sorted(by: Key.precedes) {
            guard let entry = entries[key], entry.mean > 0 else { continue }
            groups[.operation(key.op, key.device), default: []].append(entry)
            if let work = classes[key.op] {
                groups[.workClass(work, key.device), default: []].append(entry)
            }
        }
        return groups.compactMapValues { entries in
            guard entries.count >= fewestSizes else { return nil }
            let points = entries.map {
                LeastSquares.Point(
                    a: $0.flops, b: $0.bytes, value: $0.mean, weight: Double($0.count))
            }
            return LeastSquares(points).map { squares in
                Line(
                    squares: squares,
                    spread: entries.reduce(0) { $0 + $1.spread } / Double(entries.count),
                    least: entries.map(\.mean).min() ?? 0)
            }
        }
    }

    private static let workClasses = Dictionary(
        OpTable.rows.map { ($0.name, $0.work.workClass) }, uniquingKeysWith: { a, _ in a })

    // MARK: - Asking

    /// What a step takes.
    /// - Parameters:
    ///   - op: the operation's name, as ``PlacementGraph`` has it.
    ///   - flops: operations of the step.
    ///   - bytes: that it reads and writes.
    /// - Returns: nil where nothing like it was measured.
    public func estimate(
        _ op: String, flops: Double, bytes: Double, on device: DeviceType
    ) -> Estimate? {
        let key = Key(op: op, device: device, size: SizeKey(flops: flops, bytes: bytes))
        if let entry = entries[key] {
            return Estimate(
                nanoseconds: entry.mean, spread: entry.spread, source: .measured)
        }
        if let line = lines[.operation(op, device)] {
            return CostHistory.estimate(line, flops, bytes, .operation)
        }
        guard let work = CostHistory.workClasses[op], let line = lines[.workClass(work, device)]
        else { return nil }
        return CostHistory.estimate(line, flops, bytes, .workClass)
    }

    private static func estimate(
        _ line: Line, _ flops: Double, _ bytes: Double, _ source: Estimate.Source
    ) -> Estimate {
        Estimate(
            nanoseconds: max(line.squares(flops, bytes), line.least / 2), spread: line.spread,
            source: source)
    }

    /// A graph with what the history expects; what it knows nothing of keeps its calibrated cost.
    public func applied(to graph: PlacementGraph) -> PlacementGraph {
        var costs = graph.nanoseconds
        for step in 0..<graph.count {
            for device in graph.candidates[step].devices {
                let estimate = estimate(
                    graph.names[step], flops: graph.flops[step], bytes: graph.bytes[step],
                    on: device)
                if let estimate { costs[step][device] = estimate.nanoseconds }
            }
        }
        return graph.replacingNanoseconds(costs)
    }
}

extension CostHistory.Key {
    static func precedes(_ a: CostHistory.Key, _ b: CostHistory.Key) -> Bool {
        (a.op, a.device.rawValue, a.size) < (b.op, b.device.rawValue, b.size)
    }
}

/// Measurements on their way into a history.
package struct CostObservations {
    private var entries: [CostHistory.Key: CostHistory.Entry]

    /// - Parameter history: what was measured before.
    package init(_ history: CostHistory? = nil) { entries = history?.entries ?? [:] }

    package mutating func note(
        _ op: String, _ device: DeviceType, flops: Double, bytes: Double, nanoseconds: Double
    ) {
        let size = CostHistory.SizeKey(flops: flops, bytes: bytes)
        let key = CostHistory.Key(op: op, device: device, size: size)
        entries[key, default: .init()].note(
            flops: flops, bytes: bytes, nanoseconds: nanoseconds)
    }

    package func history(machine: String, level: String) -> CostHistory {
        CostHistory(machine: machine, level: level, entries: entries)
    }
}
