import MLXBase

/// Times that no schedule of a graph can stay under on its core sets, each with the reason in its
/// name. All count every core set as running one step at a time, and no handover.
/// Invariant: every figure is a lower bound even where a search for the best one was cut short,
/// because it is the value of a feasible solution of a dual problem.
public struct MakespanBounds: Sendable {
    /// The reason for a bound.
    public enum Kind: String, CaseIterable, Sendable {
        /// The longest way through the graph, each step at its least cost.
        case criticalPath = "critical path"
        /// All work divided at will between the core sets: a linear program.
        case area
        /// Both at once: work divided so that the ways through the graph are short too.
        case mixed
        /// What must be read of given arrays and written as results, at the memory's rate.
        case memory = "memory bandwidth"
        /// Tiled Cholesky on equal workers, by formula.
        case cholesky = "closed form of tiled Cholesky"
    }

    /// Nanoseconds of each bound that was computed.
    public private(set) var nanoseconds: [Kind: Double] = [:]

    /// - Parameters:
    ///   - graph: steps and costs.
    ///   - memoryBytesPerNanosecond: the rate of the memory; nil when unknown.
    ///   - choleskyTiles: how many tiles a side has if the graph is a tiled Cholesky; the closed
    ///     form needs costs in its proportions (1, 3, 3, 6) and equal core sets.
    ///   - rounds: how long to look for the best mixed bound.
    public init(
        _ graph: PlacementGraph, memoryBytesPerNanosecond: Double? = nil,
        choleskyTiles: Int? = nil, rounds: Int = 300
    ) {
        let view = TaskView(graph)
        guard view.count > 0 else { return }
        let path = view.upwardRanks(.least, handovers: false).max() ?? 0
        let area = AreaBound(view)
        nanoseconds[.criticalPath] = path
        nanoseconds[.area] = area.nanoseconds
        nanoseconds[.mixed] = MixedBound(view, weights: area.weights).nanoseconds(
            atLeast: max(path, area.nanoseconds), rounds: rounds)
        if let rate = memoryBytesPerNanosecond, rate > 0 {
            nanoseconds[.memory] = graph.compulsoryBytes / rate
        }
        if let tiles = choleskyTiles, let unit = view.choleskyUnit() {
            nanoseconds[.cholesky] =
                unit * MakespanBounds.choleskyUnits(tiles: tiles, workers: view.setCount)
        }
    }

    /// The greatest, and what it is.
    public var best: (kind: Kind, nanoseconds: Double) {
        var best = (kind: Kind.criticalPath, nanoseconds: 0.0)
        for kind in Kind.allCases {
            if let figure = nanoseconds[kind], figure > best.nanoseconds { best = (kind, figure) }
        }
        return best
    }

    /// The least time of a Cholesky decomposition of `tiles` x `tiles` tiles on equal workers, in
    /// units of a third of the cube of a tile's side (Agullo and others, arXiv 1510.05107).
    public static func choleskyUnits(tiles: Int, workers: Int) -> Double {
        let (t, p) = (Double(tiles), Double(max(1, workers)))
        let work = t * t * t / p
        // The last tiles cannot keep all workers busy. That is so where there were ever enough.
        let tail = 2 * p <= t * t ? 6 * (2 * p).squareRoot() - 7 - 3 * t * t / p : 0
        return max(work + tail, work, 9 * t - 10)
    }
}

extension PlacementGraph {
    /// Bytes of the given arrays, each once, and of what no step reads.
    fileprivate var compulsoryBytes: Double {
        var arrays: [Int: Int] = [:]
        var isRead = [Bool](repeating: false, count: count)
        for step in 0..<count {
            for input in inputs(of: step) {
                switch input.place {
                case .array(let number):
                    arrays[number] = max(arrays[number] ?? 0, input.byteCount)
                case .step(let producer): isRead[producer] = true
                case .constant: break
                }
            }
        }
        let written = (0..<count).reduce(0) { $0 + (isRead[$1] ? 0 : outputByteCounts[$1]) }
        return Double(arrays.values.reduce(written, +))
    }
}

extension TaskView {
    /// What one of the closed form's units takes: a decomposition of a tile is the cheapest step
    /// and takes one. Nil where core sets differ or costs are not one, three and six units.
    fileprivate func choleskyUnit() -> Double? {
        guard let unit = (0..<count).map({ cost($0, 0) }).min(), unit > 0 else { return nil }
        for step in 0..<count {
            for set in 1..<max(1, setCount) where cost(step, set) != cost(step, 0) { return nil }
            // NUMERICS: the proportions are exact but for rounding of the costs.
            guard [1, 3, 6].contains(where: { abs(cost(step, 0) / unit - $0) < 1e-9 }) else {
                return nil
            }
        }
        return unit
    }
}

/// The area bound by its dual: for any weights of the core sets that add up to one, every schedule
/// takes at least the sum over the steps of their least weighted cost. That is concave in the
/// weights, so nested ternary searches find the best ones, which solve the linear program.
private struct AreaBound {
    let nanoseconds: Double
    let weights: [Double]

    init(_ view: TaskView) {
        func value(_ weights: [Double]) -> Double {
            var sum = 0.0
            for step in 0..<view.count {
                var least = Double.infinity
                for set in 0..<view.setCount {
                    let cost = view.cost(step, set)
                    // Where a step cannot run, no weight makes it cheap.
                    if cost < .infinity { least = min(least, weights[set] * cost) }
                }
                sum += least
            }
            return sum
        }
        switch view.setCount {
        case 1: (nanoseconds, weights) = (value([1]), [1])
        case 2:
            let best = AreaBound.maximize { value([$0, 1 - $0]) }
            (nanoseconds, weights) = (best.value, [best.place, 1 - best.place])
        default:
            func split(_ first: Double, _ part: Double) -> [Double] {
                [first, (1 - first) * part, (1 - first) * (1 - part)]
            }
            func inner(_ first: Double) -> (place: Double, value: Double) {
                AreaBound.maximize { value(split(first, $0)) }
            }
            let best = AreaBound.maximize { inner($0).value }
            (nanoseconds, weights) = (best.value, split(best.place, inner(best.place).place))
        }
    }

    /// The greatest value of a concave function on 0 to 1.
    private static func maximize(
        _ function: (Double) -> Double
    ) -> (place: Double, value: Double) {
        // Golden section: one new value each time.
        let ratio = 0.618_033_988_749_895
        var (low, high) = (0.0, 1.0)
        var (left, right) = (high - ratio, low + ratio)
        var (atLeft, atRight) = (function(left), function(right))
        for _ in 0..<26 {
            if atLeft < atRight {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = function(right)
            } else {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = function(left)
            }
        }
        return atLeft > atRight ? (left, atLeft) : (right, atRight)
    }
}

/// The mixed bound as a game. One side picks a core set or a way through the graph, at random with
/// some odds; the other divides the steps between the core sets. Whatever the odds, the least of
/// what the other side can expect is a lower bound. Odds are improved by multiplicative weights
/// (Freund and Schapire 1999): core sets and the way that is longest for the other's answer gain.
private struct MixedBound {
    private let view: TaskView
    private let start: [Double]

    init(_ view: TaskView, weights: [Double]) {
        self.view = view
        start = weights
    }

    /// - Parameter known: another bound; the mixed one is no less.
    func nanoseconds(atLeast known: Double, rounds: Int) -> Double {
        var best = known
        // Averages over the rounds of what the picking side did: they are feasible odds too.
        var setSums = [Double](repeating: 0, count: view.setCount)
        var pathSums = [Double](repeating: 0, count: view.count)
        var gains = start.map { $0 > 0 ? log2Approximate($0) : -40 }
        var pathGain = 0.0
        let scale = 1 / max(known, .leastNonzeroMagnitude)
        var flow = [Double](repeating: 0, count: view.count)
        var flowRounds = 0.0
        for round in 0..<rounds {
            let step = 2.0 / Double(round + 4).squareRoot()
            let greatest = max(gains.max() ?? 0, pathGain)
            let raw = gains.map { exponential($0 - greatest) }
            let rawPath = exponential(pathGain - greatest)
            let total = raw.reduce(rawPath, +)
            let (odds, pathOdds) = (raw.map { $0 / total }, rawPath / total)
            let flowScale = flowRounds > 0 ? pathOdds / flowRounds : 0
            let answer = self.answer(odds) { flow[$0] * flowScale }
            best = max(best, answer.value)
            for set in odds.indices { setSums[set] += odds[set] }
            for step in flow.indices { pathSums[step] += flow[step] * flowScale }
            let path = longestPath(answer.sets)
            for node in path.steps { flow[node] += 1 }
            flowRounds += 1
            for set in gains.indices { gains[set] += step * answer.loads[set] * scale }
            pathGain += step * path.length * scale
            if round % 25 == 24 || round == rounds - 1 {
                let part = 1 / Double(round + 1)
                // The first round has odds of a path and no path yet, and so adds up to less.
                let mean = self.answer(setSums.map { $0 * part }) { pathSums[$0] * part }
                best = max(best, mean.value)
            }
        }
        return best
    }

    /// The best division of the steps against odds, what it comes to, and the load of each set.
    private func answer(
        _ odds: [Double], _ flow: (Int) -> Double
    ) -> (value: Double, sets: [Int8], loads: [Double]) {
        var value = 0.0
        var loads = [Double](repeating: 0, count: view.setCount)
        var sets = [Int8](repeating: 0, count: view.count)
        for step in 0..<view.count {
            let along = flow(step)
            var (best, least) = (0, Double.infinity)
            for set in 0..<view.setCount where view.canRun(step, on: set) {
                let figure = (odds[set] + along) * view.cost(step, set)
                if figure < least { (best, least) = (set, figure) }
            }
            value += least
            sets[step] = Int8(best)
            loads[best] += view.cost(step, best)
        }
        return (value, sets, loads)
    }

    private func longestPath(_ sets: [Int8]) -> (steps: [Int], length: Double) {
        var lengths = [Double](repeating: 0, count: view.count)
        var onward = [Int](repeating: -1, count: view.count)
        var first = 0
        for step in stride(from: view.count - 1, through: 0, by: -1) {
            for edge in view.outputs(of: step) {
                let reader = Int(view.readers[edge])
                if lengths[reader] > lengths[step] || onward[step] < 0 {
                    (lengths[step], onward[step]) = (lengths[reader], reader)
                }
            }
            lengths[step] += view.cost(step, Int(sets[step]))
            if lengths[step] >= lengths[first] { first = step }
        }
        var (steps, next) = ([Int](), first)
        while next >= 0 {
            steps.append(next)
            next = onward[next]
        }
        return (steps, lengths[first])
    }

    /// A power of two, without a mathematical library: any increasing function of the gains gives
    /// odds, and so a bound.
    private func exponential(_ gain: Double) -> Double {
        if gain < -60 { return 0 }
        let whole = gain.rounded(.down)
        return Double(sign: .plus, exponent: Int(whole), significand: 1 + gain - whole)
    }

    private func log2Approximate(_ value: Double) -> Double {
        Double(value.exponent) + value.significand - 1
    }
}
