import MLXBase

/// Shows another policy what a ``CostHistory`` expects, in place of the calibrated costs, and
/// passes on what it says. The history is part of the policy: with the same one, the same graph
/// is placed the same way on every day.
public struct HistoryPolicy: SchedulingPolicy {
    public var name: String { "history:" + inner.policy.name }
    /// What was measured.
    public var history: CostHistory
    /// The policy that decides.
    public var inner: PortfolioPolicy.Member

    /// - Parameters:
    ///   - history: what was measured.
    ///   - policy: the policy that decides.
    public init(_ history: CostHistory, asking policy: any SchedulingPolicy = CostPolicy()) {
        self.history = history
        inner = PortfolioPolicy.Member(policy)
    }

    public func place(_ graph: PlacementGraph) -> [DeviceType] {
        inner.policy.place(history.applied(to: graph))
    }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        inner.policy.schedule(history.applied(to: graph))
    }
}
