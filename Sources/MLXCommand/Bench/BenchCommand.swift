import ArgumentParser
import Foundation
import MLX

/// `mlx bench`: measures the machine and the library, one line a figure. Figures of one run may be
/// compared with each other; those of two runs differ by what else the machine does.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the library on this machine.",
        discussion: "With --model, also a language model: --only '^llm_' measures it alone.")

    @Flag(help: "One JSON object a line.") var json = false
    @Option(help: "A regular expression that a workload's name must match.") var only = "."

    @Option(help: "A language model's directory or .gguf file.") var model: String?

    func run() async throws {
        let pattern = try Regex(only)
        let all =
            SpineBenchmarks.all + EngineBenchmarks.all + ProductBenchmarks.all
            + (model.map(LanguageModelBenchmarks.all) ?? [])
        let chosen = all.filter { $0.name.firstMatch(of: pattern) != nil }
        guard !chosen.isEmpty else {
            let names = all.map(\.name).joined(separator: ", ")
            throw ValidationError("no workload's name matches '\(only)'; there are \(names)")
        }
        for workload in chosen {
            for figure in try await workload.measure() { print(figure.line(json: json)) }
        }
    }
}

/// One measured number.
struct Figure {
    var workload: String
    var value: Double
    var unit: String
    /// How often it was measured; the value is the median, or for products the best.
    var count: Int

    func line(json: Bool) -> String {
        let text = String(format: "%.6g", value)
        return json
            ? "{\"workload\":\"\(workload)\",\"value\":\(text),\"unit\":\"\(unit)\",\"n\":\(count)}"
            : "\(workload.padding(toLength: 28, withPad: " ", startingAt: 0)) \(text) \(unit)"
    }
}

/// A named measurement.
struct Workload: Sendable {
    var name: String
    var measure: @Sendable () async throws -> [Figure]
}

enum Timing {
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The median time of `body` in nanoseconds, after one run that is not counted.
    static func median(_ runs: Int, _ body: () throws -> Void) rethrows -> Double {
        try body()
        var times: [UInt64] = []
        for _ in 0..<runs {
            let start = nanoseconds()
            try body()
            times.append(nanoseconds() - start)
        }
        return Double(times.sorted()[runs / 2])
    }
}
