import MLXGraph
import MLXMemory

/// The timelines of all streams of one engine. Created on first use, never removed.
package final class Timelines: Sendable {
    private let table = Locked<[StreamID: Timeline]>([:])
    /// The default lane of each device, which nearly every step is on.
    private let defaults = DeviceKind.allCases.map { _ in Timeline() }

    package init() {}

    /// Every timeline there is, in no particular order.
    package var all: [Timeline] { defaults + table.withLock { Array($0.values) } }

    package subscript(stream: StreamID) -> Timeline {
        if stream.lane == 0, let kind = stream.kind { return defaults[kind.index] }
        return table.withLock { table in
            if let timeline = table[stream] { return timeline }
            let timeline = Timeline()
            table[stream] = timeline
            return timeline
        }
    }
}
