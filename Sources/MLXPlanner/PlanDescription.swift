import MLXBase
import MLXGraph
import MLXOps

/// Plans as text, for `explain` and `MLX_DEBUG`. One line a step: where it runs, what it is, its
/// shapes, what it costs, what it waits for.
extension Plan: CustomStringConvertible {
    package var description: String {
        var lines = [
            "plan: \(nodeCount) nodes, \(steps.count) steps, policy \(policyName), scratch "
                + zip(streams, arenaBytes).map { "\(name(of: $0)) \($1) B" }
                .joined(separator: ", ")
        ]
        for index in steps.indices { lines.append(describe(step: index)) }
        return lines.joined(separator: "\n")
    }

    package func name(of stream: StreamID) -> String {
        "\(stream.kind?.name ?? "any"):\(stream.lane)"
    }

    /// What the step is called in traces.
    package func label(of step: Step) -> String {
        guard case .tape(let tape) = step.kind else { return OpTable.name(step.op) }
        let names = tapes[Int(tape)].ops.map(OpTable.name)
        if names.count == 1 { return names[0] }
        let shown = names.prefix(6).joined(separator: ",")
        return "fused[\(shown)\(names.count > 6 ? ",… \(names.count)" : "")]"
    }

    package func describe(step index: Int) -> String {
        let step = steps[index]
        let first = Int(step.operandStart)
        let shapes = (first..<(first + Int(step.operandCount))).map { operand in
            "\(operands[operand].dtype)\(operands[operand].shape)"
        }
        let outputs = shapes.prefix(Int(step.outputCount)).joined(separator: " ")
        let inputs = shapes.dropFirst(Int(step.outputCount)).joined(separator: " ")
        var line = "  \(index) \(name(of: streams[Int(step.stream)])) \(label(of: step)) "
        line += "\(inputs) -> \(outputs)"
        line += " | \(Int(step.flops)) flops, \(Int(step.bytes)) B, "
        line += "\(Int(step.estimatedNanoseconds)) ns expected"
        if let kind = step.refusedKind { line += " | \(kind.name) has no kernel for it" }
        for wait in waits[Int(step.waitStart)..<Int(step.waitStart + step.waitCount)] {
            line += " | after step \(wait.count) of \(name(of: streams[Int(wait.stream)]))"
        }
        return line
    }
}

extension Plan {
    /// Checks what every plan promises; for tests, after each pass.
    package func checkInvariants() {
        for (index, step) in steps.enumerated() {
            precondition(step.outputCount >= 1 && step.operandCount >= step.outputCount)
            precondition(Int(step.stream) < streams.count)
            let first = step.operandStart
            for operand in first..<(first + step.operandCount) {
                let slot = slots[Int(operands[Int(operand)].slot)]
                let isOutput = operand < first + step.outputCount
                precondition(
                    isOutput ? slot.producer == Int32(index) : slot.producer < Int32(index),
                    "a step reads what earlier steps wrote")
            }
        }
        for result in results {
            let slot = slots[Int(operands[Int(result.operand)].slot)]
            if case .arena = slot.storage { preconditionFailure("a result lies in scratch") }
        }
        for slot in slots {
            guard case .arena(let offset) = slot.storage, slot.producer >= 0 else { continue }
            let stream = Int(steps[Int(slot.producer)].stream)
            precondition(offset + slot.byteCount <= max(arenaBytes[stream], 1))
        }
    }
}
