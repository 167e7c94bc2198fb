import CMLXKernels
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import Synchronization

/// One complete runtime: a topology, its teams, devices with their allocators, a scheduler, and
/// the turns of wide runs. A process has one for its users and may make more for experiments and
/// simulations. This file puts the parts together; `Engine+Evaluating.swift` is the way in.
package final class Engine: Sendable {
    package struct Configuration: Sendable {
        package var topology: Topology
        package var costs: CostModel = .typical
        package var policy: any SchedulingPolicy = CostPolicy()
        package var memoryLimit = Int.max
        package var cacheLimit = Int.max
        /// How much `log` is told of each evaluation: 1 a summary, 2 the time of every step, 3 the
        /// plan, 4 the graph.
        package var debugLevel = 0
        package var log: (@Sendable (String) -> Void)?
        package init(topology: Topology) { self.topology = topology }
    }

    package let topology: Topology
    package let teams: [any EngineTeam]
    package let refusals: Refusals
    package let account: MemoryAccount
    package let allocators: [SlabAllocator]
    package let devices: [Device]
    package let scheduler: Scheduler
    package let trace: Trace
    package let clock: any EngineClock
    let interposer: (any StepInterposer)?
    let turns: Turns
    let background = Background()
    let life: EngineLife
    let debugLevel: Int
    let log: @Sendable (String) -> Void
    /// The allocators by device, for runs, which count no references.
    nonisolated(unsafe) let allocatorTable: UnsafeMutablePointer<Unmanaged<SlabAllocator>>
    private let forkNumber: Int
    private let lastDecay = Atomic<UInt64>(0)
    private let idleDecay = Locked<IdleDecay?>(nil)
    private let idleDecayReference = Atomic<UInt>(0)

    /// An engine on real threads.
    package convenience init(_ configuration: Configuration) {
        let placement = configuration.topology.placement(
            deviceCount: DeviceKind.allCases.count)
        let system = LinuxSystem(topology: configuration.topology)
        let teams = placement.teams.enumerated().map { number, place in
            Team(
                name: "mlx-team-\(number)", cpus: place.cpus, threadCount: place.threadCount,
                system: system)
        }
        self.init(
            configuration, teams: teams, placement: placement, system: system,
            refusals: system.refusals, clock: CycleClock.best, interposer: nil)
        let idleDecay = IdleDecay(system: system) { [weak self] in self?.decayNow() ?? false }
        self.idleDecay.withLock { $0 = idleDecay }
        idleDecayReference.store(
            UInt(bitPattern: Unmanaged.passUnretained(idleDecay).toOpaque()), ordering: .releasing)
    }

    /// An engine on given teams: the simulator's way in.
    package init(
        _ configuration: Configuration, teams: [any EngineTeam], placement: Topology.Placement,
        system: any SystemMemory, refusals: Refusals, clock: any EngineClock,
        interposer: (any StepInterposer)?
    ) {
        topology = configuration.topology
        self.teams = teams
        self.refusals = refusals
        self.clock = clock
        self.interposer = interposer
        let account = MemoryAccount(
            memoryLimit: configuration.memoryLimit, cacheLimit: configuration.cacheLimit)
        self.account = account
        trace = Trace(devices: DeviceKind.allCases.map(\.name), clock: clock)
        let devices = DeviceKind.allCases.map { kind in
            let team = placement.teamOfDevice[kind.index]
            return Device(
                kind: kind, team: teams[team],
                allocator: SlabAllocator(
                    node: placement.teams[team].node, account: account, system: system))
        }
        self.devices = devices
        let allocators = devices.map(\.allocator)
        self.allocators = allocators
        allocatorTable = .allocate(capacity: allocators.count)
        for (index, allocator) in allocators.enumerated() {
            (allocatorTable + index).initialize(to: .passUnretained(allocator))
        }
        life = EngineLife(devices)
        turns = Turns(devices: devices, teams: teams)
        debugLevel = configuration.log == nil ? 0 : configuration.debugLevel
        log = configuration.log ?? { _ in }
        scheduler = Scheduler(
            team: teams[0],
            planner: Planner(
                costs: configuration.costs, policy: configuration.policy,
                coreSets: CoreSet.sets(of: configuration.topology, placement)))
        forkNumber = ForkSafety.add(Engine.forkHandlers(account, allocators, turns))
        turns.carryOut = { [unowned self] in carryOut($0, $1) }
        turns.settle = { [unowned self] in settle($0) }
    }

    deinit {
        ForkSafety.remove(forkNumber)
        life.end()
        allocatorTable.deallocate()
    }

    // MARK: - Forks

    /// In the child the engine has no threads: nothing is asked of it any more but to take its
    /// buffers back. What its runs had not finished, nobody is computing.
    private static func forkHandlers(
        _ account: MemoryAccount, _ allocators: [SlabAllocator], _ turns: Turns
    ) -> [ForkSafety.Handlers] {
        [
            .init(hold: turns.tryHold, letGo: turns.letGo, inChild: turns.abandon),
            .init(hold: account.tryHold, letGo: account.letGo),
        ] + allocators.map { .init(hold: $0.tryHold, letGo: $0.letGo) }
    }

    package var isShared: Bool { devices.allSatisfy { $0.team === scheduler.team } }

    // MARK: - Memory

    /// Lets allocators give memory back that nobody has wanted for a while.
    @inline(__always) func decay(_ now: UInt64) {
        if let bits = UnsafeRawPointer(bitPattern: idleDecayReference.load(ordering: .acquiring)) {
            Unmanaged<IdleDecay>.fromOpaque(bits)._withUnsafeGuaranteedRef { $0.arm() }
        }
        let last = lastDecay.load(ordering: .relaxed)
        guard now > last, now - last > SlabAllocator.decayNanoseconds / 2 else { return }
        let isOurs = lastDecay.compareExchange(
            expected: last, desired: now, ordering: .relaxed
        ).exchanged
        if isOurs { for allocator in allocators { allocator.decay(now: now) } }
    }

    /// Gives back what has been free for a while.
    /// - Returns: whether anything is kept still.
    private func decayNow() -> Bool {
        let now = clock.nanoseconds()
        lastDecay.store(now, ordering: .relaxed)
        for allocator in allocators { allocator.decay(now: now) }
        return allocators.contains { $0.statistics.cacheByteCount > 0 }
    }

    // MARK: - Losing devices

    /// Takes a device out of use. What wide runs have left on it is moved: they are begun anew
    /// without it, and whoever waits for them does not notice. Nothing is placed on it until it
    /// is regained; a step that was pinned to it goes elsewhere meanwhile.
    package func lose(_ kind: DeviceKind) { setLost { $0.union(DeviceSet(kind)) } }

    /// Takes a lost device into use again.
    package func regain(_ kind: DeviceKind) { setLost { $0.subtracting(DeviceSet(kind)) } }

    /// Planners first: whatever is begun anew must know.
    private func setLost(_ change: @Sendable (DeviceSet) -> DeviceSet) {
        let devices = withScheduler { scheduler in
            scheduler.setLost(change(scheduler.lost))
            return scheduler.lost
        }
        turns.lose(devices)
    }

    // MARK: - Asking

    package func explain(_ request: Scheduler.Request) throws -> String {
        try scheduler.explain(request)
    }

    /// Runs `body` isolated to the scheduler, on the calling thread.
    package func withScheduler<R: Sendable>(
        _ body: (isolated Scheduler) throws -> R
    ) rethrows -> R {
        try scheduler.team.withToken { try scheduler.assumeIsolated(body) }
    }

    package func counters(of kind: DeviceKind) -> DeviceCounters {
        devices[kind.index].ledger.total
    }

    /// Parts of wide runs that have not come to their end.
    package var openListCount: Int { turns.openListCount }

    /// What the engine has done since it was made.
    package struct Statistics: Sendable, Equatable {
        package var evaluations = EvaluationCounts()
        package var turns: UInt64 = 0
        /// Runs that were begun anew because a device was lost.
        package var movedRuns: UInt64 = 0
        package var planCount = 0
        package var planBytes = 0
        package var planMisses: UInt64 = 0
    }

    package var statistics: Statistics {
        Statistics(
            evaluations: life.counts.total, turns: turns.turnCount,
            movedRuns: turns.movedRunCount,
            planCount: scheduler.plans.count, planBytes: scheduler.plans.byteCount,
            planMisses: scheduler.plans.missCount)
    }
}
