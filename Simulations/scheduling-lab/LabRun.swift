import MLXBase
import MLXPlanner

/// One run of a graph under a policy on a platform: when everything happened, how far that is from
/// what no schedule can beat, why cores stood idle, and what memory held.
struct LabRun {
    /// Why a core set was idle.
    enum Idle: Int, CaseIterable {
        /// What its next step reads was not computed yet.
        case dependency
        /// It was computed and on its way.
        case transfer
        /// None of its steps was left.
        case noWork
        /// A step that it could have run was there: the schedule wanted it otherwise.
        case scheduler

        var name: String {
            switch self {
            case .dependency: "dependency"
            case .transfer: "transfer"
            case .noWork: "no work"
            case .scheduler: "scheduler"
            }
        }
    }

    let policy: String
    let graph: String
    let family: String
    let platform: String
    let seed: UInt64
    let taskCount: Int
    let edgeCount: Int
    let timeline: Timeline
    let schedule: Schedule
    let names: [String]
    /// As the policy expected it.
    let expectedNanoseconds: Double
    let makespan: Double
    let bounds: MakespanBounds
    /// Nanoseconds by cause, all core sets together.
    let idle: [Double]
    let movedBytes: Double
    /// When bytes were taken or let go, and how many are held from then on.
    let memory: [(time: Double, bytes: Double)]

    var ratio: Double {
        bounds.best.nanoseconds > 0 ? makespan / bounds.best.nanoseconds : 1
    }
    var peakBytes: Double { memory.map(\.bytes).max() ?? 0 }

    /// - Parameters:
    ///   - expected: what the policy saw.
    ///   - drawn: the same graph with the costs of the run.
    ///   - bounds: of the run's costs.
    init(
        _ policy: any SchedulingPolicy, _ graph: LabGraph, _ platform: Platform, seed: UInt64,
        expected: PlacementGraph, drawn: PlacementGraph, bounds: MakespanBounds
    ) {
        self.policy = policy.name
        (self.graph, family, self.platform) = (graph.name, graph.family, platform.name)
        self.seed = seed
        (taskCount, edgeCount) = (graph.tasks.count, graph.edgeCount)
        names = graph.tasks.map(\.name)
        self.bounds = bounds
        schedule = policy.schedule(expected)
        expectedNanoseconds = Timeline(expected, schedule).makespanNanoseconds
        timeline = Timeline(drawn, schedule)
        makespan = timeline.makespanNanoseconds
        idle = LabRun.idle(drawn, timeline, makespan)
        (movedBytes, memory) = LabRun.memory(drawn, timeline)
    }
}

// MARK: - Idle time

extension LabRun {
    private struct Span {
        var begin: Double
        var end: Double
    }

    private static func idle(
        _ graph: PlacementGraph, _ timeline: Timeline, _ makespan: Double
    ) -> [Double] {
        var idle = [Double](repeating: 0, count: Idle.allCases.count)
        for set in graph.coreSets.indices {
            let waiting = waiting(graph, timeline, set)
            var free = 0.0
            for step in timeline.order where timeline.coreSets[step] == set {
                let gap = Span(begin: free, end: timeline.starts[step])
                free = timeline.finishes[step]
                guard gap.end > gap.begin else { continue }
                let computed = min(max(timeline.computed[step], gap.begin), gap.end)
                let parts = [
                    (Idle.dependency, Span(begin: gap.begin, end: computed)),
                    (Idle.transfer, Span(begin: computed, end: gap.end)),
                ]
                for (cause, part) in parts {
                    let held = overlap(part, waiting)
                    idle[Idle.scheduler.rawValue] += held
                    idle[cause.rawValue] += part.end - part.begin - held
                }
            }
            let tail = Span(begin: free, end: makespan)
            let held = overlap(tail, waiting)
            idle[Idle.scheduler.rawValue] += held
            idle[Idle.noWork.rawValue] += max(0, tail.end - tail.begin) - held
        }
        return idle
    }

    /// When some step that a core set can run had its inputs there and had not begun, as spans
    /// that do not meet.
    private static func waiting(
        _ graph: PlacementGraph, _ timeline: Timeline, _ set: Int
    ) -> [Span] {
        let devices = graph.coreSets[set].devices
        var spans: [Span] = []
        for step in 0..<graph.count where !graph.candidates[step].isDisjoint(with: devices) {
            let ready = arrival(step, graph, timeline, set)
            if timeline.starts[step] > ready {
                spans.append(Span(begin: ready, end: timeline.starts[step]))
            }
        }
        spans.sort { $0.begin < $1.begin }
        var merged: [Span] = []
        for span in spans {
            if let last = merged.last, span.begin <= last.end {
                merged[merged.count - 1].end = max(last.end, span.end)
            } else {
                merged.append(span)
            }
        }
        return merged
    }

    /// When a step's inputs would be there if it ran on a core set.
    private static func arrival(
        _ step: Int, _ graph: PlacementGraph, _ timeline: Timeline, _ set: Int
    ) -> Double {
        graph.inputs(of: step).reduce(0) { time, input in
            guard let producer = input.producer else { return time }
            let from = timeline.coreSets[producer]
            let handover = graph.handover(from: from, to: set)
            return max(
                time,
                timeline.finishes[producer]
                    + (from == set ? 0 : handover.nanoseconds(byteCount: input.byteCount)))
        }
    }

    private static func overlap(_ part: Span, _ spans: [Span]) -> Double {
        guard part.end > part.begin else { return 0 }
        var (low, high) = (0, spans.count)
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].end <= part.begin { low = middle + 1 } else { high = middle }
        }
        var sum = 0.0
        while low < spans.count, spans[low].begin < part.end {
            sum += min(part.end, spans[low].end) - max(part.begin, spans[low].begin)
            low += 1
        }
        return sum
    }
}

// MARK: - Memory

extension LabRun {
    /// Results are held from when their step starts until their last reader is done; what nobody
    /// reads, to the end. Each result is moved once to each core set that reads it elsewhere.
    private static func memory(
        _ graph: PlacementGraph, _ timeline: Timeline
    ) -> (moved: Double, events: [(time: Double, bytes: Double)]) {
        var lastRead = [Double](repeating: -1, count: graph.count)
        var moved: Set<Int> = []
        var movedBytes = 0.0
        let sets = graph.coreSets.count
        for step in 0..<graph.count {
            for input in graph.inputs(of: step) {
                guard let producer = input.producer else { continue }
                lastRead[producer] = max(lastRead[producer], timeline.finishes[step])
                let set = timeline.coreSets[step]
                if timeline.coreSets[producer] != set, moved.insert(producer * sets + set).inserted
                {
                    movedBytes += Double(input.byteCount)
                }
            }
        }
        var changes: [(time: Double, bytes: Double)] = []
        for step in 0..<graph.count {
            let bytes = Double(graph.outputByteCounts[step])
            guard bytes > 0 else { continue }
            changes.append((timeline.starts[step], bytes))
            if lastRead[step] >= 0 { changes.append((lastRead[step], -bytes)) }
        }
        // Of changes at one time what is let go comes first.
        changes.sort { ($0.time, $0.bytes) < ($1.time, $1.bytes) }
        var held = 0.0
        return (
            movedBytes,
            changes.map { change in
                held += change.bytes
                return (change.time, held)
            }
        )
    }
}

// MARK: - As a line of text

extension LabRun {
    static let columns = [
        "policy", "dag", "family", "platform", "seed", "tasks", "edges", "makespan_ns",
        "expected_ns", "bound", "bound_ns", "ratio", "critical_path_ns", "area_ns", "mixed_ns",
        "memory_ns", "cholesky_ns", "idle_dependency_ns", "idle_transfer_ns", "idle_no_work_ns",
        "idle_scheduler_ns", "moved_bytes", "peak_bytes",
    ]

    var row: String {
        func text(_ value: Double?) -> String { value.map { "\(Int($0.rounded()))" } ?? "" }
        let figures: [String] =
            [text(makespan), text(expectedNanoseconds), bounds.best.kind.rawValue]
            + [text(bounds.best.nanoseconds), "\((ratio * 10_000).rounded() / 10_000)"]
            + MakespanBounds.Kind.allCases.map { text(bounds.nanoseconds[$0]) }
            + idle.map { text($0) } + [text(movedBytes), text(peakBytes)]
        let names = [policy, graph, family, platform].map(LabRun.quoted)
        return (names + ["\(seed)", "\(taskCount)", "\(edgeCount)"] + figures)
            .joined(separator: ",")
    }

    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\n".contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
