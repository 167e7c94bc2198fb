import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXNN
import MLXOps
import Testing

@testable import MLXPlanner

/// Plans written down from a family are the plans that would have been made.
@Suite struct FamilyTests {
    /// Graphs of one structure whose sizes depend on a length.
    struct Program: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let graph: @Sendable (Int) -> [MLXArray]
        /// How many plans it takes until there is a family.
        var sampleCount = 3

        init(
            _ name: String, sampleCount: Int = 3, _ graph: @escaping @Sendable (Int) -> [MLXArray]
        ) {
            testDescription = name
            self.sampleCount = sampleCount
            self.graph = graph
        }
    }

    static let programs = [
        Program("concatenated cache") { n in
            let all = concatenated([leaf([1, 2, n, 8]), leaf([1, 2, 1, 8])], axis: 2)
            return [all, softmax(matmul(leaf([1, 2, 1, 8]), all.swappedAxes(2, 3)), axis: -1)]
        },
        Program("sliced prefix") { n in
            let room = leaf([1, 2, 900, 8])
            let used = room[0..., 0..., ..<n, 0...]
            return [matmul(softmax(sum(used, axis: -1), axis: -1)[0..., 0..., .newAxis], used)]
        },
        Program("assigned and sliced") { n in
            let room = leaf([1, 2, 900, 8])
            room[0..., 0..., (n - 1)..<n, 0...] = leaf([1, 2, 1, 8])
            return [room, room[0..., 0..., ..<n, 0...].sum(axis: 2)]
        },
        Program("ragged batch") { n in
            let x = leaf([n, 12])
            let logits = matmul(relu(matmul(x, leaf([12, 20])) + leaf([20])), leaf([20, 5]))
            return [logSoftmax(logits, axis: -1).mean(), argMax(logits, axis: -1)]
        },
        Program("half precision and strides") { n in
            let x = leaf([3, n, 4], .float16)
            let y = (x.transposed(1, 0, 2) * 2 + leaf([n, 1, 4], .float16)).transposed(1, 0, 2)
            return [y.asType(.float32).max(axis: 1), concatenated([x, y], axis: 0)]
        },
        Program("squares", sampleCount: 4) { n in
            let x = leaf([n, 6])
            return [softmax(matmul(x, x.T), axis: -1).reshaped(-1)]
        },
        Program("convolution") { n in
            [conv1d(leaf([2, n, 3]), leaf([4, 3, 3]), padding: 1).mean(axis: 1)]
        },
        Program("window of a window") { n in
            let x = leaf([2 * n + 1, 5])
            return [x[1..., .ellipsis][.stride(by: 2)] + 1, x.reshaped(-1)[..<(3 * n)]]
        },
        // Copied first from 256 KiB on: long ones are no members here, short ones none there.
        Program("transposed, short") { n in [leaf([n, 600]).T * 2] },
        Program("transposed, long") { n in [leaf([n, 12_000]).T * 2] },
    ]

    private func family(
        _ program: Program, _ planner: Planner, lengths: [Int]
    ) throws -> PlanFamily? {
        var older: [Plan] = []
        for length in lengths.dropLast() {
            let plan = try withGraph(program.graph(length)) {
                try planner.build($0, PlanKey($0, context: 0)).plan
            }
            older.insert(plan, at: 0)
        }
        return try withGraph(program.graph(lengths.last!)) { graph in
            let made = try planner.build(graph, PlanKey(graph, context: 0))
            return planner.family(of: made, graph, older: older)
        }
    }

    @Test("members equal the plans that would be made", arguments: programs)
    func members(_ program: Program) throws {
        // Where everything stays on one device there is a member at nearly every length.
        let count = try countMembers(program, Planner(policy: SingleDevicePolicy.allCPU))
        #expect(count >= 12, "\(program.testDescription): \(count) of 16 lengths")
        for seed in 0..<5 {
            _ = try countMembers(program, Planner(costs: .random(seed: UInt64(seed))))
        }
    }

    /// Compares the members that there are with plans made for them.
    private func countMembers(_ program: Program, _ planner: Planner) throws -> Int {
        let lengths = Array([33, 35, 34, 36].prefix(program.sampleCount))
        guard let family = try family(program, planner, lengths: lengths) else { return 0 }
        var count = 0
        for length in [2, 3, 7, 8, 12, 13, 16, 20, 31, 40, 64, 100, 128, 129, 400, 800] {
            try withGraph(program.graph(length)) { graph in
                let key = PlanKey(graph, context: 0)
                let made = try planner.build(graph, key).plan
                guard let member = family.member(key) else { return }
                count += 1
                expectEqual(member, made, length)
                member.checkInvariants()
            }
        }
        return count
    }

    /// Equal but for where intermediate values lie.
    private func expectEqual(_ a: Plan, _ b: Plan, _ length: Int) {
        #expect(a.hasForm(of: b), "form at \(length)")
        #expect(a.sizes() == b.sizes(), "sizes at \(length)")
        #expect(a.operands.map(\.shape) == b.operands.map(\.shape), "shapes at \(length)")
        #expect(
            a.steps.map(\.estimatedNanoseconds) == b.steps.map(\.estimatedNanoseconds),
            "costs at \(length)")
        #expect(a.steps.map(\.batchNanoseconds) == b.steps.map(\.batchNanoseconds))
        #expect(Array(a.key) == Array(b.key) && a.hash == b.hash)
        #expect(a.isNarrow == b.isNarrow || a.arenaByteCount > b.arenaByteCount)
        for (tape, other) in zip(a.tapes, b.tapes) {
            for (x, y) in zip(tape.operands, other.operands) {
                #expect(a.stridePlace(x.shape) == b.stridePlace(y.shape))
            }
        }
        for (slot, other) in zip(a.slots, b.slots) {
            guard case .arena(let offset) = slot.storage, case .arena = other.storage
            else { continue }
            let stream = Int(a.steps[Int(slot.producer)].stream)
            #expect(offset + slot.byteCount <= a.arenaBytes[stream])
        }
    }

    @Test("graphs of another structure are no members", arguments: programs)
    func strangers(_ program: Program) throws {
        let lengths = Array([33, 35, 34, 36].prefix(program.sampleCount))
        let planner = Planner(policy: SingleDevicePolicy.allCPU)
        let family = try #require(try family(program, planner, lengths: lengths))
        for other in FamilyTests.programs where other.testDescription != program.testDescription {
            try withGraph(other.graph(12)) { graph in
                #expect(family.member(PlanKey(graph, context: 0)) == nil)
            }
        }
        try withGraph(program.graph(12)) { graph in
            #expect(family.member(PlanKey(graph, context: 1)) == nil, "another context")
        }
    }

    @Test("an array without axes is no member's row") func withoutAxes() throws {
        let planner = Planner(policy: SingleDevicePolicy.allCPU)
        let program = Program("rows") { n in [leaf([5, n]) + leaf([n])] }
        let family = try #require(try family(program, planner, lengths: [3, 4, 6]))
        try withGraph([leaf([5, 2]) + leaf([2])]) { graph in
            #expect(family.member(PlanKey(graph, context: 0)) != nil)
        }
        try withGraph([leaf([5, 2]) + leaf([])]) { graph in
            #expect(family.member(PlanKey(graph, context: 0)) == nil)
        }
        // The same through an engine that has met the rows: what lies behind one number is not its.
        let x = MLXArray(0..<10, [5, 2]).asType(.float32)
        for n in 2..<12 { eval(MLXArray.ones([5, n]) + MLXArray(0..<n).asType(.float32)) }
        for _ in 0..<3 {
            let number = MLXArray([7] as [Float]).sum()
            eval(x, number)
            let sum = x + number
            #expect(sum.asArray(Float.self) == (0..<10).map { Float($0) + 7 })
        }
    }

    @Test("no family where sizes follow no curve, or two of them change")
    func noFamily() throws {
        let planner = Planner(costs: .typical)
        let doubling = Program("doubling") { n in [leaf([n, 1 << n]) + 1] }
        let pairs = Program("pairs") { n in [leaf([n, n % 3 + 2]) + 1] }
        for program in [doubling, pairs] {
            let family = try family(program, planner, lengths: [3, 4, 5, 7])
            #expect(family == nil, "\(program.testDescription)")
        }
    }

    @Test("where another device is cheaper, the family has no member")
    func otherDevice() throws {
        let program = Program("product") { n in [matmul(leaf([n, 64]), leaf([64, 64]))] }
        for seed in 0..<20 {
            let planner = Planner(costs: .random(seed: UInt64(seed)))
            let family = try #require(try family(program, planner, lengths: [4, 5, 6]))
            for length in [7, 30, 100, 1000] {
                try withGraph(program.graph(length)) { graph in
                    let key = PlanKey(graph, context: 0)
                    let made = try planner.build(graph, key).plan
                    let member = family.member(key)
                    if member != nil { #expect(member?.devices == made.devices) }
                }
            }
        }
    }
}
