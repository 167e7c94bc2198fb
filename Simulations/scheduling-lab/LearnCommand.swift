import ArgumentParser
import Foundation
import MLX
import MLXBase
import MLXPlanner
import MLXRuntime

/// Measures what steps take on this machine and keeps it: a cost history for experiments. The
/// default policy never looks at one.
struct LearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Measures steps on this machine into a cost history.",
        discussion: """
            Evaluates graphs as programs (captured ones as what they are) with everything on one \
            device after the other and notes what each step took, by operation, device and size: \
            mean and spread, and lines through them for sizes that were not seen. One whole \
            command, and what it prints:

              scheduling-lab learn --dag cholesky:6 moe captured:attention --output costs.txt

              cholesky:6: 231 steps on cpu, gpu; 21 times
              moe: 318 steps on cpu, gpu; 21 times
              costs.txt: 96 sizes of 3 operations

            The file is used by MLX_POLICY=history:costs.txt or history:heft:costs.txt, by the \
            same names in --policy, and by real --history costs.txt.
            """)

    @Option(parsing: .upToNextOption, help: "Graphs.") var dag = Arguments.dags
    @Option(help: "How many times each is measured on each device.") var times = 21
    @Option(help: "The file; what it has already of this machine is kept and added to.")
    var output: String

    func validate() throws {
        guard (1...10_000).contains(times) else {
            throw ValidationError("--times is from 1 to 10000")
        }
    }

    func run() throws {
        let engine = Runtime.engine
        let file = URL(fileURLWithPath: output)
        var known: CostHistory?
        if FileManager.default.fileExists(atPath: output) {
            let found = try CostHistory(contentsOf: file)
            guard found.isOf(engine.topology) else {
                throw ArrayError(
                    .argument, "--output",
                    "\(output) is of \(found.machine) at level \(found.level), not of this machine")
            }
            known = found
        }
        var observations = CostObservations(known)
        for name in dag {
            let record = try LearnCommand.program(name)
            let (steps, devices) = try LearnCommand.observe(
                record, on: engine, times: times, &observations)
            let names = devices.map(\.rawValue).joined(separator: ", ")
            print("\(name): \(steps) steps on \(names); \(times) times")
        }
        let history = observations.history(
            machine: CostHistory.machine(engine.topology), level: CostHistory.currentLevel)
        try history.write(to: file)
        print(
            "\(output): \(history.entries.count) sizes of"
                + " \(Set(history.entries.keys.map(\.op)).count) operations")
    }

    /// What a name stands for: a program of the library itself, or a graph as a program.
    static func program(_ name: String) throws -> () throws -> [MLXArray] {
        if let program = Captured.program(named: name) { return { [try program()] } }
        return try ArrayProgram.Prepared(try GraphSource.graph(name, seed: 1)).record
    }

    /// Runs a program on each device alone.
    /// - Parameter record: records it anew.
    /// - Returns: how many steps it has, and on which devices some of them ran.
    static func observe(
        _ record: () throws -> [MLXArray], on engine: Engine, times: Int,
        _ observations: inout CostObservations
    ) throws -> (steps: Int, devices: [DeviceType]) {
        var (steps, devices): (Int, Set<DeviceType>) = (0, [])
        for device in DeviceType.allCases {
            let noting = NotingPolicy(inner: SingleDevicePolicy(device))
            // The first runs plan, and warm what is touched.
            for round in 0..<(times + warmUps) {
                let run = try ObservedRun(record(), on: engine, noting)
                steps = run.graph.count
                guard round >= warmUps else { continue }
                for step in 0..<run.graph.count where run.nanoseconds[step] > 0 {
                    let place = run.schedule.devices[step]
                    // What the device has no kernel for runs elsewhere, where it is measured too.
                    guard place == device else { continue }
                    devices.insert(place)
                    observations.note(
                        run.graph.names[step], place, flops: run.graph.flops[step],
                        bytes: run.graph.bytes[step], nanoseconds: run.nanoseconds[step])
                }
            }
        }
        return (steps, devices.sorted { $0.rawValue < $1.rawValue })
    }

    private static let warmUps = 3
}
