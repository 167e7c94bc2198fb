import MLX
import MLXNN

/// One rounding of a model's linear layers with data: first the scales of all inputs, then, part by
/// part, the weights.
struct RoundingPass<Batch> {
    private let observed: ObservedModel<Batch>
    private let method: WeightRounding
    private let groups: [LinearGroup]
    private let formats: [ObjectIdentifier: AffineFormat]
    /// Scales of inputs that could not be folded, by layer.
    private var kept: [ObjectIdentifier: MLXArray] = [:]
    /// What scales were folded into, by layer.
    private var folded: [ObjectIdentifier: String] = [:]
    /// What the nearest codes cost before anything was scaled, by layer.
    private var nearest: [ObjectIdentifier: MLXArray] = [:]

    init(
        _ observed: ObservedModel<Batch>, _ method: WeightRounding, _ choice: FormatChoice
    ) throws {
        self.observed = observed
        self.method = method
        var formats: [ObjectIdentifier: AffineFormat] = [:]
        groups = try observed.groups().compactMap { group in
            var group = group
            group.layers.removeAll { path, layer in
                let format = choice.format(path, layer, layer.weight)
                formats[ObjectIdentifier(layer)] = format
                return format == nil
            }
            return group.layers.isEmpty ? nil : group
        }
        self.formats = formats
    }

    mutating func run(memoryLimit: Int) throws -> [RoundedLayer] {
        let parts = ObservedModel<Batch>.parts(groups, within: memoryLimit)
        if case .awq(let options) = method, options.exponentCount > 1 {
            for part in parts { try scale(part, options) }
        }
        var rows: [RoundedLayer] = []
        for part in parts {
            let sums = try observed.sums(of: part.map { $0.layers[0].layer }, wantsMoments: true)
            var replacements: [ObjectIdentifier: Module] = [:]
            for group in part {
                let own = sums[ObjectIdentifier(group.layers[0].layer)]
                guard let moments = own?.moments else { continue }
                for (path, layer) in group.layers {
                    try Task.checkCancellation()
                    let (row, rounded) = try round(path, layer, moments)
                    rows.append(row)
                    replacements[ObjectIdentifier(layer)] = rounded
                }
            }
            try observed.model.replace(replacements)
        }
        return rows
    }

    // MARK: - Scales

    private mutating func scale(_ part: [LinearGroup], _ options: AWQOptions) throws {
        // All layers with an input have to be scaled; one that stays in floats is scaled too.
        let whole = try observed.groups()
        let own = part.compactMap { group in
            whole.first { one in one.layers.contains { $0.layer === group.layers[0].layer } }
        }
        let sources = try observed.sources(whole, of: own)
        let sums = try observed.sums(of: part.map { $0.layers[0].layer }, wantsMoments: true)
        for (index, group) in part.enumerated() {
            try Task.checkCancellation()
            guard sources[index] != nil || options.keepsInputScales else { continue }
            guard let sum = sums[ObjectIdentifier(group.layers[0].layer)],
                let moments = sum.moments
            else { continue }
            for (_, layer) in group.layers {
                let key = ObjectIdentifier(layer)
                nearest[key] = formats[key].map {
                    relativeError(.nearest(layer.weight, $0), layer.weight, moments)
                }
            }
            try checkedEval(Array(nearest.values))
            let scales = try activationAwareScales(
                group.layers.map(\.layer.weight), sum,
                group.layers.compactMap { formats[ObjectIdentifier($0.layer)] },
                exponents: options.exponentCount)
            guard let source = sources[index] else {
                for (_, layer) in group.layers { kept[ObjectIdentifier(layer)] = scales }
                continue
            }
            source.divide(by: scales)
            own[index].multiply(by: scales)
            try checkedEval((source.state + own[index].state).map(\.0))
            for (_, layer) in group.layers { folded[ObjectIdentifier(layer)] = source.path }
        }
    }

    // MARK: - Weights

    private func round(
        _ path: String, _ layer: Linear, _ moments: MLXArray
    ) throws -> (RoundedLayer, Module) {
        guard let format = formats[ObjectIdentifier(layer)] else {
            throw QuantizationError("\(path) has no format")
        }
        var (weight, moments) = (layer.weight, moments)
        let nearest =
            nearest[ObjectIdentifier(layer)]
            ?? relativeError(.nearest(weight, format), weight, moments)
        let scales = kept[ObjectIdentifier(layer)]
        if let scales {
            weight = (weight.asType(.float32) * scales).asType(weight.dtype)
            moments = moments / (scales * scales.expandedDimensions(axis: 1))
        }
        let rounded: AffineWeights
        switch method {
        case .nearest: rounded = .nearest(weight, format)
        case .leastSquares: rounded = try AffineWeights(searching: weight, format)
        case .gptq(let options):
            rounded = try AffineWeights(gptq: weight, moments: moments, format, options: options)
        case .awq(let options):
            if let gptq = options.gptq {
                rounded = try AffineWeights(gptq: weight, moments: moments, format, options: gptq)
            } else if options.clips {
                rounded = try AffineWeights(clipping: weight, moments: moments, format)
            } else {
                rounded = .nearest(weight, format)
            }
        }
        let error = relativeError(rounded, weight, moments)
        try checkedEval([error, nearest, rounded.codes, rounded.scales, rounded.biases])
        let row = RoundedLayer(
            path: path, format: format, error: error.item(Float.self),
            errorOfNearest: nearest.item(Float.self),
            scaledBy: folded[ObjectIdentifier(layer)])
        let plain = rounded.linear(bias: layer.bias)
        return (row, scales.map { InputScaledLinear(plain, inputScales: $0) } ?? plain)
    }
}
