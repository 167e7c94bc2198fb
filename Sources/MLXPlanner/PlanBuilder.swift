import MLXBase
import MLXGraph
import MLXOps

/// The working state of planning one subgraph: columns parallel to the subgraph's, one for each
/// pass, and the growing lists of the plan. The passes are extensions in files of their own and
/// run in this order: simplify, fuse, emit, place, order, lay out memory.
struct PlanBuilder: ~Copyable {
    var plan: PlanDraft
    let nodeCount: Int

    // Simplify.
    /// The node whose value this node's value is; itself unless simplified away.
    var canonical: [Int32]
    var isLive: [Bool]
    /// Somebody outside the graph holds the node, or one simplified into it.
    var isWanted: [Bool]

    // Fuse.
    /// The cluster an elementwise node belongs to, -1 for others.
    var clusterOf: [Int32]
    /// Something outside the node's cluster reads it.
    var isShared: [Bool]
    var clusterSink: [Int32] = []
    var clusterStart: [Int32] = []
    var clusterMembers: [Int32] = []

    // Emit.
    /// The plan operand that holds a node's value, -1 while there is none.
    var operandOf: [Int32]
    var strides: [Int] = []
    /// Dynamic words already listed: the first one of each node, -1 for none.
    var dynamicStart: [Int32]
    var tapeScratch: TapeScratch
    /// Row-major copies of transposed values, by node: an operand, and the stream it is made on.
    var copies: [Int: (operand: Int32, stream: StreamID)] = [:]
    /// Candidates of each step, parallel to the plan's steps.
    var candidates: [DeviceSet] = []
    var pinned: [StreamID] = []

    init(nodeCount: Int, plan: PlanDraft) {
        self.plan = plan
        self.nodeCount = nodeCount
        canonical = Array(0..<Int32(nodeCount))
        isLive = Array(repeating: false, count: nodeCount)
        isWanted = Array(repeating: false, count: nodeCount)
        clusterOf = Array(repeating: -1, count: nodeCount)
        isShared = Array(repeating: false, count: nodeCount)
        operandOf = Array(repeating: -1, count: nodeCount)
        dynamicStart = Array(repeating: -1, count: nodeCount)
        tapeScratch = TapeScratch(nodeCount: nodeCount)
    }
}

/// Turns subgraphs into plans. A value: equal planners make equal plans of equal subgraphs.
package struct Planner: Sendable {
    package var costs: CostModel { didSet { noteMachine() } }
    package var coreSets: [CoreSet] { didSet { noteMachine() } }
    package var policy: any SchedulingPolicy { didSet { noteContext() } }
    /// Devices that no step may be placed on at the moment.
    package var lost: DeviceSet = [] { didSet { noteMachine() } }
    private var machine: UInt64 = 0
    /// What plans depend on besides the subgraph, as one number: equal for equal planners.
    package private(set) var context: UInt64 = 0

    /// Steps that a tape may have; longer clusters are cut.
    package static let maximumTapeSteps = 1024

    package init(
        costs: CostModel = .typical, policy: any SchedulingPolicy = CostPolicy(),
        coreSets: [CoreSet] = CoreSet.shared
    ) {
        self.costs = costs
        self.policy = policy
        self.coreSets = coreSets
        noteMachine()
    }

    private mutating func noteMachine() {
        machine = PlanContext.number(
            of: .init(costs: costs, coreSets: coreSets, lost: lost))
        noteContext()
    }

    private mutating func noteContext() {
        context = PlanContext.number(of: policy, machine: machine)
    }

    /// - Parameter key: the subgraph's structure.
    package func plan(
        _ graph: borrowing Subgraph, _ key: borrowing PlanKey
    ) throws(ArrayError) -> Plan {
        try build(graph, key).plan
    }

    /// A plan, and what it takes to make more of its family.
    package struct Made: Sendable {
        package let plan: Plan
        let draft: PlanDraft
        let placement: Placement
    }

    /// The family that a plan just made begins together with older ones of its structure.
    /// - Parameters:
    ///   - graph: what it was made for.
    ///   - older: the last first.
    /// - Returns: nil when they are none, or too few to tell.
    package func family(
        of made: Made, _ graph: borrowing Subgraph, older: [Plan]
    ) -> PlanFamily? {
        PlanFamily(made, graph, older: older, planner: self)
    }

    /// All passes.
    package func build(
        _ graph: borrowing Subgraph, _ key: borrowing PlanKey
    ) throws(ArrayError) -> Made {
        var plan = PlanDraft()
        plan.nodeCount = graph.count
        plan.policyName = policy.name
        var builder = PlanBuilder(nodeCount: graph.count, plan: plan)
        builder.simplify(graph)
        builder.fuse(graph)
        try builder.emit(graph)
        builder.plan.strides = builder.strides
        let placement = try place(&builder)
        builder.plan.order()
        builder.plan.layOutMemory(lends: true)
        return Made(
            plan: builder.plan.close(graph, key), draft: builder.plan, placement: placement)
    }
}
