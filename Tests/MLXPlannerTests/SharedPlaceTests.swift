import MLX
import MLXBase
import Testing

@testable import MLXPlanner

/// Places of intermediate values in the scratch of streams that read each other's values.
@Suite("Places that streams share") struct SharedPlaceTests {
    @Test("a chain that alternates between devices needs no more than a few of its values")
    func alternating() throws {
        var x = leaf([64, 64])
        let w = leaf([64, 64])
        for _ in 0..<60 { x = tanh(matmul(x, w)) }
        let made = try plan([x], Planner(policy: RoundRobinPolicy()))
        #expect(made.streams.count > 1)
        let bytes = made.arenaBytes.reduce(0, +)
        #expect(bytes <= 8 * 64 * 64 * 4, "\(bytes)")
        checkPlaces(made)
    }

    /// What every plan promises of its scratch, found by following all waits, whatever is placed
    /// where.
    @Test("no value is written over one that somebody may still read", arguments: 0..<40)
    func drawnGraphs(seed: UInt64) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var arrays = [leaf([32, 32]), leaf([32, 32]), leaf([16, 64])]
        for _ in 0..<40 {
            let a = arrays[random.below(arrays.count)]
            let b = arrays[random.below(arrays.count)]
            switch random.below(5) {
            case 0 where a.dim(1) == b.dim(0): arrays.append(matmul(a, b))
            case 1 where a.shape == b.shape: arrays.append(a + b)
            case 2: arrays.append(softmax(a, axis: -1))
            case 3: arrays.append(a.transposed() * 0.5)
            default: arrays.append(cumsum(a, axis: 0))
            }
        }
        for policy: any SchedulingPolicy in [
            RandomPolicy(seed: UInt64(seed)), RoundRobinPolicy(), CostPolicy(),
        ] {
            let kept = [arrays[arrays.count - 1], arrays[arrays.count - 2]]
            checkPlaces(try plan(kept, Planner(policy: policy)))
        }
    }

    private func checkPlaces(_ plan: Plan) {
        let before = finishedBefore(plan)
        var users = [[Int]](repeating: [], count: plan.slots.count)
        for (index, step) in plan.steps.enumerated() {
            for operand in step.operandStart..<(step.operandStart + step.operandCount) {
                users[Int(plan.operands[Int(operand)].slot)].append(index)
            }
        }
        for old in 0..<plan.slots.count {
            for new in 0..<plan.slots.count where old != new {
                guard case .arena(let a) = plan.slots[old].storage,
                    case .arena(let b) = plan.slots[new].storage
                else { continue }
                let (first, second) = (
                    Int(plan.slots[old].producer), Int(plan.slots[new].producer)
                )
                guard first < second, plan.steps[first].stream == plan.steps[second].stream,
                    a < b + plan.slots[new].byteCount, b < a + plan.slots[old].byteCount
                else { continue }
                let isFree = users[old].allSatisfy { $0 == second || before[second].contains($0) }
                #expect(isFree, "step \(second) writes over what \(users[old]) read")
            }
        }
    }

    /// For each step the steps that have ended when it begins.
    private func finishedBefore(_ plan: Plan) -> [Set<Int>] {
        var before = [Set<Int>](repeating: [], count: plan.steps.count)
        var batchStart = [Set<Int>](repeating: [], count: plan.streams.count)
        var all = batchStart
        for (index, step) in plan.steps.enumerated() {
            let stream = Int(step.stream)
            if step.batchCount != 0 { batchStart[stream] = all[stream] }
            for wait in step.waitStart..<(step.waitStart + step.waitCount) {
                let wait = plan.waits[Int(wait)]
                let start = Int(plan.streamStart[Int(wait.stream)])
                for place in start..<(start + Int(wait.count)) {
                    let other = Int(plan.streamSteps[place])
                    batchStart[stream].formUnion(before[other].union([other]))
                }
            }
            before[index] = batchStart[stream]
            all[stream].formUnion(before[index].union([index]))
        }
        return before
    }
}
