import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import MLXRuntime
import SimulationSupport

/// One evaluation by the real scheduler and devices, on the simulators' loop and clock: steps take
/// what the policy was told, compute nothing, and cores are busy meanwhile.
/// Invariant: the loop's seed chooses among what may happen next; no choice changes when a step
/// runs, as long as every core set has one device.
final class ActorRun: StepInterposer, @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    struct Outcome {
        /// By step, in the policy's numbering.
        var starts: [Double]
        var finishes: [Double]
        /// The steps in the order in which they were started.
        var order: [Int]
        var makespan: Double
        /// The same plan as the lab plays it through.
        var expected: Timeline
        var graph: PlacementGraph
        var schedule: Schedule
        /// Items of the loop.
        var items: Int
    }

    private let loop: SimulatedLoop
    private let teamOfDevice: [Int]
    private let notes: NotingPolicy.Notes
    private var kick: (@Sendable () -> Void)?
    private var busyUntil: [UInt64]
    private var planned: (graph: PlacementGraph, schedule: Schedule)?
    private var starts: [UInt64?] = []
    private var finishes: [UInt64?] = []
    private var order: [Int] = []
    private var pending: Set<UInt64> = []
    private var failure: (any Error)?

    private init(
        _ loop: SimulatedLoop, _ placement: Topology.Placement, _ notes: NotingPolicy.Notes
    ) {
        self.loop = loop
        teamOfDevice = placement.teamOfDevice
        self.notes = notes
        busyUntil = Array(repeating: 0, count: placement.teams.count)
    }

    /// - Throws: what the evaluation throws; `ArrayError` for a platform without all devices or a
    ///   program that one thread carries out at once.
    static func run(
        _ graph: LabGraph, on platform: Platform, _ policy: any SchedulingPolicy, seed: UInt64
    ) throws -> Outcome {
        try run(graph, on: try machine(platform), policy, seed: seed)
    }

    /// The same on a machine that is known already.
    static func run(
        _ graph: LabGraph, on machine: Machine, _ policy: any SchedulingPolicy, seed: UInt64
    ) throws -> Outcome {
        let loop = SimulatedLoop(
            random: SplitMix64(seed: seed), log: EventLog(keepsLines: false), pace: nil)
        let pool = SimulatedPool(loop: loop)
        let configuration = machine.configuration
        let placement = configuration.topology.placement(deviceCount: DeviceKind.allCases.count)
        let noting = NotingPolicy(inner: policy)
        let actors = ActorRun(loop, placement, noting.notes)
        let system = RecordedSystem()
        let engine = Engine(
            configuration, teams: placement.teams.map { _ in loop.makeTeam(width: 1) },
            placement: placement, system: system, refusals: system.refusals,
            clock: SimulatedClock(loop: loop), interposer: actors)
        actors.kick = { [weak engine] in engine?.kick() }
        defer {
            actors.kick = nil
            loop.close()
        }
        let roots = try ArrayProgram.results(of: graph) { try engine.leaf($0) }
        Task(executorPreference: pool) {
            do {
                try await engine.evaluate(Scheduler.Request(roots: roots, policy: noting))
            } catch {
                actors.failure = error
            }
        }
        guard loop.run(pool: pool) else {
            throw ArrayError(.argument, "actors", "the run goes in circles")
        }
        if let failure = actors.failure { throw failure }
        return try actors.outcome()
    }

    /// A platform as engines have it.
    struct Machine {
        var topology: Topology
        var costs: CostModel

        var configuration: Engine.Configuration {
            var configuration = Engine.Configuration(topology: topology)
            configuration.costs = costs
            return configuration
        }
    }

    static func machine(_ platform: Platform) throws -> Machine {
        var rates: [CostModel.Rates] = []
        var cores: [[Int]] = []
        for device in DeviceType.allCases {
            guard let unit = platform.unit(device) else {
                throw ArrayError(
                    .argument, "actors", "\(platform.name) has no \(device), and engines have all")
            }
            rates.append(unit.rates)
            cores.append(unit.cores.sorted())
        }
        var topology = Topology(
            nodes: [.init(id: 0, cpus: Set(cores.flatMap { $0 }).sorted(), memoryByteCount: 0)],
            kind: .assigned)
        topology.deviceCPUs = cores
        return Machine(topology: topology, costs: CostModel(rates: rates))
    }

    private func outcome() throws -> Outcome {
        guard let planned, order.count == planned.graph.count, let first = starts[order[0]] else {
            throw ArrayError(
                .argument, "actors", "the program is so short that one thread carries it out")
        }
        let starts = starts.map { Double(($0 ?? first) - first) }
        let finishes = finishes.map { Double(($0 ?? first) - first) }
        return Outcome(
            starts: starts, finishes: finishes, order: order, makespan: finishes.max() ?? 0,
            expected: Timeline(planned.graph, planned.schedule), graph: planned.graph,
            schedule: planned.schedule, items: loop.itemCount)
    }

    // MARK: - Steps

    func fate(of step: String, on device: DeviceKind) -> StepFate { .skip }

    func fate(ofStep place: Int, in plan: Plan, on device: DeviceKind) -> StepFate {
        guard let planned = planned ?? takeNotes() else { return .skip }
        let step = planned.schedule.order?[place] ?? place
        if let finish = finishes[step] { return finish <= loop.now ? .skip : later(finish) }
        let team = teamOfDevice[device.index]
        let ready = max(busyUntil[team], arrival(step, planned))
        if ready > loop.now { return later(ready) }
        let cost = planned.graph.nanoseconds[step][DeviceType(device)]
        let finish = loop.now + UInt64(max(0, cost).rounded())
        (starts[step], finishes[step], busyUntil[team]) = (loop.now, finish, finish)
        order.append(step)
        return finish <= loop.now ? .skip : later(finish)
    }

    private func takeNotes() -> (graph: PlacementGraph, schedule: Schedule)? {
        planned = notes.seen.withLock { $0 }
        let count = planned?.graph.count ?? 0
        starts = Array(repeating: nil, count: count)
        finishes = starts
        return planned
    }

    /// When what a step reads has arrived; the engine has seen to it that it was computed.
    private func arrival(
        _ step: Int, _ planned: (graph: PlacementGraph, schedule: Schedule)
    ) -> UInt64 {
        let graph = planned.graph
        let set = graph.coreSet(of: planned.schedule.devices[step])
        return graph.inputs(of: step).reduce(0) { time, input in
            guard let producer = input.producer, let finish = finishes[producer] else {
                return time
            }
            let from = graph.coreSet(of: planned.schedule.devices[producer])
            let way = graph.handover(from: from, to: set).nanoseconds(byteCount: input.byteCount)
            return max(time, finish + (from == set ? 0 : UInt64(way.rounded())))
        }
    }

    private func later(_ time: UInt64) -> StepFate {
        if pending.insert(time).inserted, let kick {
            loop.after(time - loop.now) { [weak self] in
                self?.pending.remove(time)
                kick()
            }
        }
        return .later
    }
}

extension Engine {
    /// An evaluated array of float32, whatever is in it.
    func leaf(_ shape: [Int]) throws -> MLXArray {
        let shape = try Shape(validating: shape)
        let buffer = try allocators[0].allocate(byteCount: shape.size * 4)
        return MLXArray(Value(buffer: buffer, dtype: .float32, shape: shape))
    }
}
