import MLXBase

// Policies by name, for `MLX_POLICY` and experiments. A name makes the same policy everywhere; a
// policy of a program's own needs none.

/// The policies that have a name without settings, each for `schedulingPolicy(named:)`.
public let schedulingPolicies: [any SchedulingPolicy] =
    [
        CostPolicy(), RoundRobinPolicy(), RandomPolicy(), SingleDevicePolicy.allCPU,
        SingleDevicePolicy.allGPU, SingleDevicePolicy.allNPU, ListPolicy.heft, ListPolicy.peft,
        CriticalPathPolicy(),
    ] + QueuePolicy.Kind.allCases.map { QueuePolicy($0) } + [
        MemoryBoundedPolicy(), PortfolioPolicy(),
    ]

/// All forms that `schedulingPolicy(named:)` takes, for messages.
public let schedulingPolicyForms: [String] =
    schedulingPolicies.map(\.name) + [
        "random:SEED", "memory:BYTES", "hints:OPERATION=DEVICE,...",
        "list:PRIORITY:CHOICE:insert|append",
    ]

/// A policy by the name that `MLX_POLICY` takes. `schedulingPolicyForms` lists them.
/// - Returns: nil for a name that there is not.
public func schedulingPolicy(named name: String) -> (any SchedulingPolicy)? {
    if let policy = schedulingPolicies.first(where: { $0.name == name }) { return policy }
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    switch parts[0] {
    case "random": return UInt64(parts[1]).map { RandomPolicy(seed: $0) }
    case "memory":
        return Int(parts[1]).flatMap { $0 >= 0 ? MemoryBoundedPolicy(byteLimit: $0) : nil }
    case "hints": return HintedPolicy(parts[1])
    case "list": return listPolicy(parts[1])
    default: return nil
    }
}

private func listPolicy(_ text: Substring) -> ListPolicy? {
    let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 3, let priority = ListPriority(rawValue: words[0]),
        let choice = ListChoice(rawValue: words[1]), ["insert", "append"].contains(words[2])
    else { return nil }
    return ListPolicy(priority: priority, choice: choice, inserts: words[2] == "insert")
}
