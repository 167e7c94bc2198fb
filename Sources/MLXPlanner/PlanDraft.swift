import CMLXKernels
import MLXBase
import MLXGraph

/// A plan while it is made: growing lists that the passes write. `Plan` is its closed form.
struct PlanDraft: @unchecked Sendable {
    // SAFETY: values, but for the pointers in tapes: to functions of C, and places in the stride
    // storage that only look like pointers.

    /// Slots come in this order: arrays given, scalars given, then what steps write.
    var leafNodes: [Int32] = []
    var scalarNodes: [Int32] = []
    var slots: [Plan.Slot] = []
    /// Where runs find the values that are not structure: word `index` of a node's payload.
    var dynamics: [Plan.DynamicWord] = []
    var operands: [PlanOperand] = []
    var terms: [Plan.OffsetTerm] = []
    var steps: [Step] = []
    var tapes: [Tape] = []
    var results: [Plan.Result] = []
    /// The streams the steps run on; a step names its stream by its place here.
    var streams: [StreamID] = []
    var waits: [Plan.Wait] = []
    /// Bytes of scratch that each stream's intermediate slots share.
    var arenaBytes: [Int] = []
    /// The steps of each stream, in order.
    var streamSteps: [[Int32]] = []
    var strides: [Int] = []
    /// How many nodes the plan is made from.
    var nodeCount = 0
    /// The policy that places it.
    var policyName = ""

    /// Gives the lists their final, constant form.
    /// - Parameter key: the structure that the plan is for.
    func close(_ graph: borrowing Subgraph, _ key: borrowing PlanKey) -> Plan {
        Plan(closing: self, graph, key)
    }
}

/// An elementwise cluster while its plan is made.
struct Tape {
    var steps: [mlx_tape_step]
    /// Shape and strides of strided operands are places in the stride storage, plus one.
    var operands: [mlx_tape_operand]
    /// For each tape operand the plan operand it reads or writes, -1 for scratch.
    var memory: [Int32]
    var slotCount: Int
    var elementCount: Int
    /// Nodes computed, in order, for labels.
    var ops: [OpCode]
    /// For each plan operand of the step (inputs): whether output 0 may take its place.
    var overwritable: [Int32]
}
