import Foundation
import MLXBase
import SimulationSupport
import Testing

@testable import Stress

/// Tests of the simulations' programs, one after the other: each of them uses all threads there
/// are, and some count what lives in the process.
@Suite("Simulations", .serialized) struct SimulationTests {}

extension SimulationTests {
    /// What the stress program judges by: percentiles, flat memory, whole reports.
    @Suite("Stress") struct StressTests {}
}

extension SimulationTests.StressTests {
    @Test("percentiles are within a hundredth of the sorted values'") func percentiles() {
        var random = SplitMix64(seed: 5)
        for scale in [1.0, 200, 5_000, 1e6, 1e12] {
            var latencies = Latencies()
            let values = (0..<5000).map { _ in
                UInt64(scale * random.unit() * Double(random.within(1...100)))
            }
            for value in values { latencies.note(value) }
            let sorted = values.sorted()
            for share in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1] {
                let exact = sorted[max(0, Int((5000 * share).rounded(.up)) - 1)]
                let found = latencies.percentile(share)
                #expect(found >= exact, "\(share) of \(scale)")
                #expect(Double(found) <= Double(exact) * 1.01 + 1, "\(share) of \(scale)")
            }
            #expect(latencies.greatest == sorted.last)
        }
        #expect(Latencies().percentile(0.5) == 0)
        var extremes = Latencies()
        for value in [0, 1, 127, 128, 255, 256, UInt64.max] { extremes.note(value) }
        #expect(extremes.percentile(1) == .max && extremes.percentile(0.01) == 0)
    }

    @Test("histograms add up, and are read back as they were") func histograms() throws {
        var (a, b, all) = (Latencies(), Latencies(), Latencies())
        for value in 0..<3000 {
            let value = UInt64(value * value * 17)
            if value % 3 == 0 { a.note(value) } else { b.note(value) }
            all.note(value)
        }
        #expect(a + b == all)
        let bytes = try JSONEncoder().encode(all)
        #expect(try JSONDecoder().decode(Latencies.self, from: bytes) == all)
        for bad in [
            #"{"buckets": [99999], "counts": [1], "greatest": 1}"#,
            #"{"buckets": [1], "counts": [-1], "greatest": 1}"#,
            #"{"buckets": [1, 2], "counts": [1], "greatest": 1}"#,
        ] {
            #expect(throws: DecodingError.self, "\(bad)") {
                try JSONDecoder().decode(Latencies.self, from: Data(bad.utf8))
            }
        }
    }

    private func samples(_ seconds: Int, _ bytes: (Double) -> Double) -> [Sample] {
        (0..<(seconds * 2)).map { index in
            let time = Double(index) / 2
            return Sample(
                seconds: time, residentBytes: Int(bytes(time)), evaluationsPerSecond: 1,
                refused: 0, latencyMicroseconds: Percentiles(Latencies()))
        }
    }

    @Test("a leak is seen beside noise, a warm-up and a peak are none") func steadiness() throws {
        var random = SplitMix64(seed: 3)
        let base = Double(400 << 20)
        func noise() -> Double { (random.unit() - 0.5) * Double(30 << 20) }
        func judged(_ bytes: (Double) -> Double) throws -> Steadiness {
            try #require(Steadiness(samples(600, bytes), warmUp: 60))
        }
        // 100 KiB a second, a few bytes for each evaluation.
        let leak = try judged { base + noise() + $0 * Double(100 << 10) }
        #expect(!leak.isFlat && leak.violation != nil)
        #expect(abs(leak.bytesPerSecond / Double(100 << 10) - 1) < 0.15)
        let flat = try judged { _ in base + noise() }
        #expect(flat.isFlat && flat.violation == nil)
        let warming = try judged { base * min(1, 0.2 + $0 / 60) + noise() }
        #expect(warming.isFlat)
        let falling = try judged { base - $0 * Double(200 << 10) }
        #expect(falling.isFlat && falling.growthBytes < 0)
        #expect(Steadiness(samples(62, { _ in base }), warmUp: 60) == nil)
        #expect(Steadiness([], warmUp: 0) == nil)
    }

    @Test("reports of several processes are gathered") func gathering() throws {
        var (first, second) = (
            Summary(seed: 1, tasks: 2, seconds: 2), Summary(seed: 2, tasks: 2, seconds: 4)
        )
        var latencies = Latencies()
        latencies.note(1000)
        (first.evaluations, first.latencies) = (100, latencies)
        latencies.note(3000)
        (second.evaluations, second.latencies) = (100, latencies)
        (second.refused, second.violations) = (3, ["a node leaked"])
        second.samples = samples(3) { _ in Double(1 << 20) }
        let report = Report([first, second], lost: ["process of seed 3: ended by signal 9"])
        #expect(report.evaluations == 200 && report.refused == 3)
        #expect(report.evaluationsPerSecond == 75)
        #expect(report.latencyMicroseconds.p50 >= 1 && report.latencyMicroseconds.greatest == 3)
        #expect(
            report.violations == [
                "process of seed 2: a node leaked", "process of seed 3: ended by signal 9",
            ])
        let whole = try report.json(isWhole: true)
        let again = try JSONDecoder().decode(Report.self, from: Data(whole))
        #expect(again.processes[1].samples?.count == 6 && again.processes[1].latencies == latencies)
        let page = try CurvesPage.text(report)
        #expect(page.hasSuffix("</html>\n") && page.contains("a node leaked"))
        #expect(!page.contains("http://") || page.contains("http://www.w3.org/2000/svg"))
    }

    @Test("a process that fails, dies or hangs is a violation, with its seed") func losses()
        async throws
    {
        let soak = Soak(
            seconds: 0.2, tasks: 1, forksPerSecond: 0, seed: 7, warmUpSeconds: 0, isLimited: false)
        var several = Processes(count: 2, soak: soak)
        for (program, patience, wanted) in [
            ("exit 3", 100.0, "ended with status 3"), ("kill -9 $$", 100, "ended by signal 9"),
            ("exit 0", 100, "left no summary"),
            ("exec sleep 1000", 1, "did not end within 1 s of its time"),
        ] {
            several.patienceSeconds = patience
            let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
            try Data("#!/bin/sh\n\(program)\n".utf8).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o700], ofItemAtPath: file.path)
            let report = try await several.run(executable: file)
            #expect(report.violations.count == 2, "\(program)")
            #expect(report.violations.allSatisfy { $0.hasSuffix(wanted) }, "\(report.violations)")
            #expect(report.violations.first?.hasPrefix("process of seed 7") == true)
        }
    }

    @Test("a soak finds nothing, and says how it was") func soak() async throws {
        let soak = Soak(
            seconds: 1, tasks: 8, forksPerSecond: 0, seed: 3, warmUpSeconds: 0, isLimited: false)
        let summary = try await soak.run()
        // Other tests of the process are alive meanwhile: nodes, buffers and time are theirs too.
        let own = summary.violations.filter { !$0.contains("leaked") && !$0.contains("idle") }
        #expect(own.isEmpty, "\(own)")
        #expect(summary.evaluations > 0)
        #expect(summary.evaluationsByWay.values.reduce(0, +) == summary.evaluations)
        let samples = try #require(summary.samples)
        #expect(!samples.isEmpty && samples.allSatisfy { $0.residentBytes > 1 << 20 })
        #expect(samples.map(\.seconds) == samples.map(\.seconds).sorted())
    }

    @Test("a limit that leaves no room is an error before it is set") func limits() {
        #expect(throws: ArrayError.self) { try AddressSpace.limit(to: 1 << 20) }
        #expect(throws: ArrayError.self) { try AddressSpace.limit(to: -5) }
    }
}
