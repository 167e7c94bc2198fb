import Collections
import MLXBase
import MLXGraph
import MLXKernels
import MLXMemory
import MLXPlanner

/// The steps of one run on one stream, and how many of them have run.
struct CommandList {
    let run: Run
    /// The stream's place in the plan.
    let stream: Int
    let steps: [Int32]
    var next = 0
    /// The timeline value before the first step.
    let base: UInt64
}

/// What a device is made of.
struct DeviceParts: Sendable {
    let kind: DeviceKind
    let allocator: SlabAllocator
    let team: any EngineTeam
    let timelines: Timelines
    let clock: any EngineClock
    let trace: Trace
    let interposer: (any StepInterposer)?
}

/// What every device owns: a command queue for each of its streams, an allocator, counters.
/// Confined to its device actor, so nothing in it is synchronised. It never waits: a list whose
/// next step depends on another stream stays where it is until the device is asked again.
package final class DeviceCore {
    let kind: DeviceKind
    let allocator: SlabAllocator
    let team: any EngineTeam
    private let timelines: Timelines
    private let clock: any EngineClock
    private let interposer: (any StepInterposer)?
    private let inbox: Inbox
    private var queues: [Int: Deque<CommandList>] = [:]
    /// Lanes in the order they were first used; iterating a dictionary would not be repeatable.
    private var lanes: [Int] = []
    private let executor: StepExecutor
    private(set) var busyNanoseconds: UInt64 = 0
    private(set) var stepCount: UInt64 = 0
    private(set) var listCount: UInt64 = 0

    init(_ parts: DeviceParts, _ inbox: Inbox) {
        self.inbox = inbox
        kind = parts.kind
        allocator = parts.allocator
        team = parts.team
        timelines = parts.timelines
        clock = parts.clock
        interposer = parts.interposer
        executor = StepExecutor(parts)
    }

    private func enqueue(_ list: CommandList) {
        let lane = list.run.plan.streams[list.stream].lane
        if queues[lane] == nil { lanes.append(lane) }
        queues[lane, default: []].append(list)
        listCount += 1
    }

    /// Runs every step whose dependencies are met, lane by lane.
    /// - Returns: whether anything ran.
    func advance() -> Bool {
        for list in inbox.take() { enqueue(list) }
        EngineStack.enter()
        defer { EngineStack.leave() }
        var hasRun = false
        let start = clock.nanoseconds()
        for lane in lanes {
            while queues[lane]?.isEmpty == false {
                let (ran, isFinished) = advanceFirstList(of: lane)
                hasRun = hasRun || ran
                if !isFinished { break }
            }
        }
        if hasRun { busyNanoseconds += clock.nanoseconds() - start }
        return hasRun
    }

    /// Runs the first list of a lane as far as it goes, and takes it off the queue at its end.
    private func advanceFirstList(of lane: Int) -> (hasRun: Bool, isFinished: Bool) {
        let run = queues[lane]![0].run
        let streamID = run.plan.streams[queues[lane]![0].stream]
        let timeline = timelines[streamID]
        var next = queues[lane]![0].next
        let (steps, base) = (queues[lane]![0].steps, queues[lane]![0].base)
        let first = next
        while next < steps.count {
            let step = Int(steps[next])
            if !isReady(step, run) { break }
            guard runStep(step, run) else { break }
            next += 1
            timeline.advance(to: base + UInt64(next))
        }
        queues[lane]![0].next = next
        stepCount += UInt64(next - first)
        guard next == steps.count else { return (next > first, false) }
        queues[lane]!.removeFirst()
        inbox.noteEnd()
        run.endList()
        return (true, true)
    }

    private func isReady(_ step: Int, _ run: Run) -> Bool {
        let record = run.plan.steps[step]
        for wait in Int(record.waitStart)..<Int(record.waitStart + record.waitCount) {
            let condition = run.plan.waits[wait]
            let stream = Int(condition.stream)
            let value = run.bases[stream] + UInt64(condition.count)
            if timelines[run.plan.streams[stream]].value < value { return false }
        }
        return true
    }

    /// Runs a step, or skips it when its run has failed already.
    /// - Returns: false when the interposer wants it later.
    private func runStep(_ step: Int, _ run: Run) -> Bool {
        if let interposer {
            switch interposer.fate(of: run.plan.label(of: run.plan.steps[step]), on: kind) {
            case .run: break
            case .later: return false
            case .fail(let error): run.fail(error)
            }
        }
        if run.isStopped { return true }
        do throws(ArrayError) {
            try executor.execute(step, run)
        } catch {
            run.fail(error)
        }
        return true
    }
}

/// Decides what becomes of a step before it runs: the simulator's way to stall and break devices.
package protocol StepInterposer: AnyObject, Sendable {
    func fate(of step: String, on device: DeviceKind) -> StepFate
}

package enum StepFate: Sendable {
    case run
    /// The device is asked again later, by whoever decided so.
    case later
    case fail(ArrayError)
}
