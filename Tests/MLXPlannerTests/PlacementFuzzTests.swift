import Foundation
import MLXFuzz
import MLXPlanner
import Testing

/// Random expressions in random surroundings: none changes a bit. `mlx fuzz --placement` runs as
/// many as one likes; `MLX_FUZZ_ROUNDS` and `MLX_FUZZ_SEED` decide here.
@Suite("Placement of random expressions") struct PlacementFuzzTests {
    private static func number(_ name: String, _ fallback: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? fallback
    }

    @Test("an expression has the same bits wherever it stands") func sameBits() {
        // A hundredth of what `Scripts/test --full` asks of the formats' fuzzer: plans are slower.
        let rounds = max(20, Self.number("MLX_FUZZ_ROUNDS", 0) / 100)
        var run = PlacementRun(seed: UInt64(Self.number("MLX_FUZZ_SEED", 1)))
        defer { run.shutdown() }
        for _ in 0..<rounds where run.failures.count < 3 { run.step() }
        for failure in run.failures {
            Issue.record(
                """
                seed \(failure.seed), \(failure.calibration): \(failure.mismatch)
                \(failure.program)
                """)
        }
    }

    @Test("a policy that looks at neighbours is found out") func planted() {
        let check = PlacementCheck(costs: .typical, policy: RoundRobinPolicy())
        defer { check.shutdown() }
        let isFound = (1...100).contains { (seed: UInt64) in
            let program = FuzzGenerator.placementProgram(seed: seed)
            let other = FuzzGenerator.placementProgram(seed: seed + 1000)
            return check.run(program, beside: other) != nil
        }
        #expect(isFound)
    }
}
