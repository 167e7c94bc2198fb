import Foundation
import MLX
import Synchronization
import Testing

// The samples of the page about policies, line by line.

/// Each step goes where it is done first, unless where most of its input lies is nearly as good.
struct NearDataPolicy: SchedulingPolicy {
    var name: String { "near-data" }
    /// How much later a step may be done to stay with its input, in parts of its own time.
    var patience = 0.25

    func place(_ graph: PlacementGraph) -> [DeviceType] {
        var free = [Double](repeating: 0, count: graph.coreSets.count)
        var (devices, finishes): ([DeviceType], [Double]) = ([], [])
        for step in 0..<graph.count {
            func finish(on device: DeviceType) -> Double {
                let set = graph.coreSet(of: device)
                var start = free[set]
                for input in graph.inputs(of: step) {
                    guard let producer = input.producer else { continue }
                    let from = graph.coreSet(of: devices[producer])
                    let way = graph.handover(from: from, to: set)
                    let arrival = finishes[producer] + way.nanoseconds(byteCount: input.byteCount)
                    start = max(start, arrival)
                }
                return start + graph.nanoseconds[step][device]
            }
            let candidates = graph.candidates[step].devices
            var best = candidates.min { finish(on: $0) < finish(on: $1) } ?? .cpu
            let largest = graph.inputs(of: step).max { $0.byteCount < $1.byteCount }
            if let home = largest?.producer.map({ devices[$0] }), candidates.contains(home),
                finish(on: home) <= finish(on: best) + patience * graph.nanoseconds[step][best]
            {
                best = home
            }
            finishes.append(finish(on: best))
            devices.append(best)
            free[graph.coreSet(of: best)] = finishes[step]
        }
        return devices
    }
}

/// What the page says of its policy, on real devices.
@Suite("Writing policies") struct DocumentationPolicyTests {
    @Test func aPolicyOfOnesOwn() async throws {
        let x = MLXRandom.normal([64, 64], key: MLXRandom.key(1))
        let policy = NearDataPolicy(patience: 0.5)
        try await evaluate(policy: policy, matmul(x, x) + 1)
        let text = try withPolicy(policy) { try explain(matmul(x, x) + 1) }
        #expect(text.contains("says the policy near-data"))
        let wanted = (matmul(x, x) + 1).asArray(Float.self)
        let placed = withPolicy(policy) { (matmul(x, x) + 1).asArray(Float.self) }
        for (a, b) in zip(placed, wanted) { #expect(abs(a - b) <= 1e-3 * (1 + abs(b))) }
    }

    /// Notes how far HEFT is from the bound on what it is shown, and leaves placing to it.
    private struct Measuring: SchedulingPolicy {
        var name: String { "measuring" }
        func place(_ graph: PlacementGraph) -> [DeviceType] {
            let schedule = ListPolicy.heft.schedule(graph)
            let expected = Timeline(graph, schedule).makespanNanoseconds
            let least = MakespanBounds(graph).best
            print("\(expected / least.nanoseconds) times the \(least.kind.rawValue) bound")
            #expect(expected >= least.nanoseconds * 0.999_999)
            return schedule.devices
        }
    }

    /// Keeps what it is shown.
    private struct Keeping: SchedulingPolicy {
        final class Seen: Sendable { let graph = Mutex<PlacementGraph?>(nil) }
        let seen = Seen()
        var name: String { "keeping" }
        func place(_ graph: PlacementGraph) -> [DeviceType] {
            seen.graph.withLock { $0 = graph }
            return CostPolicy().place(graph)
        }
        static func == (a: Keeping, b: Keeping) -> Bool { a.seen === b.seen }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(seen)) }
    }

    @Test func measuredCosts() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        let fields = "operation\tdevice\tcount\tflops\tbytes\tnanoseconds\tsquares"
        let lines = [1e6, 2e6, 4e6].map { "matmul\tgpu\t9\t\($0)\t100000\t\($0 / 1000)\t0" }
        let head = ["mlx-cost-history 1", "machine any", "level any", fields]
        try Data(((head + lines).joined(separator: "\n") + "\n").utf8).write(to: file)
        let x = MLXRandom.normal([64, 64], key: MLXRandom.key(3))
        let keeping = Keeping()
        try withPolicy(keeping) { _ = try explain(matmul(x, x) + 1) }
        let graph = try #require(keeping.seen.graph.withLock { $0 })
        let history = try CostHistory(contentsOf: file)
        let measured = HistoryPolicy(history, asking: ListPolicy.heft)
        try await evaluate(policy: measured, matmul(x, x) + 1)
        let costs = history.applied(to: graph)
        let step = history.estimate("matmul", flops: 2e6, bytes: 1e5, on: .gpu)
        #expect(step?.nanoseconds == 2000 && step?.source == .measured)
        let product = try #require(graph.names.firstIndex(of: "matmul"))
        #expect(costs.nanoseconds[product][.gpu] != graph.nanoseconds[product][.gpu])
        #expect(costs.nanoseconds[product][.cpu] == graph.nanoseconds[product][.cpu])
    }

    @Test func boundsOfAProgram() throws {
        let x = MLXRandom.normal([64, 64], key: MLXRandom.key(2))
        try withPolicy(Measuring()) { _ = try explain(softmax(matmul(x, x), axis: -1).sum()) }
    }
}
