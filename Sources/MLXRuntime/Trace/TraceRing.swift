import MLXMemory

/// A name in a trace, interned: equal names are equal numbers, and a `Trace` tells the name.
package struct TraceLabel: Hashable, Sendable {
    package let rawValue: UInt32
}

/// One thing that happened on a device, in 48 bytes.
package struct TraceEvent: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        /// A step ran from `begin` to `end`.
        case step
        /// At `begin` the device held `bytes` live bytes.
        case liveBytes
        /// At `begin` the stream signalled what another device waits for; `flops` is the number
        /// that both ends of the wait share.
        case flowStart
        /// At `begin` the stream went on after such a wait.
        case flowEnd
    }

    package var begin: UInt64
    package var end: UInt64
    package var bytes: UInt64
    package var flops: UInt64
    package var label: TraceLabel
    package var stream: UInt16
    package var device: UInt8
    package var kind: Kind

    package init(
        _ kind: Kind, device: Int, begin: UInt64, end: UInt64, bytes: UInt64 = 0,
        flops: UInt64 = 0, label: TraceLabel = TraceLabel(rawValue: 0), stream: Int = 0
    ) {
        self.device = UInt8(truncatingIfNeeded: device)
        self.begin = begin
        self.end = end
        self.bytes = bytes
        self.flops = flops
        self.label = label
        self.stream = UInt16(truncatingIfNeeded: stream)
        self.kind = kind
    }
}

/// The last events that one core recorded, a fixed number of them; older ones are overwritten and
/// counted as lost. Recording is a store into a slot, under a lock that only a reader ever
/// contends: no allocation but at the first event, no clock.
package final class TraceRing: @unchecked Sendable {
    // SAFETY: everything mutable is guarded by `lock`.
    private let lock = SpinLock()
    private var events: UnsafeMutablePointer<TraceEvent>?
    private let mask: Int
    /// How many events were ever recorded.
    private var recorded = 0

    /// - Parameter capacity: rounded up to a power of two.
    init(capacity: Int) {
        var size = 16
        while size < capacity { size *= 2 }
        mask = size - 1
    }

    deinit { events?.deallocate() }

    package func record(_ event: TraceEvent) {
        lock.lock()
        let events = self.events ?? makeEvents()
        (events + (recorded & mask)).initialize(to: event)
        recorded &+= 1
        lock.unlock()
    }

    private func makeEvents() -> UnsafeMutablePointer<TraceEvent> {
        let made = UnsafeMutablePointer<TraceEvent>.allocate(capacity: mask + 1)
        events = made
        return made
    }

    package var capacity: Int { mask + 1 }
    package var lostCount: Int { lock.withLock { max(0, recorded - capacity) } }

    /// What is left, oldest first.
    package var contents: [TraceEvent] {
        lock.withLock {
            guard let events else { return [] }
            return (recorded - min(recorded, capacity)..<recorded).map { events[$0 & mask] }
        }
    }

    func clear() { lock.withLock { recorded = 0 } }
}
