import ArgumentParser
import MLXRuntime
import SimulationSupport

/// Runs the scheduler and the devices against faults, one seed or many. A seed says everything: two
/// runs of it print the same bytes.
@main
struct FaultSimulator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault-simulator",
        abstract: "The scheduler and the devices in virtual time, with faults.",
        discussion: """
            One whole command, and what it prints:

              fault-simulator --seeds 300

              300 seeds from 1: 12740 evaluations, 5088 narrow and 5092 wide runs, 405 waits for
              another, 112895 items, 3674 stalls, 673 failed kernels, 1051 refused allocations, 943
              cancellations, 85 lost devices, 24 runs moved, 0 seeds with violations

            (on one line). A seed says everything: the graphs, the tasks that evaluate them, what \
            goes on when, and what goes wrong. A violation is a result that differs from the \
            reference, a step that ran on a lost device, a task that is stuck, an error that \
            nobody injected, a buffer or node that is left, or a seed that does not replay. \
            It ends with 1 then and prints the command that replays the first one with its event \
            log:

              fault-simulator --seed 130 --plant lost-wake-up

            Instead of seeds: --allocations 200 refuses every allocation of drawn programs in \
            turn, once and for good; --scenarios those of the library's own scenarios, each row of \
            the op table, its derivative and its batch, layers, optimizers, files and transforms.
            """)

    @Option(help: "Run this seed and print what happens.") var seed: UInt64?
    @Option(help: "Run so many seeds.") var seeds: Int = 2000
    @Option(help: "The first of them.") var first: UInt64 = 1

    @Option(help: "Plant a bug: lost-step, lost-wake-up or leak; fails unless a seed finds it.")
    var plant: PlantedBug?
    @Option(help: "Refuse every allocation of so many programs in turn, from --first on.")
    var allocations: Int?
    @Flag(help: "Refuse every allocation of the library's scenarios in turn.")
    var scenarios = false
    @Option(help: "Of the scenarios, only those whose name has this in it.") var only = ""

    /// Every so many seeds one is run twice, to see that it replays.
    private static let replayInterval: UInt64 = 50

    func validate() throws {
        guard seeds > 0 else { throw ValidationError("--seeds must be positive") }
        if let allocations, allocations < 1 {
            throw ValidationError("--allocations must be positive")
        }
    }

    func run() throws {
        // The simulation's arrays are small: all of them may be overwritten.
        Donations.smallestByteCount = 1
        if scenarios {
            try refuseInScenarios()
        } else if let allocations {
            try refuseAllocations(allocations)
        } else if let plant, seed == nil {
            try find(plant)
        } else if let seed {
            try runOne(seed)
        } else {
            try runMany()
        }
    }

    private func runOne(_ seed: UInt64) throws {
        let outcome = World.run(seed: seed, keepsLines: true, planted: plant)
        for line in outcome.lines { print(line) }
        for violation in outcome.violations { print("violation: \(violation)") }
        print(
            "seed \(seed): \(outcome.evaluations) evaluations, \(outcome.items) items,"
                + " digest \(String(outcome.digest, radix: 16)),"
                + " \(outcome.violations.count) violations")
        if !outcome.violations.isEmpty { throw ExitCode(1) }
    }

    private func refuseAllocations(_ programs: Int) throws {
        var faults = AllocationFaults()
        for offset in 0..<UInt64(programs) { faults.run(seed: first &+ offset) }
        for violation in faults.violations.prefix(20) { print("violation: \(violation)") }
        print(
            "\(programs) programs from \(first): \(faults.evaluations) evaluations,"
                + " \(faults.refusals) refused, \(faults.violations.count) violations")
        if !faults.violations.isEmpty { throw ExitCode(1) }
    }

    private func refuseInScenarios() throws {
        let chosen = Scenario.all.filter { only.isEmpty || $0.name.contains(only) }
        guard !chosen.isEmpty else {
            throw ValidationError("no scenario's name has '\(only)' in it")
        }
        var faults = ScenarioFaults()
        for scenario in chosen { faults.run(scenario) }
        for violation in faults.violations.prefix(20) { print("violation: \(violation)") }
        print(
            "\(chosen.count) scenarios, \(faults.failing.count) of which end in an error of"
                + " their own: \(faults.runs) runs, \(faults.refusals) refused,"
                + " \(faults.survived) refusals that did not matter,"
                + " \(faults.violations.count) violations")
        if !faults.violations.isEmpty { throw ExitCode(1) }
    }

    private func find(_ bug: PlantedBug) throws {
        for offset in 0..<UInt64(seeds) {
            let outcome = World.run(seed: first &+ offset, planted: bug)
            guard let violation = outcome.violations.first else { continue }
            print(
                "\(bug.rawValue): found by seed \(first &+ offset), \(offset + 1) seeds:"
                    + " \(violation)"
            )
            return print(
                "replay: swift run -c release fault-simulator --plant \(bug.rawValue)"
                    + " --seed \(first &+ offset)")
        }
        print("\(bug.rawValue): not found by \(seeds) seeds")
        throw ExitCode(1)
    }

    private func runMany() throws {
        var evaluations = 0
        var items = 0
        var faults = Faults.Counts()
        var failing: [UInt64] = []
        var (narrow, wide, waits, moved): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var firstViolation = ""
        for offset in 0..<UInt64(seeds) {
            let seed = first &+ offset
            var outcome = World.run(seed: seed)
            if seed % FaultSimulator.replayInterval == 0,
                World.run(seed: seed).digest != outcome.digest
            {
                outcome.violations.append("the seed does not replay")
            }
            evaluations += outcome.evaluations
            items += outcome.items
            faults.add(outcome.faults)
            narrow += outcome.runs.narrowRuns
            wide += outcome.runs.wideRuns
            waits += outcome.runs.waits
            moved += outcome.movedRuns
            if let violation = outcome.violations.first {
                if failing.isEmpty { firstViolation = violation }
                failing.append(seed)
            }
        }
        print(
            "\(seeds) seeds from \(first): \(evaluations) evaluations, \(narrow) narrow and"
                + " \(wide) wide runs, \(waits) waits for another, \(items) items,"
                + " \(faults.stalls) stalls, \(faults.kernelFailures) failed kernels,"
                + " \(faults.memoryFailures) refused allocations,"
                + " \(faults.cancellations) cancellations, \(faults.outages) lost devices,"
                + " \(moved) runs moved,"
                + " \(failing.count) seeds with violations")
        if let seed = failing.first {
            print("first: seed \(seed): \(firstViolation)")
            print("replay: swift run -c release fault-simulator --seed \(seed)")
            throw ExitCode(1)
        }
    }
}

extension Faults.Counts {
    mutating func add(_ other: Faults.Counts) {
        stalls += other.stalls
        kernelFailures += other.kernelFailures
        memoryFailures += other.memoryFailures
        cancellations += other.cancellations
        outages += other.outages
    }
}

extension PlantedBug: ExpressibleByArgument {}
