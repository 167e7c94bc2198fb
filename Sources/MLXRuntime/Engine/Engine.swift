import CMLXKernels
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner

/// One complete runtime: a topology, its teams, three devices with their allocators, a scheduler.
/// A process has one for its users and may make more for experiments and simulations. Evaluation
/// starts here, from an async function, a blocking call or in the background.
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
    package let devices: [any DeviceActor]
    package let scheduler: Scheduler
    package let trace: Trace
    package let clock: any EngineClock

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
        let scheduler = scheduler
        let idleDecay = IdleDecay(system: system) { [weak scheduler] in
            guard let scheduler else { return false }
            return scheduler.team.withToken { scheduler.assumeIsolated { $0.decayNow() } }
        }
        withScheduler { $0.setIdleDecay(idleDecay) }
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
        let account = MemoryAccount(
            memoryLimit: configuration.memoryLimit, cacheLimit: configuration.cacheLimit)
        self.account = account
        let trace = Trace(devices: DeviceKind.allCases.map(\.name), clock: clock)
        self.trace = trace
        let timelines = Timelines()
        let parts = DeviceKind.allCases.map { kind in
            let team = placement.teamOfDevice[kind.index]
            return DeviceParts(
                kind: kind,
                allocator: SlabAllocator(
                    node: placement.teams[team].node, account: account, system: system),
                team: teams[team], timelines: timelines, clock: clock, trace: trace,
                interposer: interposer)
        }
        let devices: [any DeviceActor] = [
            CPUDevice(parts[0]), GPUDevice(parts[1]), NPUDevice(parts[2]),
        ]
        let allocators = parts.map(\.allocator)
        self.devices = devices
        self.allocators = allocators
        scheduler = Scheduler(
            team: teams[0], devices: devices, allocators: allocators, timelines: timelines,
            planner: Planner(
                costs: configuration.costs, policy: configuration.policy,
                coreSets: CoreSet.sets(of: configuration.topology, placement)),
            clock: clock, trace: trace,
            debugLevel: configuration.log == nil ? 0 : configuration.debugLevel,
            log: configuration.log ?? { _ in })
    }

    package var isShared: Bool { devices.allSatisfy { $0.team === scheduler.team } }

    // MARK: - Evaluating

    /// Evaluates on behalf of a task, which suspends meanwhile; cancelling the task stops the
    /// evaluation between two steps.
    package nonisolated(nonsending) func evaluate(
        _ request: Scheduler.Request
    ) async throws {
        try Engine.checkReentrancy()
        try Task.checkCancellation()
        let cancellation = Cancellation()
        try await withTaskCancellationHandler {
            if isShared {
                try await scheduler.evaluateNow(request, cancellation)
            } else {
                try await evaluateOnTeams(request, cancellation)
            }
        } onCancel: {
            cancellation.request()
        }
    }

    private nonisolated(nonsending) func evaluateOnTeams(
        _ request: Scheduler.Request, _ cancellation: Cancellation
    ) async throws {
        guard let run = try await scheduler.prepare(request, cancellation) else { return }
        await withCheckedContinuation { continuation in
            let scheduler = scheduler
            scheduler.team.post {
                scheduler.assumeIsolated { $0.start(run) { continuation.resume() } }
            }
        }
        try await scheduler.finish(run)
    }

    /// Evaluates on the calling thread, whichever it is: a plain one, one of the global pool, one
    /// of the team's, inside an actor or not.
    package func evaluateBlocking(_ request: Scheduler.Request) throws {
        try Engine.checkReentrancy()
        guard !isShared else {
            return try scheduler.team.withToken {
                try scheduler.assumeIsolated { try $0.evaluateNow(request) }
            }
        }
        if !scheduler.team.holdsToken && holdsAnyToken {
            return try evaluateThroughQueue(request)
        }
        let done = Latch()
        let started = try scheduler.team.withToken {
            try scheduler.assumeIsolated { scheduler -> Run? in
                guard let run = try scheduler.prepare(request) else { return nil }
                scheduler.start(run) { done.open() }
                return run
            }
        }
        guard let run = started else { return }
        wait(for: done)
        try scheduler.team.withToken {
            try scheduler.assumeIsolated { try $0.finish(run) }
        }
    }

    /// A thread that holds another team's token must not wait for the scheduler's, whose holder
    /// may wait for the devices of that team: it leaves the request in the queue instead.
    private func evaluateThroughQueue(_ request: Scheduler.Request) throws {
        let done = Latch()
        let failure = Locked<(any Error)?>(nil)
        enqueue(request) { error in
            failure.withLock { $0 = error }
            done.open()
        }
        wait(for: done)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private var holdsAnyToken: Bool { teams.contains { $0.holdsToken } }

    /// Waits for devices on other teams. A thread that holds a team's token keeps that team's
    /// devices going, since nobody else can.
    private func wait(for latch: Latch) {
        let held = devices.filter { $0.team.holdsToken }
        if held.isEmpty { return latch.wait() }
        while !latch.wait(nanoseconds: 20_000) {
            for device in held where Engine.advance(device) { Scheduler.kick(devices) }
        }
    }

    private static func advance(_ device: some DeviceActor) -> Bool {
        device.assumeIsolated { $0.advance() }
    }

    /// Starts an evaluation and returns. What it fails with, the next request for the same
    /// arrays meets again.
    package func evaluateInBackground(_ request: Scheduler.Request) {
        enqueue(request) { _ in }
    }

    /// Evaluates when the scheduler's team comes to it.
    private func enqueue(
        _ request: Scheduler.Request, _ completion: @escaping @Sendable ((any Error)?) -> Void
    ) {
        let scheduler = scheduler
        scheduler.team.post {
            scheduler.assumeIsolated { scheduler in
                do {
                    guard scheduler.isShared else {
                        return try scheduler.begin(request, completion)
                    }
                    try scheduler.evaluateNow(request)
                    completion(nil)
                } catch {
                    completion(error)
                }
            }
        }
    }

    /// Waits until what was started in the background before has ended. Does nothing on a thread
    /// of the engine's own, which is what would have to do the work.
    package func synchronize() {
        if holdsAnyToken { return }
        Engine.awaitQueue(of: scheduler.team)
        guard !isShared else { return }
        for timeline in scheduler.timelines.all {
            let end = timeline.end
            while timeline.value < end { mlx_pause() }
        }
        // Steps are done; now the ends of their runs, and what these posted.
        for device in devices { Engine.awaitQueue(of: device.team) }
        Engine.awaitQueue(of: scheduler.team)
    }

    private static func awaitQueue(of team: any EngineTeam) {
        let done = Latch()
        team.post { done.open() }
        done.wait()
    }

    private static func checkReentrancy() throws {
        guard !EngineStack.isEntered else {
            throw ArrayError(
                .reentrant, "eval", "was called from inside the engine (a finaliser or a trace)")
        }
    }

    // MARK: - Asking

    package func explain(_ request: Scheduler.Request) throws -> String {
        try scheduler.team.withToken {
            try scheduler.assumeIsolated { try $0.explain(request) }
        }
    }

    /// Runs `body` isolated to the scheduler, on the calling thread.
    package func withScheduler<R: Sendable>(
        _ body: (isolated Scheduler) throws -> R
    ) rethrows -> R {
        try scheduler.team.withToken { try scheduler.assumeIsolated(body) }
    }

    /// Runs `body` while nothing runs on any team: to read traces and counters.
    package func withAllTokens<R>(_ body: () throws -> R) rethrows -> R {
        func take(_ index: Int) throws -> R {
            if index == teams.count { return try body() }
            return try teams[index].withToken { try take(index + 1) }
        }
        return try take(0)
    }

    package func counters(of kind: DeviceKind) -> DeviceCounters {
        Engine.counters(devices[kind.index])
    }

    private static func counters(_ device: some DeviceActor) -> DeviceCounters {
        device.team.withToken { device.assumeIsolated { $0.counters } }
    }
}
