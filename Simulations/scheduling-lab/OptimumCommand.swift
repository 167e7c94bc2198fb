import ArgumentParser
import Foundation
import MLXBase
import MLXPlanner

/// How far the best policy is from the best schedule that branch and bound finds.
struct OptimumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "optimum",
        abstract: "The best policy beside the best schedule that branch and bound finds.")

    @Option(help: "Policies by comma.") var policy = "all,lists"
    @Option(parsing: .upToNextOption, help: "Graphs.") var dag = ["cholesky:8", "cholesky:12"]
    @Option(help: "A platform file.") var platform: String
    @Option(help: "How many placements to try.") var nodes = 20_000_000

    func validate() throws {
        guard (1...Int(1e12)).contains(nodes) else {
            throw ValidationError("--nodes is from 1 to 1000000000000")
        }
    }

    func run() throws {
        let platform = try PlatformFile.read(path: platform)
        for name in dag {
            let placed = try GraphSource.graph(name, seed: 1).placement(on: platform)
            var (least, winner) = (Double.infinity, "")
            for policy in try Arguments.policies(policy) {
                let time = Timeline(placed, policy.schedule(placed)).makespanNanoseconds
                if time < least { (least, winner) = (time, policy.name) }
            }
            var search = BranchAndBound(placed, known: least)
            let isShortest = search.run(nodeLimit: nodes)
            let bound = MakespanBounds(placed).best
            print(
                "\(name): \(winner) \(Int(least)) ns, branch and bound \(Int(search.best)) ns"
                    + (isShortest ? ", which is shortest" : " after \(search.nodes) placements")
                    + String(
                        format: ": %.4f; over the %@ bound %.4f", least / search.best,
                        bound.kind.rawValue, least / bound.nanoseconds))
        }
    }
}
