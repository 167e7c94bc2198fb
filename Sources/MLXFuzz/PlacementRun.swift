import MLX
import MLXBase
import MLXPlanner

/// Many expressions, each under several calibrations: none of them may change its bits with its
/// surroundings.
package struct PlacementRun {
    package struct Failure: Sendable {
        package let seed: UInt64
        /// The calibration's name, as `MLX_CALIBRATION` takes it.
        package let calibration: String
        package let mismatch: FuzzCheck.Mismatch
        package let program: FuzzProgram
    }

    package static let calibrations = ["typical", "random:1", "random:2"]

    package private(set) var failures: [Failure] = []
    package private(set) var programCount = 0
    private let seed: UInt64
    private let checks: [(name: String, check: PlacementCheck)]

    package init(
        seed: UInt64, calibrations: [String] = PlacementRun.calibrations,
        checksLayouts: Bool = false
    ) {
        self.seed = seed
        checks = calibrations.compactMap { name in
            CostModel.named(name).map {
                var check = PlacementCheck(costs: $0)
                check.checksLayouts = checksLayouts
                return (name, check)
            }
        }
    }

    /// Makes and checks the next program.
    package mutating func step() {
        let own = seed &+ UInt64(programCount)
        programCount += 1
        let program = FuzzGenerator.placementProgram(seed: own)
        // Not the next seed's, which starts with a row of the same family.
        let other = FuzzGenerator.placementProgram(seed: own &* 0x9E37_79B9 &+ 78)
        for (name, check) in checks {
            guard let mismatch = check.run(program, beside: other) else { continue }
            let smaller = FuzzShrinking.shrink(program, node: mismatch.node) {
                check.run($0, beside: other) != nil
            }
            failures.append(
                Failure(
                    seed: own, calibration: name,
                    mismatch: check.run(smaller, beside: other) ?? mismatch, program: smaller))
        }
    }

    /// Ends the engines' threads.
    package func shutdown() { for (_, check) in checks { check.shutdown() } }
}
