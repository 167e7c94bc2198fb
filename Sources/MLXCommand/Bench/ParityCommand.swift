import ArgumentParser
import Foundation
import MLX

/// `mlx parity-times`: the median time of each function of `ParityCases`, or of each layer of
/// `ParityLayers`, a JSON object a line, for `Benchmarks/parity`.
struct ParityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity-times", abstract: "Time functions at a million elements.",
        shouldDisplay: false)

    @Option(help: "A regular expression that a function's name must match.") var only = "."
    @Option(help: "Runs of each function; the median counts.") var runs = 9

    @Flag(help: "Layers, activations and losses instead.") var layers = false

    func run() throws {
        let pattern = try Regex(only)
        for (name, run) in (layers ? ParityLayers.all() : ParityCases.all())
        where name.firstMatch(of: pattern) != nil {
            let time = try Timing.median(runs) { try checkedEval(run()) }
            let line = "{\"name\":\"\(name)\",\"us\":\(String(format: "%.1f", time / 1000))}\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        }
    }
}
