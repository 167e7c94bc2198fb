import MLX
import MLXNN

/// The measuring of a quantization report: each layer beside its quantized form on the inputs that
/// the model gives it, and the model with each of these forms in turn.
struct ReportPass<Batch> {
    /// A layer, its quantized form, and what was measured so far.
    private struct Entry {
        let path: String
        let layer: Module
        let quantized: Module
        var own = ErrorSums()
        var largest: Float = 0
        var bound: Float = 0
        var model = ErrorSums()
    }

    private let observed: ObservedModel<Batch>
    private var entries: [Entry] = []

    init(_ observed: ObservedModel<Batch>) { self.observed = observed }

    /// Finds the layers in the order of their calls.
    mutating func choose(
        _ filter: (String, Module) -> Bool, _ quantized: (Module) -> Module?
    ) throws {
        let paths = observed.paths()
        let leaves = Set(observed.model.leafModules().flattened().map { ObjectIdentifier($0.1) })
        var seen = Set<ObjectIdentifier>()
        let (calls, _) = try observed.calls(observed.data[0])
        for call in calls where leaves.contains(call.module) {
            guard let own = paths[call.module], seen.insert(call.module).inserted,
                type(of: own.module) == Linear.self || type(of: own.module) == Conv2d.self,
                filter(own.path, own.module), let form = quantized(own.module)
            else { continue }
            entries.append(Entry(path: own.path, layer: own.module, quantized: form))
        }
        guard !entries.isEmpty else {
            throw QuantizationError("no layer that the data reaches can be quantized")
        }
    }

    mutating func measure() throws -> (rows: [QuantizedLayerError], modelError: Float) {
        var all = ErrorSums()
        for batch in observed.data {
            try Task.checkCancellation()
            let (calls, result) = try observed.calls(batch)
            try checkedEval([result])
            let byModule = Dictionary(grouping: calls, by: \.module)
            for index in entries.indices {
                try Task.checkCancellation()
                for call in byModule[ObjectIdentifier(entries[index].layer)] ?? [] {
                    try compare(index, call)
                }
                let changed = try withQuantized([entries[index]]) { try observed.output(batch) }
                try entries[index].model.add(changed, result)
            }
            try all.add(try withQuantized(entries) { try observed.output(batch) }, result)
        }
        let rows = entries.map { entry in
            QuantizedLayerError(
                path: entry.path, parameterCount: parameterCount(of: entry.layer),
                relativeError: entry.own.relative, cosine: entry.own.cosine,
                largestError: entry.largest, bound: entry.bound, sensitivity: entry.model.relative)
        }
        return (rows, all.relative)
    }

    private func parameterCount(of layer: Module) -> Int {
        (layer as? Linear)?.weight.size ?? (layer as? Conv2d)?.weight.size ?? 0
    }

    /// Runs with layers in their quantized form.
    private func withQuantized<R>(_ entries: [Entry], _ body: () throws -> R) throws -> R {
        func pairs(_ a: (Entry) -> Module, _ b: (Entry) -> Module) -> [ObjectIdentifier: Module] {
            Dictionary(entries.map { (ObjectIdentifier(a($0)), b($0)) }) { first, _ in first }
        }
        try observed.model.replace(pairs(\.layer, \.quantized))
        let result = Result { try body() }
        try observed.model.replace(pairs(\.quantized, \.layer))
        return try result.get()
    }

    private mutating func compare(_ index: Int, _ call: CallLog.Call) throws {
        guard let x = call.inputs.first, let form = entries[index].quantized as? any UnaryLayer
        else { return }
        let y = form(x)
        try entries[index].own.add(y, call.output)
        let largest = abs(y.asType(.float32) - call.output.asType(.float32)).max()
        let bound = errorBound(entries[index].layer, entries[index].quantized, x).max()
        try checkedEval([largest, bound])
        entries[index].largest = max(entries[index].largest, largest.item(Float.self))
        let limit = bound.item(Float.self)
        entries[index].bound = limit.isNaN ? limit : max(entries[index].bound, limit)
    }
}

/// Sums that a relative error and a cosine are made of.
private struct ErrorSums {
    private var (change, size, otherSize, product) = (0.0, 0.0, 0.0, 0.0)

    /// - Throws: `QuantizationError` for results that are not finite or have another shape.
    mutating func add(_ found: MLXArray, _ expected: MLXArray) throws {
        guard found.shape == expected.shape else {
            throw QuantizationError("results of \(found.shape) and \(expected.shape)")
        }
        // NUMERICS: sums of squares of float32 in float64.
        let (a, b) = (found.asType(.float64), expected.asType(.float64))
        let sums = [square(a - b).sum(), square(b).sum(), square(a).sum(), (a * b).sum()]
        try checkedEval(sums)
        let values = sums.map { $0.item(Double.self) }
        guard values.allSatisfy(\.isFinite) else {
            throw QuantizationError("results are not finite")
        }
        change += values[0]
        size += values[1]
        otherSize += values[2]
        product += values[3]
    }

    /// ‖a - b‖ / ‖b‖; 0 where both are zeros.
    var relative: Float {
        change == 0 ? 0 : Float((change / max(size, .leastNormalMagnitude)).squareRoot())
    }

    /// 1 where both are zeros.
    var cosine: Float {
        let sizes = (size * otherSize).squareRoot()
        return sizes > 0 ? Float(min(max(product / sizes, -1), 1)) : size == otherSize ? 1 : 0
    }
}

/// What the result of a quantized linear layer differs by at most from that of the layer in floats,
/// element by element; NaN for other layers.
///
/// With weights W in floats, W' decoded and inputs x the difference is Σ (W' - W) x, and where
/// inputs are rounded to int8, by rows or by groups, that of half a step for each more. Sums of
/// n products differ by at most n ε Σ|W'||x| from what they are in exact numbers, on either side.
func errorBound(_ layer: Module, _ quantized: Module, _ x: MLXArray) -> MLXArray {
    guard let linear = layer as? Linear, let form = quantized as? any Quantized,
        let decoded = decodedWeight(of: quantized)
    else { return MLXArray(Float.nan) }
    let input = abs(x.asType(.float32))
    let weight = linear.weight.asType(.float32)
    let sizes = maximum(abs(decoded), abs(weight))
    var bound = matmul(input, abs(decoded - weight).T)
    if form.mode == .int8 || form.mode == .affineInt8 {
        let groupSize = form.mode == .int8 ? nil : form.groupSize
        bound = bound + int8RoundingError(input, decoded, groupSize: groupSize)
    }
    // What is stored or computed in half types is rounded to those as well.
    let epsilon = x.dtype.size < 4 || linear.weight.dtype.size < 4 ? Float(0x1p-7) : 0
    let count = Float(x.dim(-1) + 8)
    let rounding = matmul(input, sizes.T) * (2 * count * Float.ulpOfOne + 2 * epsilon)
    let shift = linear.bias.map { abs($0.asType(.float32)) * (4 * Float.ulpOfOne + 2 * epsilon) }
    return (bound + rounding) * (1 + count * Float.ulpOfOne) + (shift ?? MLXArray(Float(0)))
}

/// The matrix that a quantized linear layer multiplies with, in float32; nil for other layers.
private func decodedWeight(of layer: Module) -> MLXArray? {
    if let layer = layer as? Int8Linear {
        return layer.weight.asType(.float32) * layer.scales.expandedDimensions(axis: 1)
    }
    guard let layer = layer as? QuantizedLinear else { return nil }
    let wide = dequantized(
        layer.weight, scales: layer.scales, biases: layer.biases, groupSize: layer.groupSize,
        bits: layer.bits, mode: layer.mode, dtype: .float32)
    return layer.globalScale.map { wide * globalFactor($0) } ?? wide
}
