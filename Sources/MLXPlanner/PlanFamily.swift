import MLXBase
import MLXGraph
import MLXOps
import Synchronization

/// Plans that differ in one length, told as one plan and the curves that its sizes follow. From
/// the third graph on whose structure is the same and whose sizes are polynomials of one length,
/// a plan for the next length is written down instead of made: nothing is decided again. What the
/// decisions rested on is checked: the graph's sizes lie on their curves, every step is still best
/// on the device it is on, and small steps are still small.
/// Immutable but for the layout of the arenas, which is made for lengths up to a power of two.
package final class PlanFamily: Sendable {
    /// Something in a list that follows a curve.
    struct Varying: Sendable {
        let index: Int
        let curve: SizeCurve
    }

    /// A shape of which some dimensions follow curves.
    struct VaryingShape: Sendable {
        let base: Shape
        let axes: [Varying]
    }

    /// A word of the key that is not the same for all members.
    private enum VaryingWord: Sendable {
        case shape(place: Int, number: Int)
        case number(place: Int, SizeCurve)

        var place: Int {
            switch self {
            case .shape(let place, _), .number(let place, _): place
            }
        }
    }

    let base: Plan
    let draft: PlanDraft
    let placement: Planner.Placement
    let costs: CostModel
    let policy: any SchedulingPolicy
    private let samples: SizeSamples
    private let words: [VaryingWord]
    /// Where the length stands: a word of the key, a shape, and an axis of it.
    private let parameter: (place: Int, axis: Int)
    private let baseLength: Int
    let planCurves: [Varying]
    let shapes: [VaryingShape]
    /// The operands whose shape varies, with its number in `shapes`.
    let varyingOperands: [(operand: Int32, shape: Int32)]
    /// The steps whose work follows a curve.
    let varyingSteps: [Int]
    /// Nobody waits for it, or the child of a fork might do so for ever.
    private let layouts = Mutex<ArenaLayout?>(nil)
    /// What a member has its sizes in.
    let memberByteCount: Int

    /// A length at which nothing has size one yet, and small enough to double.
    private static let lengths = 2..<(1 << 40)

    /// - Parameters:
    ///   - made: the plan just made, as the planner left it.
    ///   - graph: what it was made for.
    ///   - older: plans of the same structure, the last one first.
    /// - Returns: nil when they are no family, or too few to tell.
    init?(
        _ made: Planner.Made, _ graph: borrowing Subgraph, older: [Plan],
        planner: borrowing Planner
    ) {
        let plan = made.plan
        guard older.count >= 2, older[0].key.count == plan.key.count,
            older[1].key.count == plan.key.count
        else { return nil }
        let isShape = PlanKey.shapePlaces(graph)
        guard let parameter = PlanFamily.parameter(plan, older, isShape) else { return nil }
        func length(_ plan: Plan) -> Int { plan.length(at: parameter) }
        let lengths = [length(plan), length(older[0]), length(older[1])]
        guard lengths.allSatisfy(PlanFamily.lengths.contains),
            let samples = SizeSamples(lengths: lengths), plan.hasForm(of: older[0]),
            plan.hasForm(of: older[1])
        else { return nil }
        var fit = PlanFit(samples, plan, older[0], older[1])
        guard let planCurves = fit.sizes(), let ofOperand = fit.shapesOfOperands(),
            let words = PlanFamily.words(&fit, isShape)
        else { return nil }
        base = plan
        draft = made.draft
        placement = made.placement
        costs = planner.costs
        policy = planner.policy
        self.samples = samples
        self.words = words
        self.parameter = parameter
        baseLength = lengths[0]
        self.planCurves = planCurves
        shapes = fit.shapes
        varyingOperands = ofOperand.enumerated().filter { $0.element >= 0 }
            .map { (Int32($0.offset), $0.element) }
        let first = plan.firstStepSize
        varyingSteps = Set(
            planCurves.filter { $0.index >= first }.map { ($0.index - first) / 2 }
        ).sorted()
        memberByteCount = MemberMemory.byteCount(plan)
        guard isConfirmed(older.dropFirst(2)) else { return nil }
    }

    /// The first word that differs, if it is a shape, and the first axis that differs in all three.
    private static func parameter(
        _ plan: Plan, _ older: [Plan], _ isShape: Set<Int>
    ) -> (place: Int, axis: Int)? {
        let keys = (plan.key, older[0].key, older[1].key)
        let place = keys.0.indices.first {
            keys.0[$0] != keys.1[$0] || keys.0[$0] != keys.2[$0]
        }
        guard let place, isShape.contains(place) else { return nil }
        let shapes = (plan.shape(at: place), older[0].shape(at: place), older[1].shape(at: place))
        guard shapes.0.ndim == shapes.1.ndim, shapes.0.ndim == shapes.2.ndim else { return nil }
        let axis = (0..<shapes.0.ndim).first {
            Set([shapes.0[$0], shapes.1[$0], shapes.2[$0]]).count == 3
        }
        return axis.map { (place, $0) }
    }

    private static func words(_ fit: inout PlanFit, _ isShape: Set<Int>) -> [VaryingWord]? {
        var words: [VaryingWord] = []
        let keys = fit.keys
        for place in keys.0.indices
        where keys.0[place] != keys.1[place] || keys.0[place] != keys.2[place] {
            if isShape.contains(place) {
                guard let number = fit.shape(at: place) else { return nil }
                words.append(.shape(place: place, number: Int(number)))
            } else {
                guard let curve = fit.curve(at: place) else { return nil }
                words.append(.number(place: place, curve))
            }
        }
        return words
    }

    /// Straight lines through three points are confirmed by the third; curves need a fourth.
    private func isConfirmed(_ more: ArraySlice<Plan>) -> Bool {
        let curves = planCurves.map(\.curve) + shapes.flatMap { $0.axes.map(\.curve) }
        if curves.allSatisfy({ $0.square == 0 }) { return true }
        guard let plan = more.first, plan.key.count == base.key.count, plan.hasForm(of: base),
            let distance = distance(plan.key), shapes(plan.key, distance) != nil,
            let sizes = plan.sizes()
        else { return false }
        return planCurves.allSatisfy { value($0, distance) == sizes[$0.index] }
    }

    // MARK: - Members

    /// How far a graph's length is from the base's. The words before the length are compared
    /// first: only if they agree is the next one a shape.
    private func distance(_ key: Column<UInt64>) -> Int? {
        guard key.count == base.key.count else { return nil }
        for place in 0..<parameter.place where key.base[place] != base.key.base[place] {
            return nil
        }
        let shape = Shape(word: key.base[parameter.place])
        guard shape.ndim == Shape(word: base.key.base[parameter.place]).ndim,
            PlanFamily.lengths.contains(shape[parameter.axis])
        else { return nil }
        return shape[parameter.axis] - baseLength
    }

    /// The family's shapes at a distance from the base, if all the sizes in a key lie on their
    /// curves.
    private func shapes(_ key: Column<UInt64>, _ distance: Int) -> [Shape]? {
        // nil for those that are not known yet.
        var found = [Shape?](repeating: nil, count: shapes.count)
        var next = parameter.place
        for word in words {
            for place in next..<word.place where key.base[place] != base.key.base[place] {
                return nil
            }
            next = word.place + 1
            switch word {
            case .shape(let place, let number):
                // What stands there is a shape, because all before it has agreed.
                let shape = Shape(word: key.base[place])
                if shape == found[number] { continue }
                guard found[number] == nil, follows(shape, shapes[number], distance)
                else { return nil }
                found[number] = shape
            case .number(let place, let curve):
                guard let value = curve.value(at: distance, over: samples.divisor),
                    key.base[place] == UInt64(bitPattern: Int64(value))
                else { return nil }
            }
        }
        for place in next..<key.count where key.base[place] != base.key.base[place] {
            return nil
        }
        return completed(found, distance)
    }

    /// Whether a shape is what the curves say. A dimension of one may be left out of a walk: such
    /// a graph is decided anew.
    private func follows(_ shape: Shape, _ varying: VaryingShape, _ distance: Int) -> Bool {
        guard shape.ndim == varying.base.ndim else { return false }
        var next = 0
        for axis in varying.axes {
            for index in next..<axis.index where shape[index] != varying.base[index] {
                return false
            }
            guard shape[axis.index] >= 2, value(axis, distance) == shape[axis.index]
            else { return false }
            next = axis.index + 1
        }
        return (next..<shape.ndim).allSatisfy { shape[$0] == varying.base[$0] }
    }

    /// Adds the shapes that are no node's: of walks over several axes as one, say.
    private func completed(_ found: [Shape?], _ distance: Int) -> [Shape]? {
        var complete: [Shape] = []
        complete.reserveCapacity(found.count)
        for (number, shape) in shapes.enumerated() {
            if let known = found[number] {
                complete.append(known)
                continue
            }
            let interned = withUnsafeTemporaryAllocation(
                of: Int.self, capacity: Shape.maximumRank
            ) { dims -> Shape? in
                for axis in 0..<shape.base.ndim { dims[axis] = shape.base[axis] }
                for axis in shape.axes {
                    guard let value = value(axis, distance), value >= 2 else { return nil }
                    dims[axis.index] = value
                }
                return Shape(
                    interning: UnsafeBufferPointer(rebasing: dims[0..<shape.base.ndim]))
            }
            guard let interned else { return nil }
            complete.append(interned)
        }
        return complete
    }

    /// The plan for a graph of the family.
    /// - Parameter spare: asked, once it is clear that the graph is one, for a member that nobody
    ///   else refers to; it is rewritten.
    /// - Returns: nil when the graph is none, or when something would be decided otherwise.
    package func member(
        _ key: borrowing PlanKey, rewriting spare: () -> Plan? = { nil }
    ) -> Plan? {
        let column = Column(mutating: key.words)
        guard let distance = distance(column), let shapes = shapes(column, distance),
            let layout = layout(for: baseLength + distance)
        else { return nil }
        let member =
            spare().map { PlanMember(rewriting: $0, of: self) } ?? PlanMember(copying: self)
        return member.plan(distance, shapes, layout, key)
    }

    /// What a varying number is at a distance from the base.
    @inline(__always) func value(_ varying: Varying, _ distance: Int) -> Int? {
        varying.curve.value(at: distance, over: samples.divisor)
    }

    /// Places in the arenas that hold for all lengths up to the next power of two.
    private func layout(for length: Int) -> ArenaLayout? {
        if let found = layouts.withLockIfAvailable({ $0 }), let known = found,
            known.length >= length
        {
            return known
        }
        let limit = 1 << (Int.bitWidth - (length - 1).leadingZeroBitCount)
        var roomy = draft
        for varying in planCurves where varying.index < roomy.slots.count {
            guard let byteCount = value(varying, limit - baseLength), byteCount >= 0
            else { return nil }
            roomy.slots[varying.index].byteCount = byteCount
        }
        roomy.layOutMemory()
        let layout = ArenaLayout(
            length: limit, slots: roomy.slots, arenaBytes: roomy.arenaBytes)
        layouts.withLockIfAvailable { $0 = layout }
        return layout
    }
}

/// Where intermediate values lie, for every length up to one.
final class ArenaLayout: Sendable {
    let length: Int
    let slots: [Plan.Slot]
    let arenaBytes: [Int]

    init(length: Int, slots: [Plan.Slot], arenaBytes: [Int]) {
        self.length = length
        self.slots = slots
        self.arenaBytes = arenaBytes
    }
}

extension Shape {
    /// The shape that a word of a key stands for.
    init(word: UInt64) {
        self.init(record: UnsafePointer(bitPattern: UInt(word)).unsafelyUnwrapped)
    }
}

extension Plan {
    fileprivate func shape(at place: Int) -> Shape { Shape(word: key[place]) }

    fileprivate func length(at parameter: (place: Int, axis: Int)) -> Int {
        shape(at: parameter.place)[parameter.axis]
    }
}
