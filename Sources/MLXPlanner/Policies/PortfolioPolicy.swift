import MLXBase

/// Asks several policies, plays what they say through on the cost model, and takes what is done
/// first. No heuristic dominates (Coleman and Krishnamachari 2024): each is far off on some graph.
/// Which members are asked depends on the graph alone. Together they may take a twentieth of the
/// time that the graph takes at least, as counted in steps. Up to 128 steps are decided in less
/// time than their plan is made in, and all members are asked; up to 32 the best answer is made
/// better by moving steps.
public struct PortfolioPolicy: SchedulingPolicy {
    public var name: String { members == PortfolioPolicy.usual ? "portfolio" : "portfolio:own" }
    /// In the order they are asked in; of equal makespans the first one's counts.
    public var members: [Member]
    /// Whether all members are asked, however long that takes.
    public var asksAll: Bool

    /// A policy as a member: equal members are equal policies.
    public struct Member: Hashable, Sendable {
        /// The policy.
        public let policy: any SchedulingPolicy

        /// - Parameter policy: the policy.
        public init(_ policy: any SchedulingPolicy) { self.policy = policy }

        public static func == (a: Member, b: Member) -> Bool {
            AnyHashable(a.policy) == AnyHashable(b.policy)
        }
        public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(policy)) }
    }

    /// - Parameters:
    ///   - members: in the order they are asked in; nil for the usual ones.
    ///   - asksAll: whether all are asked, however long that takes.
    public init(_ members: [any SchedulingPolicy]? = nil, asksAll: Bool = false) {
        self.members = members?.map { Member($0) } ?? PortfolioPolicy.usual
        self.asksAll = asksAll
    }

    /// Policies that are seldom alike, the best ones first.
    private static let usual: [Member] = {
        let singles = DeviceType.allCases.map { SingleDevicePolicy($0) }
        let lists: [ListPolicy] = [
            .peft, ListPolicy(priority: .upwardLeast, choice: .lookahead),
            ListPolicy(priority: .upward, choice: .cheapest),
            ListPolicy(priority: .upwardLeast, choice: .finish),
            ListPolicy(priority: .level, choice: .lookahead),
            ListPolicy(priority: .upwardGreatest, choice: .finish),
            ListPolicy(priority: .optimistic, choice: .finish),
            ListPolicy(priority: .upward, choice: .lookahead),
            ListPolicy(priority: .through, choice: .finish),
            ListPolicy(priority: .recorded, choice: .finish),
        ]
        let queues: [QueuePolicy.Kind] = [
            .dmdas, .heteroPrio, .dmda, .maxMin, .minMin, .dm, .priority, .eager, .localStealing,
            .workStealing,
        ]
        let all: [any SchedulingPolicy] =
            [ListPolicy.heft] + lists + queues.prefix(4).map { QueuePolicy($0) }
            + [CriticalPathPolicy()] + singles + queues.dropFirst(4).map { QueuePolicy($0) }
        return all.map { Member($0) }
    }()

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        var best = Schedule(devices: CostPolicy().place(graph))
        var least = Timeline(graph, best).makespanNanoseconds
        for member in asked(graph) {
            let schedule = member.policy.schedule(graph)
            let makespan = Timeline(graph, schedule).makespanNanoseconds
            if makespan < least { (best, least) = (schedule, makespan) }
        }
        guard graph.count <= PortfolioPolicy.refinedSteps, graph.coreSets.count > 1 else {
            return best
        }
        var refinement = Refinement(graph, best, budget: PortfolioPolicy.refinements)
        return refinement.schedule()
    }

    /// Up to so many steps the best answer is refined, by playing so many schedules through.
    private static let refinedSteps = 32
    private static let refinements = 600

    /// What one member takes for a step, and the share of a run that deciding may take.
    private static let nanosecondsPerStep = 500.0
    private static let share = 0.05
    /// Rules that look at every ready step are left out above this.
    private static let maximumBatchSteps = 2000

    /// HEFT and PEFT are asked always.
    private static let fewest = 2
    /// Up to so many steps all are asked: that takes less than making the plan does, which is kept.
    private static let smallSteps = 128

    private func asked(_ graph: PlacementGraph) -> [Member] {
        if asksAll || graph.count <= PortfolioPolicy.smallSteps { return members }
        let eligible = members.filter { member in
            guard let queue = member.policy as? QueuePolicy else { return true }
            let looksAtAll = queue.kind == .minMin || queue.kind == .maxMin
            return !looksAtAll || graph.count <= PortfolioPolicy.maximumBatchSteps
        }
        // At least: all cores work all the time at what they are best at.
        let least = (0..<graph.count).reduce(0.0) { sum, step in
            sum + graph.nanoseconds[step][graph.cheapestDevice(for: step)]
        }
        let budget = least / Double(max(1, graph.coreSets.count)) * PortfolioPolicy.share
        let number = budget / (PortfolioPolicy.nanosecondsPerStep * Double(max(1, graph.count)))
        let affordable = number.isFinite ? Int(min(Double(eligible.count), number)) : 0
        return Array(eligible.prefix(max(PortfolioPolicy.fewest, affordable)))
    }
}
