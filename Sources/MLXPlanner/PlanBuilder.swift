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
        operandOf = Array(repeating: -1, count: nodeCount)
        dynamicStart = Array(repeating: -1, count: nodeCount)
        tapeScratch = TapeScratch(nodeCount: nodeCount)
    }
}

/// Turns subgraphs into plans. A value: equal planners make equal plans of equal subgraphs.
package struct Planner: Sendable {
    package var costs: CostModel
    package var policy: any SchedulingPolicy

    /// Steps that a tape may have; longer clusters are cut.
    package static let maximumTapeSteps = 1024

    package init(costs: CostModel = .typical, policy: any SchedulingPolicy = CostPolicy()) {
        self.costs = costs
        self.policy = policy
    }

    /// What plans depend on besides the subgraph.
    package var context: UInt64 { policy.cacheKey &* 31 ^ costs.cacheKey }

    /// - Parameter key: the subgraph's structure.
    package func plan(
        _ graph: borrowing Subgraph, _ key: borrowing PlanKey
    ) throws(ArrayError) -> Plan {
        var plan = PlanDraft()
        plan.nodeCount = graph.count
        plan.policyName = policy.name
        var builder = PlanBuilder(nodeCount: graph.count, plan: plan)
        builder.simplify(graph)
        builder.fuse(graph)
        try builder.emit(graph)
        builder.plan.strides = builder.strides
        place(&builder)
        builder.plan.order()
        builder.plan.layOutMemory()
        return builder.plan.close(graph, key)
    }

    // MARK: - Placement

    private func place(_ builder: inout PlanBuilder) {
        let view = placementGraph(builder)
        let devices = policy.place(view)
        precondition(devices.count == builder.plan.steps.count, "a policy places every step")
        var streamIndex: [StreamID: Int32] = [:]
        for step in 0..<builder.plan.steps.count {
            var kind = DeviceKind.allCases[devices[step]]
            if !builder.candidates[step].contains(kind) {
                kind = builder.candidates[step].first ?? .cpu
            }
            let wanted = builder.pinned[step]
            if let pinned = wanted.kind, pinned != kind {
                builder.plan.steps[step].refusedKind = pinned
            }
            let stream = wanted.kind == kind ? wanted : StreamID(kind, lane: 0)
            if let known = streamIndex[stream] {
                builder.plan.steps[step].stream = known
            } else {
                let index = Int32(builder.plan.streams.count)
                streamIndex[stream] = index
                builder.plan.streams.append(stream)
                builder.plan.steps[step].stream = index
            }
            builder.plan.steps[step].estimatedNanoseconds = view.nanoseconds[step][kind.index]
        }
    }

    private func placementGraph(_ builder: borrowing PlanBuilder) -> PlacementGraph {
        let plan = builder.plan
        var view = PlacementGraph()
        for (index, step) in plan.steps.enumerated() {
            let candidates = builder.candidates[index]
            view.names.append(OpTable.name(step.op))
            view.flops.append(step.flops)
            view.bytes.append(step.bytes)
            view.candidates.append(candidates)
            view.isPinned.append(builder.pinned[index] != .unpinned)
            view.nanoseconds.append(
                DeviceKind.allCases.map { kind in
                    candidates.contains(kind)
                        ? costs.nanoseconds(
                            step.op, flops: step.flops, bytes: step.bytes, on: kind) : .infinity
                })
            var producers: [Int] = []
            let operands = step.operandStart + step.outputCount
            for operand in operands..<(step.operandStart + step.operandCount) {
                let producer = plan.slots[Int(plan.operands[Int(operand)].slot)].producer
                if producer >= 0 { producers.append(Int(producer)) }
            }
            view.producers.append(producers)
        }
        return view
    }
}
