import CMLXKernels
import Glibc
import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// What one thread needs to carry out a narrow run alone, without meeting another: a run that is
/// used again and again, a memo of plans, scratch for steps, a page in each device's ledger. A
/// thread has one for each engine it has evaluated on, found through a thread word; none is ever
/// kept across a suspension.
/// Invariant: used by its thread only, and not while it is in use further up the stack.
final class Core {
    private let life: EngineLife
    private let pages: [LedgerPage]
    let scratch = StepScratch()
    /// The run that the next evaluation on this thread uses.
    @exclusivity(unchecked) var run = Run()
    @exclusivity(unchecked) var key = PlanKey()
    private let memo: UnsafeMutablePointer<Unmanaged<Plan>?>
    @exclusivity(unchecked) private var generation: UInt64 = 0
    private static let memoCount = 256
    /// Where the memo has the last member of each family.
    @exclusivity(unchecked) private var members: [(family: PlanFamily, slot: Int)] = []
    private static let familyCount = 8
    @exclusivity(unchecked) private var arena: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var arenaByteCount = 1 << 14
    /// When a task on this thread last let others run.
    @exclusivity(unchecked) private var lastYield: UInt64 = 0
    let counts = CoreCounts()
    let ring: TraceRing
    private let trace: Trace
    @exclusivity(unchecked) private var next: Core?

    /// A task gives its thread up so often, or a loop of narrow evaluations, which never suspend,
    /// would keep all others from it.
    private static let yieldNanoseconds: UInt64 = 250_000

    private init(_ engine: Engine, next: Core?) {
        life = engine.life
        pages = engine.devices.map { $0.ledger.open() }
        memo = .allocate(capacity: Core.memoCount)
        memo.initialize(repeating: nil, count: Core.memoCount)
        arena = .allocate(byteCount: arenaByteCount, alignment: 64)
        trace = engine.trace
        ring = trace.makeRing()
        life.counts.open(counts)
        self.next = next
    }

    deinit {
        forgetPlans()
        memo.deallocate()
        arena.deallocate()
        for (device, page) in zip(life.ledgers, pages) { device.close(page) }
        life.counts.close(counts)
        trace.giveBack(ring)
    }

    // MARK: - Finding

    /// Runs `body` with the calling thread's core. A reference to it is counted by nobody: the
    /// thread word holds one until the thread ends.
    @inline(__always) static func with<R>(
        _ engine: Engine, _ body: (Core) throws -> R
    ) rethrows -> R {
        if let bits = mlx_thread().pointee.cores {
            let first = Unmanaged<Core>.fromOpaque(bits)
            let isOurs = first._withUnsafeGuaranteedRef { $0.life === engine.life }
            if isOurs { return try first._withUnsafeGuaranteedRef(body) }
        }
        return try find(engine)._withUnsafeGuaranteedRef(body)
    }

    /// Moves the engine's core to the front of the thread's list; those of engines that are gone
    /// leave it.
    @inline(never) private static func find(_ engine: Engine) -> Unmanaged<Core> {
        var rest: Core?
        if let bits = mlx_thread().pointee.cores {
            rest = Unmanaged<Core>.fromOpaque(bits).takeRetainedValue()
        }
        mlx_thread().pointee.cores = nil
        var kept: [Core] = []
        var found: Core?
        while let core = rest {
            rest = core.next
            core.next = nil
            if core.life === engine.life {
                found = core
            } else if core.life.isAlive {
                kept.append(core)
            }
        }
        var head: Core?
        for core in kept.reversed() {
            core.next = head
            head = core
        }
        let core = found ?? Core(engine, next: nil)
        core.next = head
        let reference = Unmanaged.passRetained(core)
        mlx_thread().pointee.cores = reference.toOpaque()
        // Whatever is not nil: it only has the destructor called when the thread ends.
        pthread_setspecific(Core.key, UnsafeRawPointer(bitPattern: 1))
        return reference
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { _ in
            guard let bits = mlx_thread().pointee.cores else { return }
            mlx_thread().pointee.cores = nil
            Unmanaged<Core>.fromOpaque(bits).release()
        }
        return key
    }()

    // MARK: - Plans

    /// The plan of the structure in `key` that this core knows already.
    @inline(__always) func knownPlan(_ generation: UInt64) -> Unmanaged<Plan>? {
        if generation != self.generation {
            forgetPlans()
            self.generation = generation
        }
        guard let plan = memo[slot] else { return nil }
        return plan._withUnsafeGuaranteedRef { key.matches($0) } ? plan : nil
    }

    func remember(_ plan: Plan) -> Unmanaged<Plan> {
        if let family = plan.family { forgetMember(of: family) }
        memo[slot]?.release()
        let reference = Unmanaged.passRetained(plan)
        memo[slot] = reference
        return reference
    }

    /// A plan for the structure in `key` out of a family that this core has met: its last member,
    /// rewritten, if no run has it.
    func familyMember() -> Plan? {
        for place in members.indices {
            let family = members[place].family
            if let plan = family.member(key, rewriting: { takeMember(place) }) { return plan }
        }
        return nil
    }

    /// The last member of a family, taken out of the memo, if only the memo refers to it.
    private func takeMember(_ place: Int) -> Plan? {
        let slot = members[place].slot
        guard let known = memo[slot],
            known._withUnsafeGuaranteedRef({ $0.family === members[place].family })
        else { return nil }
        memo[slot] = nil
        var plan = known.takeRetainedValue()
        return isKnownUniquelyReferenced(&plan) ? plan : nil
    }

    /// A family's plan for one length is seldom wanted again: the core keeps the last one only.
    private func forgetMember(of family: PlanFamily) {
        if let place = members.firstIndex(where: { $0.family === family }) {
            let old = members[place].slot
            if let plan = memo[old], plan.takeUnretainedValue().family === family {
                plan.release()
                memo[old] = nil
            }
            members[place].slot = slot
        } else {
            if members.count == Core.familyCount { members.removeLast() }
            members.insert((family, slot), at: 0)
        }
    }

    @inline(__always) private var slot: Int {
        Int(truncatingIfNeeded: key.hash ^ key.hash >> 32) & (Core.memoCount - 1)
    }

    private func forgetPlans() {
        members.removeAll()
        for slot in 0..<Core.memoCount {
            memo[slot]?.release()
            memo[slot] = nil
        }
    }

    // MARK: - Narrow runs

    /// Carries out the core's run, from its places to its values.
    @inline(__always) func carryOut(_ plan: Plan, _ engine: Engine) throws(ArrayError) {
        if plan.arenaByteCount > arenaByteCount { growArena(plan.arenaByteCount) }
        let run = run
        try run.bind(plan, engine.allocatorTable, scratch: arena, overwrites: true)
        if engine.watchesSteps { run.timeSteps(plan) }
        run.begin()
        defer { run.releaseBuffers(plan) }
        let begin = engine.clock.nanoseconds()
        if engine.watchesSteps || engine.interposer != nil || plan.streams.count > 1 {
            try executeWatched(plan, engine, begin)
        } else if plan.steps.count > 0 {
            for step in 0..<plan.steps.count { try scratch.execute(step, plan, run, nil) }
            charge(plan, 0, steps: plan.steps.count, engine.clock.elapsed(since: begin))
        }
        run.publish(plan)
        counts.noteNarrow()
    }

    /// Notes what a stream's steps took at its device.
    @inline(__always) func charge(
        _ plan: Plan, _ stream: Int, steps: Int, _ nanoseconds: UInt64, endsList: Bool = true
    ) {
        let page = pages[plan.streams.base[stream].kind.unsafelyUnwrapped.index]
        page.note(steps: steps)
        page.note(nanoseconds: nanoseconds)
        if endsList { page.noteList() }
    }

    /// Step by step: each is timed, asked about, and charged to its own device.
    private func executeWatched(
        _ plan: Plan, _ engine: Engine, _ begin: UInt64
    ) throws(ArrayError) {
        var now = begin
        for step in 0..<plan.steps.count {
            let stream = Int(plan.steps[step].stream)
            if let interposer = engine.interposer {
                let fate = interposer.fate(
                    of: plan.label(of: plan.steps[step]), on: plan.streams[stream].kind!)
                if case .fail(let error) = fate { throw error }
            }
            try scratch.execute(step, plan, run, nil)
            let end = max(now, engine.clock.nanoseconds())
            engine.note(step, plan, run, self, now, end)
            charge(plan, stream, steps: 1, end - now, endsList: false)
            now = end
        }
        for stream in 0..<plan.streams.count { charge(plan, stream, steps: 0, 0) }
    }

    @inline(never) private func growArena(_ byteCount: Int) {
        arena.deallocate()
        arenaByteCount = byteCount * 2
        arena = .allocate(byteCount: arenaByteCount, alignment: 64)
    }

    /// Takes the run away, to be carried out elsewhere; the core gets a new one.
    func handOver() -> Run {
        let wide = run
        run = Run()
        return wide
    }

    /// Whether a task has had the thread for long enough.
    @inline(__always) func mustYield(_ now: UInt64) -> Bool {
        if now &- lastYield < Core.yieldNanoseconds { return false }
        lastYield = now
        return true
    }
}

/// What outlives an engine as long as threads have cores for it: whether it is still there, and
/// where cores write down what they did.
final class EngineLife: Sendable {
    let ledgers: [Ledger]
    let counts = CoreCountBook()
    private let alive = Atomic<Bool>(true)

    init(_ devices: [Device]) { ledgers = devices.map(\.ledger) }

    var isAlive: Bool { alive.load(ordering: .acquiring) }
    func end() { alive.store(false, ordering: .releasing) }
}
