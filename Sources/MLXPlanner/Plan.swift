import CMLXKernels
import MLXBase
import MLXGraph

/// How to evaluate every subgraph of one structure: flat lists of storage slots, operands and
/// steps. A plan holds no values; a run binds it to some. Immutable.
package final class Plan: @unchecked Sendable {
    // SAFETY: everything is constant after `Planner` built it; `strideStorage` is freed once.

    /// Slots come in this order: arrays given, scalars given, then what steps write.
    package internal(set) var leafNodes: [Int32] = []
    package internal(set) var scalarNodes: [Int32] = []
    package internal(set) var slots: [Slot] = []
    /// Where runs find the values that are not structure: word `index` of a node's payload.
    package internal(set) var dynamics: [DynamicWord] = []
    package internal(set) var operands: [PlanOperand] = []
    package internal(set) var terms: [OffsetTerm] = []
    package internal(set) var steps: [Step] = []
    package internal(set) var tapes: [Tape] = []
    package internal(set) var results: [Result] = []
    /// The streams the steps run on; a step names its stream by its place here.
    package internal(set) var streams: [StreamID] = []
    package internal(set) var waits: [Wait] = []
    /// Bytes of scratch that each stream's intermediate slots share.
    package internal(set) var arenaBytes: [Int] = []
    /// The steps of each stream, in order.
    package internal(set) var streamSteps: [[Int32]] = []
    /// The steps' names in a trace. Filled in by the scheduler when a trace first wants them;
    /// only the scheduler writes, before it submits the plan.
    package var traceLabels: [UInt32] = []
    /// How many nodes the plan was made from.
    package internal(set) var nodeCount = 0
    /// The policy that placed it.
    package internal(set) var policyName = ""
    package internal(set) var strideStorage: UnsafeMutablePointer<Int>

    package struct Slot: Sendable {
        package var dtype: DType
        package var byteCount: Int
        package var storage: Storage
        package var producer: Int32
    }

    package enum Storage: Sendable, Equatable {
        case leaf(Int32)
        case scalar(Int32)
        /// At an offset of the producing stream's scratch.
        case arena(offset: Int)
        /// A buffer of its own, because the value outlives the run.
        case result
    }

    package struct DynamicWord: Sendable {
        package var node: Int32
        package var index: Int32
    }

    package struct OffsetTerm: Sendable {
        package var dynamic: Int32
        /// Elements that one unit of the dynamic word moves the operand by.
        package var stride: Int
    }

    /// A kept node: its value is a window onto a slot.
    package struct Result: Sendable {
        package var node: Int32
        package var operand: Int32
    }

    /// Before a step runs, another stream of the plan has completed this many of its steps.
    package struct Wait: Sendable {
        package var stream: Int32
        package var count: Int32
    }

    init(strideCapacity: Int) {
        strideStorage = .allocate(capacity: max(strideCapacity, 1))
    }

    deinit { strideStorage.deallocate() }
}

/// A window onto a slot: what a kernel or a tape reads or writes.
package struct PlanOperand: Sendable {
    package var slot: Int32
    package var dtype: DType
    package var shape: Shape
    /// Where its strides lie in the plan's stride storage.
    package var strideStart: Int32
    package var elementOffset: Int
    package var termStart: Int32
    package var termCount: Int32
}

/// One command: a tape or a kernel on one stream.
package struct Step: Sendable {
    package enum Kind: Sendable, Equatable {
        case tape(Int32)
        case kernel
    }

    package var kind: Kind
    /// The op whose kernel runs; for a tape its last op.
    package var op: OpCode
    /// The node it computes, for attributes and labels.
    package var node: Int32
    /// Operands, the outputs first.
    package var operandStart: Int32
    package var operandCount: Int32
    package var outputCount: Int32
    package var stream: Int32 = 0
    package var waitStart: Int32 = 0
    package var waitCount: Int32 = 0
    package var flops: Double
    package var bytes: Double
    /// What the policy expected it to take.
    package var estimatedNanoseconds: Double = 0
}

/// An elementwise cluster in the form the C loops run it.
package struct Tape: Sendable {
    package var steps: [mlx_tape_step]
    package var operands: [mlx_tape_operand]
    /// For each tape operand the plan operand it reads or writes, -1 for scratch.
    package var memory: [Int32]
    package var slotCount: Int
    package var elementCount: Int
    /// Nodes computed, in order, for labels.
    package var ops: [OpCode]
    /// For each plan operand of the step (inputs): whether output 0 may take its place.
    package var overwritable: [Int32]
}

extension mlx_tape_step: @unchecked @retroactive Sendable {}
// SAFETY: a step is numbers and a pointer to code; an operand template's pointers point into the
// plan's immutable stride storage.
extension mlx_tape_operand: @unchecked @retroactive Sendable {}
