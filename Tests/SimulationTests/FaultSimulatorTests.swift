import MLX
import MLXBase
import MLXMemory
import MLXRuntime
import SimulationSupport
import Testing

@testable import FaultSimulator

extension SimulationTests {
    /// The fault simulator itself: seeds without a violation, replays, what was planted is found,
    /// lost devices' work is moved, and every allocation of the library's scenarios may fail.
    @Suite("Fault simulator") struct FaultSimulatorTests {
        init() { Donations.smallestByteCount = 1 }
    }
}

extension SimulationTests.FaultSimulatorTests {
    @Test("seeds run without a violation, and replay to the same bytes") func seeds() {
        var (moved, outages): (UInt64, Int) = (0, 0)
        for seed in 1...60 {
            let outcome = World.run(seed: UInt64(seed))
            let own = outcome.violations.filter { !$0.contains("nodes were left") }
            #expect(own.isEmpty, "seed \(seed): \(own)")
            moved += outcome.movedRuns
            outages += outcome.faults.outages
            if seed % 20 == 0 {
                #expect(World.run(seed: UInt64(seed)).digest == outcome.digest)
            }
        }
        // Otherwise the seeds have shown nothing of lost devices.
        #expect(outages > 5 && moved > 0)
    }

    @Test("bugs that are planted are found", arguments: PlantedBug.allCases)
    func planted(bug: PlantedBug) {
        let words: [PlantedBug: String] = [
            .lostStep: "a result", .lostWakeUp: "stuck", .leak: "lost",
        ]
        let found = (1...1000).lazy.compactMap { seed in
            World.run(seed: UInt64(seed), planted: bug).violations.first {
                $0.contains(words[bug] ?? "?")
            }
        }.first
        #expect(found != nil)
    }

    @Test("programs and scenarios survive every refused allocation") func refusals() {
        var programs = AllocationFaults()
        for seed in 1...10 { programs.run(seed: UInt64(seed)) }
        let own = programs.violations.filter { !$0.contains("were left behind") }
        #expect(own.isEmpty, "\(own)")
        #expect(programs.refusals > 10)
        var scenarios = ScenarioFaults()
        for (number, scenario) in Scenario.all.enumerated() where number % 8 == 0 {
            scenarios.run(scenario)
        }
        // Other suites of the process make and drop nodes meanwhile.
        let wrong = scenarios.violations.filter { !$0.contains("nodes and buffers were") }
        #expect(wrong.isEmpty, "\(wrong)")
        #expect(scenarios.refusals > 200)
    }

    @Test("scenarios are many, differ in name, and give the same bits each time") func scenarios() {
        let all = Scenario.all
        #expect(all.count >= 200 && Set(all.map(\.name)).count == all.count)
        let failing = all.filter { scenario in
            guard case .values(let bytes) = scenario.run() else { return true }
            #expect(!bytes.isEmpty, "\(scenario.name)")
            if case .values(let again) = scenario.run() { #expect(again == bytes) }
            return false
        }
        #expect(failing.count < 6, "\(failing.map(\.name))")
    }

    @Test("refused memory leaves an array its shape, and slicing an invalid one is no trap")
    func shapes() {
        let allocator = Runtime.engine.allocators[0]
        allocator.failNext(1)
        let array = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
        allocator.failNext(0)
        #expect(array.shape == [2, 3])
        #expect(throws: ArrayError.self) { try checkedEval([array[1, 0..<2] + 1]) }
        allocator.failNext(1)
        MLXRandom.seed(3)
        allocator.failNext(0)
        MLXRandom.seed(3)
    }
}
