import MLX

// Layers whose weights are stored in groups of a few bits, as MLX's checkpoints have them, and the
// replacement of a model's layers by them. The arrays are those of `quantized`; what a layer
// computes is what it would with the dequantized weight, without ever making that.

/// A layer that has a form with quantized weights.
public protocol Quantizable {
    /// The layer with its weights quantized in affine mode.
    @available(*, deprecated, message: "use toQuantized(groupSize:bits:mode:)")
    func toQuantized(groupSize: Int, bits: Int) -> Module

    /// The layer with its weights quantized; it shares only its bias with this one.
    /// - Parameters:
    ///   - groupSize: how many weights along the inputs share a scale.
    ///   - bits: of a stored weight.
    func toQuantized(groupSize: Int, bits: Int, mode: QuantizationMode) -> Module
}

extension Quantizable {
    /// The layer with its weights quantized in affine mode.
    public func toQuantized(groupSize: Int, bits: Int) -> Module {
        toQuantized(groupSize: groupSize, bits: bits, mode: .affine)
    }
}

extension Linear: Quantizable {
    /// The layer with quantized weights; in `.int8` mode an ``Int8Linear``.
    public func toQuantized(groupSize: Int, bits: Int, mode: QuantizationMode) -> Module {
        mode == .int8
            ? Int8Linear(self)
            : QuantizedLinear(self, groupSize: groupSize, bits: bits, mode: mode)
    }
}

extension Embedding: Quantizable {
    /// The table with quantized vectors.
    public func toQuantized(groupSize: Int, bits: Int, mode: QuantizationMode) -> Module {
        QuantizedEmbedding(self, groupSize: groupSize, bits: bits, mode: mode)
    }
}

/// The quantized form of a layer; nil if it has none or is quantized already.
public func quantizeSingle(
    layer: Module, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
) -> (any Quantized)? {
    if layer is any Quantized { return nil }
    let quantizable = layer as? any Quantizable
    return quantizable?.toQuantized(groupSize: groupSize, bits: bits, mode: mode)
        as? any Quantized
}

/// Replaces the layers of a model by their quantized forms, in properties with `@ModuleInfo`.
///
/// ```swift
/// quantize(model: model, groupSize: 64, bits: 4) { path, _ in path != "head" }
/// ```
/// - Parameters:
///   - filter: which layers, by path and layer.
///   - apply: makes the replacement; nil leaves the layer.
public func quantize(
    model: Module, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine,
    filter: (String, Module) -> Bool = { _, _ in true },
    apply: (Module, Int, Int, QuantizationMode) -> Module? = quantizeSingle(
        layer:groupSize:bits:mode:)
) {
    replaceLeaves(of: model) { path, layer in
        filter(path, layer) ? apply(layer, groupSize, bits, mode) : nil
    }
}

/// Replaces the layers of a model by their quantized forms in affine mode.
@available(*, deprecated, message: "use quantize(model:groupSize:bits:mode:filter:apply:)")
@_disfavoredOverload
public func quantize(
    model: Module, groupSize: Int = 64, bits: Int = 4,
    filter: (String, Module) -> Bool = { _, _ in true },
    apply: (Module, Int, Int) -> Module? = {
        quantizeSingle(layer: $0, groupSize: $1, bits: $2, mode: .affine)
    }
) {
    replaceLeaves(of: model) { path, layer in
        filter(path, layer) ? apply(layer, groupSize, bits) : nil
    }
}

/// Replaces the layers of a model by their quantized forms, each with settings of its own.
///
/// ```swift
/// quantize(model: model) { path, _ in path == "head" ? (64, 8, .affine) : (64, 4, .affine) }
/// ```
/// - Parameters:
///   - filter: the settings of a layer, by path and layer; nil leaves it.
///   - apply: makes the replacement; nil leaves the layer.
public func quantize(
    model: Module,
    filter: (String, Module) -> (groupSize: Int, bits: Int, mode: QuantizationMode)?,
    apply: (Module, Int, Int, QuantizationMode) -> Module? = quantizeSingle(
        layer:groupSize:bits:mode:)
) {
    replaceLeaves(of: model) { path, layer in
        filter(path, layer).flatMap { apply(layer, $0.groupSize, $0.bits, $0.mode) }
    }
}

/// Replaces the layers of a model by their quantized forms in affine mode, each with settings of
/// its own.
@available(*, deprecated, message: "use a filter that returns a mode too")
@_disfavoredOverload
public func quantize(
    model: Module, filter: (String, Module) -> (groupSize: Int, bits: Int)?,
    apply: (Module, Int, Int) -> Module? = {
        quantizeSingle(layer: $0, groupSize: $1, bits: $2, mode: .affine)
    }
) {
    replaceLeaves(of: model) { path, layer in
        filter(path, layer).flatMap { apply(layer, $0.groupSize, $0.bits) }
    }
}

/// Replaces the leaf modules that `replacement` has something for.
private func replaceLeaves(of model: Module, _ replacement: (String, Module) -> Module?) {
    let updates = model.leafModules().flattened().compactMap { path, layer in
        replacement(path, layer).map { (path, $0) }
    }
    model.update(modules: ModuleChildren.unflattened(updates))
}

/// What a result is multiplied with when the weight was quantized with a global scale.
package func globalFactor(_ scale: MLXArray) -> MLXArray { scale.asType(.float32) / 2688 }

/// ``Linear`` with a quantized weight: y = x Wᵀ + b. Its parameters are always frozen.
/// ```swift
/// let small = QuantizedLinear(Linear(512, 512), groupSize: 64, bits: 4)
/// ```
open class QuantizedLinear: Linear, Quantized {
    /// How many weights along the inputs share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// The format of the stored weights.
    public let mode: QuantizationMode
    /// (outputs, inputs / groupSize)
    public let scales: MLXArray
    /// (outputs, inputs / groupSize) in affine mode, else nil.
    public let biases: MLXArray?
    /// The largest magnitude that an nvfp4 weight was scaled by; nil for none.
    @ParameterInfo(key: "global_scale") public var globalScale: MLXArray?

    /// (outputs, inputs)
    open override var shape: (Int, Int) { (weight.dim(0), weight.dim(1) * 32 / max(bits, 1)) }

    /// A layer with a weight drawn evenly from ±1/√inputs and a bias of zeros.
    public convenience init(
        _ inputDimensions: Int, _ outputDimensions: Int, bias: Bool = true, groupSize: Int = 64,
        bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        let scale = (1 / Float(inputDimensions)).squareRoot()
        self.init(
            weight: MLXRandom.uniform(
                low: -scale, high: scale, [outputDimensions, inputDimensions]),
            bias: bias ? MLXArray.zeros([outputDimensions]) : nil, groupSize: groupSize,
            bits: bits, mode: mode)
    }

    /// The quantized form of a layer.
    public convenience init(
        _ other: Linear, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        self.init(
            weight: other.weight, bias: other.bias, groupSize: groupSize, bits: bits, mode: mode)
    }

    /// A layer with a weight that is quantized here.
    public convenience init(
        weight: MLXArray, bias: MLXArray?, groupSize: Int = 64, bits: Int = 4,
        mode: QuantizationMode = .affine, globalScale: MLXArray? = nil
    ) {
        let (codes, scales, biases) = quantized(
            weight, groupSize: groupSize, bits: bits, mode: mode, globalScale: globalScale)
        self.init(
            weight: codes, bias: bias, scales: scales, biases: biases, groupSize: groupSize,
            bits: bits, mode: mode, globalScale: globalScale)
    }

    /// A layer with a weight that is quantized already, as `quantized` gives it.
    public init(
        weight: MLXArray, bias: MLXArray? = nil, scales: MLXArray, biases: MLXArray?,
        groupSize: Int, bits: Int, mode: QuantizationMode = .affine, globalScale: MLXArray? = nil
    ) {
        self.groupSize = groupSize
        self.bits = bits
        self.mode = mode
        self.scales = scales
        self.biases = biases
        _globalScale = ParameterInfo(wrappedValue: globalScale, key: "global_scale")
        super.init(weight: weight, bias: bias)
        freeze()
    }

    /// Does nothing for the parameters of the layer itself: they stay frozen.
    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray { noted(affine(x), from: x) }

    /// x Wᵀ + b.
    package func affine(_ x: MLXArray) -> MLXArray {
        var y = quantizedMM(
            x, weight, scales: scales, biases: biases, transpose: true, groupSize: groupSize,
            bits: bits, mode: mode)
        if let globalScale { y = y * globalFactor(globalScale).asType(y.dtype) }
        return bias.map { y + $0 } ?? y
    }

    /// The quantized form of a layer.
    @available(*, deprecated, message: "use QuantizedLinear(_:groupSize:bits:mode:)")
    public static func from(
        linear: Linear, groupSize: Int = 64, bits: Int = 4
    ) -> QuantizedLinear {
        QuantizedLinear(linear, groupSize: groupSize, bits: bits)
    }

    /// Replaces the linear layers of a model.
    @available(*, deprecated, message: "use quantize(model:groupSize:bits:mode:filter:apply:)")
    public static func quantize(
        model: Module, groupSize: Int = 64, bits: Int = 4,
        predicate: (Linear) -> Bool = { _ in true }
    ) {
        replaceLeaves(of: model) { _, layer in
            guard let linear = layer as? Linear, !(layer is any Quantized), predicate(linear)
            else { return nil }
            return QuantizedLinear(linear, groupSize: groupSize, bits: bits)
        }
    }
}
