import MLXBase
import MLXGraph
import MLXOps

/// A result that may be written over an array given, when it turns out that nobody holds the
/// array but the graph: the step is the only one that reads it.
extension Plan {
    package struct Donation: Sendable, BitwiseCopyable {
        /// The array's slot and node, and the node whose input it is.
        package let slot: Int32
        package let node: Int32
        package let user: Int32
        /// The step that reads it, and the slot that the step writes.
        package let step: Int32
        package let resultSlot: Int32
    }
}

extension PlanDraft {
    /// The inputs whose place the first output of a step may take, when nothing reads them later:
    /// those that the step reads once, whole, in the order that it writes in.
    func overwritable(_ step: Step) -> [Int32] {
        let candidates: [Int32]
        switch step.kind {
        case .tape(let tape): candidates = tapes[Int(tape)].overwritable
        case .kernel:
            guard let number = OpTable[step.op].overwrites else { return [] }
            candidates = [step.operandStart + step.outputCount + Int32(number)]
        }
        let output = slots[Int(operands[Int(step.operandStart)].slot)]
        return candidates.filter { candidate in
            let operand = operands[Int(candidate)]
            // Not the bytes alone: a wider element would overwrite the next narrow one. The
            // window says how it reads the slot, which may hold another dtype.
            return operand.dtype.size == output.dtype.size && operand.elementOffset == 0
                && operand.termCount == 0 && isRowMajor(operand)
                && reads(of: operand.slot, by: step) == 1
        }
    }

    private func isRowMajor(_ operand: PlanOperand) -> Bool {
        let first = Int(operand.strideStart)
        return Value.isRowMajor(
            strides: Array(strides[first..<(first + operand.shape.ndim)]), shape: operand.shape)
    }

    /// Another window onto the same slot may still read what would be overwritten.
    private func reads(of slot: Int32, by step: Step) -> Int {
        let first = Int(step.operandStart + step.outputCount)
        return operands[first..<Int(step.operandStart + step.operandCount)]
            .count { $0.slot == slot }
    }

    /// The arrays given that a result may be written over.
    func donations(_ graph: borrowing Subgraph) -> [Plan.Donation] {
        let found = steps.indices.compactMap { donation(Int32($0)) }
        if found.isEmpty { return [] }
        var reads = [Int](repeating: 0, count: slots.count)
        for step in steps {
            let first = Int(step.operandStart + step.outputCount)
            for operand in operands[first..<Int(step.operandStart + step.operandCount)] {
                reads[Int(operand.slot)] += 1
            }
        }
        // A result that is a window onto the array lives on.
        for result in results { reads[Int(operands[Int(result.operand)].slot)] += 1 }
        let users = PlanDraft.users(graph)
        return found.compactMap { donation in
            guard reads[Int(donation.slot)] == 1, leadsOnly(to: donation, graph, users)
            else { return nil }
            return Plan.Donation(
                slot: donation.slot, node: donation.node, user: users[Int(donation.node)],
                step: donation.step, resultSlot: donation.resultSlot)
        }
    }

    /// One user of each node, -1 where there is none.
    private static func users(_ graph: borrowing Subgraph) -> [Int32] {
        var users = [Int32](repeating: -1, count: graph.count)
        for node in 0..<graph.count {
            for input in graph.inputs(of: node) { users[Int(input)] = Int32(node) }
        }
        return users
    }

    /// Whether nothing can be computed from the array but through the result. If it could, it
    /// would be lost when the run ends after the step and before its own end.
    private func leadsOnly(
        to donation: Plan.Donation, _ graph: borrowing Subgraph, _ users: [Int32]
    ) -> Bool {
        var node = Int(donation.node)
        repeat {
            guard graph.edgeCounts[node] == 1 else { return false }
            node = Int(users[node])
        } while !graph.isKept(node)
        return results.contains {
            Int($0.node) == node && operands[Int($0.operand)].slot == donation.resultSlot
        }
    }

    private func reads(lentTo result: Int32, by step: Step) -> Bool {
        let first = Int(step.operandStart + step.outputCount)
        return operands[first..<Int(step.operandStart + step.operandCount)]
            .contains { slots[Int($0.slot)].storage == .lent(result) }
    }

    /// What one step could do, were it the only reader.
    private func donation(_ index: Int32) -> Plan.Donation? {
        let step = steps[Int(index)]
        let output = operands[Int(step.operandStart)].slot
        // What lies in the result's place before the step would be written over the array.
        guard case .result = slots[Int(output)].storage, !reads(lentTo: output, by: step) else {
            return nil
        }
        for operand in overwritable(step) {
            let input = operands[Int(operand)].slot
            if case .leaf(let leaf) = slots[Int(input)].storage {
                return Plan.Donation(
                    slot: input, node: leafNodes[Int(leaf)], user: -1, step: index,
                    resultSlot: output)
            }
        }
        return nil
    }
}
