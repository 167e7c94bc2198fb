import MLXBase

/// How a list scheduler chooses the cores of a step.
public enum ListChoice: String, CaseIterable, Sendable {
    /// Where it is done first: HEFT's.
    case finish
    /// Where it starts first.
    case start
    /// Where it takes the least by itself.
    case cheapest
    /// Where it is done first if what follows is counted optimistically: PEFT's.
    case lookahead
    /// Where the least has to be handed over; of equal ones where it is done first.
    case locality
    /// Where the least is planned so far.
    case idle
}

/// A list scheduler put together from three choices: which of the ready steps comes next, which
/// cores it goes to, and whether it may go into a gap before what is planned already. The
/// combinations are those of Coleman, Agrawal, Hirsch and Krishnamachari (2024): ten priorities,
/// six choices, with and without insertion, 120 schedulers. Two of them have names of their own:
/// HEFT (Topcuoglu, Hariri and Wu 2002) and PEFT (Arabnejad and Barbosa 2014).
public struct ListPolicy: SchedulingPolicy {
    /// Which ready step comes next.
    public var priority: ListPriority
    /// Which cores it goes to.
    public var choice: ListChoice
    /// Whether a step may go into a gap.
    public var inserts: Bool

    /// - Parameters:
    ///   - priority: which ready step comes next.
    ///   - choice: which cores it goes to.
    ///   - inserts: whether a step may go into a gap.
    public init(priority: ListPriority, choice: ListChoice, inserts: Bool = true) {
        self.priority = priority
        self.choice = choice
        self.inserts = inserts
    }

    /// Heterogeneous earliest finish time.
    public static let heft = ListPolicy(priority: .upward, choice: .finish)
    /// Predict earliest finish time.
    public static let peft = ListPolicy(priority: .optimistic, choice: .lookahead)

    /// Every combination.
    public static var all: [ListPolicy] {
        ListPriority.allCases.flatMap { priority in
            ListChoice.allCases.flatMap { choice in
                [true, false].map {
                    ListPolicy(priority: priority, choice: choice, inserts: $0)
                }
            }
        }
    }

    public var name: String {
        if self == .heft { return "heft" }
        if self == .peft { return "peft" }
        return "list:\(priority.rawValue):\(choice.rawValue):\(inserts ? "insert" : "append")"
    }

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        let view = TaskView(graph)
        let onward = choice == .lookahead ? OptimisticCosts(view) : nil
        var table = Timetable(view, inserts: inserts)
        return view.schedule(by: view.ranks(priority), into: &table) { step, table in
            view.set(for: step, choice, table, onward)
        }
    }
}

extension TaskView {
    /// Places ready steps one after the other, the greatest rank first.
    func schedule(
        by ranks: [Double], into table: inout Timetable, _ choose: (Int, Timetable) -> Int
    ) -> Schedule {
        var missing = inputCounts
        var ready = StepHeap()
        for step in 0..<count where missing[step] == 0 { ready.push(step, key: ranks[step]) }
        var placed: [Int] = []
        placed.reserveCapacity(count)
        while let step = ready.pop() {
            table.place(step, on: choose(step, table))
            placed.append(step)
            for edge in outputs(of: step) {
                let reader = Int(readers[edge])
                missing[reader] -= 1
                if missing[reader] == 0 { ready.push(reader, key: ranks[reader]) }
            }
        }
        return table.schedule(placed: placed)
    }

    /// The core set with the least figure of a choice; the first of equal ones.
    func set(
        for step: Int, _ choice: ListChoice, _ table: Timetable, _ onward: OptimisticCosts?
    ) -> Int {
        var (best, least, leastFinish) = (-1, Double.infinity, Double.infinity)
        for set in 0..<setCount where canRun(step, on: set) {
            let cost = cost(step, set)
            let figure: Double
            var finish = 0.0
            switch choice {
            case .finish: figure = table.start(step, on: set) + cost
            case .start: figure = table.start(step, on: set)
            case .cheapest: figure = cost
            case .lookahead:
                figure = table.start(step, on: set) + cost + (onward?.onward(step, set) ?? 0)
            case .locality:
                figure = inputs(of: step).reduce(0) { sum, edge in
                    let from = table.sets[Int(producers[edge])]
                    return sum + handover(inputBytes[edge], from: from, to: set)
                }
                finish = table.start(step, on: set) + cost
            case .idle: figure = table.free[set]
            }
            if best < 0 || figure < least || figure == least && finish < leastFinish {
                (best, least, leastFinish) = (set, figure, finish)
            }
        }
        return best
    }
}

/// Critical path on a processor (Topcuoglu, Hariri and Wu 2002): all steps of one critical path go
/// to the core set that runs the path in the least time, the others where they are done first.
public struct CriticalPathPolicy: SchedulingPolicy {
    public var name: String { "cpop" }
    /// The policy, which has no settings.
    public init() {}

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        let view = TaskView(graph)
        let ranks = view.ranks(.through)
        let path = view.criticalPath(ranks)
        var isCritical = [Bool](repeating: false, count: view.count)
        for step in path { isCritical[step] = true }
        var home = 0
        var least = Double.infinity
        for set in 0..<view.setCount {
            let time = path.reduce(0) { $0 + view.cost($1, set) }
            if time < least { (home, least) = (set, time) }
        }
        var table = Timetable(view, inserts: true)
        return view.schedule(by: ranks, into: &table) { step, table in
            isCritical[step] && view.canRun(step, on: home)
                ? home : view.set(for: step, .finish, table, nil)
        }
    }
}

extension TaskView {
    /// From the beginning with the greatest rank on, each time to the reader with the greatest.
    fileprivate func criticalPath(_ ranks: [Double]) -> [Int] {
        var next = (0..<count).filter { inputs(of: $0).isEmpty }
            .max { (ranks[$0], $1) < (ranks[$1], $0) }
        var path: [Int] = []
        while let step = next {
            path.append(step)
            next = outputs(of: step).map { Int(readers[$0]) }
                .max { (ranks[$0], $1) < (ranks[$1], $0) }
        }
        return path
    }
}
