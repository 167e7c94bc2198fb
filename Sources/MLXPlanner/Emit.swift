import MLXBase
import MLXGraph
import MLXOps

/// Pass 3. Gives every live node an operand (a window onto a slot) and emits the steps that fill
/// the slots: a tape for each cluster, a kernel for each other operation, nothing for windows.
extension PlanBuilder {
    mutating func emit(_ graph: borrowing Subgraph) throws(ArrayError) {
        emitLeaves(graph)
        for node in 0..<nodeCount
        where isLive[node] && canonical[node] == Int32(node) && operandOf[node] < 0 {
            let cluster = clusterOf[node]
            if cluster >= 0 {
                if clusterSink[Int(cluster)] == Int32(node) {
                    try emitTape(Int(cluster), graph)
                }
            } else if OpTable.isView[Int(graph.ops[node].raw)], let view = view(node, graph) {
                operandOf[node] = add(view)
            } else {
                try emitKernel(node, graph)
            }
        }
        try emitResults(graph)
    }

    /// Slots of the inputs come first: arrays, then scalars.
    private mutating func emitLeaves(_ graph: borrowing Subgraph) {
        for node in 0..<nodeCount
        where isLive[node] && graph.isLeaf(node) && graph.ops[node] != .scalar {
            let storage = Plan.Storage.leaf(Int32(plan.leafNodes.count))
            plan.leafNodes.append(Int32(node))
            addLeaf(node, graph, storage)
        }
        for node in 0..<nodeCount
        where isLive[node] && graph.ops[node] == .scalar {
            let storage = Plan.Storage.scalar(Int32(plan.scalarNodes.count))
            plan.scalarNodes.append(Int32(node))
            addLeaf(node, graph, storage)
        }
    }

    private mutating func addLeaf(
        _ node: Int, _ graph: borrowing Subgraph, _ storage: Plan.Storage
    ) {
        let shape = graph.shapes[node]
        let dtype = graph.dtypes[node]
        let slot = addSlot(dtype, shape.size, storage, producer: -1)
        let start = Int32(strides.count)
        if let custom = graph.value(node)?.customStrides {
            strides += custom
        } else {
            strides += shape.rowMajorStrides
        }
        operandOf[node] = add(
            PlanOperand(
                slot: slot, dtype: dtype, shape: shape, strideStart: start, elementOffset: 0,
                termStart: 0, termCount: 0))
    }

    mutating func addSlot(
        _ dtype: DType, _ count: Int, _ storage: Plan.Storage, producer: Int32
    ) -> Int32 {
        plan.slots.append(
            .init(dtype: dtype, byteCount: count * dtype.size, storage: storage, producer: producer)
        )
        return Int32(plan.slots.count - 1)
    }

    mutating func add(_ operand: PlanOperand) -> Int32 {
        plan.operands.append(operand)
        return Int32(plan.operands.count - 1)
    }

    /// A fresh row-major slot for a node's value, written by the step emitted next.
    mutating func addOutput(_ node: Int, _ graph: borrowing Subgraph) -> Int32 {
        let shape = graph.shapes[node]
        let slot = addSlot(
            graph.dtypes[node], shape.size, .arena(offset: 0), producer: Int32(plan.steps.count))
        let start = Int32(strides.count)
        strides += shape.rowMajorStrides
        return add(
            PlanOperand(
                slot: slot, dtype: graph.dtypes[node], shape: shape, strideStart: start,
                elementOffset: 0, termStart: 0, termCount: 0))
    }

    // MARK: - Kernels

    private mutating func emitKernel(
        _ node: Int, _ graph: borrowing Subgraph
    ) throws(ArrayError) {
        if graph.ops[node] == .placeholder {
            throw ArrayError(
                .argument, "eval",
                "Attempting to eval an array during function transformations like compile or vmap"
                    + " is not allowed.", shapes: [graph.shapes[node].array])
        }
        var inputs: [Int32] = []
        var shapes: [Shape] = []
        for input in graph.inputs(of: node) {
            let source = Int(canonical[Int(input)])
            inputs.append(operandOf[source])
            shapes.append(graph.shapes[source])
        }
        operandOf[node] = try emitStep(graph.ops[node], node, inputs, shapes, graph)
    }

    /// Emits the kernel of a row.
    /// - Returns: the operand of its result.
    private mutating func emitStep(
        _ op: OpCode, _ node: Int, _ inputs: [Int32], _ shapes: [Shape],
        _ graph: borrowing Subgraph
    ) throws(ArrayError) -> Int32 {
        let row = OpTable[op]
        let output = addOutput(node, graph)
        let operandStart = Int32(plan.operands.count)
        // A step's operands are consecutive: repeat them after the outputs. A reshape that has to
        // copy fills its result in the order of its input's shape.
        _ = add(
            op == .reshape || op == .regroup
                ? rowMajor(plan.operands[Int(output)], as: shapes[0])
                : plan.operands[Int(output)])
        for input in inputs { _ = add(plan.operands[Int(input)]) }
        let bytes = ([output] + inputs).reduce(0.0) { $0 + operandBytes($1) }
        let context = CostContext(
            shapes: shapes, output: graph.shapes[node], words: graph.payload(node)?.words ?? [],
            itemSize: graph.dtypes[node].size)
        try addStep(
            Step(
                kind: .kernel, op: row.code, node: Int32(node), operandStart: operandStart,
                operandCount: Int32(inputs.count + 1), outputCount: 1,
                flops: row.work.flops(context),
                bytes: row.work.bytes(context, operands: bytes)),
            candidates: DeviceSet(
                DeviceKind.allCases.filter {
                    row.kernel(for: $0) != nil && row.allows($0, words: context.words)
                }.map { DeviceSet($0) }),
            stream: graph.streams[node])
        return output
    }

    private mutating func rowMajor(_ operand: PlanOperand, as shape: Shape) -> PlanOperand {
        var result = operand
        result.shape = shape
        result.strideStart = Int32(strides.count)
        strides += shape.rowMajorStrides
        return result
    }

    mutating func addStep(
        _ step: Step, candidates: DeviceSet, stream: StreamID
    ) throws(ArrayError) {
        guard !candidates.isEmpty else {
            throw ArrayError(
                .unsupported, OpTable.name(step.op), "no device has a kernel for it")
        }
        plan.steps.append(step)
        pinned.append(stream)
        // A pinned op that its device cannot run goes to one that can; `explain` says so.
        if let kind = stream.kind, candidates.contains(kind) {
            self.candidates.append(DeviceSet(kind))
        } else {
            self.candidates.append(candidates)
        }
    }

    /// The bytes that a walk over an operand touches. Of its shape and strides alone, never of the
    /// slot behind the window: the cost of a step, and so the device and the bits, must not depend
    /// on what else lies there.
    func operandBytes(_ index: Int32) -> Double {
        let operand = plan.operands[Int(index)]
        return strides.withUnsafeBufferPointer {
            operand.touchedBytes($0.baseAddress.unsafelyUnwrapped + Int(operand.strideStart))
        }
    }

    // MARK: - Results

    private mutating func emitResults(_ graph: borrowing Subgraph) throws(ArrayError) {
        for node in 0..<nodeCount where !graph.isLeaf(node) && graph.isKept(node) {
            var operand = operandOf[Int(canonical[node])]
            assert(operand >= 0)
            if case .scalar = plan.slots[Int(plan.operands[Int(operand)].slot)].storage {
                // A run's scalars are gone with it: what somebody keeps is copied.
                operand = try emitCopy(ofScalar: operand, node, graph)
            }
            plan.results.append(.init(node: Int32(node), operand: operand))
            let slot = Int(plan.operands[Int(operand)].slot)
            if case .arena = plan.slots[slot].storage { plan.slots[slot].storage = .result }
        }
    }

    /// A window like the given one, onto a copy of its scalar.
    private mutating func emitCopy(
        ofScalar operand: Int32, _ node: Int, _ graph: borrowing Subgraph
    ) throws(ArrayError) -> Int32 {
        let window = plan.operands[Int(operand)]
        let slot = addSlot(
            window.dtype, 1, .arena(offset: 0), producer: Int32(plan.steps.count))
        var one = window
        one.shape = .scalar
        let operandStart = Int32(plan.operands.count)
        var copy = one
        copy.slot = slot
        _ = add(copy)
        _ = add(one)
        try addStep(
            Step(
                kind: .kernel, op: .broadcastTo, node: Int32(node), operandStart: operandStart,
                operandCount: 2, outputCount: 1, flops: 0, bytes: Double(2 * window.dtype.size)),
            candidates: .general, stream: graph.streams[node])
        var result = window
        result.slot = slot
        return add(result)
    }
}

extension DeviceSet {
    /// The devices that run every kernel and every tape.
    static let general = DeviceSet(DeviceKind.general.map { DeviceSet($0) })
}
