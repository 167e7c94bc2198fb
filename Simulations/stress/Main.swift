import ArgumentParser
import Foundation
import MLXBase

/// Real threads, real devices, no faults: tasks, plain threads and actors record and evaluate at
/// once for some minutes, every result is compared, and at the end nothing may be left behind and
/// the process must be idle. Prints one JSON object; ends with 1 when anything was wrong.
@main
struct Stress: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stress", abstract: "Evaluates from many threads at once and checks it all.",
        discussion: """
            One whole command, and what it prints (shortened):

              stress --minutes 10 --tasks 64 --json stress.json --html stress.html

              {
                "evaluations" : 5203614,
                "evaluationsPerSecond" : 8672.5,
                "latencyMicroseconds" : { "p50" : 212.9, "p99" : 61865.9, ... },
                "processes" : [ { "steadiness" : { "growthBytes" : 182340, "isFlat" : true, ... },
                                  "violations" : [ ], ... } ],
                "refused" : 0,
                "violations" : [ ]
              }

            It ends with 1 when there is a violation: a wrong result, an error that nobody asked \
            for, nodes or buffers left behind, a process that is not idle at the end, hangs or is \
            killed, or resident memory that grows after the warm-up. The page has memory, \
            throughput and latency percentiles over time.

            --memory-limit runs under a limit of the address space, as ulimit -v sets it: \
            evaluations may end in typed errors about memory then, which are counted. Under a \
            limit of a control group (where memory.max of the group is what the engine stays \
            below):

              systemd-run --user --scope -p MemoryMax=2G -p MemorySwapMax=0 \\
                stress --minutes 10 --tasks 64
            """)

    @Option(help: "How long to run.") var minutes = 1.0
    @Option(help: "How many workers.") var tasks = 16
    @Option(help: "How many times a second to fork; children evaluate too.") var forks = 0.0
    @Option(help: "The seed of the workers' choices.") var seed: UInt64 = 1
    @Option(help: "How many processes at once, with seeds that follow on each other.")
    var processes = 1
    @Option(help: "Bytes of address space for each process.") var memoryLimit: Int?
    @Option(help: "Seconds after which resident memory must be flat.") var warmUp = 60.0
    @Option(help: "Write the report, with curves and histograms, to this file.")
    var json: String?
    @Option(help: "Write a page with the curves to this file.") var html: String?
    @Option(help: .hidden) var summary: String?

    func validate() throws {
        guard minutes > 0, minutes <= 1_000_000, tasks > 0, tasks <= 100_000 else {
            throw ValidationError(
                "--minutes is above 0 and at most 1000000, --tasks from 1 to 100000")
        }
        guard forks >= 0, forks <= 1000, (1...64).contains(processes) else {
            throw ValidationError("--forks is from 0 to 1000, --processes from 1 to 64")
        }
        guard warmUp >= 0, warmUp.isFinite else {
            throw ValidationError("--warm-up is not negative")
        }
        if let memoryLimit, memoryLimit <= 0 {
            throw ValidationError("--memory-limit is above 0")
        }
    }

    func run() async throws {
        let soak = Soak(
            seconds: minutes * 60, tasks: tasks, forksPerSecond: forks, seed: seed,
            warmUpSeconds: warmUp, isLimited: memoryLimit != nil)
        if let summary {
            if let memoryLimit { try AddressSpace.limit(to: memoryLimit) }
            let contents = try JSONEncoder().encode(try await soak.run())
            return try WholeFile.write(Array(contents), to: summary)
        }
        let report: Report
        if processes > 1 || memoryLimit != nil {
            let several = Processes(count: processes, soak: soak, memoryLimit: memoryLimit)
            report = try await several.run(executable: try Stress.executable())
        } else {
            report = Report([try await soak.run()])
        }
        print(String(decoding: try report.json(isWhole: false), as: UTF8.self), terminator: "")
        if let json { try WholeFile.write(try report.json(isWhole: true), to: json) }
        if let html { try WholeFile.write(Array(try CurvesPage.text(report).utf8), to: html) }
        if !report.violations.isEmpty { throw ExitCode(1) }
    }

    private static func executable() throws -> URL {
        URL(
            fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"))
    }
}
