import MLXBase

/// StarPU's family of deque model policies (`dm`, `dmda`, `dmdas`): a step that becomes ready goes
/// into the queue of the core set that is expected to be done with it first. They differ in what
/// the expectation counts and in the order of the queues.
struct ModelQueues: DispatchRule {
    private let countsHandovers: Bool
    private let ranks: [Double]?
    private var queues: [StepHeap]
    /// When each core set will have done all that is queued.
    private var expected: [Double]
    private var arrived = 0.0

    /// - Parameters:
    ///   - countsHandovers: whether inputs from other cores cost something.
    ///   - ranks: the greater first; nil for first in, first out.
    init(_ view: TaskView, countsHandovers: Bool, ranks: [Double]?) {
        self.countsHandovers = countsHandovers
        self.ranks = ranks
        queues = Array(repeating: StepHeap(), count: view.setCount)
        expected = Array(repeating: 0, count: view.setCount)
    }

    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State) {
        var (best, least) = (0, Double.infinity)
        for set in queues.indices where state.view.canRun(step, on: set) {
            let begin = max(expected[set], state.now)
            let arrival = countsHandovers ? state.arrival(step, on: set) : state.now
            let finish = max(begin, arrival) + state.view.cost(step, set)
            if finish < least { (best, least) = (set, finish) }
        }
        expected[best] = least
        arrived += 1
        queues[best].push(step, key: ranks?[step] ?? -arrived)
    }

    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int? {
        if let step = queues[set].pop() { return step }
        expected[set] = state.now
        return nil
    }
}

/// What is ready and not begun, as work for each core set.
private struct Backlog {
    private var work: [Double]

    init(_ view: TaskView) { work = Array(repeating: 0, count: view.setCount) }

    mutating func add(_ step: Int, _ view: TaskView) { change(step, 1, view) }
    mutating func remove(_ step: Int, _ view: TaskView) { change(step, -1, view) }

    private mutating func change(_ step: Int, _ sign: Double, _ view: TaskView) {
        for set in work.indices where view.canRun(step, on: set) {
            work[set] += sign * view.cost(step, set)
        }
    }

    /// Whether no other core set would have done the step sooner, after what it is busy with and
    /// its even part of what else is ready.
    func suits(_ step: Int, _ set: Int, _ state: Dispatcher.State) -> Bool {
        guard state.view.canRun(step, on: set) else { return false }
        let own = state.arrival(step, on: set) + state.view.cost(step, set)
        return work.indices.allSatisfy { other in
            guard other != set, state.view.canRun(step, on: other) else { return true }
            let cost = state.view.cost(step, other)
            let waiting = max(0, work[other] - cost) / Double(work.count)
            let begin = max(state.free[other] + waiting, state.arrival(step, on: other))
            return begin + cost >= own
        }
    }
}

/// HeteroPrio (Agullo and others 2016): ready steps are sorted by how much faster a core set is at
/// them than the others are, and an idle set takes what it is best at. In place of spoliation,
/// which stops a step that began elsewhere, a set declines a step that another would have done
/// sooner even after what it is busy with and its part of what else is ready.
struct AffinityQueues: DispatchRule {
    private var heaps: [StepHeap]
    private var isTaken: [Bool]
    private let weight: [Double]
    private var backlog: Backlog

    /// - Parameter ranks: between steps of about equal affinity the greater goes first.
    init(_ view: TaskView, ranks: [Double]) {
        heaps = Array(repeating: StepHeap(), count: view.setCount)
        isTaken = Array(repeating: false, count: view.count)
        backlog = Backlog(view)
        let greatest = max(ranks.max() ?? 0, .leastNonzeroMagnitude)
        weight = ranks.map { $0 / greatest }
    }

    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State) {
        backlog.add(step, state.view)
        for set in heaps.indices where state.view.canRun(step, on: set) {
            heaps[set].push(step, key: affinity(step, set, state.view))
        }
    }

    private func affinity(_ step: Int, _ set: Int, _ view: TaskView) -> Double {
        let own = max(view.cost(step, set), .leastNonzeroMagnitude)
        var best = Double.infinity
        for other in heaps.indices where other != set { best = min(best, view.cost(step, other)) }
        // Steps that nobody else can run come first; factors within an eighth are alike.
        let factor = best < .infinity ? min(best / own, 1e6) : 1e7
        return (factor * 8).rounded(.down) + weight[step] * 0.5
    }

    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int? {
        while let step = heaps[set].first {
            if isTaken[step] {
                _ = heaps[set].pop()
                continue
            }
            guard backlog.suits(step, set, state) else { return nil }
            backlog.remove(step, state.view)
            isTaken[step] = true
            return heaps[set].pop()
        }
        return nil
    }
}

/// Withholds beginnings: a step that reads no other's result only starts while the bytes that are
/// computed and still to be read stay under a limit, or when nothing else runs; without a limit,
/// when nothing else is ready. Other steps go by priority to the first idle core set that they
/// suit.
struct MemoryQueues: DispatchRule {
    private let byteLimit: Double
    private let ranks: [Double]
    private var inner: StepHeap = StepHeap()
    private var roots: StepHeap = StepHeap()
    private var unread: [Int32]
    private var liveBytes = 0.0
    private let outputBytes: [Double]
    private var backlog: Backlog

    init(_ view: TaskView, byteLimit: Double, ranks: [Double], outputByteCounts: [Int]) {
        self.byteLimit = byteLimit
        self.ranks = ranks
        backlog = Backlog(view)
        outputBytes = outputByteCounts.map(Double.init)
        unread = (0..<view.count).map { Int32(view.outputs(of: $0).count) }
    }

    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State) {
        if state.view.inputs(of: step).isEmpty {
            roots.push(step, key: ranks[step])
        } else {
            inner.push(step, key: ranks[step])
        }
        backlog.add(step, state.view)
    }

    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int? {
        if let step = inner.first {
            guard backlog.suits(step, set, state) else { return nil }
            return take(inner.pop(), state)
        }
        guard let step = roots.first, backlog.suits(step, set, state) else { return nil }
        let isIdle = state.free.allSatisfy { $0 <= state.now }
        guard byteLimit == 0 || isIdle || liveBytes + outputBytes[step] <= byteLimit else {
            return nil
        }
        return take(roots.pop(), state)
    }

    private mutating func take(_ step: Int?, _ state: Dispatcher.State) -> Int? {
        guard let step else { return nil }
        backlog.remove(step, state.view)
        if unread[step] > 0 { liveBytes += outputBytes[step] }
        for edge in state.view.inputs(of: step) {
            let producer = Int(state.view.producers[edge])
            unread[producer] -= 1
            if unread[producer] == 0 { liveBytes -= outputBytes[producer] }
        }
        return step
    }
}

/// Chooses among all ready steps at once: the one that can be done soonest (min-min) or latest
/// (max-min) at its best core set (Ibarra and Kim 1977). Every decision looks at every ready step,
/// so wide graphs of many thousand steps take long.
struct BatchRule {
    let takesLargest: Bool

    func schedule(_ graph: PlacementGraph) -> Schedule {
        let view = TaskView(graph)
        var table = Timetable(view, inserts: false)
        var missing = view.inputCounts
        var ready = (0..<view.count).filter { missing[$0] == 0 }
        var placed: [Int] = []
        placed.reserveCapacity(view.count)
        while !ready.isEmpty {
            var (chosen, chosenSet) = (0, 0)
            var figure = takesLargest ? -Double.infinity : .infinity
            for (place, step) in ready.enumerated() {
                let set = view.set(for: step, .finish, table, nil)
                let finish = table.start(step, on: set) + view.cost(step, set)
                if takesLargest ? finish > figure : finish < figure {
                    (chosen, chosenSet, figure) = (place, set, finish)
                }
            }
            let step = ready.remove(at: chosen)
            table.place(step, on: chosenSet)
            placed.append(step)
            for edge in view.outputs(of: step) {
                let reader = Int(view.readers[edge])
                missing[reader] -= 1
                if missing[reader] == 0 { ready.append(reader) }
            }
        }
        return table.schedule(placed: placed)
    }
}
