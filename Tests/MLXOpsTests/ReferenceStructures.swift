import Foundation
import MLXBase
import MLXOps

/// The naive reference of reductions and of what normalises along axes.
enum Reductions {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        switch name {
        case "softmax": softmax(inputs[0], attributes)
        case "number_of_elements": number(inputs[0].shape, attributes.words)
        default: nil
        }
    }

    private static func number(_ shape: [Int], _ words: [Int]) -> Tensor {
        var count = 1.0
        for axis in shape.indices where words[0] & 1 << axis != 0 { count *= Double(shape[axis]) }
        count = Swift.max(count - Double(words[1]), 0)
        return Tensor([], [words[2] == 1 ? 1 / count : count])
    }

    /// What a function makes of the elements that fall together.
    static func folded(
        _ x: Tensor, _ attributes: Attributes, _ shape: [Int], _ fold: ([Double]) -> Double
    ) -> Tensor {
        Tensor(shape, grouped(x, attributes).map { fold($0.map { x.values[$0] }) })
    }

    /// Positions of the input that fall together, in the order of the output.
    private static func grouped(_ x: Tensor, _ attributes: Attributes) -> [[Int]] {
        let mask = AxisMask(attributes.word)
        let kept = x.shape.indices.filter { !mask.contains($0) }
        let outer = kept.map { x.shape[$0] }
        var groups = [[Int]](repeating: [], count: outer.reduce(1, *))
        for position in x.values.indices {
            let index = Tensor.index(position, x.shape)
            groups[kept.reduce(0) { $0 * x.shape[$1] + index[$1] }].append(position)
        }
        return groups
    }

    private static func softmax(_ x: Tensor, _ attributes: Attributes) -> Tensor {
        var result = x
        for group in grouped(x, attributes) {
            let total = group.reduce(0.0) { $0 + Foundation.exp(x.values[$1]) }
            for position in group {
                result.values[position] = Foundation.exp(x.values[position]) / total
            }
        }
        return result
    }
}

/// The naive reference of everything that moves elements.
enum Movements {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        let words = attributes.words
        let x = inputs.first ?? Tensor([0], [])
        let rank = x.shape.count
        switch name {
        case "transpose":
            let axes = Permutation(word: attributes.word, rank: rank).axes
            return Tensor(shape) { position in
                let index = Tensor.index(position, shape)
                var source = [Int](repeating: 0, count: rank)
                for (place, axis) in axes.enumerated() { source[axis] = index[place] }
                return x[source]
            }
        case "slice":
            return Tensor(shape) { position in
                let index = Tensor.index(position, shape)
                return x[(0..<rank).map { words[$0] + index[$0] * words[rank + $0] }]
            }
        case "slice_update":
            return scattered(x, inputs[1]) { index in
                (0..<rank).map { words[$0] + index[$0] * words[rank + $0] }
            } combine: {
                $1
            }
        case "concatenate":
            let axis = Int(attributes.word)
            return Tensor(shape) { position in
                var index = Tensor.index(position, shape)
                for input in inputs {
                    if index[axis] < input.shape[axis] { return input[index] }
                    index[axis] -= input.shape[axis]
                }
                return .nan
            }
        case "pad":
            return Tensor(shape) { position in
                let index = Tensor.index(position, shape)
                let inner = (0..<rank).map { index[$0] - words[$0] }
                let isInside = (0..<rank).allSatisfy { (0..<x.shape[$0]).contains(inner[$0]) }
                return isInside ? x[inner] : inputs[1].values[0]
            }
        default: return indexed(name, inputs, words, shape)
        }
    }

    private static func scattered(
        _ x: Tensor, _ updates: Tensor, _ place: ([Int]) -> [Int],
        combine: (Double, Double) -> Double
    ) -> Tensor {
        var result = x
        for position in updates.values.indices {
            let target = place(Tensor.index(position, updates.shape))
            let at = zip(target, x.shape).reduce(0) { $0 * $1.1 + $1.0 }
            result.values[at] = combine(result.values[at], updates.values[position])
        }
        return result
    }

    /// One index for each element, along one axis.
    static func along(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        guard name.hasSuffix("along_axis") else { return nil }
        let (x, numbers, axis) = (inputs[0], inputs[1], Int(attributes.word))
        func place(_ index: [Int]) -> [Int] {
            var target = index
            let number = Int(numbers[index])
            target[axis] = number < 0 ? number + x.shape[axis] : number
            return target
        }
        switch name {
        case "take_along_axis": return Tensor(shape) { x[place(Tensor.index($0, shape))] }
        case "put_along_axis": return scattered(x, inputs[2], place) { $1 }
        default: return nil
        }
    }

    private static func indexed(
        _ name: String, _ inputs: [Tensor], _ words: [Int], _ shape: [Int]
    ) -> Tensor? {
        let combine: (Double, Double) -> Double
        switch name {
        case "gather": combine = { $1 }
        case "scatter": combine = { $1 }
        case "scatter_add": combine = { $0 + $1 }
        case "scatter_max": combine = { Swift.max($0, $1) }
        case "scatter_min": combine = { Swift.min($0, $1) }
        case "scatter_prod": combine = { $0 * $1 }
        default: return nil
        }
        let x = inputs[0]
        let rank = x.shape.count
        let axes = (0..<rank).filter { words[0] >> $0 & 1 == 1 }
        let indices = Array(inputs[1..<(1 + axes.count)])
        func place(_ index: [Int]) -> [Int] {
            let lead = Array(index.dropLast(rank))
            var target = Array(index.suffix(rank))
            for (axis, numbers) in zip(axes, indices) {
                let number = Int(numbers[lead])
                target[axis] += number < 0 ? number + x.shape[axis] : number
            }
            return target
        }
        if name == "gather" { return Tensor(shape) { x[place(Tensor.index($0, shape))] } }
        return scattered(x, inputs.last!, place, combine: combine)
    }
}

/// The naive reference of convolution and pooling.
enum Windows {
    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        switch name {
        case "conv2d", "conv2d_within": return forward(inputs[0], inputs[1], attributes, shape)
        case "int8_conv2d":
            var weight = inputs[1]
            let per = weight.values.count / weight.shape[0]
            for i in weight.values.indices { weight.values[i] *= inputs[2].values[i / per] }
            return forward(inputs[0], weight, attributes, shape)
        case "conv2d_input_gradient":
            var result = Tensor(shape) { _ in 0 }
            forEachTap(shape, inputs[1].shape, inputs[0].shape, attributes) { x, w, y in
                result.values[x] += inputs[1].values[w] * inputs[0].values[y]
            }
            return result
        case "conv2d_weight_gradient":
            var result = Tensor(shape) { _ in 0 }
            forEachTap(inputs[0].shape, shape, inputs[1].shape, attributes) { x, w, y in
                result.values[w] += inputs[0].values[x] * inputs[1].values[y]
            }
            return result
        default: return pooled(name, inputs, attributes.words, shape)
        }
    }

    private static func forward(
        _ x: Tensor, _ w: Tensor, _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor {
        var result = Tensor(shape) { _ in 0 }
        forEachTap(x.shape, w.shape, shape, attributes) { i, k, o in
            result.values[o] += x.values[i] * w.values[k]
        }
        return result
    }

    /// Calls `body` with the positions of every product in a convolution.
    private static func forEachTap(
        _ x: [Int], _ w: [Int], _ y: [Int], _ attributes: Attributes,
        _ body: (Int, Int, Int) -> Void
    ) {
        let g = ConvolutionGeometry(words: attributes.words)
        let outputsPerGroup = w[0] / g.groups
        for position in 0..<y.reduce(1, *) {
            let o = Tensor.index(position, y)
            for tap in 0..<(w[1] * w[2] * w[3]) {
                let k = Tensor.index(tap, [w[1], w[2], w[3]])
                var at = [0, 0]
                var isInside = true
                for axis in 0..<2 {
                    let place =
                        o[1 + axis] * g.stride[axis] + k[axis] * g.kernelDilation[axis]
                        - g.paddingLow[axis]
                    at[axis] = place / g.inputDilation[axis]
                    isInside =
                        isInside && place >= 0 && place % g.inputDilation[axis] == 0
                        && at[axis] < x[1 + axis]
                }
                guard isInside else { continue }
                let channel = o[3] / outputsPerGroup * w[3] + k[2]
                let rows = g.flip ? [w[1] - 1 - k[0], w[2] - 1 - k[1]] : [k[0], k[1]]
                body(
                    ((o[0] * x[1] + at[0]) * x[2] + at[1]) * x[3] + channel,
                    ((o[3] * w[1] + rows[0]) * w[2] + rows[1]) * w[3] + k[2], position)
            }
        }
    }

    private static func pooled(
        _ name: String, _ inputs: [Tensor], _ words: [Int], _ shape: [Int]
    ) -> Tensor? {
        let x = inputs[0]
        let area = Double(words.count == 8 ? words[0] * words[1] : 1)
        switch name {
        case "max_pool2d":
            return Tensor(shape) { position in
                window(Tensor.index(position, shape), x.shape, words).map { x.values[$0] }.max()!
            }
        case "avg_pool2d":
            return Tensor(shape) { position in
                window(Tensor.index(position, shape), x.shape, words)
                    .reduce(0.0) { $0 + x.values[$1] } / area
            }
        case "avg_pool2d_gradient":
            var result = Tensor(shape) { _ in 0 }
            for position in x.values.indices {
                for place in window(Tensor.index(position, x.shape), shape, words) {
                    result.values[place] += x.values[position] / area
                }
            }
            return result
        case "max_pool2d_gradient", "max_pool2d_tangent":
            return maximumPaths(name, inputs, words, shape)
        default: return nil
        }
    }

    private static func maximumPaths(
        _ name: String, _ inputs: [Tensor], _ words: [Int], _ shape: [Int]
    ) -> Tensor {
        let (x, y) = (inputs[0], inputs[1])
        var result = Tensor(shape) { _ in 0 }
        for position in y.values.indices {
            let places = window(Tensor.index(position, y.shape), x.shape, words)
                .filter { x.values[$0] == y.values[position] }
            for place in places {
                if name == "max_pool2d_gradient" {
                    result.values[place] += inputs[2].values[position] / Double(places.count)
                } else {
                    result.values[position] += inputs[2].values[place] / Double(places.count)
                }
            }
        }
        return result
    }

    /// Positions of the input under one output element.
    private static func window(_ o: [Int], _ x: [Int], _ words: [Int]) -> [Int] {
        var positions: [Int] = []
        for i in 0..<words[0] {
            for j in 0..<words[1] {
                let row = o[1] * words[2] + i - words[4]
                let column = o[2] * words[3] + j - words[5]
                guard row >= 0, row < x[1], column >= 0, column < x[2] else { continue }
                positions.append(((o[0] * x[1] + row) * x[2] + column) * x[3] + o[3])
            }
        }
        return positions
    }
}
