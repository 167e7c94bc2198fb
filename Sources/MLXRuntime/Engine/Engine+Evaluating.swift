import CMLXKernels
import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner

/// The way into an evaluation, one for all: `start` takes it as far as the calling thread can
/// take it alone, which for a narrow run is to its end. What differs is how a caller waits for
/// the rest: a task suspends, a blocking caller drives, a background caller goes away.
extension Engine {
    /// How far `start` came.
    private enum Started {
        case done
        /// Another run is computing a node that is wanted: wait for it and start anew.
        case awaits(NodeID)
        case wide(Ticket, BlockedCaller?)
        /// A narrow run that is carried out step by step, for the simulation.
        case paused(Run)
    }

    private enum Waiter { case task, caller, nobody }

    private func start(
        _ request: Scheduler.Request, _ waiter: Waiter
    ) throws -> Started {
        try Core.with(self) { core in
            // The run, and the buffers it was the last to hold, end inside the mark.
            EngineStack.enter()
            defer { EngineStack.leave() }
            core.counts.noteEvaluation()
            let run = core.run
            defer { if core.run === run { run.clear() } }
            try addRoots(request.roots, to: run)
            if run.isEmpty { return .done }
            // Runs that pause share their thread: one would wait for another for ever.
            run.extract(marks: interposer?.pausesNarrowRuns != true)
            if run.graph.claimed != .none {
                core.counts.noteWait()
                return .awaits(run.graph.claimed)
            }
            if run.graph.isPoisoned, let error = Poison.firstError(in: run.graph) { throw error }
            let context = request.policy.map { scheduler.context(for: $0) } ?? scheduler.context
            core.key.make(run.graph, context: context)
            let reference = try plan(core, context, request.policy)
            return try reference._withUnsafeGuaranteedRef { plan in
                if plan.isNarrow && !(waiter == .task && interposer?.pausesNarrowRuns == true) {
                    try core.carryOut(plan, self)
                    report(plan, run)
                    decay(clock.nanoseconds())
                    return .done
                }
                return try hand(over: plan, core, request, waiter)
            }
        }
    }

    /// References to the arrays that have no value. Scalars get theirs at once.
    @inline(__always) private func addRoots(
        _ roots: [MLXArray], to run: Run
    ) throws(ArrayError) {
        for root in roots {
            let reference = NodeReference(root)
            if reference.hasValue { continue }
            if reference.op == .scalar {
                try bindScalar(reference.handle, reference.dtype, reference.word)
                continue
            }
            run.add(root: reference.handle)
            _ = reference.take()
        }
    }

    private func bindScalar(
        _ handle: NodeHandle, _ dtype: DType, _ word: UInt64
    ) throws(ArrayError) {
        let buffer = try allocators[0].allocate(byteCount: dtype.size)
        withUnsafeBytes(of: word) {
            buffer.pointer.copyMemory(from: $0.baseAddress!, byteCount: dtype.size)
        }
        GraphStore.shared.bind(
            handle, Value(buffer: buffer, dtype: dtype, shape: .scalar))
    }

    @inline(__always) private func plan(
        _ core: Core, _ context: UInt64, _ policy: (any SchedulingPolicy)?
    ) throws(ArrayError) -> Unmanaged<Plan> {
        if let known = core.knownPlan(scheduler.plans.generation) {
            core.counts.noteHit()
            return known
        }
        let begin = clock.nanoseconds()
        defer { core.counts.notePlanning(clock.elapsed(since: begin)) }
        if let plan = core.familyMember() {
            core.counts.noteAdapted()
            return core.remember(plan)
        }
        let (plan, reason) = try scheduler.plan(
            core.run.graph, core.key, context: context, policy)
        if let reason {
            if debugLevel > 0 { log("mlx: planned \(plan.nodeCount) nodes: \(reason)") }
        } else if plan.family != nil {
            core.counts.noteAdapted()
        } else {
            core.counts.noteHit()
        }
        return core.remember(plan)
    }

    /// Makes a wide run of the core's.
    private func hand(
        over plan: Plan, _ core: Core, _ request: Scheduler.Request, _ waiter: Waiter
    ) throws -> Started {
        let run = core.handOver()
        run.own(plan)
        // The virtual cores of a simulation are one thread: nobody could wait for a narrow run.
        try run.bind(plan, allocatorTable, scratch: nil, overwrites: !plan.isNarrow)
        if watchesSteps { run.timeSteps(plan) }
        if plan.isNarrow { return .paused(run) }
        let priority = request.priority ?? .current
        let caller = waiter == .caller ? BlockedCaller() : nil
        let ticket = turns.ticket(for: run, share: ShareClass(priority), caller: caller)
        guard let ticket else {
            core.counts.noteWait()
            return .awaits(plan.results[0].node(in: run))
        }
        run.keepReferences()
        core.counts.noteWide()
        return .wide(ticket, caller)
    }

    // MARK: - Tasks

    /// Evaluates on behalf of a task; cancelling the task stops the evaluation between two steps.
    /// A narrow run is carried out on the task's own thread, without a change of executor; for a
    /// wide one the task suspends once.
    package nonisolated(nonsending) func evaluate(_ request: Scheduler.Request) async throws {
        try Engine.checkReentrancy()
        try Task.checkCancellation()
        while true {
            switch try start(request, .task) {
            case .done:
                let now = clock.nanoseconds()
                if Core.with(self, { $0.mustYield(now) }) { await Task.yield() }
                return
            case .awaits(let node):
                await withCheckedContinuation { continuation in
                    turns.whenEnded(node) { continuation.resume() }
                }
                try Task.checkCancellation()
            case .wide(let ticket, _):
                do { return try await finish(ticket) } catch is DeviceLost {}
                try Task.checkCancellation()
            case .paused(let run):
                do { return try await carryOutPausing(run) } catch is DeviceLost {}
            }
        }
    }

    private nonisolated(nonsending) func finish(_ ticket: Ticket) async throws {
        let turns = turns
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                turns.submit(ticket) { continuation.resume() }
            }
        } onCancel: {
            turns.cancel(ticket)
        }
        if let error = ticket.run.ending.error { throw error }
    }

    /// A narrow run of the simulation's: others go on between its steps.
    private nonisolated(nonsending) func carryOutPausing(_ run: Run) async throws {
        let plan = run.plan!
        defer { run.releaseBuffers(plan) }
        for step in 0..<plan.steps.count {
            await interposer!.pause()
            if Task.isCancelled { throw CancellationError() }
            let stream = Int(plan.steps[step].stream)
            let kind = plan.streams[stream].kind!
            if turns.mustMove(from: kind) { throw DeviceLost() }
            if case .fail(let error) = interposer!.fate(
                of: plan.label(of: plan.steps[step]), on: kind)
            {
                throw error
            }
            try Core.with(self) { core in
                try EngineStack.mark {
                    try core.scratch.execute(step, plan, run, nil)
                    core.charge(plan, stream, steps: 1, 0, endsList: false)
                }
            }
        }
        EngineStack.mark {
            run.publish(plan)
            Core.with(self) { core in
                core.counts.noteNarrow()
                for stream in 0..<plan.streams.count { core.charge(plan, stream, steps: 0, 0) }
            }
        }
    }

    // MARK: - Blocking callers

    /// Evaluates on the calling thread, whichever it is: a plain one, one of the global pool, one
    /// of the team's, inside an actor or not. It never runs executor jobs: it carries out its own
    /// narrow run, or drives wide runs until its own has ended.
    /// - Parameter isUnwanted: asked between steps, fifty times a second at most, whether nobody
    ///   wants the values any more; called on this thread, outside the engine. Once it has said
    ///   so, the wide run that this call began is stopped, and it throws `CancellationError`.
    package func evaluateBlocking(
        _ request: Scheduler.Request, isUnwanted: (() -> Bool)? = nil
    ) throws {
        try Engine.checkReentrancy()
        let watch = isUnwanted.map { Watch($0, clock) }
        while true {
            switch try start(request, .caller) {
            case .done: return
            case .awaits(let node):
                let caller = BlockedCaller()
                turns.await(node, caller)
                turns.drive(caller, teams: drivenTeams, watch: watch)
                if watch?.isOver == true { throw CancellationError() }
            case .wide(let ticket, let caller):
                turns.submit(ticket, drives: drivenTeams)
                turns.drive(caller!, teams: drivenTeams, watch: watch)
                if watch?.isOver == true {
                    turns.cancel(ticket)
                    // The step that is running comes to its end first.
                    turns.drive(caller!, teams: drivenTeams)
                }
                guard let error = ticket.run.ending.error else { return }
                if !(error is DeviceLost) { throw error }
            case .paused: preconditionFailure("only tasks pause")
            }
        }
    }

    /// The teams whose turn a blocked caller takes: that of a shared topology; where devices have
    /// cores of their own, the team that it keeps from working.
    private var drivenTeams: [Int] {
        teams.count == 1 ? [0] : teams.indices.filter { teams[$0].holdsToken }
    }

    // MARK: - In the background

    /// Starts an evaluation and returns; a narrow one is over then. What it fails with, the next
    /// request for the same arrays meets again.
    package func evaluateInBackground(_ request: Scheduler.Request) {
        guard !EngineStack.isEntered else { return }
        let number = background.begin()
        continueInBackground(request, number)
    }

    private func continueInBackground(_ request: Scheduler.Request, _ number: UInt64) {
        do {
            switch try start(request, .nobody) {
            case .done: break
            case .awaits(let node):
                return turns.whenEnded(node) { [self] in beginAnew(request, number) }
            case .wide(let ticket, _):
                let ending = ticket.run.ending
                return turns.submit(ticket) { [self] in
                    let error = ending.error
                    if error is DeviceLost { return beginAnew(request, number) }
                    background.end(number, error)
                }
            case .paused: preconditionFailure("only tasks pause")
            }
            background.end(number)
        } catch {
            // Whoever asks for the values meets the error, and whoever asks for the error.
            background.end(number, error)
        }
    }

    /// Off the stack of whoever ended the run that stood in the way.
    private func beginAnew(_ request: Scheduler.Request, _ number: UInt64) {
        scheduler.team.post { [self] in continueInBackground(request, number) }
    }

    /// The first error of an evaluation in the background since it was last asked for.
    package func takeBackgroundError() -> (any Error)? { background.takeError() }

    /// Waits until what was started in the background before has ended.
    package func synchronize() {
        if EngineStack.isEntered { return }
        let parker = Parker()
        if background.whenAllEnded({ parker.unpark() }) { return }
        parker.park()
    }

    private static func checkReentrancy() throws {
        guard !EngineStack.isEntered else {
            throw ArrayError(
                .reentrant, "eval", "was called from inside the engine (a finaliser or a trace)")
        }
    }
}

extension Plan.Result {
    fileprivate func node(in run: Run) -> NodeID { run.graph.handles[Int(node)].id }
}
