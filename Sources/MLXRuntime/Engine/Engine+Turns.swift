import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// What happens during a turn: a list's steps run, one after the other or, where they do not
/// depend on each other and are small, side by side; and how a wide run ends.
extension Engine {
    /// A turn lasts a step, or as many as fit into this.
    private static let sliceNanoseconds: UInt64 = 500_000
    /// Steps side by side are worth it from so much work on.
    private static let batchNanoseconds = 20_000.0

    /// Runs a list, and what the turn has of its run besides, for one slice, on the thread that has
    /// the team's turn.
    /// - Returns: how long it took.
    func carryOut(_ list: CommandList, _ number: Int) -> UInt64 {
        Core.with(self) { core in
            EngineStack.enter()
            defer { EngineStack.leave() }
            let team = teams[number]
            team.beginTurn()
            defer { team.endTurn() }
            let begin = clock.nanoseconds()
            var (list, first, since, now) = (list, list.next, begin, begin)
            repeat {
                // Where the plan goes on on another stream, its list does.
                if let next = list.ticket.next(onTeam: number), next !== list {
                    charge(core, list, from: first, now - since)
                    (list, first, since) = (next, next.next, now)
                }
                guard advance(list, core, team, &now) else { break }
            } while now - begin < Engine.sliceNanoseconds
            charge(core, list, from: first, now - since)
            return now - begin
        }
    }

    /// Notes what a list had of a slice at its device.
    private func charge(
        _ core: Core, _ list: CommandList, from first: Int, _ nanoseconds: UInt64
    ) {
        core.charge(
            list.ticket.plan, list.stream, steps: list.next - first, nanoseconds,
            endsList: list.isDone)
    }

    /// Runs the next step of a list, or the batch of steps that starts there.
    /// - Returns: false when the list has to wait.
    private func advance(
        _ list: CommandList, _ core: Core, _ team: any EngineTeam, _ now: inout UInt64
    ) -> Bool {
        let (ticket, run) = (list.ticket, list.ticket.run)
        if list.isDone { return false }
        if run.ending.isStopped {
            list.next = list.steps.count
            ticket.progress[list.stream].store(list.next, ordering: .releasing)
            return true
        }
        let step = list.nextStep
        guard ticket.isReady(step) else { return false }
        let plan = ticket.plan
        let record = plan.steps.base + step
        var count = 1
        if record.pointee.batchCount > 1, record.pointee.batchNanoseconds > Engine.batchNanoseconds,
            team.width > 1, interposer == nil, !watchesSteps
        {
            count = Int(record.pointee.batchCount)
            runBatch(list, count, record.pointee.batchNanoseconds, team)
        } else {
            let isToRun: Bool
            switch fate(of: step, list) {
            case .later: return false
            case .skip: isToRun = false
            case .run, .fail: isToRun = true
            }
            if isToRun && !run.ending.isStopRequested {
                do throws(ArrayError) {
                    try core.scratch.execute(step, plan, run, team)
                } catch {
                    run.ending.fail(error)
                }
            }
        }
        list.next += count
        ticket.progress[list.stream].store(list.next, ordering: .releasing)
        let end = max(now, clock.nanoseconds())
        if watchesSteps { note(step, plan, run, core, now, end) }
        now = end
        return true
    }

    /// Independent steps, each on one core.
    private func runBatch(
        _ list: CommandList, _ count: Int, _ nanoseconds: Double, _ team: any EngineTeam
    ) {
        let (plan, run, first) = (list.ticket.plan, list.ticket.run, list.next)
        let steps = list.steps
        // A few chunks for each thread: cheap to claim, and the last one is short.
        let chunks = min(count, team.width * 4)
        team.run(chunks: chunks, nanoseconds: Int(nanoseconds)) { chunk in
            Core.with(self) { core in
                EngineStack.enter()
                defer { EngineStack.leave() }
                let (low, high) = (count * chunk / chunks, count * (chunk + 1) / chunks)
                for index in (first + low)..<(first + high) {
                    do throws(ArrayError) {
                        try core.scratch.execute(Int(steps.base[index]), plan, run, nil)
                    } catch {
                        run.ending.fail(error)
                    }
                }
            }
        }
    }

    /// Asks the interposer, if there is one.
    private func fate(of step: Int, _ list: CommandList) -> StepFate {
        guard let interposer else { return .run }
        let fate = interposer.fate(ofStep: step, in: list.ticket.plan, on: list.device.kind)
        switch fate {
        case .run, .skip: break
        case .later:
            // A blocked caller is the only one who could go on.
            if list.ticket.isBlocking { return .run }
            list.isStalled = true
        case .fail(let error): list.ticket.run.ending.fail(error)
        }
        return fate
    }

    /// Publishes the results of a wide run that was not stopped, and lets its storage go.
    func settle(_ ticket: Ticket) {
        EngineStack.enter()
        defer { EngineStack.leave() }
        let run = ticket.run
        report(ticket.plan, run)
        if run.ending.error == nil { run.publish(ticket.plan) }
        run.releaseBuffers(ticket.plan)
        run.clear()
        decay(clock.nanoseconds())
    }

    /// Lists that were stalled may be tried again: for whoever stalled them.
    package func kick() { turns.kick() }

    // MARK: - Watching

    /// Whether somebody wants to know of every step.
    @inline(__always) var watchesSteps: Bool { trace.isOn || debugLevel >= 2 }

    func note(
        _ step: Int, _ plan: Plan, _ run: Run, _ core: Core, _ begin: UInt64, _ end: UInt64
    ) {
        run.stepNanoseconds?[step] = end - begin
        guard trace.isOn else { return }
        let record = plan.steps[step]
        let stream = plan.streams[Int(record.stream)]
        core.ring.record(
            TraceEvent(
                .step, device: stream.kind!.index, begin: begin, end: end,
                bytes: UInt64(record.bytes), flops: UInt64(record.flops),
                label: trace.label(step, of: plan), stream: stream.lane))
    }

    func report(_ plan: Plan, _ run: Run) {
        if debugLevel > 0 { log(DebugReport.text(run, plan, level: debugLevel)) }
    }
}
