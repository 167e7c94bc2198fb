import MLXBase
import MLXPlanner

/// Looks for a shorter schedule than all policies found: depth first through every order of steps
/// and every choice of cores, with few departures from a list scheduler first (limited discrepancy
/// search, Harvey and Ginsberg 1995), leaving out what cannot be shorter than the best so far.
/// Where everything was seen or left out the result is a shortest schedule.
struct BranchAndBound {
    private let graph: PlacementGraph
    private let sets: Int
    private let costs: [Double]
    private let inputs: [[(producer: Int, bytes: Int)]]
    private let readers: [[Int]]
    /// Longest way from a step to the end at least costs, the step included.
    private let tails: [Double]
    private let ranks: [Double]
    private let weights: [Double]
    private let least: [Double]

    // What is placed, and what was best.
    private var free: [Double]
    private var missing: [Int]
    private var finishes: [Double]
    private var places: [Int]
    private var placed: [Int] = []
    private var remaining: Double
    private(set) var best: Double
    private(set) var bestPlaced: [(step: Int, set: Int)] = []
    private(set) var nodes = 0
    private var nodeLimit = 0
    private var skipped = false

    /// - Parameter known: the makespan of a schedule that is known.
    init(_ graph: PlacementGraph, known: Double) {
        self.graph = graph
        sets = graph.coreSets.count
        let (count, sets) = (graph.count, graph.coreSets.count)
        var costs = [Double](repeating: .infinity, count: count * sets)
        for step in 0..<count {
            for device in graph.candidates[step].devices {
                let place = step * sets + graph.coreSet(of: device)
                costs[place] = min(costs[place], graph.nanoseconds[step][device])
            }
        }
        self.costs = costs
        inputs = (0..<count).map { step in
            graph.inputs(of: step).compactMap { input in
                input.producer.map { ($0, input.byteCount) }
            }
        }
        var readers = [[Int]](repeating: [], count: count)
        for (step, list) in inputs.enumerated() {
            for input in list { readers[input.producer].append(step) }
        }
        self.readers = readers
        var (tails, ranks) = (
            [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
        )
        for step in (0..<count).reversed() {
            let own = costs[(step * sets)..<((step + 1) * sets)].filter { $0 < .infinity }
            tails[step] = (own.min() ?? 0) + (readers[step].map { tails[$0] }.max() ?? 0)
            ranks[step] =
                own.reduce(0, +) / Double(max(1, own.count))
                + (readers[step].map { ranks[$0] }.max() ?? 0)
        }
        (self.tails, self.ranks) = (tails, ranks)
        weights = BranchAndBound.weights(costs, sets)
        let weights = weights
        least = (0..<count).map { step in
            (0..<sets).reduce(Double.infinity) {
                let cost = costs[step * sets + $1]
                return cost < .infinity ? min($0, weights[$1] * cost) : $0
            }
        }
        free = Array(repeating: 0, count: sets)
        missing = inputs.map(\.count)
        finishes = Array(repeating: 0, count: count)
        places = Array(repeating: 0, count: count)
        remaining = least.reduce(0, +)
        best = known
    }

    /// Weights of the core sets under which all work together weighs most: a lower bound.
    private static func weights(_ costs: [Double], _ sets: Int) -> [Double] {
        let parts = 40
        var (best, most) = ([Double](repeating: 1 / Double(sets), count: sets), -1.0)
        for first in 0...parts {
            for second in 0...(parts - first) {
                let all = [first, second, parts - first - second].map { Double($0) / Double(parts) }
                guard
                    sets == 3 || sets == 2 && second == parts - first || sets == 1 && first == parts
                else { continue }
                var sum = 0.0
                for step in 0..<(costs.count / sets) {
                    var least = Double.infinity
                    for set in 0..<sets where costs[step * sets + set] < .infinity {
                        least = min(least, all[set] * costs[step * sets + set])
                    }
                    sum += least
                }
                if sum > most { (best, most) = (Array(all.prefix(sets)), sum) }
            }
        }
        return best
    }

    /// - Parameter nodeLimit: how many placements to try.
    /// - Returns: whether the best is a shortest schedule.
    mutating func run(nodeLimit: Int) -> Bool {
        self.nodeLimit = nodeLimit
        var ready = missing.indices.filter { missing[$0] == 0 }
        var departures = 0
        while nodes < nodeLimit {
            skipped = false
            descend(&ready, departures)
            if !skipped && nodes < nodeLimit { return true }
            departures += 1
        }
        return false
    }

    private mutating func descend(_ ready: inout [Int], _ departures: Int) {
        if ready.isEmpty {
            let makespan = free.max() ?? 0
            if placed.count == graph.count, makespan < best * (1 - 1e-12) {
                best = makespan
                bestPlaced = placed.map { ($0, places[$0]) }
            }
            return
        }
        let order = ready.sorted { (ranks[$0], $1) > (ranks[$1], $0) }
        for (later, step) in order.enumerated() {
            guard later <= departures else {
                skipped = true
                return
            }
            for (worse, choice) in choices(step).enumerated() {
                guard later + worse <= departures else {
                    skipped = true
                    break
                }
                guard nodes < nodeLimit else { return }
                nodes += 1
                place(step, choice.set, choice.finish, &ready, departures - later - worse)
            }
        }
    }

    /// The core sets of a step, the one that is done first first.
    private func choices(_ step: Int) -> [(set: Int, finish: Double)] {
        var found: [(set: Int, finish: Double)] = []
        for set in 0..<sets where costs[step * sets + set] < .infinity {
            var start = free[set]
            for input in inputs[step] {
                let from = places[input.producer]
                let way =
                    from == set
                    ? 0
                    : graph.handover(from: from, to: set).nanoseconds(byteCount: input.bytes)
                start = max(start, finishes[input.producer] + way)
            }
            found.append((set, start + costs[step * sets + set]))
        }
        return found.sorted { $0.finish < $1.finish }
    }

    private mutating func place(
        _ step: Int, _ set: Int, _ finish: Double, _ ready: inout [Int], _ departures: Int
    ) {
        let was = free[set]
        let onward = readers[step].map { tails[$0] }.max() ?? 0
        free[set] = finish
        remaining -= least[step]
        let work = (0..<sets).reduce(remaining) { $0 + weights[$1] * free[$1] }
        if max(finish + onward, work) < best * (1 - 1e-12) {
            (finishes[step], places[step]) = (finish, set)
            placed.append(step)
            var next = ready.filter { $0 != step }
            for reader in readers[step] {
                missing[reader] -= 1
                if missing[reader] == 0 { next.append(reader) }
            }
            descend(&next, departures)
            for reader in readers[step] { missing[reader] += 1 }
            placed.removeLast()
        }
        remaining += least[step]
        free[set] = was
    }
}
