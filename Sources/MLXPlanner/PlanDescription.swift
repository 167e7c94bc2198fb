import MLXBase
import MLXGraph
import MLXOps

/// Plans as text, for `explain`, `MLX_DEBUG` and golden tests: a line for each step (where it
/// runs, what it is, what it reads and writes and where that lies, what it waits for) and for each
/// result. There is no time in it: equal plans have equal texts on every machine.
extension Plan: CustomStringConvertible {
    package var description: String {
        ([summary] + steps.indices.map { describe(step: $0) } + results.map(describe))
            .joined(separator: "\n")
    }

    /// The first line.
    var summary: String {
        var line = "plan: \(nodeCount) nodes, \(steps.count) steps, policy \(policyName)"
        let scratch = zip(streams, arenaBytes).map { "\(name(of: $0)) \($1) B" }
        if !scratch.isEmpty { line += ", scratch \(scratch.joined(separator: ", "))" }
        return line
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
        let texts = (first..<(first + Int(step.operandCount))).map { describe(operands[$0]) }
        let outputs = texts.prefix(Int(step.outputCount)).joined(separator: " ")
        let inputs = texts.dropFirst(Int(step.outputCount)).map { "\($0) " }.joined()
        var line = "  \(index) \(name(of: streams[Int(step.stream)])) \(label(of: step)) "
        line += "\(inputs)-> \(outputs)"
        line += " | \(Int(step.flops)) flops, \(Int(step.bytes)) B"
        for wait in waits[Int(step.waitStart)..<Int(step.waitStart + step.waitCount)] {
            line += " | after step \(wait.count) of \(name(of: streams[Int(wait.stream)]))"
        }
        return line
    }

    private func describe(_ result: Result) -> String {
        "  node \(result.node) = \(describe(operands[Int(result.operand)]))"
    }

    /// `float32(3, 2):1,3@array0` is a window with strides 1 and 3 onto the first given array;
    /// row-major strides are left out, `+` adds a constant offset and `*` one that a run decides.
    private func describe(_ operand: PlanOperand) -> String {
        var text = "\(operand.dtype)\(operand.shape)"
        let strides = (0..<operand.shape.ndim).map {
            strideStorage[Int(operand.strideStart) + $0]
        }
        if !strides.elementsEqual(operand.shape.rowMajorStrides) {
            text += ":" + strides.map { "\($0)" }.joined(separator: ",")
        }
        let slot = slots[Int(operand.slot)]
        switch slot.storage {
        case .leaf(let number): text += "@array\(number)"
        case .scalar(let number): text += "@constant\(number)"
        case .arena(let offset): text += "@scratch\(offset)"
        case .result: text += "@result\(operand.slot)"
        case .lent(let slot): text += "@result\(slot)"
        }
        if operand.elementOffset != 0 { text += "+\(operand.elementOffset)" }
        if operand.termCount > 0 { text += "*" }
        return text
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
            if case .lent(let other) = slot.storage {
                precondition(slots[Int(other)].storage == .result, "lent a place that is none")
                precondition(slot.byteCount <= slots[Int(other)].byteCount)
            }
            guard case .arena(let offset) = slot.storage, slot.producer >= 0 else { continue }
            let stream = Int(steps[Int(slot.producer)].stream)
            precondition(offset + slot.byteCount <= max(arenaBytes[stream], 1))
        }
    }
}
