import CMLXKernels
import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// Decides how graphs become plans and keeps what was decided: the policy, the calibrated costs
/// and the plans of one engine. Changing any of them is a message to this actor; a run reads the
/// decisions of the moment without one. Its methods never await.
package actor Scheduler {
    package nonisolated let team: any EngineTeam
    nonisolated let plans = PlanTable()
    nonisolated let families = PlanFamilies()
    private var planner: Planner { didSet { publish() } }
    /// The planner of the moment, for runs.
    private nonisolated let published: Locked<Planner>
    private nonisolated let contextCell: Atomic<UInt64>

    init(team: any EngineTeam, planner: Planner) {
        self.team = team
        self.planner = planner
        published = Locked(planner)
        contextCell = Atomic(Scheduler.context(planner))
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        team.asUnownedSerialExecutor()
    }

    /// What a request for values carries.
    package struct Request: Sendable {
        package var roots: [MLXArray]
        package var policy: (any SchedulingPolicy)?
        /// nil takes the priority of the calling task.
        package var priority: EvaluationPriority?

        package init(
            roots: [MLXArray], policy: (any SchedulingPolicy)? = nil,
            priority: EvaluationPriority? = nil
        ) {
            self.roots = roots
            self.policy = policy
            self.priority = priority
        }
    }

    // MARK: - Decisions

    package var policy: any SchedulingPolicy { planner.policy }
    package var costs: CostModel { planner.costs }
    package var coreSets: [CoreSet] { planner.coreSets }
    package func setPolicy(_ policy: any SchedulingPolicy) { planner.policy = policy }
    /// Devices that are not there at the moment: plans made meanwhile leave them out.
    func setLost(_ devices: DeviceSet) { planner.lost = devices }
    var lost: DeviceSet { planner.lost }
    package func setCosts(_ costs: CostModel) { planner.costs = costs }

    private func publish() {
        published.withLock { $0 = planner }
        contextCell.store(Scheduler.context(planner), ordering: .releasing)
    }

    /// What plans depend on besides their graph, in one word.
    private static func context(_ planner: Planner) -> UInt64 {
        planner.context ^ UInt64(mlx_level()) << 56
    }

    @inline(__always) nonisolated var context: UInt64 { contextCell.load(ordering: .relaxed) }

    nonisolated func context(for policy: any SchedulingPolicy) -> UInt64 {
        Scheduler.context(planner(for: policy))
    }

    private nonisolated func planner(for policy: (any SchedulingPolicy)?) -> Planner {
        var planner = published.withLock { $0 }
        if let policy { planner.policy = policy }
        return planner
    }

    // MARK: - Plans

    /// The plan for a structure and its sizes: found, written down from a family, or made by the
    /// caller.
    /// - Returns: and why it was made, if it was.
    nonisolated func plan(
        _ graph: borrowing Subgraph, _ key: borrowing PlanKey, context: UInt64,
        _ policy: (any SchedulingPolicy)?
    ) throws(ArrayError) -> (plan: Plan, reason: PlanReason?) {
        if let plan = plans.find(key) { return (plan, nil) }
        let sizes = FamilyKey(graph, context: context)
        if let plan = families.member(sizes, key) { return (plan, nil) }
        let planner = planner(for: policy)
        let made = try planner.build(graph, key)
        let reason = families.add(made, graph, sizes, planner)
        return (plans.add(made.plan, key), reason)
    }

    package func forgetPlans() {
        plans.forgetAll()
        families.forgetAll()
    }

    /// The plan that evaluating the arrays would use.
    package nonisolated func explain(_ request: Request) throws -> String {
        let references = request.roots.map { $0.acquire() }
        defer { for handle in references { GraphStore.shared.release(handle.id) } }
        let graph = Subgraph(roots: references)
        if let error = Poison.firstError(in: graph) { throw error }
        return try planner(for: request.policy).explain(graph).description
    }
}
