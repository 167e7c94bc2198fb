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
    package var kind: Kind

    package init(
        _ kind: Kind, begin: UInt64, end: UInt64, bytes: UInt64 = 0, flops: UInt64 = 0,
        label: TraceLabel = TraceLabel(rawValue: 0), stream: Int = 0
    ) {
        self.begin = begin
        self.end = end
        self.bytes = bytes
        self.flops = flops
        self.label = label
        self.stream = UInt16(truncatingIfNeeded: stream)
        self.kind = kind
    }
}

/// The last events of one device, a fixed number of them; older ones are overwritten and counted
/// as lost. Recording is a store into a slot: no lock, no allocation, no clock.
/// Invariant: written and read by the holder of the device's token only.
package final class TraceRing: @unchecked Sendable {
    // SAFETY: as the invariant says, accesses never overlap; the token orders them.
    package let device: Int
    private let events: UnsafeMutablePointer<TraceEvent>
    private let mask: Int
    /// How many events were ever recorded.
    private let recorded: UnsafeMutablePointer<Int>

    /// - Parameter capacity: rounded up to a power of two.
    init(device: Int, capacity: Int) {
        self.device = device
        var size = 16
        while size < capacity { size *= 2 }
        mask = size - 1
        events = .allocate(capacity: size)
        recorded = .allocate(capacity: 1)
        recorded.initialize(to: 0)
    }

    deinit {
        events.deallocate()
        recorded.deallocate()
    }

    @inline(__always) package func record(_ event: TraceEvent) {
        let index = recorded.pointee
        (events + (index & mask)).initialize(to: event)
        recorded.pointee = index &+ 1
    }

    package var capacity: Int { mask + 1 }
    package var lostCount: Int { max(0, recorded.pointee - capacity) }

    /// What is left, oldest first.
    package var contents: [TraceEvent] {
        let end = recorded.pointee
        return (end - min(end, capacity)..<end).map { events[$0 & mask] }
    }

    func clear() { recorded.pointee = 0 }
}
