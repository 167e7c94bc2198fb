import ArgumentParser
import Foundation
import MLX
import MLXBase
import MLXPlanner

/// Task Bench's measure of what tasks cost beside their work: METG(50 %), the least granularity at
/// which the runtime still reaches half of its own best rate (Slaughter and others 2020).
struct GranularityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metg",
        abstract: "The least granularity of tasks at half of the best rate, by pattern.",
        discussion: """
            Each task adds up what it reads and works on it; all is recorded, planned once and \
            evaluated by the real engine, and everything that takes time counts, recording too. \
            Granularity is time x workers / tasks. One whole command, and what it prints \
            (shortened):

              scheduling-lab metg --workers 2

              pattern,tasks,metg_us,best_rows_per_us
              trivial,1600,2.1,51.3
              ...
              worst: all_to_all, 4.6 us
            """)

    @Option(help: "How many threads work.") var workers = 2
    @Option(help: "Rows of tasks.") var steps = 100
    @Option(help: "Tasks in a row, for each worker.") var columns = 8
    @Option(help: "How many times each size is measured; the least time counts.") var times = 5
    @Option(help: "The share of the best rate that has to be reached.") var share = 0.5
    @Option(help: "Rows of the largest tasks, a power of two.") var largest = 4096

    func validate() throws {
        guard (1...1024).contains(workers), (1...10_000).contains(steps),
            (1...64).contains(columns), (1...1000).contains(times)
        else {
            throw ValidationError(
                "--workers is from 1 to 1024, --steps to 10000, --columns to 64, --times to 1000")
        }
        guard share > 0, share < 1 else { throw ValidationError("--share is between 0 and 1") }
        guard (1...(1 << 20)).contains(largest), largest.nonzeroBitCount == 1 else {
            throw ValidationError("--largest is a power of two up to 1048576")
        }
    }

    func run() throws {
        // Before anybody asks for the engine, which reads it once.
        setenv("MLX_THREADS", "\(workers)", 1)
        print("pattern,tasks,metg_us,best_rows_per_us")
        var worst: (name: String, microseconds: Double)?
        for generator in Generator.taskBenchFamilies {
            let name = String(generator.family.dropFirst("bench-".count))
            let graph = generator.make([steps, columns * workers], 1)
            let points = try measure(graph)
            guard let found = Granularity.least(points, share: share) else { continue }
            let best = points.map(\.rate).max() ?? 0
            print(
                "\(name),\(graph.tasks.count),"
                    + String(format: "%.2f,%.1f", found / 1000, best * 1000))
            if found / 1000 > worst?.microseconds ?? 0 { worst = (name, found / 1000) }
        }
        if let worst {
            print("worst: \(worst.name), \(String(format: "%.2f", worst.microseconds)) us")
        }
    }

    /// One point for each size of tasks, from the largest down.
    func measure(_ graph: LabGraph) throws -> [Granularity.Point] {
        var points: [Granularity.Point] = []
        var rows = largest
        while rows >= 1 {
            let nanoseconds = try GranularityProgram(graph, rows: rows).time(times)
            let tasks = Double(graph.tasks.count)
            let point = Granularity.Point(
                nanoseconds: nanoseconds * Double(workers) / tasks,
                rate: Double(rows) * tasks / nanoseconds)
            points.append(point)
            // Far below the share nothing is to be found any more.
            if point.rate < (points.map(\.rate).max() ?? 0) * share / 2 { break }
            rows /= 2
        }
        return points
    }
}

/// What is left of the measurements: the granularity where the share is met.
enum Granularity {
    /// One size of tasks.
    struct Point {
        /// Time x workers / tasks.
        var nanoseconds: Double
        /// Work done in a nanosecond.
        var rate: Double
    }

    /// The granularity from which on all sizes reach the share of the best rate; between the last
    /// that does and the first that does not, in proportion.
    /// - Parameter points: the largest tasks first.
    /// - Returns: nil without points.
    static func least(_ points: [Point], share: Double) -> Double? {
        let wanted = (points.map(\.rate).max() ?? 0) * share
        var last: Point?
        for point in points {
            if point.rate < wanted {
                guard let last, last.rate > point.rate else { continue }
                let part = (wanted - point.rate) / (last.rate - point.rate)
                return point.nanoseconds + part * (last.nanoseconds - point.nanoseconds)
            }
            last = point
        }
        return last?.nanoseconds
    }
}

/// A graph whose every task is two steps: the sum of what it reads, scaled, and a softmax over
/// rows of 64 numbers. The work grows with the rows, and nothing fuses with its neighbours.
struct GranularityProgram {
    private let graph: LabGraph
    private let start: MLXArray
    private static let columns = 64

    init(_ graph: LabGraph, rows: Int) throws {
        self.graph = graph
        start = MLXRandom.normal([rows, GranularityProgram.columns], key: MLXRandom.key(1))
        try checkedEval([start])
    }

    /// The least of so many times, in nanoseconds: recorded and evaluated anew each time.
    func time(_ times: Int) throws -> Double {
        // The first run plans, and touches memory.
        try checkedEval(record())
        var least = Double.infinity
        for _ in 0..<times {
            let taken = try ContinuousClock().measure { try checkedEval(record()) }
            least = min(least, taken / .nanoseconds(1))
        }
        return least
    }

    /// - Returns: what no task reads.
    func record() -> [MLXArray] {
        var results: [MLXArray] = []
        var isRead = [Bool](repeating: false, count: graph.tasks.count)
        results.reserveCapacity(graph.tasks.count)
        for task in graph.tasks {
            var input = task.inputs.first.map { results[$0.task] } ?? start
            for other in task.inputs.dropFirst() { input = input + results[other.task] }
            for other in task.inputs { isRead[other.task] = true }
            // A factor of its own, or tasks that read the same would be one to the planner.
            results.append(softmax(input * Float(results.count + 1), axis: -1))
        }
        return results.indices.filter { !isRead[$0] }.map { results[$0] }
    }
}
