import MLXBase
import MLXGraph
import MLXOps

/// Why a plan is what it is: columns beside its steps with what every candidate would cost, what
/// was chosen and by which rule. Plans carry none of it: explaining plans anew.
package struct Explanation: Sendable {
    package enum Reason: Sendable, Equatable {
        /// No other device has a kernel for the step.
        case onlyCandidate
        /// The user named the device.
        case pinned
        /// The user named another device, which has no kernel for the step.
        case passedOn(from: DeviceType)
        /// It costs least of all candidates, which share their cores.
        case cheapest
        /// Its cores would be done with it first.
        case earliestFinish
        /// A device that rounds might be off by more than the program allows.
        case tolerance(DeviceType, bound: Double, allowed: Double)
        /// A policy that does not say why.
        case policy
    }

    package let plan: Plan
    package let coreSets: [CoreSet]
    package let candidates: [DeviceSet]
    /// Infinite where a step cannot run.
    package let nanoseconds: [PerDevice<Double>]
    package let devices: [DeviceType]
    package let reasons: [Reason]
    /// When the last step would be done: by the costs, and one clock for each core set.
    package let makespanNanoseconds: Double
}

extension Planner {
    /// Plans anew and tells what placement went by.
    package func explain(
        _ graph: borrowing Subgraph
    ) throws(ArrayError) -> Explanation {
        let made = try build(graph, PlanKey(graph, context: context))
        let (plan, placement) = (made.plan, made.placement)
        let costs = policy as? CostPolicy
        let view = placement.graph
        var clocks = PlacementClocks(
            view, handoverNanoseconds: (costs ?? CostPolicy()).handoverNanoseconds)
        var reasons: [Explanation.Reason] = []
        for (step, device) in placement.devices.enumerated() {
            clocks.place(step, on: device)
            let node = Int(plan.steps[step].node)
            if let refusal = graph.toleranceRefusal(node, plan.steps[step].op) {
                reasons.append(refusal)
            } else if let kind = graph.streams[node].kind {
                reasons.append(kind == device.kind ? .pinned : .passedOn(from: DeviceType(kind)))
            } else if view.candidates[step].count == 1 {
                reasons.append(.onlyCandidate)
            } else if costs == nil {
                reasons.append(.policy)
            } else {
                reasons.append(view.coreSets.count == 1 ? .cheapest : .earliestFinish)
            }
        }
        return Explanation(
            plan: plan, coreSets: coreSets, candidates: view.candidates,
            nanoseconds: view.nanoseconds, devices: placement.devices, reasons: reasons,
            makespanNanoseconds: clocks.makespanNanoseconds)
    }
}

extension Subgraph {
    /// Why a product whose inputs may be rounded within a tolerance is not; nil where it may be.
    fileprivate borrowing func toleranceRefusal(
        _ node: Int, _ op: OpCode
    ) -> Explanation.Reason? {
        guard let row = OpTable.find(op), let bound = row.errorBound, bound.isLimited,
            let words = payload(node)?.words, words.count >= 2,
            let kind = DeviceKind.allCases.first(where: { !row.allows($0, words: words) })
        else { return nil }
        let context = CostContext(
            shapes: inputs(of: node).map { shapes[Int($0)] }, output: shapes[node], words: words,
            itemSize: dtypes[node].size)
        return .tolerance(
            DeviceType(kind), bound: bound.relative(context),
            allowed: Double(words[words.count - 2]) / Tolerance.parts)
    }
}

extension Explanation: CustomStringConvertible {
    package var description: String {
        let cores = coreSets.map { set in
            set.cores.isEmpty ? "\(set.devices)" : "\(set.devices) on cores \(set.cores)"
        }
        var lines = [
            plan.summary, "  expected \(Int(makespanNanoseconds)) ns",
            "  cores: \(cores.joined(separator: "; "))",
        ]
        for step in plan.steps.indices {
            lines.append("\(plan.describe(step: step)) | \(costs(of: step)): \(reason(of: step))")
        }
        return lines.joined(separator: "\n")
    }

    private func costs(of step: Int) -> String {
        candidates[step].devices.map { "\($0) \(Int(nanoseconds[step][$0])) ns" }
            .joined(separator: ", ")
    }

    private func reason(of step: Int) -> String {
        let device = devices[step]
        return switch reasons[step] {
        case .onlyCandidate: "\(device), the only candidate"
        case .pinned: "\(device), as the program says"
        case .passedOn(let wanted): "\(device), because \(wanted) has no kernel for it"
        case .cheapest: "\(device), the cheapest"
        case .earliestFinish: "\(device), where it finishes first"
        case .tolerance(let other, let bound, let allowed):
            "\(device), because \(other) may be off by \(rounded(bound)), more than"
                + " \(rounded(allowed))"
        case .policy: "\(device), says the policy \(plan.policyName)"
        }
    }

    /// Three digits after the point are enough to compare by, but not for small tolerances.
    private func rounded(_ part: Double) -> Double {
        part >= 0.01 ? (part * 1000).rounded() / 1000 : (part * 1e6).rounded() / 1e6
    }
}
