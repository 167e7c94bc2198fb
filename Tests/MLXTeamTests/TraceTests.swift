import Foundation
import MLXBase
import Synchronization
import Testing

@testable import MLXRuntime

/// A clock that stands still until told, so that a trace's times are known.
final class ManualClock: EngineClock, Sendable {
    private let now = Atomic<UInt64>(0)
    func nanoseconds() -> UInt64 { now.load(ordering: .relaxed) }
    func advance(_ nanoseconds: UInt64) { now.wrappingAdd(nanoseconds, ordering: .relaxed) }
}

@Suite struct TraceTests {
    @Test func ringsKeepTheLast() {
        let trace = Trace(devices: ["cpu"], capacity: 16)
        for number in 0..<40 as Range<UInt64> {
            trace.step(
                device: 0, stream: 1, label: trace.intern("a"), begin: number, end: number + 1)
        }
        #expect(trace.events.map(\.begin) == Array(24..<40))
        #expect(trace.lostCount == 24)
        trace.clear()
        #expect(trace.events.isEmpty)
        #expect(MemoryLayout<TraceEvent>.stride <= 48)
    }

    @Test func labelsAreInterned() {
        let trace = Trace(devices: [])
        let (a, b) = (trace.intern("a"), trace.intern("b"))
        #expect(a != b && trace.intern("a") == a)
        #expect(trace.name(of: b) == "b")
        #expect(trace.name(of: TraceLabel(rawValue: 9)) == "?")
        for number in 0..<70_000 { _ = trace.intern("label \(number)") }
        #expect(Int(trace.intern("one more").rawValue) == (1 << 16) - 1)
    }

    @Test func timeIsTheClockGiven() {
        let clock = ManualClock()
        let trace = Trace(devices: ["gpu"], clock: clock, isOn: true)
        #expect(trace.isOn)
        let begin = trace.clock.nanoseconds()
        clock.advance(250)
        trace.step(
            device: 0, stream: 0, label: trace.intern("x"), begin: begin,
            end: trace.clock.nanoseconds())
        #expect(trace.events[0].end == 250)
        trace.setOn(false)
        #expect(!trace.isOn)
        let monotonic = MonotonicClock()
        let before = monotonic.nanoseconds()
        #expect(monotonic.nanoseconds() >= before)
    }

    private func sample() -> Trace {
        let trace = Trace(devices: ["cpu", "gpu \"0\"\n"])
        let (mul, add) = (trace.intern("mul"), trace.intern("add\\\""))
        trace.step(
            device: 0, stream: 0, label: mul, begin: 1_000, end: 3_000, bytes: 4_000, flops: 8_000)
        trace.step(device: 0, stream: 1, label: add, begin: 2_000, end: 4_005, bytes: 10)
        trace.step(device: 0, stream: 0, label: mul, begin: 5_000, end: 6_000)
        trace.step(device: 1, stream: 0, label: add, begin: 4_100, end: 4_100)
        trace.liveBytes(device: 0, at: 1_500, 123)
        trace.liveBytes(device: 0, at: 1_600, 100)
        let flow = trace.newFlow()
        trace.flow(flow, isStart: true, device: 0, stream: 1, at: 4_005)
        trace.flow(flow, isStart: false, device: 1, stream: 0, at: 4_100)
        return trace
    }

    @Test func summaryCountsOverlapOnce() {
        let summary = sample().summary
        #expect(summary.devices.map(\.busyNanoseconds) == [4_005, 0])
        #expect(summary.devices.map(\.stepCount) == [3, 1])
        #expect(summary.devices[0].peakLiveBytes == 123)
        #expect(summary.devices[0].bytes == 4_010 && summary.devices[0].flops == 8_000)
        #expect(summary.spanNanoseconds == 5_000)
        #expect(summary.steps.map(\.name) == ["mul", "add\\\""])
        #expect(summary.steps.map(\.nanoseconds) == [3_000, 2_005])
        #expect(Trace(devices: ["a"]).summary.spanNanoseconds == 0)
    }

    @Test func theFileIsJSONThatPerfettoReads() throws {
        var bytes: [UInt8] = []
        sample().serialize { bytes.append(contentsOf: $0) }
        let root = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let events = try #require(root["traceEvents"] as? [[String: Any]])
        func phase(_ phase: String) -> [[String: Any]] {
            events.filter { $0["ph"] as? String == phase }
        }
        #expect(phase("X").count == 4 && phase("C").count == 2 && phase("M").count == 5)
        #expect(phase("X").map { $0["ts"] as? Double } == [0, 1, 4, 3.1])
        #expect(phase("X").map { $0["dur"] as? Double } == [2, 2.005, 1, 0])
        #expect(phase("X")[1]["name"] as? String == "add\\\"")
        let arguments = try #require(phase("X")[0]["args"] as? [String: Any])
        #expect(arguments["GB/s"] as? Double == 2 && arguments["GFLOP/s"] as? Double == 4)
        #expect(phase("s").count == 1 && phase("f").count == 1)
        #expect(phase("s")[0]["id"] as? Int == phase("f")[0]["id"] as? Int)
        #expect(phase("f")[0]["pid"] as? Int == 1)
        let names = phase("M").compactMap { ($0["args"] as? [String: Any])?["name"] as? String }
        #expect(names.contains("gpu \"0\"\n"))
    }

    @Test func writesAndRefusesFiles() throws {
        let path = "\(NSTemporaryDirectory())/trace-\(UInt64.random(in: 0...UInt64.max)).json"
        defer { unlink(path) }
        let trace = sample()
        for number in 0..<5_000 as Range<UInt64> {
            trace.step(
                device: 1, stream: 2, label: trace.intern("s\(number % 7)"), begin: number,
                end: number + 5)
        }
        try trace.write(to: path)
        let data = try #require(FileManager.default.contents(atPath: path))
        #expect((try JSONSerialization.jsonObject(with: data) as? [String: Any]) != nil)
        #expect(throws: ArrayError.self) { try trace.write(to: "/nowhere/trace.json") }
        #expect(throws: ArrayError.self) { try trace.write(to: "/dev/full") }
    }
}
