import MLXBase
import MLXGraph
import MLXMemory
import MLXRuntime
import SimulationSupport

/// Every allocation fails in turn, as SQLite tests it: a random program is evaluated many times
/// with its first, second, third allocation on a device refused, once or for good from there on,
/// until one evaluation meets no refusal. Each time it must end in an error about memory or in
/// the right values, be right when it is tried again with memory, and leave nothing behind.
struct AllocationFaults {
    private(set) var violations: [String] = []
    private(set) var evaluations = 0
    private(set) var refusals = 0

    /// More allocations than one small program makes.
    private static let maximumAllocations = 200

    /// - Parameter seed: of the program.
    mutating func run(seed: UInt64) {
        let nodesBefore = GraphStore.shared.liveCount
        let loop = SimulatedLoop(
            random: SplitMix64(seed: seed), log: EventLog(keepsLines: false))
        let topology = Topology.fake(nodes: 1)
        let placement = topology.placement(deviceCount: DeviceKind.allCases.count)
        let system = RecordedSystem()
        var configuration = Engine.Configuration(topology: topology)
        // Dear steps make the run wide, cheap ones narrow: every other program is each.
        for device in configuration.costs.rates.indices {
            configuration.costs.rates[device].startNanoseconds = seed % 2 == 0 ? 300 : 25_000
        }
        let engine = Engine(
            configuration,
            teams: placement.teams.map { loop.makeTeam(width: $0.threadCount) },
            placement: placement, system: system, refusals: system.refusals,
            clock: SimulatedClock(loop: loop), interposer: nil)
        for device in engine.allocators.indices {
            for isForGood in [false, true] {
                for passing in 0..<AllocationFaults.maximumAllocations {
                    let wasRefused = attempt(
                        engine, seed, device: device, passing: passing, isForGood: isForGood)
                    if !wasRefused { break }
                }
            }
        }
        for (device, allocator) in engine.allocators.enumerated() {
            let live = allocator.statistics.liveCount
            if live != 0 {
                violations.append("seed \(seed): device \(device) lost \(live) buffers")
            }
            for fault in allocator.checkInvariants() {
                violations.append("seed \(seed): device \(device): \(fault)")
            }
        }
        let nodes = GraphStore.shared.liveCount - nodesBefore
        if nodes != 0 { violations.append("seed \(seed): \(nodes) nodes were left behind") }
        loop.close()
    }

    /// One evaluation with a refusal, and another one with memory where it failed.
    /// - Returns: whether it met the refusal.
    private mutating func attempt(
        _ engine: Engine, _ seed: UInt64, device: Int, passing: Int, isForGood: Bool
    ) -> Bool {
        let name =
            "seed \(seed), device \(device), allocation \(passing)"
            + (isForGood ? " and all after it" : "")
        guard let wanted = program(engine, seed) else {
            violations.append("\(name): no memory for leaves")
            return false
        }
        let request = Scheduler.Request(roots: wanted.map(\.array))
        engine.allocators[device].failNext(isForGood ? Int.max : 1, after: passing)
        var hasFailed = false
        do {
            evaluations += 1
            try engine.evaluateBlocking(request)
        } catch {
            hasFailed = true
            refusals += 1
            if (error as? ArrayError)?.kind != .memory { violations.append("\(name): \(error)") }
        }
        let wasRefused = engine.allocators[device].hasInjectedFailure
        engine.allocators[device].failNext(0)
        if hasFailed {
            do {
                evaluations += 1
                try engine.evaluateBlocking(request)
            } catch {
                violations.append("\(name): with memory: \(error)")
                return true
            }
        }
        for tracked in wanted {
            if let difference = tracked.difference {
                violations.append("\(name): a result \(difference)")
            }
        }
        return wasRefused
    }

    /// A program of a seed, recorded anew.
    private func program(_ engine: Engine, _ seed: UInt64) -> [Tracked]? {
        var random = SplitMix64(seed: seed)
        var leaves: [Tracked] = []
        for device in engine.allocators.indices {
            let contents = GraphGenerator.leaf(&random)
            guard let leaf = try? Tracked.leaf(contents, from: engine.allocators[device]) else {
                return nil
            }
            leaves.append(leaf)
        }
        var generator = GraphGenerator(random: random.split(), leaves: leaves)
        for _ in 0..<random.within(2...14) { generator.step() }
        return (0..<random.within(1...3)).map { _ in
            generator.pool[random.below(generator.pool.count)]
        }
    }
}
