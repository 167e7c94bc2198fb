import MLXBase
import MLXPlanner
import Synchronization

/// What ran where and when, on all devices, by the engine's clock. Off, it costs one relaxed
/// load where a step would be recorded; on, a store of 40 bytes beside the clock's reading. Each
/// core has a ring of its own.
/// It never decides anything: with and without a trace the same steps run in the same order.
package final class Trace: Sendable {
    package let clock: any EngineClock
    package let deviceNames: [String]
    private let capacity: Int
    private let rings: Locked<(all: [TraceRing], free: [TraceRing])>
    /// For events that come from no core.
    private let own: TraceRing
    private let isOnCell: Atomic<Bool>
    private let flowCount = Atomic<UInt64>(0)
    private let labels = Locked(Labels())

    private struct Labels {
        var names: [String] = []
        var numbers: [String: UInt32] = [:]
        /// By a plan's serial: its steps' labels. Not in the plan, which knows of no trace.
        var plans: [UInt64: [TraceLabel]] = [:]
    }

    private static let maximumPlans = 1 << 12

    /// More labels than this share one: names come from graphs, which have no bound.
    private static let maximumLabels = 1 << 16

    package init(
        devices: [String], capacity: Int = 1 << 16, clock: any EngineClock = MonotonicClock(),
        isOn: Bool = false
    ) {
        self.clock = clock
        deviceNames = devices
        self.capacity = capacity
        own = TraceRing(capacity: capacity)
        rings = Locked(([own], []))
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

    /// The name of a plan's step.
    func label(_ step: Int, of plan: Plan) -> TraceLabel {
        if let label = labels.withLock({ $0.plans[plan.serial]?[step] }) { return label }
        let made = plan.steps.map { intern(plan.label(of: $0)) }
        labels.withLock { labels in
            if labels.plans.count >= Trace.maximumPlans { labels.plans = [:] }
            labels.plans[plan.serial] = made
        }
        return made[step]
    }

    // MARK: - Rings

    /// A ring for a core. One that a thread left behind goes on, with what is in it.
    func makeRing() -> TraceRing {
        rings.withLock { rings in
            if let ring = rings.free.popLast() { return ring }
            let ring = TraceRing(capacity: capacity)
            rings.all.append(ring)
            return ring
        }
    }

    func giveBack(_ ring: TraceRing) { rings.withLock { $0.free.append(ring) } }

    /// All events that are left, by the time they began.
    package var events: [TraceEvent] {
        rings.withLock { $0.all }.flatMap(\.contents).sorted { $0.begin < $1.begin }
    }

    package var lostCount: Int { rings.withLock { $0.all }.reduce(0) { $0 + $1.lostCount } }

    package func step(
        device: Int, stream: Int, label: TraceLabel, begin: UInt64, end: UInt64, bytes: Int = 0,
        flops: Int = 0
    ) {
        own.record(
            TraceEvent(
                .step, device: device, begin: begin, end: end,
                bytes: UInt64(truncatingIfNeeded: bytes),
                flops: UInt64(truncatingIfNeeded: flops), label: label, stream: stream))
    }

    package func liveBytes(device: Int, at time: UInt64, _ byteCount: Int) {
        own.record(
            TraceEvent(
                .liveBytes, device: device, begin: time, end: time,
                bytes: UInt64(truncatingIfNeeded: byteCount)))
    }

    /// The number that the two ends of a new flow share.
    package func newFlow() -> UInt64 {
        flowCount.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Records one end of a wait across devices: the start where the awaited value was
    /// signalled, the end where the waiting stream went on.
    package func flow(_ number: UInt64, isStart: Bool, device: Int, stream: Int, at time: UInt64) {
        own.record(
            TraceEvent(
                isStart ? .flowStart : .flowEnd, device: device, begin: time, end: time,
                flops: number, stream: stream))
    }

    /// Forgets all events.
    package func clear() {
        for ring in rings.withLock({ $0.all }) { ring.clear() }
    }
}
