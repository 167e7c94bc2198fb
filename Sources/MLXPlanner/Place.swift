import MLXBase
import MLXGraph
import MLXOps

/// Pass 4. Shows the steps to the policy and gives each the stream that follows from its answer:
/// the pinned one where the user named one of the chosen device, else the device's first.
extension Planner {
    func place(_ builder: inout PlanBuilder) throws(ArrayError) -> Placement {
        let graph = placementGraph(builder)
        let devices = policy.place(graph)
        try check(devices, graph)
        var streamIndex: [StreamID: Int32] = [:]
        for (step, device) in devices.enumerated() {
            let wanted = builder.pinned[step]
            let kind = device.kind
            let stream = wanted.kind == kind ? wanted : StreamID(kind, lane: 0)
            if let known = streamIndex[stream] {
                builder.plan.steps[step].stream = known
            } else {
                let index = Int32(builder.plan.streams.count)
                streamIndex[stream] = index
                builder.plan.streams.append(stream)
                builder.plan.steps[step].stream = index
            }
            builder.plan.steps[step].estimatedNanoseconds = graph.nanoseconds[step][device]
        }
        return Placement(graph: graph, devices: devices)
    }

    /// What the policy saw and what it said.
    struct Placement: Sendable {
        let graph: PlacementGraph
        let devices: [DeviceType]
    }

    /// A policy may be anybody's code.
    private func check(
        _ devices: [DeviceType], _ graph: PlacementGraph
    ) throws(ArrayError) {
        guard devices.count == graph.count else {
            throw ArrayError(
                .argument, "policy \(policy.name)",
                "names \(devices.count) devices for \(graph.count) steps")
        }
        for (step, device) in devices.enumerated()
        where !graph.candidates[step].contains(device) {
            throw ArrayError(
                .argument, "policy \(policy.name)",
                "names \(device) for step \(step), \(graph.names[step]), which can run on:"
                    + " \(graph.candidates[step])")
        }
    }

    private func placementGraph(_ builder: borrowing PlanBuilder) -> PlacementGraph {
        let plan = builder.plan
        var graph = PlacementGraph(coreSets: coreSets)
        graph.reserve(plan.steps.count)
        for (index, step) in plan.steps.enumerated() {
            let candidates = builder.candidates[index]
            let first = step.operandStart
            let written = (first..<(first + step.outputCount)).reduce(0) { bytes, operand in
                bytes + plan.slots[Int(plan.operands[Int(operand)].slot)].byteCount
            }
            graph.append(
                OpTable.name(step.op), flops: step.flops, bytes: step.bytes,
                outputByteCount: written, candidates: candidates,
                isPinned: builder.pinned[index] != .unpinned,
                nanoseconds: costs.nanoseconds(
                    step.op, flops: step.flops, bytes: step.bytes, on: candidates))
            for operand in (first + step.outputCount)..<(first + step.operandCount) {
                graph.appendInput(
                    .init(
                        place: plan.place(of: Int(operand)),
                        byteCount: Int(builder.operandBytes(operand))))
            }
        }
        return graph
    }
}

extension PlanDraft {
    fileprivate func place(of operand: Int) -> PlacementGraph.Input.Place {
        let slot = slots[Int(operands[operand].slot)]
        if slot.producer >= 0 { return .step(Int(slot.producer)) }
        if case .leaf(let leaf) = slot.storage { return .array(Int(leaf)) }
        return .constant
    }
}
