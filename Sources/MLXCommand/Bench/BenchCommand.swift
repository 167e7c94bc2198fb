import ArgumentParser
import Foundation
import MLX

/// `mlx bench`: measures the machine and the library, one line a figure. Figures of one run may be
/// compared with each other; those of two runs differ by what else the machine does.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the library on this machine.",
        discussion: """
            Workloads that other libraries are measured with (Benchmarks/peers) say which part \
            of the machine's limit they reach: of arithmetic in registers or of the fastest walk \
            through as much memory. 'mlx bench limits' measures those alone. With --model, also a \
            language model: --only '^llm_' measures it alone.
            """)

    /// What is measured.
    enum Subject: String, ExpressibleByArgument, CaseIterable { case library, limits }

    @Argument(help: "'limits' for what the machine can do, instead of the library.")
    var subject = Subject.library
    @Flag(help: "One JSON object a line.") var json = false
    @Flag(help: "Print the names and measure nothing.") var list = false
    @Flag(help: "Do not measure the machine's limits, and say no share of them.")
    var noLimits = false
    @Option(help: "A regular expression that a workload's name must match.") var only = "."
    @Option(help: "For how many seconds a workload is repeated, at least.") var seconds = 0.6
    @Option(help: "Megabytes that cold weights fill; else twice what the caches hold.")
    var cold: Int?

    @Option(help: "A language model's directory or .gguf file.") var model: String?

    func validate() throws {
        guard seconds > 0 && seconds <= 3600 else {
            throw ValidationError("--seconds is between 0 and 3600, not \(seconds)")
        }
        if let cold, !(1...1_000_000 ~= cold) {
            throw ValidationError("--cold is between 1 and 1000000, not \(cold)")
        }
    }

    func run() async throws {
        let pattern = try Regex(only)
        let limits = MachineLimits(seconds: Swift.min(0.1, seconds))
        guard subject == .library else { return try measure(limits, pattern) }
        var settings = BenchSettings()
        settings.seconds = seconds
        settings.coldByteCount = cold.map { $0 << 20 } ?? limits.caches.coldByteCount
        let all = workloads(settings, limits)
        let chosen = all.filter { $0.name.firstMatch(of: pattern) != nil }
        guard !chosen.isEmpty else { throw noMatch(all.map(\.name)) }
        if list { return chosen.forEach { print($0.name) } }
        for workload in chosen {
            for figure in try await workload.measure() {
                print(figure.line(json: json))
                fflush(nil)
            }
        }
    }

    private func measure(_ limits: MachineLimits, _ pattern: Regex<AnyRegexOutput>) throws {
        let figures = LimitFigures(limits: limits)
        let names = figures.names.filter { $0.firstMatch(of: pattern) != nil }
        guard !names.isEmpty else { throw noMatch(figures.names) }
        if list { return names.forEach { print($0) } }
        figures.print(matching: pattern, json: json)
    }

    private func noMatch(_ names: [String]) -> ValidationError {
        let names = names.joined(separator: ", ")
        return ValidationError("no workload's name matches '\(only)'; there are \(names)")
    }

    private func workloads(_ settings: BenchSettings, _ limits: MachineLimits) -> [Workload] {
        let noLimits = noLimits
        let shared = PeerWorkloads.all.map { workload in
            Workload(name: workload.name) {
                [try workload.figure(settings, noLimits ? nil : limits)]
            }
        }
        return SpineBenchmarks.all + EngineBenchmarks.all + shared + ProcessBenchmarks.all
            + (model.map(LanguageModelBenchmarks.all) ?? [])
    }
}

/// A named measurement.
struct Workload: Sendable {
    var name: String
    var measure: @Sendable () async throws -> [Figure]
}

enum Timing {
    static func nanoseconds(_ clock: clockid_t = CLOCK_MONOTONIC) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
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
