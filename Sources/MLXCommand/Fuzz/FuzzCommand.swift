import ArgumentParser
import Foundation
import MLXFuzz
import MLXOps

/// `mlx fuzz`: random programs over the op table, each run plainly, fused, compiled, mapped and on
/// both devices, and optionally against MLX itself.
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Run random programs in several ways and compare the results.",
        discussion: """
            A program that disagrees is cut smaller and printed with its seed. The last line \
            counts mismatches and the rows of the op table that occurred. Exit status 1 when \
            there were mismatches.
            """)

    @Option(help: "How many programs.") var programs = 1000
    @Option(help: "The first program's seed; the others follow.") var seed: UInt64 = 1
    @Option(help: "Also ask another implementation: mlx, the wheel of Python's MLX.")
    var oracle: String?
    @Flag(help: "Check that expressions have the same bits wherever they stand, instead.")
    var placement = false
    @Flag(help: "With --placement: also with inputs of another layout.") var layouts = false
    @Option(help: "Make this row wrong on the GPU, to see that it is found.") var plant: String?
    @Option(help: "Stop after this many mismatches.") var maximumFailures = 5

    func validate() throws {
        guard programs > 0 else { throw ValidationError("--programs must be positive") }
        if let oracle, oracle != "mlx" {
            throw ValidationError("there is no oracle '\(oracle)'; try mlx")
        }
        if let plant, OpTable.find(name: plant) == nil {
            throw ValidationError("there is no row '\(plant)'; 'mlx ops' lists them")
        }
    }

    func run() throws {
        if placement { return try runPlacement() }
        var run = FuzzRun(
            seed: seed,
            check: FuzzCheck(plantedRow: plant.flatMap { OpTable.find(name: $0)?.code }))
        var oracle = try oracle.map { _ in try MLXOracle() }
        var reported = 0
        var shown = ContinuousClock.now
        for number in 1...programs {
            let program = run.step()
            try oracle?.add(program, seed: seed &+ UInt64(number - 1))
            for failure in run.failures[reported...] { report(failure) }
            reported = run.failures.count
            if ContinuousClock.now - shown > .seconds(2) {
                shown = .now
                progress("\(number) of \(programs) programs, \(reported) mismatches")
            }
            if reported + (oracle?.mismatchCount ?? 0) >= maximumFailures { break }
        }
        try oracle?.finish()
        progress("")
        let mismatches = reported + (oracle?.mismatchCount ?? 0)
        if run.coverage < 1 {
            print("rows that did not occur: \(run.missingRows.joined(separator: ", "))")
        }
        if let oracle { print(oracle.summary) }
        print(
            "fuzz: programs=\(run.programCount) mismatches=\(mismatches)"
                + " coverage=\(String(format: "%.1f", run.coverage * 100))%")
        if mismatches > 0 { throw ExitCode(1) }
    }

    private func runPlacement() throws {
        var run = PlacementRun(seed: seed, checksLayouts: layouts)
        defer { run.shutdown() }
        var reported = 0
        for number in 1...programs {
            run.step()
            for failure in run.failures[reported...] {
                progress("")
                print(
                    "program of seed \(failure.seed), \(failure.calibration):"
                        + " \(failure.mismatch)")
                print(failure.program)
                print("replay: mlx fuzz --placement --programs 1 --seed \(failure.seed)")
            }
            reported = run.failures.count
            if number % 100 == 0 {
                progress("\(number) of \(programs) programs, \(reported) mismatches")
            }
            if reported >= maximumFailures { break }
        }
        progress("")
        print(
            "placement: programs=\(run.programCount)"
                + " calibrations=\(PlacementRun.calibrations.count) mismatches=\(reported)")
        if reported > 0 { throw ExitCode(1) }
    }

    private func report(_ failure: FuzzRun.Failure) {
        progress("")
        print("program of seed \(failure.seed): \(failure.mismatch)")
        print(failure.program)
        print("replay: mlx fuzz --programs 1 --seed \(failure.seed)")
    }

    /// One line on the terminal that replaces itself.
    private func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
}
