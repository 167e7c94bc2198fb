import Glibc
import MLXBase
import MLXFormats

/// Writes a trace in the Trace Event format that Perfetto and chrome://tracing open: a process
/// per device, a thread per stream, steps as complete events, live bytes as a counter, waits
/// across devices as arrows. Times are microseconds from the first event, to the nanosecond.
/// Reference: "Trace Event Format", Google, 2016.
extension Trace {
    package func write(to path: String) throws(ArrayError) {
        let sink = try AtomicFileSink(path: path)
        var failure: ArrayError?
        serialize { bytes in
            guard failure == nil else { return }
            do throws(ArrayError) {
                try sink.write(UnsafeRawBufferPointer(bytes))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try sink.commit()
    }

    /// The file's bytes, in pieces.
    package func serialize(_ sink: (UnsafeBufferPointer<UInt8>) -> Void) {
        let all = events
        let origin = all.first?.begin ?? 0
        var output = TraceText()
        output.append("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")
        for device in deviceNames.indices {
            let events = all.filter { Int($0.device) == device }
            appendNames(device, streams: Set(events.map(\.stream)).sorted(), &output)
            for event in events {
                append(event, device, origin, &output)
                if output.isLong { output.empty(into: sink) }
            }
        }
        output.append("\n]}\n")
        output.empty(into: sink)
    }

    private func appendNames(_ device: Int, streams: [UInt16], _ output: inout TraceText) {
        output.beginEvent("M", "process_name", device, 0)
        output.append(",\"args\":{\"name\":")
        output.appendQuoted(deviceNames[device])
        output.append("}}")
        for stream in streams {
            output.beginEvent("M", "thread_name", device, stream)
            output.append(",\"args\":{\"name\":\"stream \(stream)\"}}")
        }
    }

    private func append(
        _ event: TraceEvent, _ device: Int, _ origin: UInt64, _ output: inout TraceText
    ) {
        switch event.kind {
        case .step:
            let duration = event.end &- event.begin
            output.beginEvent("X", name(of: event.label), device, event.stream)
            output.appendMicroseconds("ts", event.begin &- origin)
            output.appendMicroseconds("dur", duration)
            output.append(",\"args\":{\"bytes\":\(event.bytes),\"flops\":\(event.flops)")
            if duration > 0 {
                // Per nanosecond is giga per second.
                output.append(",\"GB/s\":\(Double(event.bytes) / Double(duration))")
                output.append(",\"GFLOP/s\":\(Double(event.flops) / Double(duration))")
            }
            output.append("}}")
        case .liveBytes:
            output.beginEvent("C", "live bytes", device, event.stream)
            output.appendMicroseconds("ts", event.begin &- origin)
            output.append(",\"args\":{\"bytes\":\(event.bytes)}}")
        case .flowStart, .flowEnd:
            let isStart = event.kind == .flowStart
            output.beginEvent(isStart ? "s" : "f", "wait", device, event.stream)
            output.appendMicroseconds("ts", event.begin &- origin)
            output.append(",\"cat\":\"wait\",\"id\":\(event.flops)")
            // The arrow ends on the step that encloses the moment, not on the next one.
            output.append(isStart ? "}" : ",\"bp\":\"e\"}")
        }
    }
}

/// JSON text that is emptied whenever it has become long.
private struct TraceText {
    private static let longByteCount = 64 << 10
    private var bytes: [UInt8] = []
    private var hasEvents = false

    var isLong: Bool { bytes.count >= TraceText.longByteCount }

    mutating func empty(into sink: (UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer(sink)
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func beginEvent(_ phase: String, _ name: String, _ device: Int, _ stream: UInt16) {
        append(hasEvents ? ",\n" : "\n")
        hasEvents = true
        append("{\"ph\":\"\(phase)\",\"pid\":\(device),\"tid\":\(stream),\"name\":")
        appendQuoted(name)
    }

    mutating func appendMicroseconds(_ key: String, _ nanoseconds: UInt64) {
        let fraction = String(nanoseconds % 1_000)
        let zeros = String(repeating: "0", count: 3 - fraction.utf8.count)
        append(",\"\(key)\":\(nanoseconds / 1_000).\(zeros)\(fraction)")
    }

    mutating func appendQuoted(_ text: String) {
        bytes.append(contentsOf: JSONWriter.bytes(of: .string(text)))
    }
}
