import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import MLXPlanner

/// Runs single steps: resolves operands to addresses and calls the tape driver or the kernel of
/// its device. Confined to one device.
final class StepExecutor {
    private let kind: DeviceKind
    private let team: any EngineTeam
    private let clock: any EngineClock
    private let trace: Trace
    private let arena = ScratchArena()
    private var operands: UnsafeMutablePointer<Operand>
    private var operandCapacity = 64
    private var tapeOperands: UnsafeMutablePointer<mlx_tape_operand>
    private var tapeCapacity = 64

    init(_ parts: DeviceParts) {
        kind = parts.kind
        team = parts.team
        clock = parts.clock
        trace = parts.trace
        operands = .allocate(capacity: operandCapacity)
        tapeOperands = .allocate(capacity: tapeCapacity)
    }

    deinit {
        operands.deallocate()
        tapeOperands.deallocate()
    }

    func execute(_ index: Int, _ run: Run) throws(ArrayError) {
        let step = run.plan.steps[index]
        guard trace.isOn || run.stepNanoseconds != nil else { return try perform(step, run) }
        let begin = clock.nanoseconds()
        try perform(step, run)
        let end = clock.nanoseconds()
        run.stepNanoseconds?[index] = end - begin
        if trace.isOn, index < run.plan.traceLabels.count {
            trace.step(
                device: kind.index, stream: run.plan.streams[Int(step.stream)].lane,
                label: TraceLabel(rawValue: run.plan.traceLabels[index]), begin: begin, end: end,
                bytes: Int(step.bytes), flops: Int(step.flops))
        }
    }

    private func perform(_ step: Step, _ run: Run) throws(ArrayError) {
        switch step.kind {
        case .tape(let tape): runTape(run.plan.tapes[Int(tape)], step, run)
        case .kernel: try runKernel(step, run)
        }
    }

    // MARK: - Tapes

    private func runTape(_ tape: borrowing Tape, _ step: Step, _ run: Run) {
        if tape.elementCount == 0 { return }
        let count = tape.operands.count
        if count > tapeCapacity {
            tapeOperands.deallocate()
            tapeCapacity = count * 2
            tapeOperands = .allocate(capacity: tapeCapacity)
        }
        for index in 0..<count {
            tapeOperands[index] = tape.operands[index]
            let memory = tape.memory[index]
            if memory >= 0 {
                tapeOperands[index].base =
                    run.address(run.plan.operands[Int(memory)])
                    .assumingMemoryBound(to: CChar.self)
            }
        }
        let launch = TapeLaunch(
            steps: tape.steps, operands: UnsafePointer(tapeOperands), operandCount: count,
            slotCount: tape.slotCount, elementCount: tape.elementCount,
            nanoseconds: Int(step.estimatedNanoseconds), device: kind.traits)
        launch.run(over: team)
    }

    // MARK: - Kernels

    private func runKernel(_ step: Step, _ run: Run) throws(ArrayError) {
        let count = Int(step.operandCount)
        if count > operandCapacity {
            operands.deallocate()
            operandCapacity = count * 2
            operands = .allocate(capacity: operandCapacity)
        }
        let plan = run.plan
        for index in 0..<count {
            let operand = plan.operands[Int(step.operandStart) + index]
            operands[index] = Operand(
                pointer: run.address(operand), dtype: operand.dtype, shape: operand.shape,
                strides: UnsafePointer(plan.strideStorage + Int(operand.strideStart)))
        }
        guard let kernel = OpTable[step.op].kernel(for: kind) else {
            throw ArrayError(
                .unsupported, OpTable.name(step.op), "the \(kind.name) device has no kernel")
        }
        let outputCount = Int(step.outputCount)
        let payload = run.graph.payload(Int(step.node))
        var word = Int(bitPattern: UInt(run.graph.words[Int(step.node)]))
        arena.reset()
        do throws(ArrayError) {
            if let words = payload?.words, !words.isEmpty {
                try call(kernel, words, payload, outputCount, count)
            } else {
                try withUnsafePointer(to: &word) { (pointer) throws(ArrayError) in
                    try call(
                        kernel, UnsafeBufferPointer(start: pointer, count: 1), payload,
                        outputCount, count)
                }
            }
        } catch {
            throw error.located(at: payload?.site)
        }
    }

    private func call(
        _ kernel: Kernel, _ words: [Int], _ payload: Payload?, _ outputCount: Int, _ count: Int
    ) throws(ArrayError) {
        let result: Result<Void, ArrayError> = words.withUnsafeBufferPointer { buffer in
            Result { () throws(ArrayError) in
                try call(kernel, buffer, payload, outputCount, count)
            }
        }
        try result.get()
    }

    private func call(
        _ kernel: Kernel, _ attributes: UnsafeBufferPointer<Int>, _ payload: Payload?,
        _ outputCount: Int, _ count: Int
    ) throws(ArrayError) {
        let call = KernelCall(
            outputs: UnsafeBufferPointer(start: operands, count: outputCount),
            inputs: UnsafeBufferPointer(
                start: operands + outputCount, count: count - outputCount),
            attributes: attributes, device: kind.traits, fanOut: team, arena: arena,
            object: payload?.object)
        try kernel(call)
    }
}

extension ArrayError {
    /// A kernel does not know where its operation was recorded: the node does, or nobody.
    func located(at site: CallSite?) -> ArrayError {
        var error = self
        error.site = site ?? CallSite(addresses: [])
        return error
    }
}
