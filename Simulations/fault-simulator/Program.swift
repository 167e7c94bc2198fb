import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner
import MLXRuntime
import MLXTransforms
import SimulationSupport

/// What one task of the simulation does: records graphs over its own arrays and the shared ones,
/// has them evaluated in one of several ways, and compares. What fails is tried again until it
/// succeeds, and must be right then.
struct Program: @unchecked Sendable {
    // SAFETY: used on the simulation's thread only.
    let world: World
    let number: Int
    var random: SplitMix64
    let cells: [SharedCell]
    private static let maximumAttempts = 100

    init(world: World, number: Int, random: SplitMix64, cells: [SharedCell]) {
        self.world = world
        self.number = number
        self.random = random
        self.cells = cells
    }

    func run() async {
        var own = self
        await own.rounds()
    }

    private mutating func rounds() async {
        guard let leaf = await makeLeaf() else { return }
        var generator = GraphGenerator(random: random.split(), leaves: [leaf])
        for round in 0..<random.within(3...12) {
            if random.oneIn(3), let leaf = await makeLeaf() { generator.adopt(leaf) }
            for cell in cells where random.oneIn(2) { generator.adopt(cell.snapshot) }
            for _ in 0..<random.within(1...12) { generator.step() }
            if random.oneIn(4) { generator.adopt(gradient(of: generator.pool.last!)) }
            var wanted: [Tracked] = []
            for _ in 0..<random.within(1...3) {
                wanted.append(generator.pool[random.below(generator.pool.count)])
            }
            await evaluate(wanted, round)
            update(wanted[0])
            check(generator.pool[random.below(generator.pool.count)], "an older array")
            if random.oneIn(2) { generator.keepLast(8) }
            if random.oneIn(3) { await world.loop.sleep(UInt64(random.below(50_000))) }
        }
    }

    private mutating func makeLeaf() async -> Tracked? {
        let contents = GraphGenerator.leaf(&random)
        for _ in 0..<Program.maximumAttempts {
            let device = random.below(world.engine.allocators.count)
            if let leaf = try? Tracked.leaf(contents, from: world.engine.allocators[device]) {
                return leaf
            }
        }
        world.violate("no memory for a leaf")
        return nil
    }

    /// The derivative of Σ c x², which is 2 c x.
    private mutating func gradient(of x: Tracked) -> Tracked {
        let factor = Float(random.within(-3...3))
        let (_, gradients) = Gradient.vjp(
            { arguments in
                let square = Ops.unary(.square, arguments[0])
                let scaled = Ops.binary(
                    .multiply, square, scalarBits: UInt64(factor.bitPattern), .float32)
                let axes = AxisMask(0..<scaled.ndim, keepDims: false)
                return [Ops.record(.sum, [scaled], Attributes(word: axes.word))]
            }, primals: [x.array], wanted: [0],
            cotangents: { _ in [Ops.scalar(1, .float32)] })
        return Tracked(gradients[0], x.expected.map { 2 * factor * $0 })
    }

    /// Sometimes a shared array gets new contents in place.
    private mutating func update(_ tracked: Tracked) {
        guard random.oneIn(3), let cell = cells.first(where: { _ in random.oneIn(2) }) else {
            return
        }
        world.loop.log.append("\(world.loop.now) task \(number) replaces a shared array")
        cell.replace(with: tracked)
    }

    private func check(_ tracked: Tracked, _ what: String) {
        guard tracked.array.value != nil, let difference = tracked.difference else { return }
        world.violate("task \(number): \(what) \(difference)")
    }

    // MARK: - Evaluating

    private mutating func evaluate(_ wanted: [Tracked], _ round: Int) async {
        let engine = world.engine
        let loop = world.loop
        let policy: (any SchedulingPolicy)? =
            random.oneIn(4) ? nil : RandomPolicy(seed: UInt64(random.below(3)))
        let request = Scheduler.Request(roots: wanted.map(\.array), policy: policy)
        for attempt in 1...Program.maximumAttempts {
            world.faults.prepareMemory(engine.allocators)
            if random.oneIn(5) {
                loop.log.append("\(loop.now) task \(number) round \(round) in the background")
                engine.evaluateInBackground(request)
                if random.oneIn(2) { await loop.sleep(UInt64(random.below(20_000))) }
            }
            let error = await attemptOnce(request)
            world.countEvaluation()
            loop.log.append(
                "\(loop.now) task \(number) round \(round) attempt \(attempt): "
                    + (error.map { "\(type(of: $0))" } ?? "done"))
            guard let error else {
                for tracked in wanted {
                    if let difference = tracked.difference {
                        world.violate("task \(number) round \(round): a result \(difference)")
                    }
                }
                return
            }
            if !Faults.isExpected(error) {
                return world.violate("task \(number) round \(round): \(error)")
            }
        }
        world.violate("task \(number) round \(round): no success")
    }

    private mutating func attemptOnce(_ request: Scheduler.Request) async -> (any Error)? {
        let engine = world.engine
        if engine.isShared, random.oneIn(3) {
            // A blocking call on the task's thread: it takes the token or has it already.
            do { try engine.evaluateBlocking(request) } catch { return error }
            return nil
        }
        let executor: any TaskExecutor = random.oneIn(4) ? engine.teams[0] : world.pool
        let task = Task(executorPreference: executor) { try await engine.evaluate(request) }
        if let nanoseconds = world.faults.cancellation() {
            let loop = world.loop
            let number = number
            loop.after(nanoseconds) {
                loop.log.append("\(loop.now) cancel task \(number)")
                task.cancel()
            }
        }
        switch await task.result {
        case .success: return nil
        case .failure(let error): return error
        }
    }
}
