import Foundation
import MLXBase
import MLXOps

/// The naive reference of norms, rotary positions and attention, from their formulas.
enum Fused {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        let words = attributes.words
        switch name {
        case "rms_norm", "layer_norm":
            return norm(inputs, eps: number(words[0]), terms: words[1], isRMS: name == "rms_norm")
        case "rms_norm_gradient", "layer_norm_gradient":
            return gradient(inputs, eps: number(words[0]), isRMS: name == "rms_norm_gradient")
        case "rope": return rope(inputs, words)
        case "scaled_dot_product_attention": return attention(inputs, words, shape)
        case "lstm", "gru": return recurrence(name, inputs, words[0], shape)
        default: return nil
        }
    }

    /// One row, one step and one unit after the other.
    private static func recurrence(
        _ op: String, _ inputs: [Tensor], _ flags: Int, _ shape: [Int]
    ) -> Tensor {
        var rest = inputs[2...].map(\.values)[...]
        let terms = (0..<4).map { flags >> $0 & 1 == 0 ? nil : rest.removeFirst() }
        let (x, weights) = (inputs[0].values, inputs[1].values)
        let (width, gates) = (inputs[1].shape[1], op == "lstm" ? 4 : 3)
        let (steps, length) = (shape[shape.count - 2], shape.last!)
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        var values = [Double](repeating: 0, count: shape.reduce(1, *))
        for row in 0..<(steps * length > 0 ? values.count / (steps * length) : 0) {
            func first(_ term: Int) -> [Double] {
                (0..<width).map { terms[term]?[row * width + $0] ?? 0 }
            }
            var (state, cell) = (first(2), first(3))
            for step in 0..<steps {
                let place = row * steps + step
                func own(_ gate: Int, _ unit: Int) -> Double {
                    let at = gate * width + unit
                    return x[place * gates * width + at] + (terms[0]?[at] ?? 0)
                }
                func stated(_ gate: Int, _ unit: Int) -> Double {
                    (0..<width).reduce(0) {
                        $0 + weights[(gate * width + unit) * width + $1] * state[$1]
                    }
                }
                var next = state
                for unit in 0..<width {
                    func sum(_ gate: Int) -> Double { own(gate, unit) + stated(gate, unit) }
                    if op == "lstm" {
                        cell[unit] = sigmoid(sum(1)) * cell[unit] + sigmoid(sum(0)) * tanh(sum(2))
                        next[unit] = sigmoid(sum(3)) * tanh(cell[unit])
                        values[place * length + width + unit] = cell[unit]
                    } else {
                        let inner = stated(2, unit) + (terms[1]?[unit] ?? 0)
                        let new = tanh(own(2, unit) + sigmoid(sum(0)) * inner)
                        let keep = sigmoid(sum(1))
                        next[unit] = (1 - keep) * new + keep * state[unit]
                    }
                    values[place * length + unit] = next[unit]
                }
                state = next
            }
        }
        return Tensor(shape, values)
    }

    private static func number(_ word: Int) -> Double {
        Double(bitPattern: UInt64(bitPattern: Int64(word)))
    }

    private static func statistics(
        _ row: ArraySlice<Double>, _ eps: Double, _ isRMS: Bool
    ) -> (mean: Double, inverse: Double) {
        let mean = isRMS ? 0 : row.reduce(0, +) / Double(row.count)
        let square = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return (mean, 1 / (square + eps).squareRoot())
    }

    private static func norm(
        _ inputs: [Tensor], eps: Double, terms: Int, isRMS: Bool
    ) -> Tensor {
        var x = inputs[0]
        let n = x.shape.last!
        for start in stride(from: 0, to: x.values.count, by: n) {
            let (mean, inverse) = statistics(inputs[0].values[start..<start + n], eps, isRMS)
            for i in 0..<n {
                var y = (x.values[start + i] - mean) * inverse
                if terms & 1 != 0 { y *= inputs[1].values[i] }
                if terms & 2 != 0 { y += inputs[terms & 1 + 1].values[i] }
                x.values[start + i] = y
            }
        }
        return x
    }

    /// dx_j = Σ_i a_i dy_i / dx_j, with the matrix of derivatives written out.
    private static func gradient(_ inputs: [Tensor], eps: Double, isRMS: Bool) -> Tensor {
        var result = inputs[0]
        let n = result.shape.last!
        for start in stride(from: 0, to: result.values.count, by: n) {
            let row = inputs[0].values[start..<start + n]
            let (mean, inverse) = statistics(row, eps, isRMS)
            for j in 0..<n {
                var sum = 0.0
                for i in 0..<n {
                    let a =
                        inputs[1].values[start + i]
                        * (inputs.count > 2 ? inputs[2].values[i] : 1)
                    let (yi, yj) = (row[start + i] - mean, row[start + j] - mean)
                    let own = (i == j ? 1.0 : 0) - (isRMS ? 0 : 1 / Double(n))
                    sum += a * inverse * (own - yi * yj * inverse * inverse / Double(n))
                }
                result.values[start + j] = sum
            }
        }
        return result
    }

    private static func rope(_ inputs: [Tensor], _ words: [Int]) -> Tensor {
        let x = inputs[0]
        let (dims, half) = (words[2], words[2] / 2)
        let rank = x.shape.count
        return Tensor(x.shape) { position in
            var index = Tensor.index(position, x.shape)
            let feature = index[rank - 1]
            guard feature < dims else { return x[index] }
            let isTraditional = words[3] != 0
            let pair = isTraditional ? feature / 2 : feature % half
            let isFirst = isTraditional ? feature % 2 == 0 : feature < half
            let offsets = inputs[1].values
            let offset = offsets[offsets.count == 1 ? 0 : index[0]]
            let rate =
                words[5] != 0
                ? 1 / inputs[2].values[pair]
                : Foundation.pow(number(words[0]), -Double(pair) / Double(half))
            let angle =
                (Double(index[rank - 2]) + offset) * number(words[1]) * rate
                * (words[4] != 0 ? -1 : 1)
            index[rank - 1] = isTraditional ? pair * 2 : pair
            let a = x[index]
            index[rank - 1] = isTraditional ? pair * 2 + 1 : pair + half
            let b = x[index]
            return isFirst
                ? a * Foundation.cos(angle) - b * Foundation.sin(angle)
                : a * Foundation.sin(angle) + b * Foundation.cos(angle)
        }
    }

    private static func attention(_ inputs: [Tensor], _ words: [Int], _ shape: [Int]) -> Tensor {
        let (q, k, v) = (inputs[0], inputs[1], inputs[2])
        let sharing = q.shape[1] / k.shape[1]
        let (queries, keys) = (q.shape[2], k.shape[2])
        return Tensor(shape) { position in
            let index = Tensor.index(position, shape)
            let (b, h, i) = (index[0], index[1], index[2])
            let scores = (0..<keys).map { j -> Double in
                var score =
                    (0..<q.shape[3]).reduce(0.0) {
                        $0 + q[[b, h, i, $1]] * k[[b, h / sharing, j, $1]]
                    } * number(words[0])
                if words[2] != 0 {
                    let mask = inputs[3][[b, h, i, j]]
                    // The samples' only mask of four axes is one of truth values.
                    score = inputs[3].shape.count == 4 ? (mask != 0 ? score : -1e300) : score + mask
                }
                return words[1] != 0 && j > i + keys - queries ? -1e300 : score
            }
            let sink = words[3] != 0 ? [inputs[3 + words[2]].values[h]] : []
            let high = (scores + sink).max()!
            let weights = scores.map { Foundation.exp($0 - high) }
            let total = (weights + sink.map { Foundation.exp($0 - high) }).reduce(0, +)
            return (0..<keys).reduce(0.0) {
                $0 + weights[$1] / total * v[[b, h / sharing, $1, index[3]]]
            }
        }
    }
}
