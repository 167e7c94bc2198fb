import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// One evaluation: a plan bound to the values of one subgraph. It owns the storage of the run;
/// devices execute its steps and complete it.
package final class Run: @unchecked Sendable {
    // SAFETY: bound before it is submitted, constant afterwards except for the atomics. The
    // memory behind `slotPointers` is ordered by the plan's waits.
    let graph: Subgraph
    let plan: Plan
    /// Where each slot of the plan lies.
    let slotPointers: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private let scalarBits: UnsafeMutablePointer<UInt64>
    let dynamics: UnsafeMutablePointer<Int>
    private var resultBuffers: [Buffer?] = []
    private var arenas: [Buffer] = []
    /// The timeline value at which each of the plan's streams starts this run.
    var bases: [UInt64] = []
    /// How long each step took, when somebody wants to know. A step's entry is written by the
    /// device that runs it.
    private(set) var stepNanoseconds: UnsafeMutablePointer<UInt64>?
    /// Command lists that have not come to their end.
    private let openLists: Atomic<Int>
    private let cancellation: Cancellation?
    private let stop = Atomic<Bool>(false)
    /// The first error: 0, or an owned reference to a `Failure`.
    private let failure = Atomic<UInt>(0)
    /// Called once, by whoever completes the last list. Set before submission.
    var onCompletion: (@Sendable () -> Void)?

    init(graph: consuming Subgraph, plan: Plan, cancellation: Cancellation? = nil) {
        self.cancellation = cancellation
        self.plan = plan
        slotPointers = .allocate(capacity: max(plan.slots.count, 1))
        scalarBits = .allocate(capacity: max(plan.scalarNodes.count, 1))
        dynamics = .allocate(capacity: max(plan.dynamics.count, 1))
        openLists = Atomic(plan.streams.count)
        self.graph = graph
    }

    deinit {
        slotPointers.deallocate()
        scalarBits.deallocate()
        dynamics.deallocate()
        stepNanoseconds?.deallocate()
        if let bits = UnsafeRawPointer(bitPattern: failure.load(ordering: .acquiring)) {
            Unmanaged<Failure>.fromOpaque(bits).release()
        }
    }

    /// Has devices note how long each step takes.
    func timeSteps() {
        let times = UnsafeMutablePointer<UInt64>.allocate(capacity: max(plan.steps.count, 1))
        times.initialize(repeating: 0, count: max(plan.steps.count, 1))
        stepNanoseconds = times
    }

    // MARK: - Binding

    /// Gives every slot its place.
    /// - Parameter allocator: the allocator of the device behind a stream.
    /// - Throws: when memory is refused; nothing has run then.
    func bind(
        allocator: (StreamID) -> SlabAllocator
    ) throws(ArrayError) {
        for (index, node) in plan.scalarNodes.enumerated() {
            scalarBits[index] = graph.words[Int(node)]
        }
        for (index, word) in plan.dynamics.enumerated() {
            dynamics[index] = graph.payload(Int(word.node))!.words[Int(word.index)]
        }
        for (stream, byteCount) in zip(plan.streams, plan.arenaBytes) {
            arenas.append(try allocator(stream).allocate(byteCount: byteCount))
        }
        resultBuffers = Array(repeating: nil, count: plan.slots.count)
        for slot in plan.slots.indices {
            let record = plan.slots[slot]
            switch record.storage {
            case .leaf(let leaf):
                slotPointers[slot] = graph.value(Int(plan.leafNodes[Int(leaf)]))!.pointer
            case .scalar(let scalar):
                slotPointers[slot] = UnsafeMutableRawPointer(scalarBits + Int(scalar))
            case .arena(let offset):
                let stream = Int(plan.steps[Int(record.producer)].stream)
                slotPointers[slot] = arenas[stream].pointer + offset
            case .result:
                let stream = plan.streams[Int(plan.steps[Int(record.producer)].stream)]
                let buffer = try allocator(stream).allocate(byteCount: record.byteCount)
                resultBuffers[slot] = buffer
                slotPointers[slot] = buffer.pointer
            }
        }
    }

    /// Where element zero of an operand lies.
    @inline(__always) func address(_ operand: PlanOperand) -> UnsafeMutableRawPointer {
        var offset = operand.elementOffset
        if operand.termCount > 0 {
            for term in Int(operand.termStart)..<Int(operand.termStart + operand.termCount) {
                let record = plan.terms[term]
                offset += dynamics[Int(record.dynamic)] * record.stride
            }
        }
        return slotPointers[Int(operand.slot)] + offset * operand.dtype.size
    }

    // MARK: - Ending

    var isStopped: Bool {
        stop.load(ordering: .acquiring) || cancellation?.isRequested == true
    }

    /// Stops the run at its next step. The first error stays.
    package func fail(_ error: any Error) {
        let bits = UInt(bitPattern: Unmanaged.passRetained(Failure(error)).toOpaque())
        let (isFirst, _) = failure.compareExchange(
            expected: 0, desired: bits, ordering: .acquiringAndReleasing)
        if !isFirst {
            Unmanaged<Failure>.fromOpaque(UnsafeRawPointer(bitPattern: bits)!).release()
        }
        stop.store(true, ordering: .releasing)
    }

    var isDone: Bool { openLists.load(ordering: .acquiring) == 0 }

    /// Notes the end of one of its lists; the last one completes the run.
    func endList() {
        guard openLists.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
        else { return }
        let completion = onCompletion
        // What is called may hold the run, and the run must not hold it in turn.
        onCompletion = nil
        completion?()
    }

    var error: (any Error)? {
        if let bits = UnsafeRawPointer(bitPattern: failure.load(ordering: .acquiring)) {
            return Unmanaged<Failure>.fromOpaque(bits).takeUnretainedValue().error
        }
        return cancellation?.hasStopped == true ? CancellationError() : nil
    }

    /// An error behind one word.
    private final class Failure: Sendable {
        let error: any Error
        init(_ error: any Error) { self.error = error }
    }

    /// Binds the results to their nodes. Called once, after the last step.
    func publish() {
        let results = plan.results.map { result -> (handle: NodeHandle, value: Value) in
            (graph.handles[Int(result.node)], value(result))
        }
        GraphStore.shared.bind(results)
    }

    private func value(_ result: Plan.Result) -> Value {
        let operand = plan.operands[Int(result.operand)]
        let slot = Int(operand.slot)
        let buffer: Buffer
        switch plan.slots[slot].storage {
        case .leaf(let leaf): buffer = graph.value(Int(plan.leafNodes[Int(leaf)]))!.buffer
        default: buffer = resultBuffers[slot]!
        }
        let strides = (0..<operand.shape.ndim).map {
            plan.strideStorage[Int(operand.strideStart) + $0]
        }
        return Value(
            buffer: buffer, byteOffset: address(operand) - buffer.pointer, dtype: operand.dtype,
            shape: operand.shape, strides: strides)
    }
}

/// A task's wish to stop, seen by the run before each step.
package final class Cancellation: Sendable {
    private let requested = Atomic<Bool>(false)
    private let stopped = Atomic<Bool>(false)

    package init() {}

    package func request() { requested.store(true, ordering: .releasing) }

    /// Whether the run must not start another step. Remembers that it said so.
    var isRequested: Bool {
        guard requested.load(ordering: .acquiring) else { return false }
        stopped.store(true, ordering: .releasing)
        return true
    }

    /// Whether a step was left out; a wish that came after the last step changes nothing.
    var hasStopped: Bool { stopped.load(ordering: .acquiring) }
}
