import Foundation
import MLXBase
import Testing

@testable import MLX
@testable import MLXPlanner

/// Histories of costs: what is measured is remembered, what is not is on a line through it, and a
/// file may say anything.
@Suite("Cost histories") struct CostHistoryTests {
    /// Steps of a machine that is known: start + flops / a + bytes / b, with a drawn spread.
    private func known(
        _ op: String, start: Double, perFlop: Double, perByte: Double, spread: Double = 0,
        into observations: inout CostObservations
    ) {
        var random = SplitMix64(seed: 11)
        for size in [64.0, 128, 200, 512, 1000, 2048] {
            for inner in [16.0, 64, 300] {
                let (flops, bytes) = (size * size * inner, size * size * 4 + size * inner * 8)
                let time = start + flops * perFlop + bytes * perByte
                for _ in 0..<9 {
                    observations.note(
                        op, .cpu, flops: flops, bytes: bytes,
                        nanoseconds: time * (1 + spread * (random.unit() - 0.5)))
                }
            }
        }
    }

    @Test("mean and spread of a size are those of what was measured") func moments() throws {
        var observations = CostObservations()
        let times = [100.0, 110, 90, 130, 70]
        for time in times {
            observations.note("matmul", .gpu, flops: 4096, bytes: 512, nanoseconds: time)
        }
        let history = observations.history(machine: "m", level: "l")
        let found = try #require(history.estimate("matmul", flops: 4096, bytes: 512, on: .gpu))
        #expect(found.source == .measured && found.nanoseconds == 100)
        let deviation = (times.reduce(0) { $0 + ($1 - 100) * ($1 - 100) } / 4).squareRoot()
        #expect(abs(found.spread - deviation / 100) < 1e-12)
        #expect(history.estimate("matmul", flops: 4096, bytes: 512, on: .cpu) == nil)
        // Another size of the same operation, of which one size makes no line.
        #expect(history.estimate("matmul", flops: 9999, bytes: 512, on: .gpu) == nil)
    }

    @Test("a line finds the coefficients of a known machine") func regression() throws {
        for (start, perFlop, perByte) in [
            (500.0, 0.01, 0.05), (0, 0.02, 0), (20, 0, 0.1), (3000, 0.001, 0.003),
        ] {
            var observations = CostObservations()
            known(
                "matmul", start: start, perFlop: perFlop, perByte: perByte, into: &observations)
            let history = observations.history(machine: "m", level: "l")
            for (flops, bytes) in [(3e6, 77_777.0), (123_456, 9e6), (1e9, 1e8)] {
                let expected = start + flops * perFlop + bytes * perByte
                let found = try #require(
                    history.estimate("matmul", flops: flops, bytes: bytes, on: .cpu))
                #expect(found.source == .operation)
                #expect(abs(found.nanoseconds / expected - 1) < 1e-6, "\(found) \(expected)")
            }
        }
    }

    @Test("noise moves a line little, and sizes that grow alike make one") func noise() throws {
        var observations = CostObservations()
        known("matmul", start: 900, perFlop: 0.02, perByte: 0.1, spread: 0.1, into: &observations)
        let history = observations.history(machine: "m", level: "l")
        let expected = 900 + 3e6 * 0.02 + 77_777 * 0.1
        let found = try #require(history.estimate("matmul", flops: 3e6, bytes: 77_777, on: .cpu))
        #expect(abs(found.nanoseconds / expected - 1) < 0.03)
        #expect(found.spread > 0.01 && found.spread < 0.06)
        // Elementwise work: the bytes are twelve times the operations.
        var even = CostObservations()
        for size in [1e3, 1e4, 1e5, 1e6] {
            even.note("add", .cpu, flops: size, bytes: 12 * size, nanoseconds: 300 + size / 4)
        }
        let line = even.history(machine: "m", level: "l")
        let sum = try #require(line.estimate("add", flops: 3e5, bytes: 36e5, on: .cpu))
        #expect(abs(sum.nanoseconds / (300 + 3e5 / 4) - 1) < 1e-6)
        // Another operation of the same class of work is expected to be like it.
        let other = try #require(line.estimate("multiply", flops: 3e5, bytes: 36e5, on: .cpu))
        #expect(other.source == .workClass && other.nanoseconds == sum.nanoseconds)
        // Far outside, no line says less than half of the least that was seen.
        let tiny = try #require(line.estimate("add", flops: 0, bytes: 0, on: .cpu))
        #expect(tiny.nanoseconds >= 150)
    }

    @Test("text is read back to the same history, whatever the order of measuring") func text()
        throws
    {
        var (one, other) = (CostObservations(), CostObservations())
        known("matmul", start: 7, perFlop: 0.3, perByte: 1 / 3, spread: 0.4, into: &one)
        known("exp", start: 1, perFlop: 0.1, perByte: 0, spread: 0.2, into: &one)
        known("exp", start: 1, perFlop: 0.1, perByte: 0, spread: 0.2, into: &other)
        known("matmul", start: 7, perFlop: 0.3, perByte: 1 / 3, spread: 0.4, into: &other)
        let history = one.history(machine: "two words", level: "avx2")
        #expect(history == other.history(machine: "two words", level: "avx2"))
        let again = try CostHistory(parsing: history.text, name: "f")
        #expect(again == history && again.text == history.text)
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try history.write(to: file)
        #expect(try CostHistory(contentsOf: file) == history)
        // What is measured later is added to what was.
        var more = CostObservations(again)
        more.note("exp", .npu, flops: 1, bytes: 1, nanoseconds: 5)
        #expect(more.history(machine: "m", level: "l").entries.count == history.entries.count + 1)
    }

    private static let head = """
        mlx-cost-history 1
        machine m
        level l
        operation\tdevice\tcount\tflops\tbytes\tnanoseconds\tsquares

        """

    @Test(
        "files that say what cannot be are errors with line and field",
        arguments: [
            ("", "1: file: "), ("mlx-cost-history 1\n", "1: file: "),
            ("other 1\nmachine m\nlevel l\nx\n", "1: file: "),
            (head.replacing("history 1", with: "history 2"), "1: version: is '2', not 1"),
            (head.replacing("machine m", with: "machine "), "2: machine: "),
            (head.replacing("level l", with: "stage l"), "3: level: "),
            (head.replacing("\tbytes", with: ""), "4: fields: "),
            (head + "add\tcpu\t1\t2\t3\t4\n", "5: fields: 6 of 7"),
            (head + "add\tcpu\t1\t2\t3\t4\t0\n\n", "6: fields: 1 of 7"),
            (head + "\tcpu\t1\t2\t3\t4\t0\n", "5: operation: is empty or too long"),
            (head + "add\ttpu\t1\t2\t3\t4\t0\n", "5: device: 'tpu' is no device"),
            (head + "add\tcpu\t0\t2\t3\t4\t0\n", "5: count: "),
            (head + "add\tcpu\t99999999999999999999\t2\t3\t4\t0\n", "5: count: "),
            (head + "add\tcpu\t1\tnan\t3\t4\t0\n", "5: flops: "),
            (head + "add\tcpu\t1\t2\t-3\t4\t0\n", "5: bytes: "),
            (head + "add\tcpu\t1\t2\t3\tinf\t0\n", "5: nanoseconds: "),
            (head + "add\tcpu\t1\t2\t3\t0\t0\n", "5: nanoseconds: is not above zero"),
            (head + "add\tcpu\t1\t2\t3\t4\tx\n", "5: squares: "),
            (
                head + "add\tcpu\t1\t8\t8\t4\t0\nadd\tcpu\t2\t8\t8\t5\t0\n",
                "6: operation: this size of it stands above already"
            ),
        ]) func hostile(text: String, wanted: String)
    {
        let error = #expect(throws: ArrayError.self) { try CostHistory(parsing: text, name: "f") }
        #expect(error?.kind == .file)
        #expect(error?.message.hasPrefix("f:" + wanted) == true, "\(error?.message ?? "")")
    }

    @Test("random bytes never trap, and never are a history") func randomBytes() throws {
        var observations = CostObservations()
        known("matmul", start: 7, perFlop: 0.3, perByte: 1, into: &observations)
        let good = Array(observations.history(machine: "m", level: "l").text.utf8)
        var random = SplitMix64(seed: 9)
        for _ in 0..<500 {
            var bytes = good
            for _ in 0..<random.within(1...4) {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            let text = String(decoding: bytes.prefix(random.within(0...bytes.count)), as: UTF8.self)
            do {
                let history = try CostHistory(parsing: text, name: "f")
                #expect(history.entries.values.allSatisfy { $0.mean > 0 && $0.mean.isFinite })
                let found = history.estimate("matmul", flops: 1e300, bytes: 1e300, on: .cpu)
                #expect(found.map { $0.nanoseconds > 0 } ?? true)
            } catch {
                #expect(error.kind == .file)
            }
        }
    }

    @Test("a policy shows another one what the history expects") func policy() throws {
        var observations = CostObservations()
        for device in [DeviceType.cpu, .gpu] {
            observations.note(
                "matmul", device, flops: 1e6, bytes: 1e4, nanoseconds: device == .cpu ? 900 : 50)
        }
        let history = observations.history(machine: "m", level: "l")
        var graph = PlacementGraph()
        var costs = PerDevice(repeating: Double.infinity)
        (costs[.cpu], costs[.gpu]) = (10, 1000)
        for name in ["matmul", "sort"] {
            graph.append(
                name, flops: 1e6, bytes: 1e4, outputByteCount: 4, candidates: [.cpu, .gpu],
                isPinned: false, nanoseconds: costs)
        }
        #expect(CostPolicy().place(graph) == [.cpu, .cpu])
        // What the history knows nothing of keeps its calibrated cost.
        let policy = HistoryPolicy(history, asking: CostPolicy())
        #expect(policy.place(graph) == [.gpu, .cpu] && policy.name == "history:cost")
        #expect(policy == HistoryPolicy(history))
        #expect(policy != HistoryPolicy(history, asking: ListPolicy.heft))
        let empty = CostObservations().history(machine: "m", level: "l")
        #expect(
            policy != HistoryPolicy(empty) && HistoryPolicy(empty).place(graph) == [.cpu, .cpu])
    }

    @Test("a policy by name reads its file; bad ones are problems of MLX_POLICY") func names()
        throws
    {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try CostObservations().history(machine: "m", level: "l").write(to: file)
        for (name, inner) in [("", "cost"), ("heft:", "heft"), ("dmdas:", "dmdas")] {
            let environment = Runtime.Environment(
                ["MLX_POLICY": "history:\(name)\(file.path)"], cores: 2)
            #expect(environment.problems.isEmpty)
            #expect(environment.policy?.name == "history:\(inner)")
        }
        #expect(try HistoryPolicy(named: "heft") == nil)
        try Data("mlx-cost-history 3\na\nb\nc\n".utf8).write(to: file)
        for bad in [file.path, "/nowhere/at/all", "heft:" + file.path, ""] {
            let environment = Runtime.Environment(["MLX_POLICY": "history:\(bad)"], cores: 2)
            #expect(environment.policy == nil, "\(bad)")
            #expect(environment.problems.map(\.operation) == ["MLX_POLICY"], "\(bad)")
        }
    }
}
