import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// One evaluation, from the arrays that were asked for to their values. A narrow run stays with
/// the core that began it, which uses the same object again and again; a wide one is handed to
/// the turns, with everything it holds. It owns references to its roots, the subgraph, and the
/// storage of its slots.
/// Invariant: states follow each other in the order of `State`, from any of them to finished.
package final class Run: @unchecked Sendable {
    // SAFETY: filled in by one thread before it is handed on under the turns' lock; afterwards
    // constant, but for the atomics and what only the thread with the turn writes. The memory
    // behind `slotPointers` is ordered by the plan's waits.
    enum State: UInt8 { case idle, extracted, planned, bound, running, finished }

    // The invariants keep two threads apart; one thread does not overlap with itself, so the
    // checks at run time would cost a narrow run a tenth for nothing.
    @exclusivity(unchecked) private(set) var state = State.idle
    @exclusivity(unchecked) var graph = Subgraph()
    /// References to the arrays asked for that had no value.
    @exclusivity(unchecked) private var roots: [NodeHandle] = []
    /// The plan, while the run is not its core's any more.
    private(set) var plan: Plan!

    /// Where each slot of the plan lies.
    @exclusivity(unchecked) private var slotPointers: UnsafeMutablePointer<UnsafeMutableRawPointer>
    @exclusivity(unchecked) private var buffers: UnsafeMutablePointer<Buffer?>
    @exclusivity(unchecked) private var slotCapacity = 64
    @exclusivity(unchecked) private var scalarBits: UnsafeMutablePointer<UInt64>
    @exclusivity(unchecked) private var scalarCapacity = 32
    @exclusivity(unchecked) private var dynamics: UnsafeMutablePointer<Int>
    @exclusivity(unchecked) private var dynamicCapacity = 32
    @exclusivity(unchecked) private var arenas: [Buffer] = []
    /// Arrays given whose place results take.
    @exclusivity(unchecked) private(set) var donations = Donations()
    let overwriting = OverwritingGate()
    /// The plan that the donations are of: for a fork's child, where a core's run has no plan.
    @exclusivity(unchecked) private var donationsPlan: Unmanaged<Plan>?

    /// How long each step took, when somebody wants to know. A step's entry is written by the
    /// thread that runs it.
    @exclusivity(unchecked) var stepNanoseconds: UnsafeMutablePointer<UInt64>?
    let ending = RunEnding()

    init() {
        slotPointers = .allocate(capacity: slotCapacity)
        buffers = .allocate(capacity: slotCapacity)
        buffers.initialize(repeating: nil, count: slotCapacity)
        scalarBits = .allocate(capacity: scalarCapacity)
        dynamics = .allocate(capacity: dynamicCapacity)
        RunBook.add(self)
    }

    deinit {
        RunBook.remove(self)
        clear()
        donations.free()
        slotPointers.deallocate()
        buffers.deinitialize(count: slotCapacity)
        buffers.deallocate()
        scalarBits.deallocate()
        dynamics.deallocate()
        stepNanoseconds?.deallocate()
    }

    // MARK: - Extracting

    /// Takes a reference to an array that has no value.
    @inline(__always) func add(root: NodeHandle) { roots.append(root) }

    @inline(__always) var isEmpty: Bool { roots.isEmpty }

    /// - Parameter marks: see `Subgraph.extract(roots:marks:)`.
    @inline(__always) func extract(marks: Bool) {
        assert(state == .idle)
        graph.extract(roots: roots, marks: marks)
        state = .extracted
    }

    /// Lets go of all that the run holds.
    func clear() {
        // While the roots still keep what was taken from alive.
        if !donations.isEmpty { donations.putBack(graph) }
        graph.clear()
        for handle in roots { GraphStore.shared.release(handle.id) }
        roots.removeAll(keepingCapacity: true)
        arenas.removeAll(keepingCapacity: true)
        state = .idle
    }

    /// Keeps the plan, because the run leaves its core.
    func own(_ plan: Plan) { self.plan = plan }

    /// Lets go of the graph's edges: the run is bound and has claimed its results. One that writes
    /// over arrays holds them to its end: of its inner nodes, to which others would come, nothing
    /// is left then.
    func keepReferences() {
        if donations.isEmpty { graph.keepReferences() }
    }

    // MARK: - Binding

    /// Gives every slot its place.
    /// - Parameters:
    ///   - scratch: one piece for the intermediate slots of all streams; nil takes a buffer for
    ///     each stream from its device.
    ///   - overwrites: whether results may take the place of arrays that nobody else has.
    /// - Throws: when memory is refused; nothing has run then.
    @inline(__always) func bind(
        _ plan: Plan, _ allocators: UnsafeMutablePointer<Unmanaged<SlabAllocator>>,
        scratch: UnsafeMutableRawPointer?, overwrites: Bool
    ) throws(ArrayError) {
        state = .planned
        reserve(plan)
        if plan.donations.count > 0 && overwrites { takeDonations(plan) }
        for index in 0..<plan.scalarNodes.count {
            scalarBits[index] = graph.words.base[Int(plan.scalarNodes.base[index])]
        }
        for index in 0..<plan.dynamics.count {
            let word = plan.dynamics.base[index]
            dynamics[index] = graph.payloads.base[Int(word.node)]!._withUnsafeGuaranteedRef {
                $0.words[Int(word.index)]
            }
        }
        if scratch == nil { try takeArenas(plan, allocators) }
        for slot in 0..<plan.slots.count {
            let record = plan.slots.base + slot
            switch record.pointee.storage {
            case .leaf(let leaf):
                let node = Int(plan.leafNodes.base[Int(leaf)])
                slotPointers[slot] = graph.values.base[node]!._withUnsafeGuaranteedRef {
                    $0.pointer
                }
            case .scalar(let scalar):
                slotPointers[slot] = UnsafeMutableRawPointer(scalarBits + Int(scalar))
            case .arena(let offset):
                let stream = Run.stream(of: record, plan)
                slotPointers[slot] =
                    (scratch.map { $0 + plan.arenaStarts.base[stream] } ?? arenas[stream].pointer)
                    + offset
            case .result:
                if let donated = buffers[slot] {
                    slotPointers[slot] = donated.pointer
                    continue
                }
                let kind = plan.streams.base[Run.stream(of: record, plan)].kind!
                let buffer: Buffer
                do throws(ArrayError) {
                    buffer = try Run.buffer(allocators[kind.index], record.pointee.byteCount)
                } catch {
                    releaseBuffers(plan)
                    throw error
                }
                slotPointers[slot] = buffer.pointer
                buffers[slot] = buffer
            case .lent: continue
            }
        }
        // Results have their places now.
        if plan.lends { placeLent(plan) }
        state = .bound
    }

    private func placeLent(_ plan: Plan) {
        for slot in 0..<plan.slots.count {
            if case .lent(let result) = plan.slots.base[slot].storage {
                slotPointers[slot] = slotPointers[Int(result)]
            }
        }
    }

    @inline(__always) private static func stream(
        of slot: UnsafeMutablePointer<Plan.Slot>, _ plan: Plan
    ) -> Int {
        Int(plan.steps.base[Int(slot.pointee.producer)].stream)
    }

    /// A buffer, without counting a reference to the allocator when a block is at hand: all cores
    /// would meet at the counter.
    @inline(__always) private static func buffer(
        _ allocator: Unmanaged<SlabAllocator>, _ byteCount: Int
    ) throws(ArrayError) -> Buffer {
        if let buffer = allocator._withUnsafeGuaranteedRef({ $0.quickBuffer(byteCount) }) {
            return buffer
        }
        return try allocator.takeUnretainedValue().allocate(byteCount: byteCount)
    }

    /// A value that lies whole in a buffer which nothing else has lends it to the result.
    private func takeDonations(_ plan: Plan) {
        donationsPlan = .passUnretained(plan)
        for index in 0..<plan.donations.count {
            let donation = plan.donations.base[index]
            let bytes = plan.slots.base[Int(donation.slot)].byteCount
            guard bytes == plan.slots.base[Int(donation.resultSlot)].byteCount,
                let buffer = donations.take(donation, graph, byteCount: bytes)
            else { continue }
            buffers[Int(donation.resultSlot)] = buffer
        }
    }

    private func takeArenas(
        _ plan: Plan, _ allocators: UnsafeMutablePointer<Unmanaged<SlabAllocator>>
    ) throws(ArrayError) {
        for stream in 0..<plan.streams.count {
            let allocator = allocators[plan.streams[stream].kind!.index].takeUnretainedValue()
            arenas.append(try allocator.allocate(byteCount: plan.arenaBytes[stream]))
        }
    }

    @inline(__always) private func reserve(_ plan: Plan) {
        if plan.slots.count > slotCapacity || plan.scalarNodes.count > scalarCapacity
            || plan.dynamics.count > dynamicCapacity
        {
            grow(plan)
        }
    }

    @inline(never) private func grow(_ plan: Plan) {
        slotPointers.deallocate()
        buffers.deinitialize(count: slotCapacity)
        buffers.deallocate()
        scalarBits.deallocate()
        dynamics.deallocate()
        slotCapacity = max(plan.slots.count, slotCapacity)
        scalarCapacity = max(plan.scalarNodes.count, scalarCapacity)
        dynamicCapacity = max(plan.dynamics.count, dynamicCapacity)
        slotPointers = .allocate(capacity: slotCapacity)
        buffers = .allocate(capacity: slotCapacity)
        buffers.initialize(repeating: nil, count: slotCapacity)
        scalarBits = .allocate(capacity: scalarCapacity)
        dynamics = .allocate(capacity: dynamicCapacity)
    }

    /// Where element zero of an operand lies.
    @inline(__always) func address(
        _ operand: UnsafeMutablePointer<PlanOperand>, _ plan: Plan
    ) -> UnsafeMutableRawPointer {
        var offset = operand.pointee.elementOffset
        if operand.pointee.termCount > 0 {
            let first = Int(operand.pointee.termStart)
            for index in first..<(first + Int(operand.pointee.termCount)) {
                let term = plan.terms.base + index
                offset += dynamics[Int(term.pointee.dynamic)] * term.pointee.stride
            }
        }
        return slotPointers[Int(operand.pointee.slot)] + offset * operand.pointee.dtype.size
    }

    // MARK: - Publishing

    func begin() { state = .running }

    /// Binds the results to their nodes. Called once, after the last step.
    @inline(__always) func publish(_ plan: Plan) {
        for index in 0..<plan.results.count {
            let result = plan.results.base + index
            GraphStore.shared.bind(
                graph.handles.base[Int(result.pointee.node)], value(result, plan))
        }
        donations.forget()
    }

    /// Ends the run's hold on its result buffers.
    @inline(__always) func releaseBuffers(_ plan: Plan) {
        if !donations.isEmpty { settleDonations(plan) }
        for slot in 0..<plan.slots.count {
            if case .result = plan.slots.base[slot].storage { buffers[slot] = nil }
        }
        state = .finished
    }

    /// After a run that did not come to its end: what was overwritten is the value of the step's
    /// results, and what was not is still that of the array given.
    private func settleDonations(_ plan: Plan) {
        for index in 0..<plan.results.count {
            let result = plan.results.base + index
            let slot = plan.operands.base[Int(result.pointee.operand)].slot
            guard donations.wasOverwritten(slot) else { continue }
            GraphStore.shared.bind(
                graph.handles.base[Int(result.pointee.node)], value(result, plan))
        }
        donations.putBack(graph)
    }

    /// In a forked child, where nobody goes on with the run.
    func abandon() {
        if !donations.isEmpty { donationsPlan!._withUnsafeGuaranteedRef { settleDonations($0) } }
        if state != .idle { graph.abandonEdges() }
    }

    /// Runs a step of a run that has donations, and notes it if it writes over one.
    @inline(never) func overwrite(
        _ step: Int, _ body: () throws(ArrayError) -> Void
    ) throws(ArrayError) {
        guard let place = donations.place(ofStep: step) else { return try body() }
        overwriting.enter()
        defer { overwriting.leave() }
        try body()
        donations.noteOverwritten(place)
    }

    @inline(__always) private func value(
        _ result: UnsafeMutablePointer<Plan.Result>, _ plan: Plan
    ) -> Value {
        let operand = plan.operands.base + Int(result.pointee.operand)
        let slot = Int(operand.pointee.slot)
        let buffer: Buffer
        if case .leaf(let leaf) = plan.slots.base[slot].storage {
            let node = Int(plan.leafNodes.base[Int(leaf)])
            buffer = graph.values.base[node]!._withUnsafeGuaranteedRef { $0.buffer }
        } else {
            buffer = buffers[slot]!
        }
        let strides =
            result.pointee.isRowMajor
            ? nil
            : (0..<operand.pointee.shape.ndim).map {
                plan.strideStorage[Int(operand.pointee.strideStart) + $0]
            }
        return Value(
            buffer: buffer, byteOffset: address(operand, plan) - buffer.pointer,
            dtype: operand.pointee.dtype, shape: operand.pointee.shape, strides: strides)
    }

    /// The nodes that the run will give values to.
    func resultHandles() -> [NodeHandle] { plan.results.map { graph.handles[Int($0.node)] } }

    /// Has threads note how long each step takes.
    func timeSteps(_ plan: Plan) {
        stepNanoseconds?.deallocate()
        let times = UnsafeMutablePointer<UInt64>.allocate(capacity: max(plan.steps.count, 1))
        times.initialize(repeating: 0, count: max(plan.steps.count, 1))
        stepNanoseconds = times
    }
}
