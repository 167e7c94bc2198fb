import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import MLXPlanner

/// Runs single steps: resolves operands to addresses and calls the C loops or the kernel. It owns
/// the memory that a step needs besides its operands. Each core has its own.
final class StepScratch {
    private let arena = ScratchArena()
    @exclusivity(unchecked) private var operands: UnsafeMutablePointer<Operand>
    @exclusivity(unchecked) private var operandCapacity = 64
    @exclusivity(unchecked) private var tapeOperands: UnsafeMutablePointer<mlx_tape_operand>
    @exclusivity(unchecked) private var tapeCapacity = 64
    @exclusivity(unchecked) private var words: UnsafeMutablePointer<Int>
    @exclusivity(unchecked) private var wordCapacity = 64

    init() {
        operands = .allocate(capacity: operandCapacity)
        tapeOperands = .allocate(capacity: tapeCapacity)
        words = .allocate(capacity: wordCapacity)
    }

    deinit {
        operands.deallocate()
        tapeOperands.deallocate()
        words.deallocate()
    }

    /// Runs one step of a bound run.
    /// - Parameter fanOut: what the step may spread over; nil keeps it on the calling thread.
    @inline(__always) func execute(
        _ index: Int, _ plan: Plan, _ run: Run, _ fanOut: (any FanOut)?
    ) throws(ArrayError) {
        if run.donations.isEmpty { return try launch(index, plan, run, fanOut) }
        try run.overwrite(index) { () throws(ArrayError) in
            try launch(index, plan, run, fanOut)
        }
    }

    @inline(__always) private func launch(
        _ index: Int, _ plan: Plan, _ run: Run, _ fanOut: (any FanOut)?
    ) throws(ArrayError) {
        let step = plan.steps.base + index
        if case .tape(let tape) = step.pointee.kind {
            runTape(plan.tapes.base + Int(tape), step, plan, run, fanOut)
        } else {
            try runKernel(index, step, plan, run, fanOut ?? serial)
        }
    }

    /// A core's own, because each step counts a reference to it.
    private let serial = SerialFanOut()

    // MARK: - Tapes

    @inline(__always) private func runTape(
        _ tape: UnsafeMutablePointer<ClosedTape>, _ step: UnsafeMutablePointer<Step>,
        _ plan: Plan, _ run: Run, _ fanOut: (any FanOut)?
    ) {
        let count = tape.pointee.operands.count
        if tape.pointee.elementCount == 0 { return }
        if count > tapeCapacity { growTapeOperands(count) }
        for index in 0..<count {
            tapeOperands[index] = tape.pointee.operands.base[index]
            let memory = tape.pointee.memory.base[index]
            if memory >= 0 {
                tapeOperands[index].base =
                    run.address(plan.operands.base + Int(memory), plan)
                    .assumingMemoryBound(to: CChar.self)
            }
        }
        guard let fanOut else {
            // The shortest way, because most narrow runs are one small tape.
            let byteCount = mlx_tape_scratch_bytes(count, tape.pointee.slotCount)
            let scratch = mlx_thread_scratch(byteCount)!.assumingMemoryBound(to: CChar.self)
            return mlx_tape_run(
                tape.pointee.steps.base, tape.pointee.steps.count, tapeOperands, count, scratch,
                0, tape.pointee.elementCount)
        }
        let launch = TapeLaunch(
            steps: UnsafeBufferPointer(
                start: tape.pointee.steps.base, count: tape.pointee.steps.count),
            operands: UnsafePointer(tapeOperands), operandCount: count,
            slotCount: tape.pointee.slotCount, elementCount: tape.pointee.elementCount,
            // What it weighs is the time of two cores.
            nanoseconds: Int(2 * step.pointee.weight),
            device: StepScratch.traits(step, plan))
        launch.run(over: fanOut)
    }

    /// What the device of a step is like.
    private static func traits(
        _ step: UnsafeMutablePointer<Step>, _ plan: Plan
    ) -> DeviceTraits {
        plan.streams.base[Int(step.pointee.stream)].kind.unsafelyUnwrapped.traits
    }

    @inline(never) private func growTapeOperands(_ count: Int) {
        tapeOperands.deallocate()
        tapeCapacity = count * 2
        tapeOperands = .allocate(capacity: tapeCapacity)
    }

    // MARK: - Kernels

    private func runKernel(
        _ index: Int, _ step: UnsafeMutablePointer<Step>, _ plan: Plan, _ run: Run,
        _ fanOut: any FanOut
    ) throws(ArrayError) {
        let count = Int(step.pointee.operandCount)
        if count > operandCapacity { growOperands(count) }
        for number in 0..<count {
            let operand = plan.operands.base + Int(step.pointee.operandStart) + number
            operands[number] = Operand(
                pointer: run.address(operand, plan), dtype: operand.pointee.dtype,
                shape: operand.pointee.shape,
                strides: UnsafePointer(
                    plan.strideStorage.base + Int(operand.pointee.strideStart)))
        }
        guard let kernel = plan.kernels[index] else {
            throw ArrayError(
                .unsupported, OpTable.name(step.pointee.op), "the device has no kernel")
        }
        let outputCount = Int(step.pointee.outputCount)
        arena.reset()
        let call = KernelCall(
            outputs: UnsafeBufferPointer(start: operands, count: outputCount),
            inputs: UnsafeBufferPointer(
                start: operands + outputCount, count: count - outputCount),
            attributes: attributes(step, plan, run), device: StepScratch.traits(step, plan),
            fanOut: fanOut, arena: arena,
            object: step.pointee.takesObject
                ? run.graph.payload(Int(step.pointee.node))?.object : nil)
        let error: ArrayError? = kernel._withUnsafeGuaranteedRef { kernel in
            do throws(ArrayError) {
                try kernel.run(call)
                return nil
            } catch {
                return error
            }
        }
        if let error { throw error.located(at: run.graph.payload(Int(step.pointee.node))?.site) }
    }

    /// The plan's words, those that are values replaced by the ones of the run's own node.
    private func attributes(
        _ step: UnsafeMutablePointer<Step>, _ plan: Plan, _ run: Run
    ) -> UnsafeBufferPointer<Int> {
        let count = Int(step.pointee.attributeCount)
        let constant = plan.attributes.base + Int(step.pointee.attributeStart)
        let dynamicCount = Int(step.pointee.dynamicCount)
        let node = Int(step.pointee.node)
        if dynamicCount == 0 { return UnsafeBufferPointer(start: constant, count: count) }
        if count > wordCapacity {
            words.deallocate()
            wordCapacity = count * 2
            words = .allocate(capacity: wordCapacity)
        }
        words.update(from: constant, count: count)
        run.graph.payloads.base[node]?._withUnsafeGuaranteedRef { payload in
            for index in 0..<dynamicCount { words[index] = payload.words[index] }
        }
        return UnsafeBufferPointer(start: words, count: count)
    }

    @inline(never) private func growOperands(_ count: Int) {
        operands.deallocate()
        operandCapacity = count * 2
        operands = .allocate(capacity: operandCapacity)
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
