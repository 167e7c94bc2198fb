import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// One device: an actor that owns a command queue, a slab allocator on its cores' NUMA node, and
/// the ledger in which every step of every run is counted. All kinds are this one type; what
/// tells them apart is data. Its methods never await, so it cannot be re-entered in the middle of
/// its work.
package actor Device {
    package nonisolated let kind: DeviceKind
    package nonisolated let team: any EngineTeam
    package nonisolated let allocator: SlabAllocator
    nonisolated let ledger = Ledger()
    nonisolated let commands = CommandQueue()

    init(kind: DeviceKind, team: any EngineTeam, allocator: SlabAllocator) {
        self.kind = kind
        self.team = team
        self.allocator = allocator
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }

    /// What the device has done since it was made.
    package var counters: DeviceCounters { ledger.total }
}

/// What a device has done.
package struct DeviceCounters: Sendable, Equatable {
    package var busyNanoseconds: UInt64 = 0
    package var stepCount: UInt64 = 0
    /// Parts of runs: the steps that one run has on one stream of the device.
    package var listCount: UInt64 = 0

    static func + (a: DeviceCounters, b: DeviceCounters) -> DeviceCounters {
        DeviceCounters(
            busyNanoseconds: a.busyNanoseconds &+ b.busyNanoseconds,
            stepCount: a.stepCount &+ b.stepCount, listCount: a.listCount &+ b.listCount)
    }
}

/// A device's books. Each core has a page of its own, so that cores which run side by side do not
/// meet; reading adds the pages up.
final class Ledger: Sendable {
    private let pages = Locked<(open: [LedgerPage], closed: DeviceCounters)>(
        ([], DeviceCounters()))

    func open() -> LedgerPage {
        let page = LedgerPage()
        pages.withLock { $0.open.append(page) }
        return page
    }

    /// Carries a page's figures over; its core is gone.
    func close(_ page: LedgerPage) {
        pages.withLock { pages in
            pages.closed = pages.closed + page.counters
            pages.open.removeAll { $0 === page }
        }
    }

    var total: DeviceCounters {
        pages.withLock { pages in pages.open.reduce(pages.closed) { $0 + $1.counters } }
    }
}

/// One core's share of a device's books: written by the core, read by everybody.
final class LedgerPage: Sendable {
    private let busyNanoseconds = Atomic<UInt64>(0)
    private let stepCount = Atomic<UInt64>(0)
    private let listCount = Atomic<UInt64>(0)

    @inline(__always) func note(nanoseconds: UInt64) {
        LedgerPage.add(nanoseconds, to: busyNanoseconds)
    }
    @inline(__always) func note(steps: Int) { LedgerPage.add(UInt64(steps), to: stepCount) }
    @inline(__always) func noteList() { LedgerPage.add(1, to: listCount) }

    /// One writer, so no read-modify-write is needed.
    @inline(__always) private static func add(_ more: UInt64, to cell: borrowing Atomic<UInt64>) {
        cell.store(cell.load(ordering: .relaxed) &+ more, ordering: .relaxed)
    }

    var counters: DeviceCounters {
        DeviceCounters(
            busyNanoseconds: busyNanoseconds.load(ordering: .relaxed),
            stepCount: stepCount.load(ordering: .relaxed),
            listCount: listCount.load(ordering: .relaxed))
    }
}

/// Decides what becomes of a step before it runs: the simulator's way to stall and break devices.
package protocol StepInterposer: AnyObject, Sendable {
    func fate(of step: String, on device: DeviceKind) -> StepFate
    /// The same for a step of a wide run, by its place in the plan.
    func fate(ofStep step: Int, in plan: Plan, on device: DeviceKind) -> StepFate

    /// Whether narrow runs of tasks are carried out step by step, with a pause before each: real
    /// cores run them side by side, and the simulation has but one thread.
    var pausesNarrowRuns: Bool { get }
    func pause() async
}

extension StepInterposer {
    package func fate(ofStep step: Int, in plan: Plan, on device: DeviceKind) -> StepFate {
        fate(of: plan.label(of: plan.steps[step]), on: device)
    }

    package var pausesNarrowRuns: Bool { false }
    package func pause() async {}
}

package enum StepFate: Sendable {
    case run
    /// The step of a wide run counts as done and computes nothing: for who only wants to know when
    /// it runs.
    case skip
    /// The device is asked again when somebody says `Engine.kick`. A blocking caller and a narrow
    /// run cannot wait for that: they run the step.
    case later
    case fail(ArrayError)
}
