import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import MLXRuntime
import SimulationSupport

/// One simulated run: the real scheduler and devices on teams without threads, a handful of
/// tasks that record and evaluate random graphs, and the faults. At its end everything must have
/// come back: tasks, memory, nodes, promises.
final class World: @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    struct Outcome {
        var violations: [String]
        var digest: UInt64
        var lines: [String]
        var evaluations: Int
        var items: Int
        var faults: Faults.Counts
        var runs: EvaluationCounts
        /// Runs that were begun anew because a device was lost.
        var movedRuns: UInt64
    }

    let seed: UInt64
    let loop: SimulatedLoop
    let pool: SimulatedPool
    let faults: Faults
    let engine: Engine
    let system = RecordedSystem()
    private var cells: [SharedCell] = []
    private var violations: [String] = []
    private(set) var evaluations = 0
    private var runningTasks = 0
    private var runCounts = EvaluationCounts()

    init(seed: UInt64, keepsLines: Bool, planted: PlantedBug?) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let loop = SimulatedLoop(random: random.split(), log: EventLog(keepsLines: keepsLines))
        self.loop = loop
        pool = SimulatedPool(loop: loop)
        let topology: Topology =
            switch random.below(4) {
            case 0: .fake(nodes: 1)
            case 1: .fake(nodes: 2)
            default: .fake(nodes: 1, kind: .split)
            }
        let placement = topology.placement(deviceCount: DeviceKind.allCases.count)
        let teams = placement.teams.map { loop.makeTeam(width: $0.threadCount) }
        faults = Faults(
            loop: loop, random: random.split(), mayStall: teams.count > 1,
            planted: planted)
        var configuration = Engine.Configuration(topology: topology)
        // The dearer a step seems, the more runs are wide.
        let startup = [300.0, 9_000, 25_000][random.below(3)]
        for device in configuration.costs.rates.indices {
            configuration.costs.rates[device].startNanoseconds = startup
        }
        engine = Engine(
            configuration, teams: teams, placement: placement,
            system: system, refusals: system.refusals, clock: SimulatedClock(loop: loop),
            interposer: faults)
        let engine = engine
        faults.kick = { [weak engine] in engine?.kick() }
        faults.arrangeOutage(of: engine)
        loop.log.append("seed \(seed), \(topology.nodes.count) nodes, \(teams.count) teams")
        start(random)
    }

    /// Runs a seed from beginning to end.
    static func run(
        seed: UInt64, keepsLines: Bool = false, planted: PlantedBug? = nil
    ) -> Outcome {
        let nodesBefore = GraphStore.shared.liveCount
        var world: World? = World(seed: seed, keepsLines: keepsLines, planted: planted)
        var outcome = world!.finish()
        weak let engine = world!.engine
        world = nil
        if engine != nil { outcome.violations.append("the engine outlives its world") }
        let nodes = GraphStore.shared.liveCount - nodesBefore
        if nodes != 0 { outcome.violations.append("\(nodes) nodes were left behind") }
        return outcome
    }

    private func start(_ random: SplitMix64) {
        var random = random
        for _ in 0..<2 {
            let contents = GraphGenerator.leaf(&random)
            if let array = try? contents.array(from: engine.allocators[0]) {
                cells.append(SharedCell(array, contents))
            }
        }
        for number in 0..<random.within(2...8) {
            let program = Program(
                world: self, number: number, random: random.split(), cells: cells)
            runningTasks += 1
            // Some tasks live on the scheduler's own team.
            let executor: any TaskExecutor = random.oneIn(4) ? engine.teams[0] : pool
            Task(executorPreference: executor) {
                await program.run()
                self.runningTasks -= 1
            }
        }
    }

    private func finish() -> Outcome {
        if !loop.run(pool: pool) { violate("the run goes in circles") }
        if runningTasks > 0 { violate("\(runningTasks) tasks are stuck") }
        cells = []
        let open = engine.openListCount
        if open > 0 { violate("\(open) command lists are left") }
        checkBooks()
        for (device, allocator) in engine.allocators.enumerated() {
            let live = allocator.statistics.liveCount
            if live != 0 { violate("device \(device) lost \(live) buffers") }
            for fault in allocator.checkInvariants() { violate("device \(device): \(fault)") }
        }
        for fault in system.faults { violate(fault) }
        if faults.counts.stepsOnLost > 0 {
            violate("\(faults.counts.stepsOnLost) steps ran on a lost device")
        }
        faults.kick = nil
        loop.close()
        return Outcome(
            violations: violations, digest: loop.log.digest, lines: loop.log.lines,
            evaluations: evaluations, items: loop.itemCount, faults: faults.counts,
            runs: runCounts, movedRuns: engine.statistics.movedRuns)
    }

    func violate(_ text: String) {
        loop.log.append("\(loop.now) VIOLATION \(text)")
        violations.append(text)
    }

    /// What the devices counted is what the runs had. A list that was taken away from a device, by
    /// a cancellation or with the device itself, has steps there and no end.
    private func checkBooks() {
        let counts = engine.statistics.evaluations
        runCounts = counts
        let wereStopped = faults.counts.cancellations > 0 || engine.statistics.movedRuns > 0
        for kind in DeviceKind.allCases {
            let counters = engine.counters(of: kind)
            if counters.stepCount > 0 && counters.listCount == 0 && !wereStopped {
                violate("\(kind.name) ran steps of no run")
            }
        }
    }

    func countEvaluation() { evaluations += 1 }
}

/// An array that several tasks read and replace.
final class SharedCell: @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    let array: MLXArray
    private(set) var expected: Dense
    private(set) var version = 0

    init(_ array: MLXArray, _ expected: Dense) {
        self.array = array
        self.expected = expected
    }

    /// The contents of now, whatever becomes of the cell.
    var snapshot: Tracked { Tracked(array.aliased(), expected) }

    func replace(with tracked: Tracked) {
        array.replace(with: tracked.array)
        expected = tracked.expected
        version += 1
    }
}
