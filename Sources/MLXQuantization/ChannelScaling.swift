import MLX
import MLXNN

// Moving scale between a layer and what comes before it. Columns of weights are multiplied by s and
// the inputs divided by it, which changes nothing in exact numbers, but what rounding costs. The
// division is folded into what makes the inputs, if it can be: a norm's weight, the rows of a
// linear layer whose outputs reach the inputs through linear maps of single channels, such as the
// values of attention or the ungated branch of a gated network.
//
// Which layers these are is not asked of the model's type but found out: the scales of a candidate
// are changed by powers of two, which no rounding disturbs, and only where the model's result stays
// the same is anything folded.

/// Where a scale goes.
enum ScaleSource {
    case norm(path: String, weight: MLXArray, bias: MLXArray?)
    case linear(path: String, Linear)

    var path: String {
        switch self {
        case .norm(let path, _, _), .linear(let path, _): path
        }
    }

    /// The arrays that are divided, with the axis of the channels.
    private var arrays: [(array: MLXArray, axis: Int)] {
        switch self {
        case .norm(_, let weight, let bias):
            return [(weight, 0)] + (bias.map { [($0, 0)] } ?? [])
        case .linear(_, let layer):
            let bias = layer.bias.map { [($0, 0)] } ?? []
            return [(layer.weight, 0)] + bias
        }
    }

    /// Divides what the source makes by scales (channels). Nothing is evaluated.
    func divide(by scales: MLXArray) {
        for (array, axis) in arrays {
            var shape = [Int](repeating: 1, count: array.ndim)
            shape[axis] = scales.dim(0)
            let wide = array.asType(.float32) / scales.reshaped(shape)
            array._updateInternal(wide.asType(array.dtype))
        }
    }

    /// What `divide` changes, as it is.
    var state: [(MLXArray, MLXArray)] { arrays.map { ($0.array, $0.array.aliased()) } }
}

extension LinearGroup {
    /// Multiplies the columns of all weights by scales (inputs). Nothing is evaluated.
    func multiply(by scales: MLXArray) {
        for (_, layer) in layers {
            let wide = layer.weight.asType(.float32) * scales.reshaped([1, scales.dim(0)])
            layer.weight._updateInternal(wide.asType(layer.weight.dtype))
        }
    }

    /// What `multiply` changes, as it is.
    var state: [(MLXArray, MLXArray)] {
        layers.map { ($0.layer.weight, $0.layer.weight.aliased()) }
    }
}

/// Gives arrays the values that they had.
func restore(_ state: [(MLXArray, MLXArray)]) {
    for (array, value) in state { array._updateInternal(value) }
}

extension ObservedModel {
    /// How much a result may differ, relative to its largest magnitude, to count as the same.
    /// NUMERICS: scales that are powers of two change no rounding in a product, but sums inside a
    /// norm that is not the source may be ordered by the compiler's whim, and the smallest numbers
    /// of halves are rounded; a scale that is not undone changes results by a large part.
    private static func tolerance(_ dtype: DType) -> Float {
        switch dtype {
        case .float16: 0x1p-6
        case .bfloat16: 0x1p-4
        default: 1e-4
        }
    }

    /// What the scales of some of a model's groups can be folded into; nil for nothing.
    ///
    /// Blocks are alike: where layers of one name and another's were tried in one block, those of
    /// the other blocks are tried together, in a single run.
    func sources(
        _ groups: [LinearGroup], of wanted: [LinearGroup]
    ) throws -> [ScaleSource?] {
        let expected = try output(data[0])
        var verdicts: [String: Bool] = [:]
        var isCertain = [Bool](repeating: true, count: wanted.count)
        var chosen: [ScaleSource?] = try wanted.enumerated().map { place, group in
            let index = groups.firstIndex { $0.layers[0].layer === group.layers[0].layer } ?? 0
            return try candidates(groups, index).first { candidate in
                let name = [group.layers[0].path, candidate.path].map(withoutNumbers)
                    .joined(separator: " ")
                if let verdict = verdicts[name] {
                    isCertain[place] = !verdict
                    return verdict
                }
                try Task.checkCancellation()
                let verdict = try canFold([(group, candidate)], expected)
                verdicts[name] = verdict
                return verdict
            }
        }
        let pairs = wanted.indices.compactMap { place in
            isCertain[place] ? nil : chosen[place].map { (wanted[place], $0) }
        }
        if try pairs.isEmpty || canFold(pairs, expected) { return chosen }
        for place in wanted.indices where !isCertain[place] {
            try Task.checkCancellation()
            guard let source = chosen[place] else { continue }
            if try !canFold([(wanted[place], source)], expected) { chosen[place] = nil }
        }
        return chosen
    }

    /// A path with a sign for each number in it.
    private func withoutNumbers(_ path: String) -> String {
        path.split(separator: ".").map { Int($0) == nil ? $0 : "#" }.joined(separator: ".")
    }

    private func candidates(_ groups: [LinearGroup], _ index: Int) -> [ScaleSource] {
        let group = groups[index]
        if let source = group.source {
            switch source.module {
            case let norm as RMSNorm:
                return [.norm(path: source.path, weight: norm.weight, bias: nil)]
            case let norm as LayerNorm:
                return norm.weight.map {
                    [.norm(path: source.path, weight: $0, bias: norm.bias)]
                } ?? []
            case let layer as Linear where type(of: layer) == Linear.self:
                return [.linear(path: source.path, layer)]
            default: break
            }
        }
        // The values of attention, the ungated branch: among the layers that were called just
        // before, the later ones first.
        guard index > 0 else { return [] }
        return groups[index - 1].layers.reversed()
            .filter { $0.layer.shape.0 == group.inputs }
            .map { .linear(path: $0.path, $0.layer) }
    }

    /// Whether the scales of groups can be folded: the result stays what it is when they are
    /// changed.
    private func canFold(
        _ pairs: [(group: LinearGroup, source: ScaleSource)], _ expected: MLXArray
    ) throws -> Bool {
        var state: [(MLXArray, MLXArray)] = []
        defer { restore(state.reversed()) }
        for (group, source) in pairs {
            // An array may be changed twice, so that each is kept before it is.
            state += source.state + group.state
            // Neighbouring channels are treated differently, in a pattern that no block repeats. No
            // input grows: a half might overflow.
            let factors = (0..<group.inputs).map { channel in
                (channel * 7 / 3 + channel / 5) % 2 == 0 ? Float(4) : 1
            }
            let scales = MLXArray(factors)
            source.divide(by: scales)
            group.multiply(by: scales)
        }
        let found = try output(data[0])
        let wide = expected.asType(.float32)
        let largest = abs(wide).max()
        let change = abs(found.asType(.float32) - wide).max()
        try checkedEval([largest, change])
        let limit =
            ObservedModel.tolerance(expected.dtype) * max(largest.item(Float.self), 1e-30)
        // A comparison with NaN is false.
        return change.item(Float.self) <= limit
    }
}
