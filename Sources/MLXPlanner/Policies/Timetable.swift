import MLXBase

/// When steps start and end on each core set, as list schedulers fill them in one after the
/// other. With insertion a step may go into a gap that is long enough; gaps into which not even
/// the shortest step of the graph fits are not kept.
struct Timetable {
    private struct Gap {
        var begin: Double
        var end: Double
    }

    private let view: TaskView
    private let inserts: Bool
    private let shortest: [Double]
    /// Where each core set is free after everything planned so far.
    private(set) var free: [Double]
    private var gaps: [[Gap]]
    private(set) var starts: [Double]
    private(set) var finishes: [Double]
    private(set) var sets: [Int]

    init(_ view: TaskView, inserts: Bool) {
        self.view = view
        self.inserts = inserts
        var shortest = [Double](repeating: .infinity, count: view.setCount)
        if inserts {
            for step in 0..<view.count {
                for set in 0..<view.setCount {
                    shortest[set] = min(shortest[set], view.cost(step, set))
                }
            }
        }
        self.shortest = shortest
        free = Array(repeating: 0, count: view.setCount)
        gaps = Array(repeating: [], count: view.setCount)
        starts = Array(repeating: 0, count: view.count)
        finishes = Array(repeating: 0, count: view.count)
        sets = Array(repeating: 0, count: view.count)
    }

    /// When everything that a step reads is there, on a core set.
    @inline(__always) func arrival(_ step: Int, on set: Int) -> Double {
        var time = 0.0
        for edge in view.inputs(of: step) {
            let producer = Int(view.producers[edge])
            let handover = view.handover(view.inputBytes[edge], from: sets[producer], to: set)
            time = max(time, finishes[producer] + handover)
        }
        return time
    }

    /// When a step could start on a core set.
    @inline(__always) func start(_ step: Int, on set: Int) -> Double {
        let ready = arrival(step, on: set)
        guard inserts, ready < free[set] else { return max(ready, free[set]) }
        return gap(set, ready, view.cost(step, set))?.start ?? free[set]
    }

    mutating func place(_ step: Int, on set: Int) {
        let ready = arrival(step, on: set)
        let cost = view.cost(step, set)
        var start = max(ready, free[set])
        if inserts, ready < free[set], let found = gap(set, ready, cost) {
            start = found.start
            split(set, found.index, start, start + cost)
        } else {
            if inserts, start - free[set] >= shortest[set], start > free[set] {
                gaps[set].append(Gap(begin: free[set], end: start))
            }
            free[set] = start + cost
        }
        (starts[step], finishes[step], sets[step]) = (start, start + cost, set)
    }

    /// The first gap that a step fits into.
    private func gap(_ set: Int, _ ready: Double, _ cost: Double) -> (start: Double, index: Int)? {
        gaps[set].withUnsafeBufferPointer { list in
            var (low, high) = (0, list.count)
            while low < high {
                let middle = (low + high) / 2
                if list[middle].end < ready + cost { low = middle + 1 } else { high = middle }
            }
            for index in low..<list.count {
                let start = max(ready, list[index].begin)
                if start + cost <= list[index].end { return (start, index) }
            }
            return nil
        }
    }

    private mutating func split(_ set: Int, _ index: Int, _ begin: Double, _ end: Double) {
        let gap = gaps[set][index]
        let left = Gap(begin: gap.begin, end: begin)
        let right = Gap(begin: end, end: gap.end)
        let kept = [left, right].filter { $0.end - $0.begin >= max(shortest[set], 1e-9) }
        gaps[set].replaceSubrange(index...index, with: kept)
    }

    var makespan: Double { finishes.max() ?? 0 }

    /// - Parameter placed: the steps in the order they were placed in, which is topological.
    func schedule(placed: [Int]) -> Schedule {
        var position = [Int32](repeating: 0, count: placed.count)
        for (place, step) in placed.enumerated() { position[step] = Int32(place) }
        // Equal starts keep the order of placing: a step of no cost precedes its readers.
        let order = placed.sorted {
            (starts[$0], position[$0]) < (starts[$1], position[$1])
        }
        return Schedule(
            devices: (0..<view.count).map { view.device(of: $0, on: sets[$0]) }, order: order)
    }
}

/// A plan's run as the cost model expects it: every core set works through its steps in the plan's
/// order and starts each when its inputs are there. This is how devices work: a schedule with gaps
/// that were filled later is started in order of time.
public struct Timeline: Sendable {
    /// When each step starts, in nanoseconds.
    public private(set) var starts: [Double]
    /// When each step is done.
    public private(set) var finishes: [Double]
    /// When the last of the inputs of each step was computed, wherever that was.
    public private(set) var computed: [Double]
    /// When the inputs had arrived on the step's cores.
    public private(set) var arrivals: [Double]
    /// The core set of each step.
    public private(set) var coreSets: [Int]
    /// The steps in the order they are started in.
    public let order: [Int]

    /// - Parameters:
    ///   - graph: steps and costs, which may be others than those the schedule was made for.
    ///   - schedule: of as many steps.
    public init(_ graph: PlacementGraph, _ schedule: Schedule) {
        let count = graph.count
        order = schedule.order ?? Array(0..<count)
        (starts, finishes) = (Array(repeating: 0, count: count), Array(repeating: 0, count: count))
        (computed, arrivals) = (starts, starts)
        coreSets = schedule.devices.map { graph.coreSet(of: $0) }
        var free = [Double](repeating: 0, count: graph.coreSets.count)
        for step in order {
            let set = coreSets[step]
            for input in graph.inputs(of: step) {
                guard let producer = input.producer else { continue }
                let from = coreSets[producer]
                let handover =
                    from == set
                    ? 0
                    : graph.handover(from: from, to: set).nanoseconds(byteCount: input.byteCount)
                computed[step] = max(computed[step], finishes[producer])
                arrivals[step] = max(arrivals[step], finishes[producer] + handover)
            }
            starts[step] = max(free[set], arrivals[step])
            finishes[step] = starts[step] + graph.nanoseconds[step][schedule.devices[step]]
            free[set] = finishes[step]
        }
    }

    /// When the last step is done, in nanoseconds.
    public var makespanNanoseconds: Double { finishes.max() ?? 0 }
}
