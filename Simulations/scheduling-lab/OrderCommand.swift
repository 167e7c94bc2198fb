import ArgumentParser
import MLX
import MLXBase
import MLXMemory
import MLXPlanner
import MLXRuntime

/// Whether one plan is the same three times: as the lab plays it through, as the real scheduler and
/// devices carry it out on the simulators' loop, and as the trace of a real engine has it.
struct OrderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order",
        abstract: "The order of steps in the lab, on the simulators' loop and on one real thread.",
        discussion: """
            Each seed draws a graph of one of the families, a policy and what the loop does first; \
            all three orders must be the same, step by step. It ends with 1 when one is not.

              scheduling-lab order --seeds 1000 --platform \\
                Simulations/scheduling-lab/Platforms/zen4-2.json

              1000 seeds, 252713 steps, 142 policies: 0 seeds differ
            """)

    @Option(help: "A platform file; its rates are used, its cores are taken as one.")
    var platform: String
    @Option(help: "How many seeds.") var seeds = 1000
    @Option(help: "The first of them.") var first: UInt64 = 1

    func validate() throws {
        guard (1...1_000_000).contains(seeds) else {
            throw ValidationError("--seeds is from 1 to 1000000")
        }
    }

    func run() throws {
        let comparison = try OrderComparison(platform: try PlatformFile.read(path: platform))
        defer { comparison.close() }
        let bar = ProgressBar()
        var (steps, different): (Int, [UInt64]) = (0, [])
        for number in 0..<seeds {
            let seed = first &+ UInt64(number)
            let orders = try comparison.orders(seed: seed)
            steps += orders.lab.count
            if !orders.areEqual { different.append(seed) }
            bar.show(number + 1, of: seeds)
        }
        print(
            "\(seeds) seeds, \(steps) steps, \(comparison.policies.count) policies:"
                + " \(different.count) seeds differ")
        if let seed = different.first {
            print("replay: scheduling-lab order --platform \(platform) --seeds 1 --first \(seed)")
            throw ExitCode(1)
        }
    }
}

/// One thread for all devices, three times.
struct OrderComparison {
    struct Orders {
        var lab: [Int]
        var simulated: [Int]
        var real: [Int]
        var areEqual: Bool { lab == simulated && lab == real }
    }

    let policies: [any SchedulingPolicy] = schedulingPolicies + ListPolicy.all
    private let machine: ActorRun.Machine
    private let engine: Engine

    init(platform: Platform) throws {
        var machine = try ActorRun.machine(platform)
        let core = Topology.system().usableCPUs.first ?? 0
        machine.topology = Topology(
            nodes: [.init(id: 0, cpus: [core], memoryByteCount: 0)], kind: .assigned)
        machine.topology.deviceCPUs = DeviceType.allCases.map { _ in [core] }
        // Steps are dear, so that every plan is carried out by the devices and none by its caller.
        for device in machine.costs.rates.indices {
            machine.costs.rates[device].startNanoseconds += OrderComparison.startNanoseconds
        }
        self.machine = machine
        engine = Engine(machine.configuration)
    }

    /// Ends the real engine's threads.
    func close() {
        for team in engine.teams { (team as? Team)?.shutdown() }
    }

    private static let startNanoseconds = 25_000.0

    func orders(seed: UInt64) throws -> Orders {
        var random = SplitMix64(seed: seed)
        let family = Generator.all[random.below(Generator.all.count)]
        let graph = family.make(family.sizes, seed)
        let policy = policies[random.below(policies.count)]
        let simulated = try ActorRun.run(graph, on: machine, policy, seed: seed)
        let program = try ArrayProgram.Prepared(graph) { shape, _ in try engine.leaf(shape) }
        let real = try ObservedRun(
            program.record(), on: engine, NotingPolicy(inner: policy))
        return Orders(
            lab: simulated.expected.order, simulated: simulated.order, real: real.order)
    }
}
