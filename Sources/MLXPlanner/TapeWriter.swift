import CMLXKernels
import MLXBase
import MLXGraph
import MLXOps

/// A tape while it is written: steps, operands, and which scratch tiles are free.
struct TapeWriter {
    let shape: Shape
    /// The cluster's number plus one, as `TapeScratch` marks it.
    let mark: Int32
    var outputs: [Int32] = []
    var inputs: [Int32] = []
    private(set) var flops = 0.0
    /// Whether the last computed function may give values that the half types lack.
    private(set) var needsRounding = true

    private var steps: [mlx_tape_step] = []
    private var operands: [mlx_tape_operand] = []
    private var memory: [Int32] = []
    /// Strided operands: where shape and strides lie in the stride storage.
    private var walks: [(operand: Int, shape: Int, strides: Int)] = []
    private var freeSlots: [UInt16] = []
    private var slotCount: UInt16 = 0
    private var lastRead: [Int32] = []
    private var firstWrite: Int32 = .max
    private var ops: [OpCode] = []

    init(shape: Shape, mark: Int32) {
        self.shape = shape
        self.mark = mark
    }

    // MARK: - Operands

    private mutating func add(
        _ kind: mlx_tape_operand_kind, _ dtype: DType, slot: UInt16 = 0, memory index: Int32
    ) -> UInt16 {
        var operand = mlx_tape_operand()
        operand.kind = UInt8(kind.rawValue)
        operand.item_size = UInt8(dtype.size)
        operand.slot = slot
        operands.append(operand)
        memory.append(index)
        lastRead.append(-1)
        return UInt16(operands.count - 1)
    }

    private mutating func takeSlot() -> UInt16 {
        if let slot = freeSlots.popLast() { return slot }
        slotCount += 1
        return slotCount - 1
    }

    mutating func flat(_ index: Int32, _ dtype: DType) -> UInt16 {
        add(MLX_TAPE_FLAT, dtype, memory: index)
    }

    mutating func scalar(_ index: Int32, _ dtype: DType) -> UInt16 {
        // Filled once a run, so its tile is never given to anybody else.
        slotCount += 1
        return add(MLX_TAPE_SCALAR, dtype, slot: slotCount - 1, memory: index)
    }

    mutating func strided(
        _ index: Int32, _ dtype: DType, _ shapeStart: Int, _ strideStart: Int, _ rank: Int
    ) -> UInt16 {
        // Loaded before the first step of each tile: its tile must not be one that an earlier
        // step of the same tile still uses, so it is a fresh one.
        slotCount += 1
        let operand = add(MLX_TAPE_STRIDED, dtype, slot: slotCount - 1, memory: index)
        operands[Int(operand)].ndim = UInt8(rank)
        walks.append((Int(operand), shapeStart, strideStart))
        return operand
    }

    func itemSize(_ operand: UInt16) -> Int { Int(operands[Int(operand)].item_size) }

    mutating func register(_ dtype: DType) -> UInt16 {
        add(MLX_TAPE_REGISTER, dtype, slot: takeSlot(), memory: -1)
    }

    /// The value in the operand is not read again.
    mutating func release(_ operand: UInt16) {
        let kind = operands[Int(operand)].kind
        if kind == UInt8(MLX_TAPE_REGISTER.rawValue) {
            freeSlots.append(operands[Int(operand)].slot)
        }
    }

    mutating func noteRead(_ operand: UInt16) { lastRead[Int(operand)] = Int32(steps.count) }

    mutating func noteWrite(_ operand: UInt16) {
        if firstWrite == .max { firstWrite = Int32(steps.count) }
    }

    // MARK: - Steps

    mutating func append(
        _ function: mlx_tile_fn, _ out: UInt16, _ a: UInt16, _ b: UInt16, _ c: UInt16
    ) {
        let step = Int32(steps.count)
        lastRead[Int(a)] = step
        lastRead[Int(b)] = step
        lastRead[Int(c)] = step
        steps.append(mlx_tape_step(fn: function, out: out, a: a, b: b, c: c))
    }

    func cast(_ from: DType, _ to: DType) throws(ArrayError) -> mlx_tile_fn {
        guard let function = mlx_cast_fn(Int32(from.rawValue), Int32(to.rawValue)) else {
            throw ArrayError(.unsupported, "astype", "cannot convert \(from) to \(to)")
        }
        return function
    }

    /// The step that computes one node.
    mutating func compute(
        _ node: Int, _ output: UInt16, _ inputs: (UInt16, UInt16, UInt16),
        _ graph: borrowing Subgraph
    ) throws(ArrayError) {
        let op = graph.ops[node]
        ops.append(op)
        flops += OpTable.elementwiseWeights[Int(op.raw)] * Double(shape.size)
        let code = OpTable.elementwiseCodes[Int(op.raw)]
        // Conditions are the first input of a selection; its dtype is that of the second.
        let typed = op == .select ? 1 : 0
        let from = graph.dtypes[Int(graph.inputs(of: node).dropFirst(typed).first!)]
        needsRounding = true
        if code == -2 {
            let (source, target) = (from.computeType, graph.dtypes[node].computeType)
            if source == target {
                needsRounding = from != graph.dtypes[node]
                append(
                    try elementwise(Int32(MLX_COPY.rawValue), source, op), output, inputs.0,
                    inputs.0, inputs.0)
            } else {
                append(try cast(source, target), output, inputs.0, inputs.0, inputs.0)
            }
            return
        }
        append(
            try elementwise(code, from.computeType, op), output, inputs.0, inputs.1, inputs.2)
    }

    private func elementwise(
        _ code: Int32, _ dtype: DType, _ op: OpCode
    ) throws(ArrayError) -> mlx_tile_fn {
        guard let function = mlx_elementwise_fn(code, Int32(dtype.rawValue)) else {
            throw ArrayError(
                .dtype, OpTable.name(op), "does not take \(dtype)", dtypes: [dtype])
        }
        return function
    }

    // MARK: - The finished tape

    func tape() -> Tape {
        var finished = operands
        for walk in walks {
            // Places now; pointers once the stride storage has its final place.
            finished[walk.operand].shape = UnsafePointer(bitPattern: walk.shape + 1)
            finished[walk.operand].strides = UnsafePointer(bitPattern: walk.strides + 1)
        }
        // The sink's place may be that of an input that nothing reads after the first store.
        let isInput = Set(inputs)
        var overwritable: [Int32] = []
        for (number, index) in memory.enumerated()
        where operands[number].kind == UInt8(MLX_TAPE_FLAT.rawValue) && isInput.contains(index)
            && lastRead[number] <= firstWrite
        {
            overwritable.append(index)
        }
        return Tape(
            steps: steps, operands: finished, memory: memory, slotCount: Int(slotCount),
            elementCount: shape.size, ops: ops, overwritable: overwritable)
    }
}
