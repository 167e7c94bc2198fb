import MLX
import MLXNN

// The layers of a model, rounded by one of the methods.

/// How codes of weights are chosen.
public enum WeightRounding: Hashable, Sendable, Codable {
    /// The nearest codes of the range of each group, as `quantize(model:)` does.
    case nearest
    /// Scale and bias of each group searched for the least squared error of the weights; needs no
    /// data.
    case leastSquares
    /// GPTQ on the second moments of the inputs.
    case gptq(GPTQOptions = GPTQOptions())
    /// Scales of inputs, and cut ranges.
    case awq(AWQOptions = AWQOptions())

    /// Whether inputs of layers have to be seen.
    public var needsData: Bool {
        switch self {
        case .nearest, .leastSquares: false
        case .gptq, .awq: true
        }
    }
}

/// What rounding did to a layer.
public struct RoundedLayer: Sendable, Codable, Hashable {
    /// Where the layer is.
    public let path: String
    /// How its weights are stored.
    public let format: AffineFormat
    /// The root of the mean squared change of the products with the calibration data, relative to
    /// these; of the weights where a layer was rounded without data.
    public let error: Float
    /// The same for the nearest codes.
    public let errorOfNearest: Float
    /// What the scales of the inputs were folded into; nil where nothing was scaled.
    public let scaledBy: String?
}

extension Module {
    /// Quantizes linear layers and tables in place, with codes that are better than the nearest
    /// ones. Layers have to be in properties with `@ModuleInfo`.
    ///
    /// ```swift
    /// let format = try AffineFormat(groupSize: 64, bits: 4)
    /// try model.quantizeWeights(.gptq(), format, data: batches) { model($0) }
    /// ```
    /// Linear layers that share an input are scaled together. Second moments of as many layers are
    /// kept as fit in `memoryLimit`; those that come later are rounded for the inputs that they get
    /// from the rounded ones before. Tables (`Embedding`) and linear layers that the data never
    /// reaches get the search that needs no data. Layers of subclasses, and those whose inputs are
    /// no whole groups, stay.
    /// - Parameters:
    ///   - format: of the layers that `formats` says nothing of.
    ///   - data: batches that `forward` takes; what they are like decides what the rounded model is
    ///     good at.
    ///   - memoryLimit: bytes of second moments, (inputs, inputs) in float32 for each group of
    ///     layers with one input.
    ///   - formats: the format of a layer by path and layer; nil leaves it in floats.
    ///   - forward: runs the model and returns its result.
    /// - Returns: what became of each layer that was rounded with data, in the order of the calls.
    /// - Throws: `QuantizationError`, `ArrayError`, what `forward` throws, `CancellationError`. The
    ///   layers before the one at fault are rounded then.
    @discardableResult public func quantizeWeights<Batch>(
        _ method: WeightRounding, _ format: AffineFormat, data: [Batch],
        memoryLimit: Int = 1 << 30,
        formats: ((String, Module) -> AffineFormat?)? = nil,
        forward: @escaping (Batch) throws -> MLXArray
    ) throws -> [RoundedLayer] {
        let wasTraining = training
        train(false)
        defer { train(wasTraining) }
        let choice = FormatChoice(own: formats, common: format)
        guard method.needsData else {
            return try roundWithoutData(method, choice)
        }
        let observed = try ObservedModel(self, data, forward)
        var pass = try RoundingPass(observed, method, choice)
        let rows = try pass.run(memoryLimit: memoryLimit)
        _ = try roundWithoutData(.leastSquares, choice)
        return rows
    }

    /// Quantizes linear layers and tables in place by the search for the least squared error of the
    /// weights, which needs no data.
    /// - Returns: what became of each layer.
    /// - Throws: as ``quantizeWeights(_:_:data:memoryLimit:formats:forward:)``.
    @discardableResult public func quantizeWeights(
        _ format: AffineFormat, formats: ((String, Module) -> AffineFormat?)? = nil
    ) throws -> [RoundedLayer] {
        try roundWithoutData(.leastSquares, FormatChoice(own: formats, common: format))
    }

    /// What is not quantized yet, rounded by what needs no data.
    private func roundWithoutData(
        _ method: WeightRounding, _ choice: FormatChoice
    ) throws -> [RoundedLayer] {
        var (rows, replacements): ([RoundedLayer], [ObjectIdentifier: Module]) = ([], [:])
        for (path, layer) in leafModules().flattened().sorted(by: { $0.0 < $1.0 }) {
            guard replacements[ObjectIdentifier(layer)] == nil,
                let weight = plainWeight(of: layer), let format = choice.format(path, layer, weight)
            else { continue }
            try Task.checkCancellation()
            let nearest = AffineWeights.nearest(weight, format)
            let rounded =
                method == .nearest ? nearest : try AffineWeights(searching: weight, format)
            let moments = MLXArray.identity(1)
            let errors = [rounded, nearest].map { relativeError($0, weight, moments) }
            try checkedEval(errors)
            rows.append(
                RoundedLayer(
                    path: path, format: format, error: errors[0].item(Float.self),
                    errorOfNearest: errors[1].item(Float.self), scaledBy: nil))
            replacements[ObjectIdentifier(layer)] = rounded.layer(like: layer)
        }
        try replace(replacements)
        return rows
    }
}

/// Which format a layer gets.
struct FormatChoice {
    let own: ((String, Module) -> AffineFormat?)?
    let common: AffineFormat

    /// Nil for a layer that stays in floats.
    func format(_ path: String, _ layer: Module, _ weight: MLXArray) -> AffineFormat? {
        guard let format = own.map({ $0(path, layer) }) ?? common, weight.size > 0,
            weight.dim(1) % format.groupSize == 0,
            [.float32, .float16, .bfloat16].contains(weight.dtype)
        else { return nil }
        return format
    }
}

/// The weight of an ordinary linear layer or table; nil for all others.
func plainWeight(of layer: Module) -> MLXArray? {
    if type(of: layer) == Linear.self { return (layer as? Linear)?.weight }
    if type(of: layer) == Embedding.self { return (layer as? Embedding)?.weight }
    return nil
}

/// √(tr(Δ H Δᵀ) / tr(W H Wᵀ)); with moments (1, 1) those of the weights themselves.
func relativeError(
    _ rounded: AffineWeights, _ weight: MLXArray, _ moments: MLXArray
) -> MLXArray {
    let wide = weight.asType(.float32)
    let change = rounded.matrix.asType(.float32) - wide
    func size(_ matrix: MLXArray) -> MLXArray {
        moments.size == 1 ? square(matrix).sum() : productError(matrix, moments)
    }
    return sqrt(maximum(size(change), Float(0)) / maximum(size(wide), Float.leastNormalMagnitude))
}

extension AffineWeights {
    /// A layer like another one with these weights.
    func layer(like layer: Module) -> Module {
        guard let linear = layer as? Linear else {
            return QuantizedEmbedding(
                weight: codes, scales: scales, biases: biases, groupSize: format.groupSize,
                bits: format.bits)
        }
        return self.linear(bias: linear.bias)
    }
}
