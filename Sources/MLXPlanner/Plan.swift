import CMLXKernels
import MLXBase
import MLXGraph
import MLXKernels
import MLXOps

/// How to evaluate every subgraph of one structure: flat lists of storage slots, operands and
/// steps; each step carries its kernel and its attributes. A plan holds no values; a run binds it
/// to some. Immutable, closed, and made of constant memory, so that cores that run it side by
/// side count no references and meet nowhere.
package final class Plan: @unchecked Sendable {
    // SAFETY: everything is written by `init` and constant afterwards, but for a member of a
    // family that one thread alone refers to: that thread may rewrite it for another length. The
    // memory behind the columns is freed once, by `deinit`.

    /// Slots come in this order: arrays given, scalars given, then what steps write.
    package let leafNodes: Column<Int32>
    package let scalarNodes: Column<Int32>
    package let slots: Column<Slot>
    /// Where runs find the values that are not structure: word `index` of a node's payload.
    package let dynamics: Column<DynamicWord>
    package let operands: Column<PlanOperand>
    package let terms: Column<OffsetTerm>
    package let steps: Column<Step>
    /// The kernel of each step; tapes have none.
    package let kernels: UnsafeMutablePointer<Unmanaged<KernelFunction>?>
    /// The attributes of all steps, one after the other; a step says where its own lie.
    package let attributes: Column<Int>
    package let tapes: Column<ClosedTape>
    package let results: Column<Result>
    /// Arrays given that results may be written over.
    package let donations: Column<Donation>
    /// Whether intermediate values lie where results will.
    package let lends: Bool
    /// The streams the steps run on; a step names its stream by its place here.
    package let streams: Column<StreamID>
    package let waits: Column<Wait>
    /// Bytes of scratch that each stream's intermediate slots share, and where they start when
    /// one core has them all in one piece.
    package let arenaBytes: Column<Int>
    package let arenaStarts: Column<Int>
    @exclusivity(unchecked) package private(set) var arenaByteCount: Int
    /// The steps of all streams, stream by stream, each in order; stream `s` has those at
    /// `streamStart[s] ..< streamStart[s + 1]`.
    package let streamSteps: Column<Int32>
    package let streamStart: Column<Int32>
    package let strideStorage: Column<Int>
    /// How many nodes the plan was made from.
    package let nodeCount: Int
    /// The policy that placed it.
    package let policyName: String
    /// The structure it is for.
    package let key: Column<UInt64>
    @exclusivity(unchecked) package private(set) var hash: UInt64
    /// What all steps are expected to take.
    @exclusivity(unchecked) package private(set) var nanoseconds: Double
    /// Too little work to be worth a fan-out, and on no stream of the user's: one core carries it
    /// out from begin to end.
    @exclusivity(unchecked) package private(set) var isNarrow: Bool
    /// About how much memory the plan itself takes.
    package let byteCount: Int
    /// Numbers plans in the order they were made.
    @exclusivity(unchecked) package private(set) var serial: UInt64
    /// The family that the plan was written down from; it lends the lists that hold no sizes.
    package let family: PlanFamily?
    /// What a member of a family has its sizes in, and where its intermediate values lie.
    private let memory: UnsafeMutableRawPointer?
    @exclusivity(unchecked) private(set) var layout: ArenaLayout?

    /// Where waking another core costs more than its help brings.
    package static let narrowNanoseconds = 60_000.0
    /// What a core keeps of scratch.
    package static let narrowByteCount = 1 << 20

    package struct Slot: Sendable, BitwiseCopyable {
        package var dtype: DType
        package var byteCount: Int
        package var storage: Storage
        package var producer: Int32
    }

    package enum Storage: Sendable, Equatable, BitwiseCopyable {
        case leaf(Int32)
        case scalar(Int32)
        /// At an offset of the producing stream's scratch.
        case arena(offset: Int)
        /// A buffer of its own, because the value outlives the run.
        case result
        /// Where a result will lie that is written over it.
        case lent(Int32)
    }

    package struct DynamicWord: Sendable, BitwiseCopyable {
        package var node: Int32
        package var index: Int32
    }

    package struct OffsetTerm: Sendable, BitwiseCopyable {
        package var dynamic: Int32
        /// Elements that one unit of the dynamic word moves the operand by.
        package var stride: Int
    }

    /// A kept node: its value is a window onto a slot.
    package struct Result: Sendable, BitwiseCopyable {
        package var node: Int32
        package var operand: Int32
        package var isRowMajor = true
    }

    /// Before a step runs, another stream of the plan has completed this many of its steps.
    package struct Wait: Sendable, BitwiseCopyable {
        package var stream: Int32
        package var count: Int32
    }

    init(closing draft: PlanDraft, _ graph: borrowing Subgraph, _ key: borrowing PlanKey) {
        var closing = PlanClosing(draft)
        strideStorage = closing.column(draft.strides)
        leafNodes = closing.column(draft.leafNodes)
        scalarNodes = closing.column(draft.scalarNodes)
        slots = closing.column(draft.slots)
        dynamics = closing.column(draft.dynamics)
        operands = closing.column(draft.operands)
        terms = closing.column(draft.terms)
        let (steps, attributes) = closing.attributes(graph)
        self.steps = closing.column(steps)
        self.attributes = closing.column(attributes)
        kernels = closing.kernels()
        tapes = closing.tapes(strideStorage)
        results = closing.results()
        donations = closing.column(draft.donations(graph))
        lends = draft.slots.contains { if case .lent = $0.storage { true } else { false } }
        streams = closing.column(draft.streams)
        waits = closing.column(draft.waits)
        arenaBytes = closing.column(draft.arenaBytes)
        arenaStarts = closing.column(draft.arenaBytes)
        arenaByteCount = PlanClosing.startArenas(arenaBytes, arenaStarts)
        var end: Int32 = 0
        streamStart = closing.column(
            [0]
                + draft.streamSteps.map { list in
                    end += Int32(list.count)
                    return end
                })
        streamSteps = closing.column(draft.streamSteps.flatMap { $0 })
        nodeCount = draft.nodeCount
        policyName = draft.policyName
        self.key = closing.column(Array(key.words))
        hash = key.hash
        nanoseconds = draft.steps.reduce(0) { $0 + $1.estimatedNanoseconds }
        PlanClosing.sumBatches(self.steps, streamSteps)
        isNarrow = Plan.isNarrow(
            draft.steps.reduce(0) { $0 + $1.weight }, arenaByteCount, streams)
        byteCount = closing.byteCount
        serial = PlanClosing.nextSerial()
        family = nil
        memory = nil
        layout = nil
    }

    deinit {
        // A member of a family has its sizes in one piece and borrows the rest.
        if let memory { return memory.deallocate() }
        for tape in tapes {
            tape.steps.base.deallocate()
            tape.operands.base.deallocate()
            tape.memory.base.deallocate()
            tape.ops.base.deallocate()
        }
        kernels.deallocate()
        for memory in [
            UnsafeMutableRawPointer(leafNodes.base), .init(scalarNodes.base), .init(slots.base),
            .init(dynamics.base), .init(operands.base), .init(terms.base), .init(steps.base),
            .init(attributes.base), .init(tapes.base), .init(results.base), .init(streams.base),
            .init(waits.base), .init(donations.base), .init(arenaBytes.base),
            .init(arenaStarts.base),
            .init(streamSteps.base), .init(streamStart.base), .init(strideStorage.base),
            .init(key.base),
        ] { memory.deallocate() }
    }

    init(memberOf family: PlanFamily, _ own: MemberColumns) {
        let base = family.base
        leafNodes = base.leafNodes
        scalarNodes = base.scalarNodes
        slots = own.slots
        dynamics = base.dynamics
        operands = own.operands
        terms = own.terms
        steps = own.steps
        kernels = base.kernels
        attributes = own.attributes
        tapes = own.tapes
        results = base.results
        donations = base.donations
        lends = base.lends
        streams = base.streams
        waits = base.waits
        arenaBytes = own.arenaBytes
        arenaStarts = own.arenaStarts
        arenaByteCount = 0
        streamSteps = base.streamSteps
        streamStart = base.streamStart
        strideStorage = own.strides
        nodeCount = base.nodeCount
        policyName = base.policyName
        key = own.key
        hash = 0
        nanoseconds = 0
        isNarrow = true
        byteCount = base.byteCount
        serial = 0
        self.family = family
        memory = own.memory
        layout = nil
    }

    /// Takes over what follows from the sizes that were written into a member's lists.
    func settle(_ layout: ArenaLayout, hash: UInt64) {
        if layout !== self.layout {
            for stream in 0..<arenaBytes.count {
                arenaBytes.base[stream] = layout.arenaBytes[stream]
            }
            arenaByteCount = PlanClosing.startArenas(arenaBytes, arenaStarts)
            self.layout = layout
        }
        self.hash = hash
        var (total, weight) = (0.0, 0.0)
        for step in 0..<steps.count {
            total += steps.base[step].estimatedNanoseconds
            weight += steps.base[step].weight
        }
        nanoseconds = total
        PlanClosing.sumBatches(steps, streamSteps)
        isNarrow = Plan.isNarrow(weight, arenaByteCount, streams)
        serial = PlanClosing.nextSerial()
    }

    private static func isNarrow(
        _ weight: Double, _ arenaByteCount: Int, _ streams: Column<StreamID>
    ) -> Bool {
        weight < narrowNanoseconds && arenaByteCount <= narrowByteCount
            && streams.allSatisfy { $0.lane == 0 }
    }

    /// The places of a stream's steps in `steps`, in order.
    @inline(__always) package func steps(ofStream stream: Int) -> Column<Int32> {
        let start = Int(streamStart.base[stream])
        return Column(
            base: streamSteps.base + start, count: Int(streamStart.base[stream + 1]) - start)
    }
}

/// A window onto a slot: what a kernel or a tape reads or writes.
package struct PlanOperand: Sendable, BitwiseCopyable {
    package var slot: Int32
    package var dtype: DType
    package var shape: Shape
    /// Where its strides lie in the plan's stride storage.
    package var strideStart: Int32
    package var elementOffset: Int
    package var termStart: Int32
    package var termCount: Int32

    /// The bytes that a walk over the window touches.
    func touchedBytes(_ strides: UnsafePointer<Int>) -> Double {
        if shape.size == 0 { return 0 }
        // An axis that repeats (stride 0) is read from cache after the first time; windows that
        // overlap touch no more than the span from the first element to the last.
        var (distinct, span) = (1, 1)
        for axis in 0..<shape.ndim {
            let step = strides[axis].magnitude
            if step == 0 { continue }
            distinct *= shape[axis]
            span += (shape[axis] - 1) * Int(step)
        }
        return Double(min(distinct, span) * dtype.size)
    }
}

/// One command: a tape or a kernel on one stream.
package struct Step: Sendable, BitwiseCopyable {
    package enum Kind: Sendable, Equatable, BitwiseCopyable {
        case tape(Int32)
        case kernel
    }

    package var kind: Kind
    /// The op whose kernel runs; for a tape its last op.
    package var op: OpCode
    /// The node it computes, for what a plan cannot hold: attributes that are values, an object.
    package var node: Int32
    /// Operands, the outputs first.
    package var operandStart: Int32
    package var operandCount: Int32
    package var outputCount: Int32
    package var stream: Int32 = 0
    package var waitStart: Int32 = 0
    package var waitCount: Int32 = 0
    /// How many steps of the stream, from this one on, depend on nothing in each other: they may
    /// run side by side. 0 inside such a batch.
    package var batchCount: Int32 = 1
    /// What those steps are expected to take, one after the other.
    package var batchNanoseconds: Double = 0
    package var attributeStart: Int32 = 0
    package var attributeCount: Int32 = 0
    /// How many attributes, from the front, are values that the run's own node holds.
    package var dynamicCount: Int32 = 0
    /// Whether the kernel wants the object of the run's own node.
    package var takesObject = false
    package var flops: Double
    package var bytes: Double
    /// What the policy expected it to take.
    package var estimatedNanoseconds: Double = 0
    /// What it weighs against waking another core (`CostModel.weight`), in nanoseconds.
    package var weight: Double = 0
}

/// An elementwise cluster in the form the C loops run it.
package struct ClosedTape: BitwiseCopyable {
    package var steps: Column<mlx_tape_step>
    package var operands: Column<mlx_tape_operand>
    /// For each tape operand the plan operand it reads or writes, -1 for scratch.
    package var memory: Column<Int32>
    package var slotCount: Int
    package var elementCount: Int
    /// Nodes computed, in order, for labels.
    package var ops: Column<OpCode>
}
