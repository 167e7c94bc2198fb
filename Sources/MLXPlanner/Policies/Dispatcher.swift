import MLXBase

/// A rule that decides as steps become ready and cores become idle, as runtimes with queues do.
protocol DispatchRule {
    /// A step can run from now on.
    /// - Parameter releasedBy: the core set whose step made it ready; nil at the beginning.
    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State)
    /// The next step for an idle core set, taken off the rule's queues; nil to leave it idle until
    /// another step is done.
    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int?
}

/// Plays a plan through on the cost model: whenever cores are idle, the rule is asked. What it says
/// becomes the plan's schedule, so that queues decide as they would have in the run itself, and
/// equal plans are placed equally. Handovers are waited for by the cores that need them.
/// Invariant: every step is dispatched once, after those that it reads. A rule that leaves
/// everything idle is overruled: the first ready step goes where it is cheapest.
struct Dispatcher {
    /// What rules see.
    struct State {
        let view: TaskView
        var now = 0.0
        /// When each core set will have done what it was given.
        var free: [Double]
        var sets: [Int]
        var finishes: [Double]

        /// When a step's inputs are there, all of them being computed.
        func arrival(_ step: Int, on set: Int) -> Double {
            var time = now
            for edge in view.inputs(of: step) {
                let producer = Int(view.producers[edge])
                let handover = view.handover(view.inputBytes[edge], from: sets[producer], to: set)
                time = max(time, finishes[producer] + handover)
            }
            return time
        }

        /// How many bytes of a step's inputs a core set has computed itself.
        func localBytes(_ step: Int, on set: Int) -> Double {
            view.inputs(of: step).reduce(0) { sum, edge in
                sum + (sets[Int(view.producers[edge])] == set ? view.inputBytes[edge] : 0)
            }
        }
    }

    private var state: State
    private var running: [Int?]
    private var missing: [Int32]
    private var isDispatched: [Bool]
    private var order: [Int] = []
    /// No ready step stands before this one.
    private var firstWaiting = 0

    private init(_ view: TaskView) {
        let sets = max(1, view.setCount)
        state = State(
            view: view, free: Array(repeating: 0, count: sets),
            sets: Array(repeating: 0, count: view.count),
            finishes: Array(repeating: 0, count: view.count))
        running = Array(repeating: nil, count: sets)
        missing = view.inputCounts
        isDispatched = Array(repeating: false, count: view.count)
        order.reserveCapacity(view.count)
    }

    static func schedule(_ graph: PlacementGraph, _ rule: inout some DispatchRule) -> Schedule {
        let view = TaskView(graph)
        var dispatcher = Dispatcher(view)
        dispatcher.run(&rule)
        return Schedule(
            devices: (0..<view.count).map { view.device(of: $0, on: dispatcher.state.sets[$0]) },
            order: dispatcher.order)
    }

    private mutating func run(_ rule: inout some DispatchRule) {
        for step in 0..<state.view.count where missing[step] == 0 {
            rule.ready(step, releasedBy: nil, state)
        }
        while order.count < state.view.count {
            offer(&rule)
            if !running.contains(where: { $0 != nil }) { force() }
            advance(&rule)
        }
    }

    private mutating func offer(_ rule: inout some DispatchRule) {
        for set in running.indices where running[set] == nil {
            guard let step = rule.next(for: set, state) else { continue }
            // A rule may hand out what it queued before it was overruled.
            if !isDispatched[step] { start(step, on: set) }
        }
    }

    private mutating func force() {
        while isDispatched[firstWaiting] { firstWaiting += 1 }
        let step = (firstWaiting..<state.view.count).first {
            !isDispatched[$0] && missing[$0] == 0
        }
        if let step { start(step, on: state.view.cheapestSet(step)) }
    }

    private mutating func start(_ step: Int, on set: Int) {
        let finish = state.arrival(step, on: set) + state.view.cost(step, set)
        (state.sets[step], state.finishes[step], state.free[set]) = (set, finish, finish)
        running[set] = step
        isDispatched[step] = true
        order.append(step)
    }

    /// To the time when the next step is done.
    private mutating func advance(_ rule: inout some DispatchRule) {
        let next = running.indices.filter { running[$0] != nil }
            .min { (state.free[$0], $0) < (state.free[$1], $1) }
        guard let set = next, let step = running[set] else { return }
        state.now = state.free[set]
        running[set] = nil
        for edge in state.view.outputs(of: step) {
            let reader = Int(state.view.readers[edge])
            missing[reader] -= 1
            if missing[reader] == 0 { rule.ready(reader, releasedBy: set, state) }
        }
    }
}

/// One queue for all, first in first out or by priority: an idle core set takes the first step that
/// it can run, whatever it costs there. What the others leave is what a policy without a cost
/// model gets.
struct CentralQueue: DispatchRule {
    private var heaps: [StepHeap]
    private var isTaken: [Bool]
    private let ranks: [Double]?
    private var arrived = 0.0

    /// - Parameter ranks: the greater first; nil for the order of becoming ready.
    init(_ view: TaskView, ranks: [Double]?) {
        heaps = Array(repeating: StepHeap(), count: view.setCount)
        isTaken = Array(repeating: false, count: view.count)
        self.ranks = ranks
    }

    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State) {
        arrived += 1
        for set in heaps.indices where state.view.canRun(step, on: set) {
            heaps[set].push(step, key: ranks?[step] ?? -arrived)
        }
    }

    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int? {
        while let step = heaps[set].pop() {
            if isTaken[step] { continue }
            isTaken[step] = true
            return step
        }
        return nil
    }
}

/// One queue for each core set. Steps go to the set that released them, or to the one that has
/// most of their inputs; idle sets take their own newest step first and else steal the oldest:
/// from the fullest queue, or from the nearest neighbour that has any.
struct StealingQueues: DispatchRule {
    private var queues: [[Int]]
    /// What was stolen from the front of each queue.
    private var heads: [Int]
    private let seesLocality: Bool
    private var turn = 0

    init(_ view: TaskView, seesLocality: Bool) {
        queues = Array(repeating: [], count: view.setCount)
        heads = Array(repeating: 0, count: view.setCount)
        self.seesLocality = seesLocality
    }

    mutating func ready(_ step: Int, releasedBy: Int?, _ state: Dispatcher.State) {
        var set = releasedBy ?? turn % queues.count
        if releasedBy == nil { turn += 1 }
        if seesLocality, releasedBy != nil {
            var most = state.localBytes(step, on: set)
            for other in queues.indices {
                let bytes = state.localBytes(step, on: other)
                if bytes > most { (set, most) = (other, bytes) }
            }
        }
        queues[set].append(step)
    }

    mutating func next(for set: Int, _ state: Dispatcher.State) -> Int? {
        if let place = queues[set].indices.last(where: {
            $0 >= heads[set] && state.view.canRun(queues[set][$0], on: set)
        }) {
            return queues[set].remove(at: place)
        }
        let others = (1..<max(1, queues.count)).map { (set + $0) % queues.count }
        let victims =
            seesLocality
            ? others
            : others.sorted {
                queues[$0].count - heads[$0] > queues[$1].count - heads[$1]
            }
        for victim in victims {
            guard
                let place = queues[victim].indices.first(where: {
                    $0 >= heads[victim] && state.view.canRun(queues[victim][$0], on: set)
                })
            else { continue }
            if place == heads[victim] {
                heads[victim] += 1
                return queues[victim][place]
            }
            return queues[victim].remove(at: place)
        }
        return nil
    }
}
