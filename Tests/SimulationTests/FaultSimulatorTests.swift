import Foundation
import MLX
import MLXBase
import MLXMemory
import MLXRuntime
import SimulationSupport
import Testing

@testable import FaultSimulator

extension SimulationTests {
    /// The fault simulator itself: seeds without a violation, replays, what was planted is found,
    /// lost devices' work is moved, and every allocation of the library's scenarios may fail. Each
    /// test has a process of its own: memory is refused on the process's engine, and nodes that
    /// live in the process are counted.
    @Suite("Fault simulator") struct FaultSimulatorTests {
        init() {}
    }
}

/// Ends a test's process, saying why, unless something holds.
private func demand(_ holds: Bool, _ text: @autoclosure () -> String) {
    if holds { return }
    FileHandle.standardError.write(Data("\(text())\n".utf8))
    exit(1)
}

extension SimulationTests.FaultSimulatorTests {
    @Test("seeds run without a violation, and replay to the same bytes") func seeds() async {
        await #expect(processExitsWith: .success) {
            Donations.smallestByteCount = 1
            var (moved, outages): (UInt64, Int) = (0, 0)
            for seed in 1...60 {
                let outcome = World.run(seed: UInt64(seed))
                demand(outcome.violations.isEmpty, "seed \(seed): \(outcome.violations)")
                moved += outcome.movedRuns
                outages += outcome.faults.outages
                if seed % 20 == 0 {
                    let again = World.run(seed: UInt64(seed)).digest
                    demand(again == outcome.digest, "seed \(seed) does not replay")
                }
            }
            // Otherwise the seeds have shown nothing of lost devices.
            demand(outages > 5 && moved > 0, "\(outages) outages, \(moved) moved runs")
        }
    }

    @Test("bugs that are planted are found") func planted() async {
        await #expect(processExitsWith: .success) {
            Donations.smallestByteCount = 1
            let words: [PlantedBug: String] = [
                .lostStep: "a result", .lostWakeUp: "stuck", .leak: "lost",
            ]
            for bug in PlantedBug.allCases {
                let found = (1...1000).lazy.compactMap { seed in
                    World.run(seed: UInt64(seed), planted: bug).violations.first {
                        $0.contains(words[bug] ?? "?")
                    }
                }.first
                demand(found != nil, "\(bug) is not found")
            }
        }
    }

    @Test("programs and scenarios survive every refused allocation") func refusals() async {
        await #expect(processExitsWith: .success) {
            Donations.smallestByteCount = 1
            var programs = AllocationFaults()
            for seed in 1...10 { programs.run(seed: UInt64(seed)) }
            demand(programs.violations.isEmpty, "\(programs.violations)")
            demand(programs.refusals > 10, "\(programs.refusals) refusals in programs")
            var scenarios = ScenarioFaults()
            for (number, scenario) in Scenario.all.enumerated() where number % 8 == 0 {
                scenarios.run(scenario)
            }
            demand(scenarios.violations.isEmpty, "\(scenarios.violations)")
            demand(scenarios.refusals > 200, "\(scenarios.refusals) refusals in scenarios")
        }
    }

    @Test("scenarios are many, differ in name, and give the same bits each time")
    func scenarios() async {
        await #expect(processExitsWith: .success) {
            let all = Scenario.all
            demand(all.count >= 200 && Set(all.map(\.name)).count == all.count, "\(all.count)")
            let failing = all.filter { scenario in
                guard case .values(let bytes) = scenario.run() else { return true }
                demand(!bytes.isEmpty, "\(scenario.name) has no values")
                if case .values(let again) = scenario.run() {
                    demand(again == bytes, "\(scenario.name) has other bits")
                }
                return false
            }
            demand(failing.count < 6, "\(failing.map(\.name))")
        }
    }

    @Test("refused memory leaves an array its shape, and slicing an invalid one is no trap")
    func shapes() async {
        await #expect(processExitsWith: .success) {
            let allocator = Runtime.engine.allocators[0]
            allocator.failNext(1)
            let array = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
            allocator.failNext(0)
            demand(array.shape == [2, 3], "\(array.shape)")
            var error: (any Error)?
            do { try checkedEval([array[1, 0..<2] + 1]) } catch let thrown { error = thrown }
            demand(error is ArrayError, "\(String(describing: error))")
            allocator.failNext(1)
            MLXRandom.seed(3)
            allocator.failNext(0)
            MLXRandom.seed(3)
        }
    }
}
