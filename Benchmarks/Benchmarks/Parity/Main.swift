import ArgumentParser
import Foundation
import MLX

/// `parity-times`: the median time of each function of `ParityCases`, or of each layer of
/// `ParityLayers`, a JSON object a line, for `Benchmarks/parity`.
@main struct ParityTimes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity-times", abstract: "Time functions at a million elements.")

    @Option(help: "A regular expression that a function's name must match.") var only = "."
    @Option(help: "Runs of each function; the median counts.") var runs = 9
    @Flag(help: "Layers, activations and losses instead.") var layers = false

    func run() throws {
        let pattern = try Regex(only)
        for (name, run) in (layers ? ParityLayers.all() : ParityCases.all())
        where name.firstMatch(of: pattern) != nil {
            let time = try median { try checkedEval(run()) }
            let line = "{\"name\":\"\(name)\",\"us\":\(String(format: "%.1f", time / 1000))}\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        }
    }

    /// The median time of `body` in nanoseconds, after one run that is not counted.
    private func median(_ body: () throws -> Void) rethrows -> Double {
        try body()
        let clock = ContinuousClock()
        let times = try (0..<max(runs, 1)).map { _ in try clock.measure(body) }.sorted()
        return times[times.count / 2] / .nanoseconds(1)
    }
}
