import Foundation
import MLXBase
import MLXGraph
import MLXMemory
import MLXRuntime

/// What the workers saw: how often, how fast, and what was wrong.
final class Ledger: Sendable {
    private struct State {
        var evaluations: [String: Int] = [:]
        var latencies: [UInt64] = []
        var violations: [String] = []
        var cancelled = 0
    }

    private let state = Locked(State())
    /// Enough for the percentiles; later ones replace earlier ones.
    private static let maximumLatencies = 1 << 18
    private static let maximumViolations = 100

    func note(_ way: String, nanoseconds: UInt64) {
        state.withLock { state in
            state.evaluations[way, default: 0] += 1
            if state.latencies.count < Ledger.maximumLatencies {
                state.latencies.append(nanoseconds)
            } else {
                let total = state.evaluations.values.reduce(0, +)
                state.latencies[total % Ledger.maximumLatencies] = nanoseconds
            }
        }
    }

    func noteCancellation() { state.withLock { $0.cancelled += 1 } }

    func violate(_ text: String) {
        state.withLock { state in
            if state.violations.count < Ledger.maximumViolations { state.violations.append(text) }
        }
    }

    var violations: [String] { state.withLock { $0.violations } }
    var cancelled: Int { state.withLock { $0.cancelled } }
    var evaluations: [String: Int] { state.withLock { $0.evaluations } }

    func latency(percentile: Double) -> Double {
        let sorted = state.withLock { $0.latencies }.sorted()
        guard !sorted.isEmpty else { return 0 }
        let index = Int((Double(sorted.count - 1) * percentile).rounded())
        return Double(sorted[index]) / 1000
    }
}

/// What is alive: nodes and buffers.
struct Footing {
    private let engine: Engine
    private let nodes: Int
    private let buffers: Int

    init(_ engine: Engine) {
        self.engine = engine
        nodes = GraphStore.shared.liveCount
        buffers = engine.allocators.reduce(0) { $0 + $1.statistics.liveCount }
    }

    func leaks(since before: Footing) async -> [String] {
        var now = self
        // A cancelled task's last references may go a moment after its group has ended.
        for _ in 0..<20 where now.nodes != before.nodes || now.buffers != before.buffers {
            try? await Task.sleep(for: .milliseconds(50))
            now = Footing(engine)
        }
        var leaks: [String] = []
        if now.nodes != before.nodes { leaks.append("\(now.nodes - before.nodes) nodes leaked") }
        if now.buffers != before.buffers {
            leaks.append("\(now.buffers - before.buffers) buffers leaked")
        }
        for allocator in engine.allocators { leaks += allocator.checkInvariants() }
        return leaks
    }
}

/// The summary, as JSON.
struct Report: CustomStringConvertible {
    private struct Contents: Encodable {
        var seed: UInt64
        var tasks: Int
        var seconds: Double
        var evaluations: Int
        var evaluationsByWay: [String: Int]
        var evaluationsPerSecond: Double
        var cancelled: Int
        var forks: Int
        var p50Microseconds: Double
        var p99Microseconds: Double
        var idleCoreShare: Double
        var violations: [String]
    }

    let description: String

    init(
        _ ledger: Ledger, _ violations: [String], seconds: Double, idle: Double, _ tasks: Int,
        _ seed: UInt64, _ forks: Int
    ) throws {
        let total = ledger.evaluations.values.reduce(0, +)
        let contents = Contents(
            seed: seed, tasks: tasks, seconds: seconds, evaluations: total,
            evaluationsByWay: ledger.evaluations,
            evaluationsPerSecond: Double(total) / seconds, cancelled: ledger.cancelled,
            forks: forks,
            p50Microseconds: ledger.latency(percentile: 0.5),
            p99Microseconds: ledger.latency(percentile: 0.99), idleCoreShare: idle,
            violations: violations)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        description = String(decoding: try encoder.encode(contents), as: UTF8.self)
    }
}
