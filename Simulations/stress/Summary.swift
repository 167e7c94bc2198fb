import Foundation
import MLXFormats

/// What one process found: its own ledger's figures and its curves.
struct Summary: Codable {
    var seed: UInt64
    var tasks: Int
    var seconds: Double
    var evaluations = 0
    var evaluationsByWay: [String: Int] = [:]
    var cancelled = 0
    /// Evaluations that ended in a typed error about memory.
    var refused = 0
    var forks = 0
    var idleCoreShare = 0.0
    /// nil where the run was too short to judge by.
    var steadiness: Steadiness?
    var violations: [String] = []
    /// nil where the figures alone are shown, as for `samples`.
    var latencies: Latencies?
    var samples: [Sample]?
}

/// What a whole run found, of one process or of several.
struct Report: Codable {
    var evaluations: Int
    var evaluationsPerSecond: Double
    var refused: Int
    /// Of all processes together.
    var latencyMicroseconds: Percentiles
    /// In bytes of address space for each process.
    var memoryLimit: Int?
    /// Each begins with the number of its process where there are several.
    var violations: [String]
    var processes: [Summary]

    /// - Parameter lost: what is wrong with processes that left no summary.
    init(_ processes: [Summary], lost: [String] = [], memoryLimit: Int? = nil) {
        self.processes = processes
        self.memoryLimit = memoryLimit
        evaluations = processes.reduce(0) { $0 + $1.evaluations }
        evaluationsPerSecond = processes.reduce(0) {
            $0 + Double($1.evaluations) / max($1.seconds, 1e-9)
        }
        refused = processes.reduce(0) { $0 + $1.refused }
        latencyMicroseconds = Percentiles(
            processes.compactMap(\.latencies).reduce(Latencies(), +))
        let isAlone = processes.count + lost.count == 1
        violations =
            processes.flatMap { process in
                process.violations.map { isAlone ? $0 : "process of seed \(process.seed): \($0)" }
            } + lost
    }

    /// As JSON, sorted by key.
    /// - Parameter isWhole: with all curves and histograms; else the figures alone.
    func json(isWhole: Bool) throws -> [UInt8] {
        var report = self
        if !isWhole {
            for index in report.processes.indices {
                report.processes[index].samples = nil
                report.processes[index].latencies = nil
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(report)) + [UInt8(ascii: "\n")]
    }
}

/// Files that appear whole or not at all.
enum WholeFile {
    static func write(_ bytes: [UInt8], to path: String) throws {
        let sink = try AtomicFileSink(path: path)
        try sink.write(bytes)
        try sink.commit()
    }
}
