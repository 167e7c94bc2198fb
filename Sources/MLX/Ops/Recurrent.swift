import MLXBase
import MLXGraph
import MLXOps

// All steps of recurrent layers with gates.

/// Multiplications and steps of one node: a longer sequence is divided, so that others have a turn
/// between.
private let (mostMultiplications, mostSteps) = (1e10, 256.0)

/// The states and cells of a long short-term memory after each step.
/// - Parameters:
///   - input: what the input says to the gates i, f, g and o, (…, L, 4 H).
///   - weights: of the state, (4 H, H).
///   - bias: (4 H)
///   - state: before the first step, (…, H) or what broadcasts to it; zeros if nil.
///   - cell: likewise.
/// - Returns: two arrays (…, L, H).
package func lstm(
    _ input: MLXArray, weights: MLXArray, bias: MLXArray?, state: MLXArray?, cell: MLXArray?
) -> (states: MLXArray, cells: MLXArray) {
    let packed = recurrence(
        .lstm, input, weights, RecurrentRows.Terms(bias: bias, state: state, cell: cell))
    if NodeReference(packed).isPoisoned { return (packed, packed) }
    let (axis, width) = (packed.ndim - 1, packed.dim(-1) / 2)
    return (Ops.slice(packed, axis: axis, 0, width), Ops.slice(packed, axis: axis, width, width))
}

/// The states of a gated recurrent unit after each step.
/// - Parameters:
///   - input: what the input says to the gates r, z and n, (…, L, 3 H).
///   - weights: of the state, (3 H, H).
///   - bias: (3 H)
///   - innerBias: what the reset gate is applied to beside the state's product, (H).
///   - state: before the first step, (…, H) or what broadcasts to it; zeros if nil.
/// - Returns: (…, L, H)
package func gru(
    _ input: MLXArray, weights: MLXArray, bias: MLXArray?, innerBias: MLXArray?, state: MLXArray?
) -> MLXArray {
    recurrence(
        .gru, input, weights, RecurrentRows.Terms(bias: bias, innerBias: innerBias, state: state))
}

private func recurrence(
    _ code: OpCode, _ input: MLXArray, _ weights: MLXArray, _ terms: RecurrentRows.Terms
) -> MLXArray {
    var terms = terms
    if input.ndim >= 2, weights.ndim == 2 {
        let shape = input.shape.dropLast(2) + [weights.dim(1)]
        func spread(_ x: MLXArray) -> MLXArray {
            x.shape == Array(shape) ? x : Ops.broadcast(x, to: Array(shape))
        }
        (terms.state, terms.cell) = (terms.state.map(spread), terms.cell.map(spread))
        let step = shape.dropLast().reduce(Double(weights.size)) { $0 * Double($1) }
        let count = Int(max(1, min(mostSteps, mostMultiplications / max(1, step))))
        if input.dim(-2) > count {
            return inPieces(code, input, weights, terms, each: count)
        }
    }
    return Ops.record(code, [input, weights] + terms.arrays, terms.attributes)
}

/// One node after the other, each from the last state of the one before.
private func inPieces(
    _ code: OpCode, _ input: MLXArray, _ weights: MLXArray, _ terms: RecurrentRows.Terms,
    each most: Int
) -> MLXArray {
    let (axis, steps, width) = (input.ndim - 2, input.dim(-2), weights.dim(1))
    var (terms, pieces) = (terms, [MLXArray]())
    for start in stride(from: 0, to: steps, by: most) {
        let count = min(most, steps - start)
        let piece = Ops.record(
            code, [Ops.slice(input, axis: axis, start, count), weights] + terms.arrays,
            terms.attributes)
        if NodeReference(piece).isPoisoned { return piece }
        pieces.append(piece)
        let last = Ops.slice(piece, axis: axis, count - 1, 1)
        func carried(_ number: Int) -> MLXArray {
            Ops.reshape(
                Ops.slice(last, axis: axis + 1, number * width, width),
                input.shape.dropLast(2) + [width])
        }
        terms.state = carried(0)
        if code == .lstm { terms.cell = carried(1) }
    }
    return Ops.concatenate(pieces, axis: axis)
}
