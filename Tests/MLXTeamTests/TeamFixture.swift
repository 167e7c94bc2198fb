import Glibc
import MLXMemory
import Synchronization

@testable import MLXRuntime

/// Runs `body` with a team of `threads` and ends the team.
func withTeam<R>(
    threads: Int = 2, system: any SystemThreads = LinuxSystem(topology: .system()),
    _ body: (Team) async throws -> R
) async rethrows -> R {
    let cpus = Topology.system().usableCPUs
    let team = Team(name: "test", cpus: cpus, threadCount: threads, system: system)
    defer { team.shutdown() }
    return try await body(team)
}

/// Runs `body` on a thread that knows nothing of Swift concurrency, and joins it later.
func plainThread(_ body: @escaping @Sendable () -> Void) -> SystemThread {
    LinuxSystem(topology: .fake(nodes: 1)).start(name: "plain", body)!
}

/// An actor that lives on a team and watches that nobody enters it twice.
actor Counter {
    private let team: any EngineTeam
    private(set) var value = 0
    private var isInside = false

    init(_ team: any EngineTeam) { self.team = team }

    nonisolated var unownedExecutor: UnownedSerialExecutor { team.asUnownedSerialExecutor() }

    func increment() {
        precondition(!isInside && team.holdsToken)
        isInside = true
        value += 1
        isInside = false
    }

    func incrementBlocking() {
        // A blocking call from inside an actor of the team: it has the token already.
        team.withToken { increment() }
    }

    func incrementThrough(_ other: Counter) async {
        precondition(team.holdsToken)
        await other.increment()
        precondition(team.holdsToken)
        increment()
    }
}

/// Counts, from any thread.
final class Tally: Sendable {
    private let cell = Atomic<Int>(0)
    func add(_ count: Int = 1) { cell.wrappingAdd(count, ordering: .acquiringAndReleasing) }
    var value: Int { cell.load(ordering: .acquiring) }
}
