import MLXBase

/// Makes a schedule of a small graph better where that is easy: steps are moved to other core
/// sets, alone or together with one that they read, as long as all is done sooner. List
/// schedulers place a step once and never look back; on a handful of steps that costs up to an
/// eighth.
/// Invariant: the result takes no longer than what was given, and the same graph has the same
/// one.
struct Refinement {
    private let graph: PlacementGraph
    private let view: TaskView
    private var sets: [Int]
    /// Moves keep it.
    private let order: [Int]
    private var makespan: Double
    private var finishes: [Double]
    private var free: [Double]
    /// How often a schedule may still be played through.
    private var budget: Int

    /// - Parameter budget: how many schedules are played through at most.
    init(_ graph: PlacementGraph, _ schedule: Schedule, budget: Int) {
        self.graph = graph
        view = TaskView(graph)
        sets = schedule.devices.map { graph.coreSet(of: $0) }
        order = schedule.order ?? Array(0..<graph.count)
        finishes = Array(repeating: 0, count: graph.count)
        free = Array(repeating: 0, count: view.setCount)
        self.budget = budget
        makespan = .infinity
        makespan = played()
    }

    /// The schedule that no single move makes better, or the best that the budget allowed.
    mutating func schedule() -> Schedule {
        var isBetter = true
        while isBetter, budget > 0 {
            isBetter = false
            for step in 0..<graph.count where tryMoves(of: [step]) { isBetter = true }
            for step in 0..<graph.count {
                for edge in view.inputs(of: step)
                where tryMoves(of: [Int(view.producers[edge]), step]) {
                    isBetter = true
                }
            }
        }
        return Schedule(
            devices: (0..<graph.count).map { view.device(of: $0, on: sets[$0]) },
            order: order)
    }

    /// Moves steps to every core set, all to the same one, and keeps the best place.
    /// - Returns: whether that is a better one than where they were.
    private mutating func tryMoves(of steps: [Int]) -> Bool {
        let before = steps.map { sets[$0] }
        var best: (set: Int, makespan: Double)?
        for set in 0..<view.setCount where before.contains(where: { $0 != set }) {
            guard budget > 0, steps.allSatisfy({ view.canRun($0, on: set) }) else { continue }
            budget -= 1
            for step in steps { sets[step] = set }
            let time = played()
            // By more than rounding makes of it, or two schedules would be swapped for ever.
            if time < (best?.makespan ?? makespan) * (1 - 1e-12) { best = (set, time) }
        }
        for (step, set) in zip(steps, before) { sets[step] = best?.set ?? set }
        if let best { makespan = best.makespan }
        return best != nil
    }

    /// How long the steps take in their order, each on its core set as soon as its inputs are
    /// there.
    private mutating func played() -> Double {
        for set in free.indices { free[set] = 0 }
        var time = 0.0
        for step in order {
            let set = sets[step]
            var start = free[set]
            for edge in view.inputs(of: step) {
                let producer = Int(view.producers[edge])
                let way = view.handover(view.inputBytes[edge], from: sets[producer], to: set)
                start = max(start, finishes[producer] + way)
            }
            finishes[step] = start + view.cost(step, set)
            free[set] = finishes[step]
            time = max(time, finishes[step])
        }
        return time
    }
}
