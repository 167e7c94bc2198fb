/// A trace in a few numbers: how long each device was busy, and what took its time.
package struct TraceSummary: Sendable {
    package struct Device: Sendable, Equatable {
        package var name: String
        /// Time in which at least one of its streams ran a step.
        package var busyNanoseconds: UInt64
        package var stepCount: Int
        package var bytes: UInt64
        package var flops: UInt64
        package var peakLiveBytes: UInt64
    }

    package struct Step: Sendable, Equatable {
        package var name: String
        package var count: Int
        package var nanoseconds: UInt64
        package var bytes: UInt64
        package var flops: UInt64
    }

    package var devices: [Device]
    /// Events that were overwritten by later ones.
    package var lostCount: Int
    /// By label, what took longest first; equal ones by name.
    package var steps: [Step]
    /// From the first begin to the last end.
    package var spanNanoseconds: UInt64
}

extension Trace {
    package var summary: TraceSummary {
        var devices: [TraceSummary.Device] = []
        var totals: [TraceLabel: TraceSummary.Step] = [:]
        var first = UInt64.max
        var last: UInt64 = 0
        let all = self.events
        for number in deviceNames.indices {
            let events = all.filter { Int($0.device) == number }
            let steps = events.filter { $0.kind == .step }
            var device = TraceSummary.Device(
                name: deviceNames[number], busyNanoseconds: Trace.covered(steps),
                stepCount: steps.count, bytes: 0, flops: 0, peakLiveBytes: 0)
            for step in steps {
                device.bytes &+= step.bytes
                device.flops &+= step.flops
                first = min(first, step.begin)
                last = max(last, step.end)
                var total =
                    totals[step.label]
                    ?? TraceSummary.Step(
                        name: name(of: step.label), count: 0, nanoseconds: 0, bytes: 0, flops: 0)
                total.count += 1
                total.nanoseconds &+= step.end &- step.begin
                total.bytes &+= step.bytes
                total.flops &+= step.flops
                totals[step.label] = total
            }
            device.peakLiveBytes =
                events.lazy.filter { $0.kind == .liveBytes }.map(\.bytes).max() ?? 0
            devices.append(device)
        }
        let steps = totals.values.sorted {
            ($1.nanoseconds, $0.name) < ($0.nanoseconds, $1.name)
        }
        return TraceSummary(
            devices: devices, lostCount: lostCount, steps: steps,
            spanNanoseconds: last > first ? last - first : 0)
    }

    /// The length of the union of the steps' intervals. O(n log n).
    private static func covered(_ steps: [TraceEvent]) -> UInt64 {
        var covered: UInt64 = 0
        var end: UInt64 = 0
        for step in steps.sorted(by: { $0.begin < $1.begin }) {
            let begin = max(step.begin, end)
            if step.end > begin {
                covered += step.end - begin
                end = step.end
            }
        }
        return covered
    }
}
