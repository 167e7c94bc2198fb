import MLXBase
import MLXGraph
import MLXOps

// What a tape reads across its rows, it reads an element at a time, each from a line and often a
// page of its own: one to two gigabytes a second. The kernel that copies strided layouts
// transposes in squares, so a large transposed input is copied by it first and read as it lies.

extension PlanOperand {
    /// Smaller inputs stay in a core's cache, where another step costs more than it brings.
    private static let leastBytes = 256 << 10
    /// The kernel transposes planes with so many rows and columns.
    private static let leastSide = 4

    /// Whether a tape reads a copy of this instead: it is large, neighbours along its last axis lie
    /// apart, along another axis side by side, and nothing in it is repeated.
    func isCopiedForTapes(_ strides: UnsafePointer<Int>) -> Bool {
        if shape.size * dtype.size < PlanOperand.leastBytes { return false }
        var (last, plane) = (-1, -1)
        for axis in 0..<shape.ndim where shape[axis] != 1 {
            if strides[axis] == 0 { return false }
            last = axis
            if strides[axis] == 1 { plane = axis }
        }
        return plane >= 0 && plane != last && shape[last] >= PlanOperand.leastSide
            && shape[plane] >= PlanOperand.leastSide
    }
}

extension PlanBuilder {
    private func isCopiedForTapes(_ operand: Int32) -> Bool {
        let window = plan.operands[Int(operand)]
        return strides.withUnsafeBufferPointer {
            window.isCopiedForTapes($0.baseAddress.unsafelyUnwrapped + Int(window.strideStart))
        }
    }

    /// Copies what the cluster would read badly, before the tape has any output.
    mutating func copyTransposedInputs(
        _ members: Range<Int>, _ graph: borrowing Subgraph
    ) throws(ArrayError) {
        let sink = Int(clusterMembers[members.upperBound - 1])
        for position in members {
            for input in graph.inputs(of: Int(clusterMembers[position])) {
                let source = Int(canonical[Int(input)])
                let operand = operandOf[source]
                guard operand >= 0, isCopiedForTapes(operand) else { continue }
                let stream = graph.streams[sink]
                if let copy = copies[source], copy.stream == stream { continue }
                let copy = try emitCopy(of: operand, sink, graph)
                copies[source] = (copy, stream)
            }
        }
    }

    /// A cluster that is nothing but the copy of a large transposed array is a kernel.
    /// - Returns: false for every other.
    mutating func emitLoneCopy(
        _ members: Range<Int>, _ graph: borrowing Subgraph
    ) throws(ArrayError) -> Bool {
        let node = Int(clusterMembers[members.lowerBound])
        guard members.count == 1, graph.ops[node] == .copy,
            let input = graph.inputs(of: node).first
        else { return false }
        let operand = operandOf[Int(canonical[Int(input)])]
        guard operand >= 0, isCopiedForTapes(operand) else { return false }
        operandOf[node] = try emitCopy(of: operand, node, graph)
        return true
    }

    /// The step that writes a window's elements to a row-major slot.
    private mutating func emitCopy(
        of operand: Int32, _ node: Int, _ graph: borrowing Subgraph
    ) throws(ArrayError) -> Int32 {
        let window = plan.operands[Int(operand)]
        let slot = addSlot(
            window.dtype, window.shape.size, .arena(offset: 0),
            producer: Int32(plan.steps.count))
        let start = Int32(strides.count)
        strides += window.shape.rowMajorStrides
        let copy = add(
            PlanOperand(
                slot: slot, dtype: window.dtype, shape: window.shape, strideStart: start,
                elementOffset: 0, termStart: 0, termCount: 0))
        let operandStart = Int32(plan.operands.count)
        _ = add(plan.operands[Int(copy)])
        _ = add(window)
        try addStep(
            Step(
                kind: .kernel, op: .broadcastTo, node: Int32(node), operandStart: operandStart,
                operandCount: 2, outputCount: 1, flops: 0,
                bytes: operandBytes(copy) + operandBytes(operand)),
            candidates: .general, stream: graph.streams[node])
        return copy
    }
}

extension PlanMember {
    /// Whether a step's inputs are still large enough to be copied first, or still too small.
    func isCopiedAlike(_ step: Step) -> Bool {
        let end = step.operandStart + step.operandCount
        let inputs = (step.operandStart + step.outputCount)..<end
        func isCopied(_ index: Int32) -> Bool {
            let operand = operands.base[Int(index)]
            return operand.isCopiedForTapes(strides.base + Int(operand.strideStart))
        }
        switch step.kind {
        case .tape: return !inputs.contains(where: isCopied)
        case .kernel:
            // Other copies of this kind are of one element.
            return step.op != .broadcastTo
                || inputs.allSatisfy { operands.base[Int($0)].shape.size == 1 || isCopied($0) }
        }
    }
}
