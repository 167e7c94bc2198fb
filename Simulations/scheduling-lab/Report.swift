import MLXBase
import MLXPlanner

/// One page about a sweep that needs nothing else: ratios to the bound by policy and graph, and for
/// some runs a Gantt chart, the causes of idle time and memory over time. All runs are in the
/// table; of long sweeps the charts are those of the best and the worst policy on each graph.
struct Report {
    private struct Line: Encodable {
        var policy: String
        var dag: String
        var platform: String
        var seed: UInt64
        var makespan: Double
        var ratio: Double
        var bound: String
        var idle: [Double]
        var peak: Double
        var moved: Double
    }

    private struct Chart: Encodable {
        var line: Int
        var sets: [String]
        var bounds: [String: Double]
        var expected: Double
        /// Core set, begin, end and name of each step, in the order they start.
        var places: [Int]
        var begins: [Double]
        var ends: [Double]
        var kinds: [Int]
        var names: [String]
        var memory: [[Double]]
    }

    private struct Contents: Encodable {
        var lines: [Line]
        var charts: [Chart]
        var causes: [String]
    }

    private let maximumCharts: Int
    private var lines: [Line] = []
    private var kept: [(line: Int, run: LabRun)] = []
    /// Steps and changes of memory that one chart shows.
    private static let maximumSteps = 4000
    private static let memoryPoints = 400

    init(maximumCharts: Int) { self.maximumCharts = maximumCharts }

    mutating func add(_ run: LabRun) {
        if run.taskCount <= Report.maximumSteps { kept.append((lines.count, run)) }
        lines.append(
            Line(
                policy: run.policy, dag: run.graph, platform: run.platform, seed: run.seed,
                makespan: run.makespan, ratio: run.ratio, bound: run.bounds.best.kind.rawValue,
                idle: run.idle, peak: run.peakBytes, moved: run.movedBytes))
        if kept.count > 4 * maximumCharts { thin() }
    }

    /// Leaves the best and the worst run of each graph and platform.
    private mutating func thin() {
        var groups: [String: (best: Int, worst: Int)] = [:]
        for (index, entry) in kept.enumerated() {
            let key = "\(entry.run.graph) \(entry.run.platform)"
            guard let group = groups[key] else {
                groups[key] = (index, index)
                continue
            }
            if entry.run.ratio < kept[group.best].run.ratio { groups[key]?.best = index }
            if entry.run.ratio > kept[group.worst].run.ratio { groups[key]?.worst = index }
        }
        let wanted = Set(groups.values.flatMap { [$0.best, $0.worst] })
        kept = kept.indices.filter(wanted.contains).map { kept[$0] }
    }

    /// The page.
    var page: String {
        get throws {
            var report = self
            if kept.count > maximumCharts { report.thin() }
            let charts = report.kept.prefix(maximumCharts).map { Report.chart($0.line, $0.run) }
            let contents = Contents(
                lines: lines, charts: charts, causes: LabRun.Idle.allCases.map(\.name))
            return try ReportPage.page.text(contents)
        }
    }

    private static func chart(_ line: Int, _ run: LabRun) -> Chart {
        let order = run.timeline.order
        var numbers: [String: Int] = [:]
        var names: [String] = []
        for step in order where numbers[run.names[step]] == nil {
            numbers[run.names[step]] = names.count
            names.append(run.names[step])
        }
        let sets = (run.timeline.coreSets.max() ?? 0) + 1
        let stride = max(1, run.memory.count / memoryPoints)
        // Of each few changes the one that holds most: peaks stay.
        let memory = Swift.stride(from: 0, to: run.memory.count, by: stride).map { first in
            run.memory[first..<min(run.memory.count, first + stride)]
                .max { $0.bytes < $1.bytes } ?? run.memory[first]
        }
        return Chart(
            line: line,
            sets: (0..<sets).map { set in
                let devices = Set(
                    order.filter { run.timeline.coreSets[$0] == set }
                        .map { run.schedule.devices[$0].rawValue })
                return devices.isEmpty ? "cores \(set)" : devices.sorted().joined(separator: ", ")
            },
            bounds: Dictionary(
                uniqueKeysWithValues: run.bounds.nanoseconds.map { ($0.key.rawValue, $0.value) }),
            expected: run.expectedNanoseconds, places: order.map { run.timeline.coreSets[$0] },
            begins: order.map { run.timeline.starts[$0].rounded() },
            ends: order.map { run.timeline.finishes[$0].rounded() },
            kinds: order.map { numbers[run.names[$0]] ?? 0 }, names: names,
            memory: memory.map { [$0.time.rounded(), $0.bytes] })
    }
}
