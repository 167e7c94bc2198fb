import Foundation
import MLXBase
import MLXOps

/// The naive reference of what works along one axis in order: sorting, searching, running folds.
enum Sequences {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        let words = attributes.words
        switch name {
        case "sort":
            return lines(inputs[0], fromLast: 0) { line in line.sorted() }
        case "argsort":
            return lines(inputs[0], fromLast: 0) { line in
                line.indices.sorted { (line[$0], $0) < (line[$1], $1) }.map(Double.init)
            }
        case "searchsorted":
            let rows = inputs[0].shape.dropLast().reduce(1, *)
            let n = inputs[0].shape.last!
            return Tensor(shape) { position in
                let row = position / (inputs[1].values.count / rows)
                let value = inputs[1].values[position]
                return Double(
                    (0..<n).count { column in
                        let own = inputs[0].values[row * n + column]
                        return own < value || own == value && words[1] == 1
                    })
            }
        case "as_strided":
            return Tensor(shape) { position in
                let index = Tensor.index(position, shape)
                return inputs[0].values[
                    zip(index, words.dropFirst()).reduce(words[0]) {
                        $0 + $1.0 * $1.1
                    }]
            }
        case "dynamic_slice":
            return Tensor(shape) { position in
                inputs[0][moved(Tensor.index(position, shape), words, inputs[1])]
            }
        case "dynamic_slice_update":
            var result = inputs[0]
            for position in inputs[1].values.indices {
                let index = moved(Tensor.index(position, inputs[1].shape), words, inputs[2])
                let place = zip(index, result.shape).reduce(0) { $0 * $1.1 + $1.0 }
                result.values[place] = inputs[1].values[position]
            }
            return result
        case "gather_mm":
            return product(inputs[0], inputs[1], shape) { item in
                (Int(inputs[2].values[item]), Int(inputs[3].values[item]), nil)
            }
        case "segmented_mm":
            return product(inputs[0], inputs[1], shape) { item in
                let start = Int(inputs[2].values[2 * item])
                return (0, 0, start..<max(start, Int(inputs[2].values[2 * item + 1])))
            }
        case "hadamard": return hadamard(inputs[0], words)
        case "cumsum": return scanned(inputs[0], words, 0, +)
        case "cumprod": return scanned(inputs[0], words, 1, *)
        case "cummax": return scanned(inputs[0], words, nil, Swift.max)
        case "cummin": return scanned(inputs[0], words, nil, Swift.min)
        case "logcumsumexp":
            return scanned(inputs[0], words, -.infinity) {
                Foundation.log(Foundation.exp($0) + Foundation.exp($1))
            }
        default: return nil
        }
    }

    /// An index with starts added along axes that are counted from the last one.
    private static func moved(_ index: [Int], _ axes: [Int], _ starts: Tensor) -> [Int] {
        var result = index
        for (axis, start) in zip(axes, starts.values) {
            result[index.count - 1 - axis] += Int(start)
        }
        return result
    }

    /// Products of chosen matrices over a range of the inner axis.
    private static func product(
        _ a: Tensor, _ b: Tensor, _ shape: [Int],
        _ choice: (Int) -> (left: Int, right: Int, range: Range<Int>?)
    ) -> Tensor {
        let (m, n, k) = (shape[shape.count - 2], shape[shape.count - 1], a.shape.last!)
        return Tensor(shape) { position in
            let (item, i, j) = (position / (m * n), position / n % m, position % n)
            let (left, right, range) = choice(item)
            return (range ?? 0..<k).reduce(0.0) {
                $0 + a.values[(left * m + i) * k + $1] * b.values[(right * k + $1) * n + j]
            }
        }
    }

    /// Sylvester's matrices have a closed form; the others are checked against MLX's.
    private static func hadamard(_ x: Tensor, _ words: [Int]) -> Tensor? {
        let n = x.shape.last!
        guard n & (n - 1) == 0 else { return nil }
        let scale = Double(bitPattern: UInt64(bitPattern: Int64(words[0])))
        return lines(x, fromLast: 0) { line in
            line.indices.map { i in
                scale
                    * line.indices.reduce(0.0) {
                        $0 + ((i & $1).nonzeroBitCount % 2 == 0 ? 1 : -1) * line[$1]
                    }
            }
        }
    }

    /// Applies a function to each line of elements along an axis.
    private static func lines(
        _ x: Tensor, fromLast: Int, _ function: ([Double]) -> [Double]
    ) -> Tensor {
        var result = x
        let axis = x.shape.count - 1 - fromLast
        let step = x.shape[(axis + 1)...].reduce(1, *)
        let length = x.shape[axis]
        for position in x.values.indices where Tensor.index(position, x.shape)[axis] == 0 {
            let places = (0..<length).map { position + $0 * step }
            for (place, value) in zip(places, function(places.map { x.values[$0] })) {
                result.values[place] = value
            }
        }
        return result
    }

    /// A fold of nothing is not compared where it depends on the dtype: such a first element is
    /// the fold's own.
    private static func scanned(
        _ x: Tensor, _ words: [Int], _ start: Double?, _ fold: (Double, Double) -> Double
    ) -> Tensor? {
        if start == nil && words[2] == 1 { return nil }
        return lines(x, fromLast: words[0]) { line in
            var total = start ?? (words[1] == 1 ? line.last! : line[0])
            var result = line
            for place in words[1] == 1 ? Array(line.indices.reversed()) : Array(line.indices) {
                let next = fold(total, line[place])
                result[place] = words[2] == 1 ? total : next
                total = next
            }
            return result
        }
    }
}
