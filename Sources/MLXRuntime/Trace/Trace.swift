import MLXMemory
import Synchronization

/// What ran where and when, on all devices, by the engine's clock. Off, it costs one relaxed
/// load where a step would be recorded; on, a store of 48 bytes beside the clock's reading.
/// It never decides anything: with and without a trace the same steps run in the same order.
package final class Trace: Sendable {
    package let clock: any EngineClock
    package let deviceNames: [String]
    package let rings: [TraceRing]
    private let isOnCell: Atomic<Bool>
    private let flowCount = Atomic<UInt64>(0)
    private let labels = Locked(Labels())

    private struct Labels {
        var names: [String] = []
        var numbers: [String: UInt32] = [:]
    }

    /// More labels than this share one: names come from graphs, which have no bound.
    private static let maximumLabels = 1 << 16

    package init(
        devices: [String], capacity: Int = 1 << 16, clock: any EngineClock = MonotonicClock(),
        isOn: Bool = false
    ) {
        self.clock = clock
        deviceNames = devices
        rings = devices.indices.map { TraceRing(device: $0, capacity: capacity) }
        isOnCell = Atomic(isOn)
    }

    @inline(__always) package var isOn: Bool { isOnCell.load(ordering: .relaxed) }

    package func setOn(_ isOn: Bool) { isOnCell.store(isOn, ordering: .relaxed) }

    /// The number of a name. Meant to be asked for once, when a plan is made.
    package func intern(_ name: String) -> TraceLabel {
        labels.withLock { labels in
            if let number = labels.numbers[name] { return TraceLabel(rawValue: number) }
            guard labels.names.count < Trace.maximumLabels else {
                return TraceLabel(rawValue: UInt32(Trace.maximumLabels - 1))
            }
            let number = UInt32(labels.names.count)
            labels.names.append(name)
            labels.numbers[name] = number
            return TraceLabel(rawValue: number)
        }
    }

    package func name(of label: TraceLabel) -> String {
        labels.withLock { labels in
            let index = Int(label.rawValue)
            return index < labels.names.count ? labels.names[index] : "?"
        }
    }

    /// Records a step, with the token of the device's team.
    @inline(__always) package func step(
        device: Int, stream: Int, label: TraceLabel, begin: UInt64, end: UInt64, bytes: Int = 0,
        flops: Int = 0
    ) {
        rings[device].record(
            TraceEvent(
                .step, begin: begin, end: end, bytes: UInt64(truncatingIfNeeded: bytes),
                flops: UInt64(truncatingIfNeeded: flops), label: label, stream: stream))
    }

    package func liveBytes(device: Int, at time: UInt64, _ byteCount: Int) {
        rings[device].record(
            TraceEvent(
                .liveBytes, begin: time, end: time, bytes: UInt64(truncatingIfNeeded: byteCount)))
    }

    /// The number that the two ends of a new flow share.
    package func newFlow() -> UInt64 {
        flowCount.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Records one end of a wait across devices: the start where the awaited value was
    /// signalled, the end where the waiting stream went on.
    package func flow(_ number: UInt64, isStart: Bool, device: Int, stream: Int, at time: UInt64) {
        rings[device].record(
            TraceEvent(
                isStart ? .flowStart : .flowEnd, begin: time, end: time, flops: number,
                stream: stream))
    }

    /// Forgets all events. Called with the tokens of all teams.
    package func clear() {
        for ring in rings { ring.clear() }
    }
}
