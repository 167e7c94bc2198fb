import MLXBase
import MLXGraph
import MLXOps

/// Pass 4. Shows the steps to the policy and gives each the stream that follows from its answer:
/// the pinned one where the user named one of the chosen device, else the device's first.
extension Planner {
    func place(_ builder: inout PlanBuilder) throws(ArrayError) -> Placement {
        if !lost.isEmpty { try leaveOutLost(&builder) }
        var graph = placementGraph(builder)
        let schedule = policy.schedule(graph)
        var devices = schedule.devices
        try check(devices, graph)
        var isReordered = false
        if let order = schedule.order, !order.elementsEqual(0..<graph.count) {
            try check(order, graph)
            builder.reorder(order)
            graph = placementGraph(builder)
            devices = order.map { devices[$0] }
            isReordered = true
        }
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
            let nanoseconds = graph.nanoseconds[step][device]
            builder.plan.steps[step].estimatedNanoseconds = nanoseconds
            builder.plan.steps[step].weight = costs.weight(
                nanoseconds, on: device, coreSets)
        }
        return Placement(graph: graph, devices: devices, isReordered: isReordered)
    }

    /// Takes lost devices from the candidates. A step that is left with none, or that the user
    /// pinned to one, goes to those that run everything.
    private func leaveOutLost(_ builder: inout PlanBuilder) throws(ArrayError) {
        for step in builder.candidates.indices {
            let kept = builder.candidates[step].subtracting(lost)
            builder.candidates[step] = kept.isEmpty ? DeviceSet.general.subtracting(lost) : kept
            guard !builder.candidates[step].isEmpty else {
                throw ArrayError(
                    .unsupported, OpTable.name(builder.plan.steps[step].op),
                    "every device that has a kernel for it is lost: \(lost)")
            }
        }
    }

    /// What the policy saw and what it said, in the plan's order.
    struct Placement: Sendable {
        let graph: PlacementGraph
        let devices: [DeviceType]
        /// Whether the policy saw the steps in another order.
        let isReordered: Bool
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

    private func check(_ order: [Int], _ graph: PlacementGraph) throws(ArrayError) {
        var position = [Int](repeating: -1, count: graph.count)
        for (place, step) in order.enumerated() where position.indices.contains(step) {
            position[step] = place
        }
        guard order.count == graph.count, !position.contains(-1) else {
            throw ArrayError(
                .argument, "policy \(policy.name)",
                "orders \(order.count) steps, which are not the \(graph.count) there are")
        }
        for step in order {
            for producer in graph.inputs(of: step).compactMap(\.producer)
            where position[producer] > position[step] {
                throw ArrayError(
                    .argument, "policy \(policy.name)",
                    "starts step \(step), \(graph.names[step]), before step \(producer),"
                        + " which it reads")
            }
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

extension PlanBuilder {
    /// Puts the steps in another topological order.
    fileprivate mutating func reorder(_ order: [Int]) {
        var place = [Int32](repeating: 0, count: order.count)
        for (index, step) in order.enumerated() { place[step] = Int32(index) }
        plan.steps = order.map { plan.steps[$0] }
        candidates = order.map { candidates[$0] }
        pinned = order.map { pinned[$0] }
        for slot in plan.slots.indices where plan.slots[slot].producer >= 0 {
            plan.slots[slot].producer = place[Int(plan.slots[slot].producer)]
        }
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
