import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Many programs, one after the other, each from a seed of its own, so that one can be replayed
/// alone.
package struct FuzzRun {
    /// A program that did not agree with itself, cut smaller.
    package struct Failure: Sendable {
        package let seed: UInt64
        package let mismatch: FuzzCheck.Mismatch
        package let program: FuzzProgram
    }

    package private(set) var uses: [OpCode: Int] = [:]
    package private(set) var programCount = 0
    package private(set) var failures: [Failure] = []
    private let check: FuzzCheck
    private let seed: UInt64

    package init(seed: UInt64, check: FuzzCheck = FuzzCheck()) {
        self.seed = seed
        self.check = check
    }

    /// Rows that can occur in a program.
    private static let rows = OpTable.rows.filter { !$0.traits.contains(.needsObject) }

    /// Names of rows that never occurred.
    package var missingRows: [String] {
        FuzzRun.rows.filter { uses[$0.code] == nil }.map(\.name)
    }

    /// The share of rows that occurred in a program, of those that can.
    package var coverage: Double {
        1 - Double(missingRows.count) / Double(FuzzRun.rows.count)
    }

    /// Makes and checks the next program.
    /// - Returns: the program, for further checks.
    package mutating func step() -> FuzzProgram {
        let own = seed &+ UInt64(programCount)
        programCount += 1
        let program = FuzzGenerator.program(seed: own)
        for case .step(let step) in program.nodes { uses[step.op, default: 0] += 1 }
        if let mismatch = check.run(program) {
            let smaller = FuzzShrinking.shrink(program, node: mismatch.node) { [check] in
                check.run($0) != nil
            }
            failures.append(
                Failure(
                    seed: own, mismatch: check.run(smaller) ?? mismatch, program: smaller))
        }
        return program
    }
}
