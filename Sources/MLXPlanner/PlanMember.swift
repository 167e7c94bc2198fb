import CMLXKernels
import MLXBase
import MLXGraph
import MLXOps

/// Writes down the plan of a family for one length: the base's lists with the sizes changed, in
/// one piece of memory.
struct PlanMember {
    private let family: PlanFamily
    private let plan: Plan
    private var slots: Column<Plan.Slot> { plan.slots }
    var operands: Column<PlanOperand> { plan.operands }
    var strides: Column<Int> { plan.strideStorage }
    private var tapes: Column<ClosedTape> { plan.tapes }
    var steps: Column<Step> { plan.steps }

    /// A member at the base's length, with memory of its own.
    init(copying family: PlanFamily) {
        let base = family.base
        self.family = family
        var writer = MemberMemory(byteCount: family.memberByteCount)
        let tapes = writer.copy(base.tapes)
        for index in 0..<tapes.count {
            tapes.base[index].operands = writer.copy(base.tapes.base[index].operands)
        }
        plan = Plan(
            memberOf: family,
            Plan.MemberColumns(
                memory: writer.memory, slots: writer.copy(base.slots),
                operands: writer.copy(base.operands), terms: writer.copy(base.terms),
                strides: writer.copy(base.strideStorage),
                attributes: writer.copy(base.attributes), tapes: tapes,
                steps: writer.copy(base.steps), arenaBytes: writer.copy(base.arenaBytes),
                arenaStarts: writer.copy(base.arenaStarts), key: writer.copy(base.key)))
        moveTapes()
    }

    /// A member for another length, which nobody else refers to: what does not follow the length
    /// stands in it already.
    init(rewriting plan: Plan, of family: PlanFamily) {
        self.family = family
        self.plan = plan
    }

    /// - Parameter shapes: the family's at this distance.
    /// - Returns: nil when a size makes no sense at this distance, or a decision would change;
    ///   the member is worth nothing then.
    func plan(
        _ distance: Int, _ shapes: [Shape], _ layout: ArenaLayout, _ key: borrowing PlanKey
    ) -> Plan? {
        guard write(distance), place(layout) else { return nil }
        // Before the decisions, which read them.
        for (operand, number) in family.varyingOperands {
            operands.base[Int(operand)].shape = shapes[Int(number)]
        }
        guard decide() else { return nil }
        guard family.varyingSteps.allSatisfy({ isCopiedAlike(steps.base[$0]) }) else { return nil }
        plan.key.base.update(from: key.words.baseAddress!, count: plan.key.count)
        plan.settle(layout, hash: key.hash)
        return plan
    }

    // MARK: - Sizes

    /// Every size that follows a curve, in the order of `Plan.sizes()`.
    private func write(_ distance: Int) -> Bool {
        let base = family.base
        let (operandStart, termStart) = (base.firstOffset, base.firstTerm)
        let (strideStart, attributeStart) = (base.firstStride, base.firstAttribute)
        let (tapeStart, stepStart) = (base.firstTapeSize, base.firstStepSize)
        for varying in family.planCurves {
            guard let value = family.value(varying, distance) else { return false }
            let index = varying.index
            if index < operandStart {
                if value < 0 { return false }
                slots.base[index].byteCount = value
            } else if index < termStart {
                operands.base[index - operandStart].elementOffset = value
            } else if index < strideStart {
                plan.terms.base[index - termStart].stride = value
            } else if index < attributeStart {
                strides.base[index - strideStart] = value
            } else if index < tapeStart {
                plan.attributes.base[index - attributeStart] = value
            } else if index < stepStart {
                if value < 0 { return false }
                tapes.base[index - tapeStart].elementCount = value
            } else if (index - stepStart) & 1 == 0 {
                steps.base[(index - stepStart) / 2].flops = Double(value)
            } else {
                steps.base[(index - stepStart) / 2].bytes = Double(value)
            }
        }
        return true
    }

    /// Intermediate values lie where the layout has room for them.
    private func place(_ layout: ArenaLayout) -> Bool {
        for index in 0..<slots.count {
            if case .lent(let result) = slots.base[index].storage,
                slots.base[index].byteCount > slots.base[Int(result)].byteCount
            {
                return false
            }
            guard case .arena = slots.base[index].storage else { continue }
            if slots.base[index].byteCount > layout.slots[index].byteCount { return false }
            slots.base[index].storage = layout.slots[index].storage
        }
        return true
    }

    /// Tapes point into the base's stride storage: into our own from now on.
    private func moveTapes() {
        let old = UnsafePointer(family.base.strideStorage.base)
        let new = UnsafePointer(strides.base)
        for tape in 0..<tapes.count {
            let operands = tapes.base[tape].operands
            for index in 0..<operands.count
            where operands.base[index].kind == UInt8(MLX_TAPE_STRIDED.rawValue) {
                operands.base[index].shape = new + (operands.base[index].shape - old)
                operands.base[index].strides = new + (operands.base[index].strides - old)
            }
        }
    }

    // MARK: - Decisions

    /// What the steps cost at this length; false where a device or a batch would be another.
    private func decide() -> Bool {
        let placement = family.placement
        let isEachAlone = family.policy is CostPolicy && placement.graph.coreSets.count == 1
        for step in family.varyingSteps {
            let record = steps.base + step
            let candidates = placement.graph.candidates[step]
            let costs = family.costs.nanoseconds(
                record.pointee.op, flops: record.pointee.flops, bytes: record.pointee.bytes,
                on: candidates)
            let device = placement.devices[step]
            if isEachAlone && PlacementGraph.cheapest(costs, candidates) != device {
                return false
            }
            let weight = family.costs.weight(costs[device], on: device, placement.graph.coreSets)
            let wasSmall = record.pointee.weight < Plan.narrowNanoseconds
            guard wasSmall == (weight < Plan.narrowNanoseconds) else { return false }
            record.pointee.estimatedNanoseconds = costs[device]
            record.pointee.weight = weight
        }
        return isEachAlone || isPlacedAlike()
    }

    /// Asks the policy about the whole plan at its new sizes.
    private func isPlacedAlike() -> Bool {
        // The policy would have to be shown the steps as they were recorded.
        if family.placement.isReordered { return false }
        var graph = family.placement.graph
        for step in family.varyingSteps {
            let record = steps.base[step]
            graph.update(
                step, flops: record.flops, bytes: record.bytes,
                outputByteCount: written(by: step),
                nanoseconds: family.costs.nanoseconds(
                    record.op, flops: record.flops, bytes: record.bytes,
                    on: graph.candidates[step]))
        }
        var number = 0
        for step in 0..<steps.count {
            let record = steps.base[step]
            let first = record.operandStart + record.outputCount
            for operand in first..<(record.operandStart + record.operandCount) {
                let window = operands.base[Int(operand)]
                let bytes = window.touchedBytes(strides.base + Int(window.strideStart))
                graph.updateInput(number, byteCount: Int(bytes))
                number += 1
            }
        }
        let schedule = family.policy.schedule(graph)
        let isRecordedOrder = schedule.order?.elementsEqual(0..<graph.count) ?? true
        return isRecordedOrder && schedule.devices == family.placement.devices
    }

    private func written(by step: Int) -> Int {
        let first = steps.base[step].operandStart
        return (first..<(first + steps.base[step].outputCount)).reduce(0) { bytes, operand in
            bytes + slots.base[Int(operands.base[Int(operand)].slot)].byteCount
        }
    }
}

/// The one piece of memory of a member, filled from its start.
struct MemberMemory {
    let memory: UnsafeMutableRawPointer
    private(set) var used = 0

    /// Room for the lists of a plan that hold sizes.
    static func byteCount(_ plan: Plan) -> Int {
        var total = 0
        func add<Element>(_ column: Column<Element>) {
            total += MemberMemory.rounded(column.count * MemoryLayout<Element>.stride)
        }
        add(plan.slots)
        add(plan.operands)
        add(plan.terms)
        add(plan.strideStorage)
        add(plan.attributes)
        add(plan.tapes)
        add(plan.steps)
        add(plan.arenaBytes)
        add(plan.arenaStarts)
        add(plan.key)
        for tape in 0..<plan.tapes.count { add(plan.tapes.base[tape].operands) }
        return max(total, 1)
    }

    init(byteCount: Int) { memory = .allocate(byteCount: byteCount, alignment: 64) }

    private static func rounded(_ byteCount: Int) -> Int { (byteCount + 15) & ~15 }

    mutating func copy<Element: BitwiseCopyable>(_ column: Column<Element>) -> Column<Element> {
        let place = memory + used
        let byteCount = column.count * MemoryLayout<Element>.stride
        used += MemberMemory.rounded(byteCount)
        if byteCount > 0 { place.copyMemory(from: column.base, byteCount: byteCount) }
        return Column(
            base: place.bindMemory(to: Element.self, capacity: column.count), count: column.count)
    }
}

extension Plan {
    /// The lists of a member that hold sizes, and the memory they lie in.
    struct MemberColumns {
        let memory: UnsafeMutableRawPointer
        let slots: Column<Slot>
        let operands: Column<PlanOperand>
        let terms: Column<OffsetTerm>
        let strides: Column<Int>
        let attributes: Column<Int>
        let tapes: Column<ClosedTape>
        let steps: Column<Step>
        let arenaBytes: Column<Int>
        let arenaStarts: Column<Int>
        let key: Column<UInt64>
    }
}
