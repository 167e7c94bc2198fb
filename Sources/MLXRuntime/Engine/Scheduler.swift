import CMLXKernels
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import Synchronization

/// Takes evaluations, turns each into a plan (a cached one where the structure is known), binds
/// it, cuts it into one command list for each device and stream, and hands these to the devices.
/// On one team everything runs in place, without a hop; on several, lists are posted to the
/// devices' teams. Owns the policy, the plan cache and the timelines' promises.
package actor Scheduler {
    package nonisolated let team: any EngineTeam
    package nonisolated let devices: [any DeviceActor]
    package nonisolated let timelines: Timelines
    private let allocators: [SlabAllocator]
    private let trace: Trace
    private let debugLevel: Int
    private let log: @Sendable (String) -> Void
    nonisolated let isShared: Bool
    private let clock: any EngineClock
    private var planner: Planner
    private var cache = PlanCache()
    private var lastDecay: UInt64 = 0
    private var idleDecay: IdleDecay?
    private(set) var evaluationCount: UInt64 = 0

    init(
        team: any EngineTeam, devices: [any DeviceActor], allocators: [SlabAllocator],
        timelines: Timelines, planner: Planner, clock: any EngineClock, trace: Trace,
        debugLevel: Int, log: @escaping @Sendable (String) -> Void
    ) {
        self.team = team
        self.devices = devices
        self.allocators = allocators
        self.timelines = timelines
        self.planner = planner
        self.clock = clock
        self.trace = trace
        self.debugLevel = debugLevel
        self.log = log
        isShared = devices.allSatisfy { $0.team === team }
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }

    // MARK: - Preparing

    /// What a request for values carries.
    package struct Request: Sendable {
        package var roots: [MLXArray]
        package var policy: (any SchedulingPolicy)?
        package init(roots: [MLXArray], policy: (any SchedulingPolicy)? = nil) {
            self.roots = roots
            self.policy = policy
        }
    }

    /// Extracts, plans and binds.
    /// - Returns: nil when there is nothing to compute.
    func prepare(
        _ request: Request, _ cancellation: Cancellation? = nil
    ) throws(ArrayError) -> Run? {
        EngineStack.enter()
        defer { EngineStack.leave() }
        evaluationCount += 1
        let references = try pending(request.roots)
        defer { for handle in references { GraphStore.shared.release(handle.id) } }
        if references.isEmpty { return nil }
        let graph = Subgraph(roots: references)
        if let error = Poison.firstError(in: graph) { throw error }
        var planner = planner
        if let policy = request.policy { planner.policy = policy }
        let plan = try plan(for: graph, planner)
        if plan.steps.isEmpty && plan.results.isEmpty { return nil }
        let run = Run(graph: graph, plan: plan, cancellation: cancellation)
        try run.bind { allocators[$0.kind!.index] }
        if trace.isOn { label(plan) }
        if debugLevel >= 2 { run.timeSteps() }
        return run
    }

    /// References to the roots that have no value. Scalars get theirs at once.
    private func pending(_ roots: [MLXArray]) throws(ArrayError) -> [NodeHandle] {
        var handles: [NodeHandle] = []
        var failure: ArrayError?
        for root in roots {
            let reference = NodeReference(root)
            if reference.value != nil { continue }
            if reference.op == .scalar {
                do throws(ArrayError) {
                    try bindScalar(reference.handle, reference.dtype, reference.word)
                } catch { failure = error }
                continue
            }
            let handle = reference.handle
            _ = reference.take()
            handles.append(handle)
        }
        if let failure {
            for handle in handles { GraphStore.shared.release(handle.id) }
            throw failure
        }
        return handles
    }

    private func bindScalar(
        _ handle: NodeHandle, _ dtype: DType, _ word: UInt64
    ) throws(ArrayError) {
        let buffer = try allocators[0].allocate(byteCount: dtype.size)
        withUnsafeBytes(of: word) {
            buffer.pointer.copyMemory(from: $0.baseAddress!, byteCount: dtype.size)
        }
        GraphStore.shared.bind([(handle, Value(buffer: buffer, dtype: dtype, shape: .scalar))])
    }

    private func plan(
        for graph: borrowing Subgraph, _ planner: Planner
    ) throws(ArrayError) -> Plan {
        let key = PlanKey(graph, context: planner.context ^ UInt64(mlx_level()) << 56)
        if let plan = cache.find(key) { return plan }
        let plan = try planner.plan(graph)
        cache.insert(key, plan)
        return plan
    }

    // MARK: - Running

    /// Hands the run's lists to the devices.
    func submit(_ run: Run) {
        let plan = run.plan
        run.bases = zip(plan.streams, plan.streamSteps).map { stream, steps in
            timelines[stream].reserve(steps.count)
        }
        for stream in plan.streams.indices {
            let list = CommandList(
                run: run, stream: stream, steps: plan.streamSteps[stream],
                base: run.bases[stream])
            devices[plan.streams[stream].kind!.index].inbox.push(list)
        }
    }

    /// Runs a submitted run to its end. Needs a shared team.
    private func drive(_ run: Run) {
        team.beginPlan()
        defer { team.endPlan() }
        while !run.isDone {
            var hasRun = false
            for stream in run.plan.streams {
                hasRun = Scheduler.advance(devices[stream.kind!.index]) || hasRun
                if run.isDone { break }
            }
            precondition(hasRun || run.isDone, "a plan waits for itself")
        }
    }

    private static func advance(_ device: some DeviceActor) -> Bool {
        device.assumeIsolated { $0.advance() }
    }

    /// Evaluates in place, on a thread that holds the team's token. Synchronous, so a task that
    /// awaits it changes executors once on the way in and once on the way out.
    package func evaluateNow(
        _ request: Request, _ cancellation: Cancellation? = nil
    ) throws {
        precondition(isShared)
        // The run, and the buffers it was the last to hold, end inside the mark.
        try EngineStack.mark {
            guard let run = try prepare(request, cancellation) else { return }
            try complete(run)
        }
    }

    func complete(_ run: Run) throws {
        submit(run)
        drive(run)
        try finish(run)
    }

    /// Publishes the results, or throws what stopped the run.
    func finish(_ run: Run) throws {
        EngineStack.enter()
        defer { EngineStack.leave() }
        if debugLevel > 0 { log(DebugReport.text(run, level: debugLevel)) }
        if let error = run.error { throw error }
        run.publish()
        decay()
    }

    /// Starts an evaluation on other teams.
    /// - Parameter completion: told of its end; not called when this throws.
    func begin(
        _ request: Request, _ completion: @escaping @Sendable ((any Error)?) -> Void
    ) throws {
        guard let run = try prepare(request) else { return completion(nil) }
        start(run) { [unowned self] in
            team.post {
                self.assumeIsolated { scheduler in
                    do {
                        try scheduler.finish(run)
                        completion(nil)
                    } catch {
                        completion(error)
                    }
                }
            }
        }
    }

    /// Submits to devices on other teams and sets them going.
    /// - Parameter onCompletion: called after the last step, on any thread.
    func start(_ run: Run, onCompletion: @escaping @Sendable () -> Void) {
        // A plan of windows only has nothing to wait for.
        if run.plan.streams.isEmpty { return onCompletion() }
        run.onCompletion = onCompletion
        submit(run)
        Scheduler.kick(devices)
    }

    /// Asks every device that has something to do to advance, on its own team; a device that ran
    /// something asks all again, because what they have, of whichever run, may have waited for it.
    package nonisolated static func kick(_ devices: [any DeviceActor]) {
        for device in devices where device.inbox.isOpen { kick(device, devices) }
    }

    private nonisolated static func kick(
        _ device: some DeviceActor, _ devices: [any DeviceActor]
    ) {
        device.team.post {
            if device.assumeIsolated({ $0.advance() }) { kick(devices) }
        }
    }

    /// Gives a plan's steps their names in the trace, once.
    private func label(_ plan: Plan) {
        guard plan.traceLabels.isEmpty else { return }
        plan.traceLabels = plan.steps.map { trace.intern(plan.label(of: $0)).rawValue }
    }

    // MARK: - State

    /// Lets allocators give memory back that nobody has wanted for a while.
    private func decay() {
        idleDecay?.arm()
        let now = clock.nanoseconds()
        guard now - lastDecay > SlabAllocator.decayNanoseconds / 2 else { return }
        lastDecay = now
        for allocator in allocators { allocator.decay(now: now) }
    }

    /// Gives back what has been free for a while.
    /// - Returns: whether anything is kept still.
    func decayNow() -> Bool {
        lastDecay = clock.nanoseconds()
        for allocator in allocators { allocator.decay(now: lastDecay) }
        return allocators.contains { $0.statistics.cacheByteCount > 0 }
    }

    func setIdleDecay(_ idleDecay: IdleDecay) { self.idleDecay = idleDecay }

    package var policy: any SchedulingPolicy {
        get { planner.policy }
    }

    package func setPolicy(_ policy: any SchedulingPolicy) { planner.policy = policy }
    package func setCosts(_ costs: CostModel) { planner.costs = costs }

    package struct Statistics: Sendable {
        package var planCount: Int
        package var planHits: UInt64
        package var planMisses: UInt64
        package var evaluationCount: UInt64
    }

    package var statistics: Statistics {
        Statistics(
            planCount: cache.count, planHits: cache.hits, planMisses: cache.misses,
            evaluationCount: evaluationCount)
    }

    package func forgetPlans() { cache.removeAll() }

    /// The plan that evaluating the arrays would use.
    package func explain(_ request: Request) throws -> String {
        let references = request.roots.map { $0.acquire() }
        defer { for handle in references { GraphStore.shared.release(handle.id) } }
        let graph = Subgraph(roots: references)
        if let error = Poison.firstError(in: graph) { throw error }
        var planner = planner
        if let policy = request.policy { planner.policy = policy }
        return try planner.explain(graph).description
    }
}
