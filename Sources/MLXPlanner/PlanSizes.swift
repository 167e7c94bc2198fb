import CMLXKernels
import MLXBase
import MLXGraph

/// What plans of one structure may differ in, and what they must not.
extension Plan {
    /// Whether another plan differs in sizes only: the same slots, operands, steps and streams,
    /// the same decisions of all passes.
    func hasForm(of other: Plan) -> Bool {
        same(leafNodes, other.leafNodes) { $0 == $1 }
            && same(scalarNodes, other.scalarNodes) { $0 == $1 }
            && same(dynamics, other.dynamics) { $0.node == $1.node && $0.index == $1.index }
            && same(streams, other.streams) { $0 == $1 }
            && same(waits, other.waits) { $0.stream == $1.stream && $0.count == $1.count }
            && same(streamSteps, other.streamSteps) { $0 == $1 }
            && same(streamStart, other.streamStart) { $0 == $1 }
            && strideStorage.count == other.strideStorage.count
            && attributes.count == other.attributes.count
            && same(terms, other.terms) { $0.dynamic == $1.dynamic }
            && same(slots, other.slots, Plan.haveOneForm)
            && same(operands, other.operands, Plan.haveOneForm)
            && same(steps, other.steps, Plan.haveOneForm)
            && same(tapes, other.tapes) { haveOneForm($0, $1, other) }
            && same(results, other.results) {
                $0.node == $1.node && $0.operand == $1.operand && $0.isRowMajor == $1.isRowMajor
            }
    }

    private func same<Element>(
        _ a: Column<Element>, _ b: Column<Element>, _ equal: (Element, Element) -> Bool
    ) -> Bool {
        a.count == b.count && (0..<a.count).allSatisfy { equal(a[$0], b[$0]) }
    }

    private static func haveOneForm(_ a: Slot, _ b: Slot) -> Bool {
        guard a.dtype == b.dtype, a.producer == b.producer else { return false }
        if case .arena = a.storage, case .arena = b.storage { return true }
        return a.storage == b.storage
    }

    private static func haveOneForm(_ a: PlanOperand, _ b: PlanOperand) -> Bool {
        a.slot == b.slot && a.dtype == b.dtype && a.shape.ndim == b.shape.ndim
            && a.strideStart == b.strideStart && a.termStart == b.termStart
            && a.termCount == b.termCount
    }

    private static func haveOneForm(_ a: Step, _ b: Step) -> Bool {
        a.kind == b.kind && a.op == b.op && a.node == b.node
            && a.operandStart == b.operandStart && a.operandCount == b.operandCount
            && a.outputCount == b.outputCount && a.stream == b.stream
            && a.waitStart == b.waitStart && a.waitCount == b.waitCount
            && a.batchCount == b.batchCount && a.attributeStart == b.attributeStart
            && a.attributeCount == b.attributeCount && a.dynamicCount == b.dynamicCount
            && a.takesObject == b.takesObject
    }

    private func haveOneForm(_ a: ClosedTape, _ b: ClosedTape, _ other: Plan) -> Bool {
        a.slotCount == b.slotCount && same(a.memory, b.memory) { $0 == $1 }
            && same(a.ops, b.ops) { $0 == $1 }
            && same(a.steps, b.steps) {
                $0.out == $1.out && $0.a == $1.a && $0.b == $1.b && $0.c == $1.c
                    && unsafeBitCast($0.fn, to: UInt.self) == unsafeBitCast($1.fn, to: UInt.self)
            }
            && same(a.operands, b.operands) {
                $0.kind == $1.kind && $0.item_size == $1.item_size && $0.ndim == $1.ndim
                    && $0.slot == $1.slot && stridePlace($0.shape) == other.stridePlace($1.shape)
                    && stridePlace($0.strides) == other.stridePlace($1.strides)
            }
    }

    /// Where in the stride storage a tape's operand points.
    func stridePlace(_ pointer: UnsafePointer<Int>?) -> Int? {
        pointer.map { $0 - UnsafePointer(strideStorage.base) }
    }

    /// Where each list's sizes start in `sizes()`; slots come first.
    var firstOffset: Int { slots.count }
    var firstTerm: Int { firstOffset + operands.count }
    var firstStride: Int { firstTerm + terms.count }
    var firstAttribute: Int { firstStride + strideStorage.count }
    var firstTapeSize: Int { firstAttribute + attributes.count }
    /// Two for each step, operations and bytes.
    var firstStepSize: Int { firstTapeSize + tapes.count }

    /// Every size in the plan but the arenas' places, in one order for all plans of a form.
    /// nil when a count of operations is not whole.
    func sizes() -> [Int]? {
        var sizes: [Int] = []
        for slot in slots { sizes.append(slot.byteCount) }
        for operand in operands { sizes.append(operand.elementOffset) }
        for term in terms { sizes.append(term.stride) }
        sizes += strideStorage
        sizes += attributes
        for tape in tapes { sizes.append(tape.elementCount) }
        for step in steps {
            guard let flops = Int(exactly: step.flops), let bytes = Int(exactly: step.bytes)
            else { return nil }
            sizes.append(flops)
            sizes.append(bytes)
        }
        return sizes
    }
}
