import CMLXKernels
import MLXBase
import MLXGraph
import MLXOps

/// Pass 3, for clusters: the steps and operands of a tape. Half-precision values are widened to
/// float32 when they are read, computed on in float32 and rounded after every operation, so a
/// fused cluster gives the bits that its operations give one by one.
extension PlanBuilder {
    mutating func emitTape(
        _ cluster: Int, _ graph: borrowing Subgraph
    ) throws(ArrayError) {
        let members = Int(clusterStart[cluster])..<Int(clusterStart[cluster + 1])
        let sink = Int(clusterSink[cluster])
        if try emitLoneCopy(members, graph) { return }
        try copyTransposedInputs(members, graph)
        var writer = TapeWriter(shape: graph.shapes[sink], mark: Int32(cluster + 1))
        for position in members { countUses(Int(clusterMembers[position]), cluster, graph) }
        for position in members {
            try emit(
                Int(clusterMembers[position]), isSink: position == members.upperBound - 1,
                &writer, graph)
        }
        finish(writer, sink, graph)
    }

    /// How often each value is read within the cluster, to know when its register is free.
    private mutating func countUses(
        _ node: Int, _ cluster: Int, _ graph: borrowing Subgraph
    ) {
        let mark = Int32(cluster + 1)
        for input in graph.inputs(of: node) {
            let source = Int(canonical[Int(input)])
            if tapeScratch.mark[source] != mark {
                tapeScratch.mark[source] = mark
                tapeScratch.remaining[source] = 0
                tapeScratch.register[source] = -1
            }
            tapeScratch.remaining[source] += 1
        }
    }

    private mutating func emit(
        _ node: Int, isSink: Bool, _ writer: inout TapeWriter, _ graph: borrowing Subgraph
    ) throws(ArrayError) {
        var inputs: (UInt16, UInt16, UInt16) = (0, 0, 0)
        var sources: (Int, Int, Int) = (-1, -1, -1)
        for (number, input) in graph.inputs(of: node).enumerated() {
            let source = Int(canonical[Int(input)])
            let operand = try read(source, &writer, graph)
            switch number {
            case 0: (inputs.0, sources.0) = (operand, source)
            case 1: (inputs.1, sources.1) = (operand, source)
            default: (inputs.2, sources.2) = (operand, source)
            }
        }
        let dtype = graph.dtypes[node]
        let isStored = isSink || isWanted[node] || isShared[node]
        let wide = dtype.computeType.size
        // A wider result must not be written over a narrower input, so it gets a tile first.
        let isWidening =
            writer.itemSize(inputs.0) < wide || writer.itemSize(inputs.1) < wide
            || writer.itemSize(inputs.2) < wide
        if !isWidening { dropUses(sources, &writer) }
        let output: UInt16
        if isStored && !dtype.isHalf {
            output = writer.flat(addOutputOperand(node, &writer, graph), dtype)
            writer.noteWrite(output)
        } else {
            output = writer.register(dtype.computeType)
        }
        if isWidening { dropUses(sources, &writer) }
        try writer.compute(node, output, inputs, graph)
        if dtype.isHalf {
            if let round = mlx_round_fn(Int32(dtype.rawValue)), writer.needsRounding {
                writer.append(round, output, output, output, output)
            }
            if isStored {
                let memory = writer.flat(addOutputOperand(node, &writer, graph), dtype)
                writer.noteWrite(memory)
                writer.append(try writer.cast(.float32, dtype), memory, output, output, output)
            }
        }
        tapeScratch.register[node] = Int32(output)
        if tapeScratch.mark[node] != writer.mark { writer.release(output) }
    }

    /// The slot of a value that the tape stores.
    private mutating func addOutputOperand(
        _ node: Int, _ writer: inout TapeWriter, _ graph: borrowing Subgraph
    ) -> Int32 {
        let operand = addOutput(node, graph)
        operandOf[node] = operand
        writer.outputs.append(operand)
        return operand
    }

    /// The tape operand that holds a value, read from memory at its first use.
    private mutating func read(
        _ source: Int, _ writer: inout TapeWriter, _ graph: borrowing Subgraph
    ) throws(ArrayError) -> UInt16 {
        if tapeScratch.register[source] >= 0 {
            let operand = UInt16(tapeScratch.register[source])
            writer.noteRead(operand)
            return operand
        }
        var memory = operandOf[source]
        assert(memory >= 0, "a tape reads a value that is not there")
        if !copies.isEmpty, let copy = copies[source],
            copy.stream == graph.streams[Int(clusterSink[Int(writer.mark) - 1])]
        {
            memory = copy.operand
        }
        let dtype = graph.dtypes[source]
        var operand = load(memory, &writer)
        if dtype.isHalf {
            let wide = writer.register(.float32)
            writer.append(try writer.cast(dtype, .float32), wide, operand, operand, operand)
            writer.release(operand)
            operand = wide
        }
        tapeScratch.register[source] = Int32(operand)
        writer.noteRead(operand)
        return operand
    }

    /// A tape operand for memory, as simple a kind as its layout allows.
    private mutating func load(_ memory: Int32, _ writer: inout TapeWriter) -> UInt16 {
        let operand = plan.operands[Int(memory)]
        writer.inputs.append(memory)
        if operand.shape.size == 1 {
            return writer.shape.size == 1
                ? writer.flat(memory, operand.dtype) : writer.scalar(memory, operand.dtype)
        }
        if operand.shape == writer.shape && isRowMajor(operand) {
            return writer.flat(memory, operand.dtype)
        }
        let (shapeStart, strideStart, rank) = collapsed(operand, to: writer.shape)
        return writer.strided(memory, operand.dtype, shapeStart, strideStart, rank)
    }

    /// The walk over `shape` with axes that continue each other merged; appended to the strides.
    private mutating func collapsed(
        _ operand: PlanOperand, to shape: Shape
    ) -> (shapeStart: Int, strideStart: Int, rank: Int) {
        var sizes: [Int] = []
        var steps: [Int] = []
        let lead = shape.ndim - operand.shape.ndim
        for axis in 0..<shape.ndim where shape[axis] != 1 {
            let own = axis - lead
            let step = own < 0 || operand.shape[own] == 1 ? 0 : stride(operand, own)
            if let last = steps.last, last == step * shape[axis] {
                sizes[sizes.count - 1] *= shape[axis]
                steps[steps.count - 1] = step
            } else {
                sizes.append(shape[axis])
                steps.append(step)
            }
        }
        let start = strides.count
        strides += sizes
        strides += steps
        return (start, start + sizes.count, sizes.count)
    }

    private mutating func dropUses(_ sources: (Int, Int, Int), _ writer: inout TapeWriter) {
        dropUse(sources.0, &writer)
        dropUse(sources.1, &writer)
        dropUse(sources.2, &writer)
    }

    private mutating func dropUse(_ source: Int, _ writer: inout TapeWriter) {
        guard source >= 0 else { return }
        tapeScratch.remaining[source] -= 1
        if tapeScratch.remaining[source] == 0 {
            writer.release(UInt16(tapeScratch.register[source]))
        }
    }

    /// The step that runs the tape.
    private mutating func finish(
        _ writer: TapeWriter, _ sink: Int, _ graph: borrowing Subgraph
    ) {
        let operandStart = Int32(plan.operands.count)
        for operand in writer.outputs.reversed() { _ = add(plan.operands[Int(operand)]) }
        for operand in writer.inputs { _ = add(plan.operands[Int(operand)]) }
        let bytes = (writer.outputs + writer.inputs).reduce(0.0) { $0 + operandBytes($1) }
        plan.tapes.append(writer.tape())
        plan.steps.append(
            Step(
                kind: .tape(Int32(plan.tapes.count - 1)), op: graph.ops[sink],
                node: Int32(sink), operandStart: operandStart,
                operandCount: Int32(writer.outputs.count + writer.inputs.count),
                outputCount: Int32(writer.outputs.count), flops: writer.flops, bytes: bytes))
        let stream = graph.streams[sink]
        pinned.append(stream)
        let general = DeviceSet.general
        candidates.append(
            stream.kind.map { general.contains($0) ? DeviceSet($0) : general } ?? general)
    }
}

/// Columns over all nodes that tapes use in turn; `mark` says which tape an entry belongs to.
struct TapeScratch {
    var mark: [Int32]
    var remaining: [Int32]
    var register: [Int32]

    init(nodeCount: Int) {
        mark = Array(repeating: 0, count: nodeCount)
        remaining = Array(repeating: 0, count: nodeCount)
        register = Array(repeating: -1, count: nodeCount)
    }
}
