import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Cutting a failing program smaller while it goes on failing: only what the wrong value needs,
/// then leaves in place of steps, then leaves without specials.
package enum FuzzShrinking {
    /// - Parameter fails: whether a smaller program still fails.
    package static func shrink(
        _ program: FuzzProgram, node: Int, fails: (FuzzProgram) -> Bool
    ) -> FuzzProgram {
        var best = program
        let needed = program.closure(of: node)
        if fails(needed) { best = needed }
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for candidate in candidates(best) where fails(candidate) {
                best = candidate
                isSmaller = true
                break
            }
        }
        return best
    }

    /// Programs that are smaller by one thing.
    private static func candidates(_ program: FuzzProgram) -> [FuzzProgram] {
        var result: [FuzzProgram] = []
        let leaves = program.leaves.map { $0.array() }
        let values = program.record(leaves)
        let outputs = Set(program.outputs)
        for number in program.nodes.indices {
            switch program.nodes[number] {
            case .step where !outputs.contains(number):
                var smaller = program
                smaller.nodes[number] = .leaf(
                    .init(
                        shape: values[number].shape, dtype: values[number].dtype,
                        seed: UInt64(number)))
                for output in smaller.outputs { result.append(smaller.closure(of: output)) }
            case .leaf(var leaf) where leaf.hasSpecials:
                var smaller = program
                leaf.hasSpecials = false
                smaller.nodes[number] = .leaf(leaf)
                result.append(smaller)
            default: break
            }
        }
        if outputs.count > 1 { result += outputs.sorted().map { program.closure(of: $0) } }
        return result.filter { !$0.outputs.isEmpty }
    }
}
