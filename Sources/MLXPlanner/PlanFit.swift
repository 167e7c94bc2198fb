import MLXBase
import MLXGraph

/// Draws curves through the sizes of three plans of one form, and lists the shapes that change.
struct PlanFit {
    private struct Triple: Hashable {
        let a, b, c: Shape
    }

    private let samples: SizeSamples
    private let plans: (Plan, Plan, Plan)
    private var numbers: [Triple: Int32] = [:]
    private(set) var shapes: [PlanFamily.VaryingShape] = []

    init(_ samples: SizeSamples, _ base: Plan, _ one: Plan, _ two: Plan) {
        self.samples = samples
        plans = (base, one, two)
    }

    var keys: (Column<UInt64>, Column<UInt64>, Column<UInt64>) {
        (plans.0.key, plans.1.key, plans.2.key)
    }

    /// The curves of the numbers that are not the same in all three lists.
    private func curves(_ base: [Int], _ one: [Int], _ two: [Int]) -> [PlanFamily.Varying]? {
        var curves: [PlanFamily.Varying] = []
        for index in base.indices where base[index] != one[index] || base[index] != two[index] {
            guard let curve = samples.curve(base[index], one[index], two[index])
            else { return nil }
            curves.append(.init(index: index, curve: curve))
        }
        return curves
    }

    func sizes() -> [PlanFamily.Varying]? {
        guard let a = plans.0.sizes(), let b = plans.1.sizes(), let c = plans.2.sizes(),
            a.count == b.count, a.count == c.count
        else { return nil }
        return curves(a, b, c)
    }

    /// For each operand the number of its shape, -1 for one that stays.
    mutating func shapesOfOperands() -> [Int32]? {
        var ofOperand = [Int32](repeating: -1, count: plans.0.operands.count)
        for index in 0..<plans.0.operands.count {
            let triple = Triple(
                a: plans.0.operands[index].shape, b: plans.1.operands[index].shape,
                c: plans.2.operands[index].shape)
            if triple.a == triple.b && triple.a == triple.c { continue }
            guard let number = number(of: triple) else { return nil }
            ofOperand[index] = number
        }
        return ofOperand
    }

    /// The number of the shape that a word of the key is.
    mutating func shape(at place: Int) -> Int32? {
        number(
            of: Triple(
                a: Shape(word: keys.0[place]), b: Shape(word: keys.1[place]),
                c: Shape(word: keys.2[place])))
    }

    /// The curve of a word of the key that is a number.
    func curve(at place: Int) -> SizeCurve? {
        func number(_ word: UInt64) -> Int { Int(truncatingIfNeeded: Int64(bitPattern: word)) }
        return samples.curve(
            number(keys.0[place]), number(keys.1[place]), number(keys.2[place]))
    }

    private mutating func number(of triple: Triple) -> Int32? {
        if let known = numbers[triple] { return known }
        guard triple.a.ndim == triple.b.ndim, triple.a.ndim == triple.c.ndim,
            let axes = curves(triple.a.array, triple.b.array, triple.c.array)
        else { return nil }
        let number = Int32(shapes.count)
        numbers[triple] = number
        shapes.append(.init(base: triple.a, axes: axes))
        return number
    }
}
