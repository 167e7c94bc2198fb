import Foundation
import MLXBase
import MLXGraph
import MLXMemory
import MLXRuntime

/// What the workers saw: how often, how fast, and what was wrong.
final class Ledger: Sendable {
    /// What happened since somebody last looked.
    struct Window {
        var latencies = Latencies()
        var refused = 0
    }

    private struct State {
        var evaluations: [String: Int] = [:]
        var latencies = Latencies()
        var window = Window()
        var violations: [String] = []
        var cancelled = 0
        var refused = 0
    }

    private let state = Locked(State())
    private static let maximumViolations = 100

    func note(_ way: String, nanoseconds: UInt64) {
        state.withLock { state in
            state.evaluations[way, default: 0] += 1
            state.latencies.note(nanoseconds)
            state.window.latencies.note(nanoseconds)
        }
    }

    func noteCancellation() { state.withLock { $0.cancelled += 1 } }

    /// An evaluation ended in a typed error about memory.
    func noteRefusal() {
        state.withLock { state in
            state.refused += 1
            state.window.refused += 1
        }
    }

    func violate(_ text: String) {
        state.withLock { state in
            if state.violations.count < Ledger.maximumViolations { state.violations.append(text) }
        }
    }

    /// What happened since this was last called.
    func takeWindow() -> Window {
        state.withLock { state in
            defer { state.window = Window() }
            return state.window
        }
    }

    var violations: [String] { state.withLock { $0.violations } }
    var cancelled: Int { state.withLock { $0.cancelled } }
    var refused: Int { state.withLock { $0.refused } }
    var evaluations: [String: Int] { state.withLock { $0.evaluations } }
    var latencies: Latencies { state.withLock { $0.latencies } }
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
