import Glibc
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import SimulationSupport
import Synchronization
import Testing

@testable import MLXRuntime

// Engines, threads and time-outs for the concurrency tests.

/// What `Scripts/test --full` sets: longer random tests.
let isFullRun = getenv("MLX_TESTS").map { String(cString: $0) == "full" } ?? false

/// The seed of the random tests, printed with every failure; `MLX_TEST_SEED` replays one.
let testSeed: UInt64 = {
    if let text = getenv("MLX_TEST_SEED"), let seed = UInt64(String(cString: text)) { return seed }
    return UInt64.random(in: 1...999_999)
}()

/// How to replay a failure, as the comment of an expectation.
func replay(_ seed: UInt64) -> Comment { "replay with MLX_TEST_SEED=\(seed)" }

func makeEngine(_ topology: Topology = .system(), threads: Int? = nil) -> Engine {
    var topology = topology
    if let threads { topology.threadCount = threads }
    return Engine(Engine.Configuration(topology: topology))
}

/// Every device on a team of its own, on the cores there are.
func splitTopology() -> Topology { .system(kind: .split, threadCount: 3) }

func plainThread(_ body: @escaping @Sendable () -> Void) -> SystemThread {
    LinuxSystem(topology: .fake(nodes: 1)).start(name: "plain", body)!
}

/// Ends the process with a message when `body` takes too long: a dead-locked test would
/// otherwise hang without saying which one it is. All suites run at once, and sanitizers make each
/// many times slower, so the limit is generous.
func withTimeout<R>(
    seconds: Int = 1800, _ name: String = #function,
    _ body: () async throws -> R
) async rethrows -> R {
    let guardian = Guardian()
    let watcher = plainThread {
        if !guardian.waits(seconds: seconds) { fatalError("\(name) is stuck") }
    }
    defer {
        guardian.dismiss()
        watcher.join()
    }
    return try await body()
}

private final class Guardian: Sendable {
    private let latch = Latch()
    func dismiss() { latch.open() }
    func waits(seconds: Int) -> Bool { latch.wait(nanoseconds: seconds * 1_000_000_000) }
}

/// Counts, from any thread.
final class Tally: Sendable {
    private let cell = Atomic<Int>(0)
    func add(_ count: Int) { cell.wrappingAdd(count, ordering: .acquiringAndReleasing) }
    var value: Int { cell.load(ordering: .acquiring) }
}

/// A pin to one device, or to none.
func pinned(_ kind: DeviceKind?) -> StreamID { kind.map { StreamID($0, lane: 0) } ?? .unpinned }

func constant(_ value: Float) -> MLXArray {
    Ops.scalar(bits: UInt64(value.bitPattern), .float32)
}

/// A random graph over leaves of an engine's.
func randomGraph(
    _ random: inout SplitMix64, on engine: Engine, steps: Int
) throws -> GraphGenerator {
    var leaves: [Tracked] = []
    for _ in 0..<2 {
        leaves.append(try .leaf(GraphGenerator.leaf(&random), from: engine.allocators[0]))
    }
    var generator = GraphGenerator(random: random.split(), leaves: leaves)
    for _ in 0..<steps { generator.step() }
    return generator
}

extension Engine {
    var liveBufferCount: Int { allocators.reduce(0) { $0 + $1.statistics.liveCount } }

    /// Whether so many buffers are alive before long: a device's thread may hold the last
    /// reference to a run for a moment after the run has ended.
    func settles(at count: Int) -> Bool {
        for _ in 0..<400 {
            if liveBufferCount == count { return true }
            usleep(5000)
        }
        return false
    }

    /// Ends the threads.
    func shutdown() {
        for team in teams { (team as? Team)?.shutdown() }
    }
}
