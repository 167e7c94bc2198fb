import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import MLXRuntime
import SimulationSupport

/// Evaluations of one program by the real scheduler and devices, on the simulators' loop and
/// clock: steps take what the policy was told, compute nothing, and cores are busy meanwhile. The
/// engine is kept, so all but the first find their plan.
/// Invariant: the loop's seed chooses among what may happen next; no choice changes when a step
/// runs.
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
    private let pool: SimulatedPool
    private let teamOfDevice: [Int]
    private let noting: NotingPolicy
    /// Until it is closed: engine and loop refer to each other.
    private var engine: Engine?
    private var program: ArrayProgram.Prepared?
    private var busyUntil: [UInt64]
    private var decided: Decided?
    /// By step; `never` while it has not started.
    private var starts: [UInt64] = []
    private var finishes: [UInt64] = []
    private var order: [Int] = []
    /// When somebody is woken: a handful of times.
    private var pending: [UInt64] = []
    private static let never = UInt64.max
    private var failure: (any Error)?

    /// - Throws: `ArrayError` for a platform without all devices.
    convenience init(
        _ graph: LabGraph, on platform: Platform, _ policy: any SchedulingPolicy
    ) throws {
        try self.init(graph, on: try ActorRun.machine(platform), policy)
    }

    init(_ graph: LabGraph, on machine: Machine, _ policy: any SchedulingPolicy) throws {
        let loop = SimulatedLoop(
            random: SplitMix64(seed: 0), log: EventLog(keepsLines: false), pace: nil)
        self.loop = loop
        pool = SimulatedPool(loop: loop)
        noting = NotingPolicy(inner: policy)
        let configuration = machine.configuration
        let placement = configuration.topology.placement(deviceCount: DeviceKind.allCases.count)
        teamOfDevice = placement.teamOfDevice
        busyUntil = Array(repeating: 0, count: placement.teams.count)
        let system = RecordedSystem()
        let engine = Engine(
            configuration, teams: placement.teams.map { _ in loop.makeTeam(width: 1) },
            placement: placement, system: system, refusals: system.refusals,
            clock: SimulatedClock(loop: loop), interposer: self)
        self.engine = engine
        program = try ArrayProgram.Prepared(graph) { shape, _ in try engine.leaf(shape) }
    }

    /// Lets go of the engine. It must be called, and nothing after it.
    func close() {
        (engine, program) = (nil, nil)
        loop.close()
    }

    /// One evaluation alone.
    static func run(
        _ graph: LabGraph, on platform: Platform, _ policy: any SchedulingPolicy, seed: UInt64
    ) throws -> Outcome {
        try run(graph, on: try machine(platform), policy, seed: seed)
    }

    /// The same on a machine that is known already.
    static func run(
        _ graph: LabGraph, on machine: Machine, _ policy: any SchedulingPolicy, seed: UInt64
    ) throws -> Outcome {
        let run = try ActorRun(graph, on: machine, policy)
        defer { run.close() }
        return try run.evaluate(seed: seed)
    }

    /// Records the program and evaluates it.
    /// - Parameter seed: of what goes on first wherever several could.
    /// - Throws: what the evaluation throws; `ArrayError` for a program that one thread carries out
    ///   at once.
    func evaluate(seed: UInt64) throws -> Outcome {
        guard let engine, let program else {
            throw ArrayError(.argument, "actors", "the run is closed")
        }
        loop.begin(SplitMix64(seed: seed))
        order = []
        failure = nil
        for step in starts.indices {
            (starts[step], finishes[step]) = (ActorRun.never, ActorRun.never)
        }
        let request = Scheduler.Request(roots: try program.record(), policy: noting)
        Task(executorPreference: pool) {
            do { try await engine.evaluate(request) } catch { self.failure = error }
        }
        guard loop.run(pool: pool) else {
            throw ArrayError(.argument, "actors", "the run goes in circles")
        }
        if let failure { throw failure }
        return try outcome()
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
        guard let decided, order.count == decided.graph.count else {
            throw ArrayError(
                .argument, "actors", "the program is so short that one thread carries it out")
        }
        let first = order.first.map { starts[$0] } ?? 0
        let finishes = finishes.map { Double($0 - first) }
        return Outcome(
            starts: starts.map { Double($0 - first) }, finishes: finishes, order: order,
            makespan: finishes.max() ?? 0,
            expected: decided.expected, graph: decided.graph,
            schedule: decided.schedule, items: loop.itemCount)
    }

    /// What the policy decided, as flat columns: devices ask at every step.
    private final class Decided {
        struct Edge {
            var producer: Int
            /// What its value costs on its way.
            var nanoseconds: UInt64
        }

        let graph: PlacementGraph
        let schedule: Schedule
        let expected: Timeline
        /// The policy's number of each step of the plan.
        let numbers: [Int]
        let costs: [UInt64]
        private let edges: [Edge]
        private let edgeEnds: [Int]

        init(_ graph: PlacementGraph, _ schedule: Schedule) {
            (self.graph, self.schedule) = (graph, schedule)
            expected = Timeline(graph, schedule)
            numbers = schedule.order ?? Array(0..<graph.count)
            let sets = schedule.devices.map { graph.coreSet(of: $0) }
            var (costs, edges, ends): ([UInt64], [Edge], [Int]) = ([], [], [])
            for step in 0..<graph.count {
                let cost = graph.nanoseconds[step][schedule.devices[step]]
                costs.append(UInt64(max(0, cost).rounded()))
                for input in graph.inputs(of: step) {
                    guard let producer = input.producer else { continue }
                    let way = graph.handover(from: sets[producer], to: sets[step])
                    let time = way.nanoseconds(byteCount: input.byteCount).rounded()
                    let isHere = sets[producer] == sets[step]
                    edges.append(
                        Edge(producer: producer, nanoseconds: isHere ? 0 : UInt64(time)))
                }
                ends.append(edges.count)
            }
            (self.costs, self.edges, edgeEnds) = (costs, edges, ends)
        }

        func edges(of step: Int) -> ArraySlice<Edge> {
            edges[(step == 0 ? 0 : edgeEnds[step - 1])..<edgeEnds[step]]
        }
    }

    // MARK: - Steps

    func fate(of step: String, on device: DeviceKind) -> StepFate { .skip }

    func fate(ofStep place: Int, in plan: Plan, on device: DeviceKind) -> StepFate {
        guard let decided = decided ?? takeNotes() else { return .skip }
        let step = decided.numbers[place]
        let known = finishes[step]
        if known != ActorRun.never { return known <= loop.now ? .skip : later(known) }
        let team = teamOfDevice[device.index]
        let ready = max(busyUntil[team], arrival(step, decided))
        if ready > loop.now { return later(ready) }
        let finish = loop.now + decided.costs[step]
        (starts[step], finishes[step], busyUntil[team]) = (loop.now, finish, finish)
        order.append(step)
        return finish <= loop.now ? .skip : later(finish)
    }

    private func takeNotes() -> Decided? {
        decided = noting.notes.seen.withLock { $0 }.map { Decided($0.graph, $0.schedule) }
        starts = Array(repeating: ActorRun.never, count: decided?.graph.count ?? 0)
        finishes = starts
        return decided
    }

    /// When what a step reads has arrived; the engine has seen to it that it was computed.
    private func arrival(_ step: Int, _ decided: Decided) -> UInt64 {
        var time: UInt64 = 0
        for edge in decided.edges(of: step) where finishes[edge.producer] != ActorRun.never {
            time = max(time, finishes[edge.producer] + edge.nanoseconds)
        }
        return time
    }

    private func later(_ time: UInt64) -> StepFate {
        if !pending.contains(time) {
            pending.append(time)
            loop.after(time - loop.now) { [self] in
                pending.removeAll { $0 == time }
                engine?.kick()
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
