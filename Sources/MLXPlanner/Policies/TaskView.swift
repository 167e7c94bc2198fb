import MLXBase

/// A placement graph as flat columns, for policies that look at every edge many times. Their
/// processors are the core sets: on each a step runs on the set's best device for it.
/// Invariant: producers come before their readers, as in the graph.
struct TaskView {
    let count: Int
    let setCount: Int
    /// What a step takes on a core set, `step * setCount + set`; infinite where it cannot run.
    let costs: [Double]
    private let devices: [DeviceType]
    /// Edges by reader and by producer: where each one's begin, the other end, and the bytes.
    let inputStarts: [Int32]
    let producers: [Int32]
    let inputBytes: [Double]
    let outputStarts: [Int32]
    let readers: [Int32]
    let outputBytes: [Double]
    private let latency: [Double]
    private let perByte: [Double]
    private let meanLatency: Double
    private let meanPerByte: Double

    init(_ graph: PlacementGraph) {
        count = graph.count
        setCount = graph.coreSets.count
        (costs, devices) = TaskView.bestDevices(graph)
        var (starts, ends, bytes): ([Int32], [Int32], [Double]) = ([0], [], [])
        starts.reserveCapacity(graph.count + 1)
        ends.reserveCapacity(graph.count * 2)
        bytes.reserveCapacity(graph.count * 2)
        var degrees = [Int32](repeating: 0, count: graph.count + 1)
        for step in 0..<graph.count {
            for input in graph.inputs(of: step) {
                guard let producer = input.producer else { continue }
                ends.append(Int32(producer))
                bytes.append(Double(input.byteCount))
                degrees[producer + 1] += 1
            }
            starts.append(Int32(ends.count))
        }
        for step in 0..<graph.count { degrees[step + 1] += degrees[step] }
        outputStarts = degrees
        var (readers, outputBytes) = (ends, bytes)
        for step in 0..<graph.count {
            for edge in Int(starts[step])..<Int(starts[step + 1]) {
                let place = Int(degrees[Int(ends[edge])])
                degrees[Int(ends[edge])] += 1
                (readers[place], outputBytes[place]) = (Int32(step), bytes[edge])
            }
        }
        (inputStarts, producers, inputBytes) = (starts, ends, bytes)
        (self.readers, self.outputBytes) = (readers, outputBytes)
        let sets = setCount
        let pairs = (0..<(sets * sets)).map { graph.handover(from: $0 / sets, to: $0 % sets) }
        let between = Double(max(1, setCount * (setCount - 1)))
        meanLatency = pairs.reduce(0) { $0 + $1.nanoseconds } / between
        meanPerByte = pairs.reduce(0) { $0 + $1.nanosecondsPerByte } / between
        latency = pairs.map(\.nanoseconds)
        perByte = pairs.map(\.nanosecondsPerByte)
    }

    private static func bestDevices(_ graph: PlacementGraph) -> ([Double], [DeviceType]) {
        let sets = graph.coreSets.count
        var costs = [Double](repeating: .infinity, count: graph.count * sets)
        var devices = [DeviceType](repeating: .cpu, count: graph.count * sets)
        let places = DeviceType.allCases.map { ($0, graph.coreSet(of: $0)) }
        for step in 0..<graph.count {
            let candidates = graph.candidates[step]
            let nanoseconds = graph.nanoseconds[step]
            for (device, set) in places where candidates.contains(device) {
                let cost = nanoseconds[device]
                let place = step * sets + set
                // A candidate of infinite cost is one all the same.
                guard cost < costs[place] || costs[place] == .infinity else { continue }
                costs[place] = cost.isFinite ? cost : TaskView.hopeless
                devices[place] = device
            }
        }
        return (costs, devices)
    }

    /// What a candidate counts that the cost model knows nothing of: more than anything else.
    private static let hopeless = 1e15

    // MARK: - Looking up

    @inline(__always) func cost(_ step: Int, _ set: Int) -> Double { costs[step * setCount + set] }
    func canRun(_ step: Int, on set: Int) -> Bool { cost(step, set) < .infinity }
    func device(of step: Int, on set: Int) -> DeviceType { devices[step * setCount + set] }

    @inline(__always) func inputs(of step: Int) -> Range<Int> {
        Int(inputStarts[step])..<Int(inputStarts[step + 1])
    }
    @inline(__always) func outputs(of step: Int) -> Range<Int> {
        Int(outputStarts[step])..<Int(outputStarts[step + 1])
    }

    @inline(__always) func handover(_ bytes: Double, from: Int, to: Int) -> Double {
        if from == to { return 0 }
        let pair = from * setCount + to
        return latency[pair] + perByte[pair] * bytes
    }

    /// The mean over all pairs of different core sets.
    @inline(__always) func meanHandover(_ bytes: Double) -> Double {
        meanLatency + meanPerByte * bytes
    }

    /// The mean, least or greatest cost of a step over the core sets that can run it.
    func cost(_ step: Int, _ summary: CostSummary) -> Double {
        var (sum, number, least, greatest) = (0.0, 0.0, Double.infinity, 0.0)
        for set in 0..<setCount {
            let cost = cost(step, set)
            guard cost < .infinity else { continue }
            sum += cost
            number += 1
            least = min(least, cost)
            greatest = max(greatest, cost)
        }
        return switch summary {
        case .mean: sum / max(1, number)
        case .least: least
        case .greatest: greatest
        }
    }

    /// How one cost stands for those on all core sets.
    enum CostSummary { case mean, least, greatest }

    /// The cheapest core set for a step by itself.
    func cheapestSet(_ step: Int) -> Int {
        var best = 0
        for set in 1..<max(1, setCount) where cost(step, set) < cost(step, best) { best = set }
        return best
    }

    /// How many edges into each step there are.
    var inputCounts: [Int32] { (0..<count).map { inputStarts[$0 + 1] - inputStarts[$0] } }
}

/// A binary heap of steps: the greatest key first, of equal keys the step recorded first.
struct StepHeap {
    private var entries: [(key: Double, step: Int32)] = []

    var isEmpty: Bool { entries.isEmpty }
    var first: Int? { entries.first.map { Int($0.step) } }

    @inline(__always) private static func precedes(
        _ a: (key: Double, step: Int32), _ b: (key: Double, step: Int32)
    ) -> Bool {
        a.key > b.key || a.key == b.key && a.step < b.step
    }

    mutating func push(_ step: Int, key: Double) {
        entries.append((key, Int32(step)))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard StepHeap.precedes(entries[child], entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Int? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        if entries.isEmpty { return Int(top.step) }
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count,
                StepHeap.precedes(entries[child + 1], entries[child])
            {
                child += 1
            }
            guard StepHeap.precedes(entries[child], last) else { break }
            entries[hole] = entries[child]
            hole = child
        }
        entries[hole] = last
        return Int(top.step)
    }
}
