import MLXBase

/// What list schedulers sort steps by. Each rank is a column, one number a step, computed in one
/// pass over the edges; the greater goes first.
public enum ListPriority: String, CaseIterable, Sendable {
    /// Longest way to the end at mean costs, handovers included: HEFT's.
    case upward
    /// The same at each step's least cost.
    case upwardLeast = "upward-least"
    /// The same at each step's greatest cost.
    case upwardGreatest = "upward-greatest"
    /// Longest way to the end without handovers: the static level.
    case level
    /// Longest way from a beginning through the step to an end: CPOP's.
    case through
    /// Mean over the cores of the optimistic way to the end: PEFT's.
    case optimistic
    /// The dearest step first.
    case cost
    /// The step with the most readers first.
    case readers
    /// The step that writes least first: what stays in memory grows slowly.
    case bytes
    /// As recorded.
    case recorded
}

/// The optimistic cost table of PEFT (Arabnejad and Barbosa 2014): for a step on a core set, the
/// longest of the ways onward if each successor ran where that is shortest.
struct OptimisticCosts {
    private let values: [Double]
    private let setCount: Int

    init(_ view: TaskView) {
        let sets = view.setCount
        var values = [Double](repeating: 0, count: view.count * sets)
        for step in stride(from: view.count - 1, through: 0, by: -1) {
            for edge in view.outputs(of: step) {
                let reader = Int(view.readers[edge])
                let handover = view.meanHandover(view.outputBytes[edge])
                for set in 0..<sets {
                    var least = Double.infinity
                    for other in 0..<sets where view.canRun(reader, on: other) {
                        let onward = values[reader * sets + other] + view.cost(reader, other)
                        least = min(least, onward + (other == set ? 0 : handover))
                    }
                    let place = step * sets + set
                    values[place] = max(values[place], least)
                }
            }
        }
        self.values = values
        setCount = sets
    }

    @inline(__always) func onward(_ step: Int, _ set: Int) -> Double {
        values[step * setCount + set]
    }

    func mean(_ step: Int) -> Double {
        (0..<setCount).reduce(0) { $0 + onward(step, $1) } / Double(setCount)
    }
}

extension TaskView {
    /// The rank column of a priority.
    func ranks(_ priority: ListPriority) -> [Double] {
        switch priority {
        case .upward: upwardRanks(.mean)
        case .upwardLeast: upwardRanks(.least)
        case .upwardGreatest: upwardRanks(.greatest)
        case .level: upwardRanks(.mean, handovers: false)
        case .through: zip(upwardRanks(.mean), downwardRanks()).map { $0 + $1 }
        case .optimistic:
            { (costs: OptimisticCosts) in (0..<count).map { costs.mean($0) } }(
                OptimisticCosts(self))
        case .cost: (0..<count).map { cost($0, .mean) }
        case .readers: (0..<count).map { Double(outputs(of: $0).count) }
        case .bytes: (0..<count).map { -(outputs(of: $0).map { outputBytes[$0] }.max() ?? 0) }
        case .recorded: (0..<count).map { -Double($0) }
        }
    }

    func upwardRanks(_ summary: CostSummary, handovers: Bool = true) -> [Double] {
        var ranks = [Double](repeating: 0, count: count)
        for step in stride(from: count - 1, through: 0, by: -1) {
            var longest = 0.0
            for edge in outputs(of: step) {
                let handover = handovers ? meanHandover(outputBytes[edge]) : 0
                longest = max(longest, handover + ranks[Int(readers[edge])])
            }
            ranks[step] = cost(step, summary) + longest
        }
        return ranks
    }

    /// Longest way from a beginning up to the step, at mean costs.
    func downwardRanks() -> [Double] {
        var ranks = [Double](repeating: 0, count: count)
        for step in 0..<count {
            for edge in inputs(of: step) {
                let producer = Int(producers[edge])
                ranks[step] = max(
                    ranks[step],
                    ranks[producer] + cost(producer, .mean) + meanHandover(inputBytes[edge]))
            }
        }
        return ranks
    }
}
