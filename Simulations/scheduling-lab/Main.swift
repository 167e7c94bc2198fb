import ArgumentParser
import Foundation
import MLXBase
import MLXPlanner

/// The scheduling lab: policies on graphs on platforms, in simulated time, with bounds beside every
/// makespan. Everything it prints but deciding times is the same for the same arguments.
@main
struct SchedulingLab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduling-lab",
        abstract: "Runs scheduling policies on task graphs in simulated time.",
        discussion: """
            One whole command, and what it prints:

              scheduling-lab sweep --policy heft,eager --dag cholesky:8 --platform \\
                Simulations/scheduling-lab/Platforms/three-unequal.json --html report.html

              policy    mean  median   worst   (makespan over its bound)
              heft     1.045   1.045   1.045
              eager    1.205   1.205   1.205
              2 runs; report.html

            The report has the ratios, a Gantt chart of each run, why cores stood idle, and memory
            over time. FINDINGS.md has what was found, each figure with its command.
            """,
        subcommands: [
            SweepCommand.self, SearchCommand.self, JudgeCommand.self, OptimumCommand.self,
            ActorsCommand.self, OrderCommand.self, RealCommand.self, LearnCommand.self,
            GranularityCommand.self, ListCommand.self, TimeCommand.self,
        ],
        defaultSubcommand: SweepCommand.self)
}

/// What all commands take: a list of names, a platform file.
enum Arguments {
    static func policies(_ text: String) throws -> [any SchedulingPolicy] {
        var policies: [any SchedulingPolicy] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            switch name {
            case "all": policies += schedulingPolicies + ownPolicies
            case "lists": policies += ListPolicy.all
            default:
                policies.append(try Arguments.policy(String(name)))
            }
        }
        return policies
    }

    private static func policy(_ name: String) throws -> any SchedulingPolicy {
        if let own = ownPolicies.first(where: { $0.name == name }) { return own }
        if let policy = try HistoryPolicy(named: name) { return policy }
        if let policy = schedulingPolicy(named: name) { return policy }
        throw ArrayError(
            .argument, "policy",
            "'\(name.prefix(64))' is none of "
                + (["all", "lists", HistoryPolicy.form] + schedulingPolicyForms
                + ownPolicies.map(\.name)).joined(separator: ", "))
    }

    static let dags = [
        "cholesky:12", "lu:8", "qr:8", "gauss:16", "fft:5", "stencil:12x12", "fork-join:6x12",
        "montage:20", "layered:10x10", "erdos:60x8", "bench-stencil_1d:10x8", "bench-fft:10x8",
        "transformer:4x8", "transformer-gradient:3x8", "moe:4x16", "captured:attention",
    ]
}

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Every policy on every graph on every platform.")

    @Option(help: "Names by comma; all: every policy by name, lists: every list scheduler.")
    var policy = "all"
    @Option(parsing: .upToNextOption, help: "Graphs; `scheduling-lab list` says which there are.")
    var dag: [String] = Arguments.dags
    @Option(parsing: .upToNextOption, help: "Platform files; mlx doctor --platform writes one.")
    var platform: [String]
    @Option(help: "How many seeds.") var seeds = 1
    @Option(help: "The first of them.") var first: UInt64 = 1
    @Option(help: "Relative spread of what steps take around what policies expect.")
    var spread = 0.0
    @Option(help: "Write one line a run to this file; - is the standard output.") var csv: String?
    @Option(help: "Write a page with charts to this file.") var html: String?
    @Option(help: "How many runs the page shows in detail.") var charts = 48

    func validate() throws {
        guard (1...1_000_000).contains(seeds) else {
            throw ValidationError("--seeds is from 1 to 1000000")
        }
        guard (0...1).contains(spread) else { throw ValidationError("--spread is from 0 to 1") }
        guard charts >= 0 else { throw ValidationError("--charts is not negative") }
    }

    func run() throws {
        let sweep = Sweep(
            policies: try Arguments.policies(policy), graphs: dag,
            platforms: try platform.map { try PlatformFile.read(path: $0) },
            seeds: (0..<UInt64(seeds)).map { first &+ $0 }, spread: spread)
        var lines = [LabRun.columns.joined(separator: ",")]
        var (standing, report) = (Standing(), Report(maximumCharts: charts))
        let bar = ProgressBar()
        var count = 0
        try sweep.run(done: { bar.show($0, of: $1) }) { run in
            lines.append(run.row)
            standing.note(run)
            report.add(run)
            count += 1
        }
        let table = lines.joined(separator: "\n") + "\n"
        if csv == "-" {
            print(table, terminator: "")
            return
        }
        print(standing.lines.joined(separator: "\n"))
        if let csv { try Data(table.utf8).write(to: URL(fileURLWithPath: csv)) }
        if let html { try Data(report.page.utf8).write(to: URL(fileURLWithPath: html)) }
        print("\(count) runs" + [csv, html].compactMap { $0 }.map { "; \($0)" }.joined())
    }
}

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Looks for the graph that hurts a policy most.")

    @Option(help: "The policy to hurt.") var policy = "heft"
    @Option(help: "Who it is compared with, by comma.")
    var against = "cpop,peft,dmdas,heteroprio,min-min,max-min,all-cpu,all-gpu,all-npu"
    @Option(help: "A platform file.") var platform: String
    @Option(help: "How many changes to try.") var rounds = 2000
    @Option(help: "How many tasks graphs have.") var tasks = 10
    @Option(help: "The seed of the changes.") var seed: UInt64 = 1
    @Option(help: "Write the graph here, for --dag graph:FILE.") var output: String?

    func validate() throws {
        guard (1...10_000_000).contains(rounds), (1...1000).contains(tasks) else {
            throw ValidationError("--rounds is from 1 to 10000000, --tasks from 1 to 1000")
        }
    }

    func run() throws {
        let chosen = try Arguments.policies(policy)
        guard chosen.count == 1 else { throw ValidationError("--policy is one policy") }
        var search = Search(
            chosen[0], against: try Arguments.policies(against),
            on: try PlatformFile.read(path: platform), seed: seed)
        let bar = ProgressBar()
        let outcome = search.run(rounds: rounds, tasks: tasks) { bar.show($0, of: rounds) }
        print(
            "\(chosen[0].name) takes \(String(format: "%.3f", outcome.ratio)) times as long as"
                + " \(outcome.best) on \(outcome.graph.tasks.count) tasks,"
                + " \(outcome.graph.edgeCount) edges")
        if let output {
            try GraphFile.write(outcome.graph, to: output)
            print("wrote \(output)")
        }
    }
}

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The policies and the graphs there are.")

    func run() throws {
        print("policies:")
        for form in schedulingPolicyForms + ownPolicies.map(\.name) { print("  \(form)") }
        print("  priorities: " + ListPriority.allCases.map(\.rawValue).joined(separator: ", "))
        print("  choices:    " + ListChoice.allCases.map(\.rawValue).joined(separator: ", "))
        print("graphs:")
        let width = Generator.all.map(\.form.count).max() ?? 0
        for generator in Generator.all {
            print(
                "  " + generator.form.padding(toLength: width, withPad: " ", startingAt: 0)
                    + "  " + generator.summary)
        }
        for name in Captured.names { print("  captured:\(name)") }
        print("  stg:FILE  wf:FILE  graph:FILE")
    }
}

struct TimeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time", abstract: "How long policies take to decide.")

    @Option(help: "Names by comma.") var policy = "heft,peft,cpop,dmdas,heteroprio,portfolio"
    @Option(parsing: .upToNextOption, help: "Graphs.")
    var dag = ["layered:100x100", "layered:1000x100"]
    @Option(help: "A platform file.") var platform: String
    @Option(help: "How many times.") var times = 5

    func validate() throws {
        guard (1...1000).contains(times) else { throw ValidationError("--times is from 1 to 1000") }
    }

    func run() throws {
        let platform = try PlatformFile.read(path: platform)
        for name in dag {
            let graph = try GraphSource.graph(name, seed: 1)
            let placed = graph.placement(on: platform)
            for policy in try Arguments.policies(policy) {
                var (least, makespan) = (Duration.seconds(1_000_000), 0.0)
                for _ in 0..<times {
                    var schedule = Schedule(devices: [])
                    let taken = ContinuousClock().measure { schedule = policy.schedule(placed) }
                    least = min(least, taken)
                    makespan = Timeline(placed, schedule).makespanNanoseconds
                }
                let milliseconds =
                    Double(least.components.attoseconds) / 1e15
                    + Double(least.components.seconds) * 1000
                let share = milliseconds * 1e8 / max(1, makespan)
                print(
                    "\(policy.name) on \(graph.name), \(graph.tasks.count) tasks,"
                        + " \(graph.edgeCount) edges: "
                        + String(format: "%.3f ms, %.2f %% of the makespan", milliseconds, share))
            }
        }
    }
}
