import ArgumentParser
import Foundation
import MLXBase
import MLXPlanner

/// How good it is to ask a portfolio: against the best of many policies, each on every instance, by
/// costs that nobody saw when deciding. Half of the instances are random, half made to hurt HEFT.
struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "A policy beside the best of all others, on random and adversarial graphs.")

    @Option(help: "The policy that is judged.") var policy = "portfolio"
    @Option(help: "A platform file.") var platform: String
    @Option(help: "How many graphs.") var instances = 1000
    @Option(help: "Relative spread of the costs of runs around what policies expect.")
    var spread = 0.03
    @Option(help: "The first seed.") var first: UInt64 = 1
    @Option(help: "Print so many of the worst graphs: how far off, and who was better.")
    var worst = 0
    @Flag(help: "Let a portfolio ask all its members, however long that takes.")
    var asksAll = false

    func validate() throws {
        guard (1...10_000_000).contains(instances) else {
            throw ValidationError("--instances is from 1 to 10000000")
        }
        guard (0...10_000_000).contains(worst) else {
            throw ValidationError("--worst is not negative")
        }
        guard (0...1).contains(spread) else { throw ValidationError("--spread is from 0 to 1") }
    }

    func run() throws {
        let chosen = try Arguments.policies(policy)
        guard chosen.count == 1 else { throw ValidationError("--policy is one policy") }
        let judged = asksAll ? PortfolioPolicy(asksAll: true) : chosen[0]
        let others = schedulingPolicies.filter { !($0 is PortfolioPolicy) }
        let platform = try PlatformFile.read(path: platform)
        let bar = ProgressBar()
        var ratios: [Double] = []
        var details: [(ratio: Double, text: String)] = []
        for number in 0..<instances {
            let graph = instance(number, platform)
            let expected = graph.placement(on: platform)
            let seed = first &+ UInt64(number)
            let drawn = expected.replacingNanoseconds(
                CostDraw(spread: spread, seed: seed).costs(of: expected))
            func play(_ policy: any SchedulingPolicy) -> (drawn: Double, expected: Double) {
                let schedule = policy.schedule(expected)
                return (
                    Timeline(drawn, schedule).makespanNanoseconds,
                    Timeline(expected, schedule).makespanNanoseconds
                )
            }
            let own = play(judged)
            var best: (name: String, drawn: Double, expected: Double)?
            for other in others {
                let (time, expectation) = play(other)
                if time < best?.drawn ?? .infinity { best = (other.name, time, expectation) }
            }
            guard let best else { continue }
            ratios.append(best.drawn > 0 ? own.drawn / best.drawn : 1)
            details.append(
                (
                    ratios[ratios.count - 1],
                    "\(graph.name) of seed \(seed), \(graph.tasks.count) tasks: \(best.name) takes"
                        + String(
                            format: " %.0f (expected %.0f), %@ %.0f (expected %.0f)", best.drawn,
                            best.expected, judged.name, own.drawn, own.expected)
                ))
            bar.show(number + 1, of: instances)
        }
        for (ratio, text) in details.sorted(by: { $0.ratio > $1.ratio }).prefix(worst) {
            print(String(format: "%.4f ", ratio) + text)
        }
        ratios.sort()
        let good = ratios.count { $0 <= 1.02 }
        print(
            String(
                format: "%d graphs, against the best of %d policies: within 1.02 on %.2f %%,"
                    + " median %.4f, 95 of 100 within %.4f, worst %.4f", ratios.count,
                others.count, Double(good) / Double(ratios.count) * 100,
                ratios[ratios.count / 2], ratios[min(ratios.count - 1, ratios.count * 95 / 100)],
                ratios[ratios.count - 1]))
    }

    private func instance(_ number: Int, _ platform: Platform) -> LabGraph {
        let seed = first &+ UInt64(number)
        if number % 2 == 1 {
            var search = Search(
                ListPolicy.heft,
                against: [CriticalPathPolicy(), QueuePolicy(.maxMin), ListPolicy.peft],
                on: platform, seed: seed)
            return search.run(rounds: 60, tasks: 10, progress: { _ in }).graph
        }
        var random = SplitMix64(seed: seed)
        let family = Generator.all[random.below(Generator.all.count)]
        return family.make(family.sizes.map { max(2, random.within(1...$0)) }, seed)
    }
}
