import MLXBase
import MLXGraph

/// Derivatives of recurrent layers, written with ordinary rows. The states are known, so all that
/// needs them is computed for all steps at once; what goes back through the steps is linear in
/// the cotangents. Halves are widened throughout.
struct RecurrentGradients {
    private let kind: RecurrentRows.Kind
    private let context: VJPContext
    private let places: [Int?]
    private let weights: MLXArray
    /// The states before each step, (…, L, H).
    private let before: MLXArray
    /// The axis of steps.
    private let axis: Int
    private let width: Int
    private let steps: Int

    init(_ kind: RecurrentRows.Kind, _ context: VJPContext) {
        self.kind = kind
        self.context = context
        places = RecurrentRows.places(context.attributes)
        let shape = context.inputs[0].nodeShape
        axis = shape.ndim - 2
        width = shape[axis + 1] / kind.gates
        steps = shape[axis]
        weights = RecurrentGradients.wide(context.inputs[1])
        before = RecurrentGradients.shifted(
            Ops.slice(RecurrentGradients.wide(context.output), axis: axis + 1, 0, width),
            places[2].map { RecurrentGradients.wide(context.inputs[$0]) })
    }

    private static func wide(_ x: MLXArray) -> MLXArray { Ops.cast(x, to: x.dtype.computeType) }

    /// What was before each step: the first, zeros if there is none, then all steps but the last.
    private static func shifted(_ x: MLXArray, _ first: MLXArray?) -> MLXArray {
        let axis = x.ndim - 2
        let steps = x.nodeShape[axis]
        if steps == 0 { return x }
        let place = Ops.slice(x, axis: axis, 0, 1)
        let head = first.map { Ops.reshape($0, place.nodeShape.array) } ?? zerosLike(place)
        return Ops.concatenate([head, Ops.slice(x, axis: axis, 0, steps - 1)], axis: axis)
    }

    /// One input for each of the row's; nil where nothing is wanted.
    var pulled: [MLXArray?] {
        if context.inputs[0].nodeShape.size == 0 {
            return context.inputs.map { Ops.full($0.nodeShape, 0, $0.dtype) }
        }
        return kind == .lstm ? pulledLSTM : pulledGRU
    }

    // MARK: - Parts

    /// Part `number` of the last axis, H long.
    private func part(_ x: MLXArray, _ number: Int) -> MLXArray {
        Ops.slice(x, axis: x.ndim - 1, number * width, width)
    }

    /// (…, L, D) at a step, (…, D).
    private func at(_ x: MLXArray, _ step: Int) -> MLXArray {
        var shape = x.nodeShape.array
        shape.remove(at: axis)
        return Ops.reshape(Ops.slice(x, axis: axis, step, 1), shape)
    }

    /// Arrays (…, D) of the last step, the one before and so on, as (…, L, D).
    private func joined(_ backwards: [MLXArray]) -> MLXArray {
        let parts = backwards.reversed().map { x in
            var shape = x.nodeShape.array
            shape.insert(1, at: axis)
            return Ops.reshape(x, shape)
        }
        return Ops.concatenate(Array(parts), axis: axis)
    }

    private func input(_ place: Int?) -> MLXArray? {
        place.map { RecurrentGradients.wide(context.inputs[$0]) }
    }

    /// What the input and its bias say to the gates.
    private var ownPart: MLXArray {
        let x = RecurrentGradients.wide(context.inputs[0])
        return input(places[0]).map { add(x, $0) } ?? x
    }

    /// What the state before each step says to the gates.
    private var statePart: MLXArray { Ops.record(.matmul, [before, Ops.swapLast(weights)]) }

    private func slope(_ gate: MLXArray) -> MLXArray { mul(gate, minus(1, gate)) }
    private func steepness(_ y: MLXArray) -> MLXArray { minus(1, square(y)) }

    /// The inputs' cotangents in the inputs' order and dtype.
    private func result(
        input: MLXArray, product: MLXArray, innerBias: MLXArray?, state: MLXArray, cell: MLXArray?
    ) -> [MLXArray?] {
        var result = [MLXArray?](repeating: nil, count: context.inputs.count)
        func store(_ place: Int?, _ value: () -> MLXArray) {
            guard let place, context.wanted[place] else { return }
            let input = context.inputs[place]
            result[place] = Ops.cast(Ops.sum(value(), toShape: input.nodeShape), to: input.dtype)
        }
        store(0) { input }
        store(1) {
            func rows(_ x: MLXArray, _ length: Int) -> MLXArray {
                Ops.reshape(x, [x.nodeShape.size / length, length])
            }
            return Ops.record(
                .matmul, [Ops.swapLast(rows(product, kind.gates * width)), rows(before, width)])
        }
        store(places[0]) { input }
        if let innerBias { store(places[1]) { innerBias } }
        store(places[2]) { state }
        if let cell { store(places[3]) { cell } }
        return result
    }

    // MARK: - Long short-term memory

    /// With e = dc + dh σ(o) (1 - tanh² c): di = e tanh g σ'(i), df = e c₀ σ'(f),
    /// dg = e σ(i) tanh' g, do = dh tanh c σ'(o), dc₀ = e σ(f), dh₀ = (di, df, dg, do) W.
    private var pulledLSTM: [MLXArray?] {
        let sums = add(statePart, ownPart)
        let gates = [0, 1, 3].map { Ops.unary(.sigmoid, part(sums, $0)) }
        let (input, forget, output) = (gates[0], gates[1], gates[2])
        let new = Ops.unary(.tanh, part(sums, 2))
        let cells = part(RecurrentGradients.wide(context.output), 1)
        let old = RecurrentGradients.shifted(cells, self.input(places[3]))
        let bent = Ops.unary(.tanh, cells)
        let across = mul(output, steepness(bent))
        let factors = Ops.concatenate(
            [
                mul(new, slope(input)), mul(old, slope(forget)), mul(input, steepness(new)),
                mul(bent, slope(output)),
            ], axis: axis + 1)
        let cotangent = RecurrentGradients.wide(context.cotangent)
        let (states, ownCells) = (part(cotangent, 0), part(cotangent, 1))
        var (dh, dc): (MLXArray?, MLXArray?)
        var sides: [MLXArray] = []
        for step in (0..<steps).reversed() {
            let h = dh.map { add(at(states, step), $0) } ?? at(states, step)
            var e = add(at(ownCells, step), mul(h, at(across, step)))
            if let dc { e = add(e, dc) }
            let side = mul(
                Ops.concatenate([e, e, e, h], axis: axis), at(factors, step))
            sides.append(side)
            dh = times(side)
            dc = mul(e, at(forget, step))
        }
        let all = joined(sides)
        return result(input: all, product: all, innerBias: nil, state: dh!, cell: dc)
    }

    // MARK: - Gated recurrent unit

    /// With s = h₀ Wₙᵀ + bₙ: dn = dh (1 - z) (1 - n²), dr = dn s σ'(r), dz = dh (h₀ - n) σ'(z),
    /// ds = dn r, dh₀ = dh z + (dr, dz, ds) W.
    private var pulledGRU: [MLXArray?] {
        let (own, stated) = (ownPart, statePart)
        let reset = Ops.unary(.sigmoid, add(part(stated, 0), part(own, 0)))
        let keep = Ops.unary(.sigmoid, add(part(stated, 1), part(own, 1)))
        let inner = input(places[1]).map { add(part(stated, 2), $0) } ?? part(stated, 2)
        let new = Ops.unary(.tanh, add(part(own, 2), mul(reset, inner)))
        let slopes = mul(minus(1, keep), steepness(new))
        let resets = mul(mul(slopes, inner), slope(reset))
        let keeps = mul(sub(before, new), slope(keep))
        let inners = mul(slopes, reset)
        let factors = Ops.concatenate([resets, keeps, inners], axis: axis + 1)
        let cotangent = RecurrentGradients.wide(context.cotangent)
        var dh: MLXArray?
        var (sides, states): ([MLXArray], [MLXArray]) = ([], [])
        for step in (0..<steps).reversed() {
            let h = dh.map { add(at(cotangent, step), $0) } ?? at(cotangent, step)
            let side = mul(Ops.concatenate([h, h, h], axis: axis), at(factors, step))
            sides.append(side)
            states.append(h)
            dh = add(mul(h, at(keep, step)), times(side))
        }
        let product = joined(sides)
        let news = mul(joined(states), slopes)
        let input = Ops.concatenate(
            [Ops.slice(product, axis: axis + 1, 0, 2 * width), news], axis: axis + 1)
        return result(
            input: input, product: product, innerBias: part(product, 2), state: dh!, cell: nil)
    }

    /// (…, G H) times the weights, (…, H).
    private func times(_ side: MLXArray) -> MLXArray {
        if axis > 0 { return Ops.record(.matmul, [side, weights]) }
        let row = Ops.reshape(side, [1, kind.gates * width])
        return Ops.reshape(Ops.record(.matmul, [row, weights]), [width])
    }
}
