import MLXBase
import MLXGraph
import MLXOps

/// Pass 4. Shows the steps to the policy and gives each the stream that follows from its answer:
/// the pinned one where the user named one of the chosen device, else the device's first.
extension Planner {
    func place(_ plan: Plan, _ builder: borrowing PlanBuilder) {
        let view = placementGraph(plan, builder)
        let devices = policy.place(view)
        precondition(devices.count == plan.steps.count, "a policy places every step")
        var streamIndex: [StreamID: Int32] = [:]
        for step in 0..<plan.steps.count {
            var kind = DeviceKind.allCases[devices[step]]
            if !builder.candidates[step].contains(kind) {
                kind = builder.candidates[step].first ?? .cpu
            }
            let wanted = builder.pinned[step]
            if let pinned = wanted.kind, pinned != kind {
                plan.steps[step].refusedKind = pinned
            }
            let stream = wanted.kind == kind ? wanted : StreamID(kind, lane: 0)
            if let known = streamIndex[stream] {
                plan.steps[step].stream = known
            } else {
                let index = Int32(plan.streams.count)
                streamIndex[stream] = index
                plan.streams.append(stream)
                plan.steps[step].stream = index
            }
            plan.steps[step].estimatedNanoseconds = view.nanoseconds[step][kind.index]
        }
    }

    private func placementGraph(
        _ plan: Plan, _ builder: borrowing PlanBuilder
    ) -> PlacementGraph {
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
