import MLXBase
import MLXGraph
import MLXOps

/// Windows: the operations that move no element when the layout of their input allows it. Where
/// a slice starts is not structure, so a window's offset is a constant plus dynamic words times
/// strides.
extension PlanBuilder {
    /// The node's value as a window onto its input's slot; nil when it has to be copied.
    mutating func view(_ node: Int, _ graph: borrowing Subgraph) -> PlanOperand? {
        let source = Int(canonical[Int(graph.inputs[Int(graph.inputStart[node])])])
        let input = plan.operands[Int(operandOf[source])]
        let shape = graph.shapes[node]
        switch graph.ops[node] {
        case .reshape, .expandDims, .squeeze, .regroup: return reshaped(input, to: shape)
        case .transpose: return transposed(input, to: shape, graph.words[node])
        case .broadcastTo: return broadcast(input, to: shape)
        case .slice: return sliced(input, to: shape, node, graph)
        case .asStrided: return strided(input, to: shape, node, graph)
        case .viewAs: return reinterpreted(input, as: graph.dtypes[node], to: shape)
        case .depends: return input
        default: return nil
        }
    }

    @inline(__always) func stride(_ operand: PlanOperand, _ axis: Int) -> Int {
        strides[Int(operand.strideStart) + axis]
    }

    /// Whether element i of the row-major walk lies at element offset i.
    func isRowMajor(_ operand: PlanOperand) -> Bool {
        let shape = operand.shape
        if shape.size <= 1 { return true }
        let expected = shape.rowMajorStrides
        for axis in 0..<shape.ndim
        where shape[axis] != 1 && stride(operand, axis) != expected[axis] {
            return false
        }
        return true
    }

    private mutating func window(_ operand: PlanOperand, _ shape: Shape) -> PlanOperand {
        var result = operand
        result.shape = shape
        result.strideStart = Int32(strides.count)
        return result
    }

    /// Row-major inputs take any shape; others only lose or gain axes of size one.
    private mutating func reshaped(_ input: PlanOperand, to shape: Shape) -> PlanOperand? {
        if isRowMajor(input) {
            let result = window(input, shape)
            strides += shape.rowMajorStrides
            return result
        }
        let old = input.shape.dims.indices.filter { input.shape[$0] != 1 }
        let new = shape.dims.indices.filter { shape[$0] != 1 }
        guard old.map({ input.shape[$0] }) == new.map({ shape[$0] }) else { return nil }
        let kept = old.map { stride(input, $0) }
        let result = window(input, shape)
        var next = 0
        for axis in 0..<shape.ndim {
            if shape[axis] == 1 {
                strides.append(0)
            } else {
                strides.append(kept[next])
                next += 1
            }
        }
        return result
    }

    private mutating func transposed(
        _ input: PlanOperand, to shape: Shape, _ word: UInt64
    ) -> PlanOperand {
        let result = window(input, shape)
        for axis in Permutation(word: word, rank: shape.ndim).axes {
            strides.append(stride(input, axis))
        }
        return result
    }

    mutating func broadcast(_ input: PlanOperand, to shape: Shape) -> PlanOperand {
        let result = window(input, shape)
        let lead = shape.ndim - input.shape.ndim
        for axis in 0..<shape.ndim {
            let own = axis - lead
            strides.append(own < 0 || input.shape[own] == 1 ? 0 : stride(input, own))
        }
        return result
    }

    private mutating func sliced(
        _ input: PlanOperand, to shape: Shape, _ node: Int, _ graph: borrowing Subgraph
    ) -> PlanOperand {
        let words = graph.payload(node)?.words ?? []
        var result = window(input, shape)
        let rank = shape.ndim
        for axis in 0..<rank { strides.append(stride(input, axis) * words[rank + axis]) }
        // The input's own terms, then one for each axis.
        let termStart = Int32(plan.terms.count)
        for term in input.termStart..<(input.termStart + input.termCount) {
            plan.terms.append(plan.terms[Int(term)])
        }
        let dynamics = dynamicWords(of: node, count: rank)
        for axis in 0..<rank where stride(input, axis) != 0 {
            plan.terms.append(
                .init(dynamic: dynamics + Int32(axis), stride: stride(input, axis)))
        }
        result.termStart = termStart
        result.termCount = Int32(plan.terms.count) - termStart
        return result
    }

    /// Strides and offset count the elements of a row-major input.
    private mutating func strided(
        _ input: PlanOperand, to shape: Shape, _ node: Int, _ graph: borrowing Subgraph
    ) -> PlanOperand? {
        guard isRowMajor(input) else { return nil }
        let words = graph.payload(node)?.words ?? []
        var result = window(input, shape)
        strides += words.dropFirst()
        let termStart = Int32(plan.terms.count)
        for term in input.termStart..<(input.termStart + input.termCount) {
            plan.terms.append(plan.terms[Int(term)])
        }
        plan.terms.append(.init(dynamic: dynamicWords(of: node, count: 1), stride: 1))
        result.termStart = termStart
        result.termCount = Int32(plan.terms.count) - termStart
        return result
    }

    /// The bytes as elements of another size, where they are next to each other and the first
    /// element of the new size starts where one of the old does.
    private mutating func reinterpreted(
        _ input: PlanOperand, as dtype: DType, to shape: Shape
    ) -> PlanOperand? {
        var result = window(input, shape)
        result.dtype = dtype
        let (old, new) = (input.dtype.size, dtype.size)
        if old == new {
            for axis in 0..<shape.ndim { strides.append(stride(input, axis)) }
            return result
        }
        guard isRowMajor(input), old > new || input.termCount == 0,
            input.elementOffset * old % new == 0
        else { return nil }
        strides += shape.rowMajorStrides
        result.elementOffset = input.elementOffset * old / new
        let termStart = Int32(plan.terms.count)
        for term in input.termStart..<(input.termStart + input.termCount) {
            var scaled = plan.terms[Int(term)]
            scaled.stride *= old / new
            plan.terms.append(scaled)
        }
        result.termStart = termStart
        return result
    }

    /// The number of the first dynamic word of a node, which are listed once.
    private mutating func dynamicWords(of node: Int, count: Int) -> Int32 {
        if dynamicStart[node] >= 0 { return dynamicStart[node] }
        let start = Int32(plan.dynamics.count)
        dynamicStart[node] = start
        for index in 0..<count {
            plan.dynamics.append(.init(node: Int32(node), index: Int32(index)))
        }
        return start
    }
}
