import MLX
import MLXNN

/// Low-rank adaptation (Hu et al., 2022): the weight W of a linear layer stays as it is, and the
/// product of two thin matrices is trained beside it. The layers are subclasses of those they
/// adapt, with the same keys and two more, so files of either kind fit. A module of its own,
/// because packages of language models have types of these names, and mlx-swift has none.

/// A layer with a trainable product of two thin matrices beside a frozen weight.
public protocol LoRALayer: Module {
    /// (inputs, rank), drawn evenly from ±1/√inputs.
    var loraA: MLXArray { get }
    /// (rank, outputs), zeros at first.
    var loraB: MLXArray { get }
    /// Multiplies the product.
    var scale: Float { get }
    /// An ordinary layer that computes the same.
    /// - Parameter dequantize: whether a quantized weight becomes floats, rather than being
    ///   quantized again.
    func fused(dequantize: Bool) -> Module
    /// The layer without what was trained.
    func reverted() -> Module
}

extension LoRALayer {
    /// scale (x A) B, with a part of x zeroed while training.
    fileprivate func adapted(_ x: MLXArray, _ dropout: Float) -> MLXArray {
        let x = training && dropout > 0 ? Dropout(p: dropout)(x) : x
        return matmul(matmul(x, loraA), loraB) * scale
    }

    /// scale (A B)ᵀ, what is added to the weight.
    fileprivate func change(_ dtype: DType) -> MLXArray {
        (matmul(loraB.T, loraA.T) * scale).asType(dtype)
    }

    /// The keys that are frozen whatever is asked for.
    fileprivate var baseKeys: Set<String> {
        ["weight", "bias", "scales", "biases", "global_scale"]
    }
}

private func thinMatrices(_ shape: (Int, Int), _ rank: Int) -> (a: MLXArray, b: MLXArray) {
    let (outputs, inputs) = shape
    let bound = 1 / Float(max(inputs, 1)).squareRoot()
    return (
        MLXRandom.uniform(low: -bound, high: bound, [inputs, rank]),
        MLXArray.zeros([rank, outputs])
    )
}

/// `Linear` with a low-rank change: y = x Wᵀ + b + scale (x A) B.
/// ```swift
/// let layer = LoRALinear(linear, rank: 8, scale: 20)
/// ```
open class LoRALinear: Linear, LoRALayer {
    /// (inputs, rank)
    @ParameterInfo(key: "lora_a") public var loraA: MLXArray
    /// (rank, outputs)
    @ParameterInfo(key: "lora_b") public var loraB: MLXArray
    /// Multiplies the product.
    public let scale: Float
    /// The part of the product's input that is zeroed while training.
    public let dropout: Float

    /// The adaptable form of a layer, whose parameters it shares and freezes.
    /// - Parameter dropout: in 0...1.
    public init(_ linear: Linear, rank: Int = 8, scale: Float = 20, dropout: Float = 0) {
        let (a, b) = thinMatrices(linear.shape, rank)
        _loraA = ParameterInfo(wrappedValue: a, key: "lora_a")
        _loraB = ParameterInfo(wrappedValue: b, key: "lora_b")
        self.scale = scale
        self.dropout = dropout
        super.init(weight: linear.weight, bias: linear.bias)
    }

    open override func noGrad() -> Set<String> { super.noGrad().union(baseKeys) }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = bias.map { addMM($0, x, weight.T) } ?? matmul(x, weight.T)
        return noted(y + adapted(x, dropout).asType(y.dtype), from: x)
    }

    /// A `Linear` with the change in its weight.
    open func fused(dequantize: Bool = false) -> Module {
        Linear(weight: weight + change(weight.dtype), bias: bias)
    }

    /// The layer as it was.
    open func reverted() -> Module { Linear(weight: weight, bias: bias) }
}

/// `QuantizedLinear` with a low-rank change in floats (Dettmers et al., 2023).
open class LoRAQuantizedLinear: QuantizedLinear, LoRALayer {
    /// (inputs, rank)
    @ParameterInfo(key: "lora_a") public var loraA: MLXArray
    /// (rank, outputs)
    @ParameterInfo(key: "lora_b") public var loraB: MLXArray
    /// Multiplies the product.
    public let scale: Float
    /// The part of the product's input that is zeroed while training.
    public let dropout: Float

    /// The adaptable form of a layer, whose parameters it shares.
    /// - Parameter dropout: in 0...1.
    public init(_ linear: QuantizedLinear, rank: Int = 8, scale: Float = 20, dropout: Float = 0) {
        let (a, b) = thinMatrices(linear.shape, rank)
        _loraA = ParameterInfo(wrappedValue: a, key: "lora_a")
        _loraB = ParameterInfo(wrappedValue: b, key: "lora_b")
        self.scale = scale
        self.dropout = dropout
        super.init(
            weight: linear.weight, bias: linear.bias, scales: linear.scales,
            biases: linear.biases, groupSize: linear.groupSize, bits: linear.bits,
            mode: linear.mode, globalScale: linear.globalScale)
        frozenKeys = []
    }

    open override func noGrad() -> Set<String> { super.noGrad().union(baseKeys) }

    /// Puts A and B back into the trainable parameters; the others stay frozen.
    public override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try unfreezeLocally(keys, strict: strict)
    }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = affine(x)
        return noted(y + adapted(x, dropout).asType(y.dtype), from: x)
    }

    /// A `QuantizedLinear` with the change in its weight, rounded anew, or a `Linear`.
    open func fused(dequantize: Bool = false) -> Module {
        let type: DType = mode == .affine ? scales.dtype : .float32
        var wide = dequantized(
            weight, scales: scales, biases: biases, groupSize: groupSize, bits: bits, mode: mode,
            dtype: type)
        if let globalScale { wide = wide * globalFactor(globalScale).asType(type) }
        let changed = wide + change(type)
        if dequantize { return Linear(weight: changed, bias: bias) }
        return QuantizedLinear(
            weight: changed, bias: bias, groupSize: groupSize, bits: bits, mode: mode,
            globalScale: globalScale)
    }

    /// The layer as it was.
    open func reverted() -> Module {
        QuantizedLinear(
            weight: weight, bias: bias, scales: scales, biases: biases, groupSize: groupSize,
            bits: bits, mode: mode, globalScale: globalScale)
    }
}

extension Module {
    /// Freezes the model and makes linear layers adaptable, in properties with `@ModuleInfo`.
    ///
    /// Only the new matrices are trainable then, and files of adapters have only them:
    /// ```swift
    /// model.addLoRA(rank: 8) { path, _ in path.hasSuffix("query_proj") }
    /// // train, then
    /// try save(arrays: model.loraWeights(), url: url)
    /// ```
    /// - Parameters:
    ///   - dropout: in 0...1.
    ///   - filter: which layers, by path and layer.
    /// - Returns: the paths of the layers.
    @discardableResult public func addLoRA(
        rank: Int = 8, scale: Float = 20, dropout: Float = 0,
        filter: (String, Module) -> Bool = { _, _ in true }
    ) -> [String] {
        freeze()
        return replaceLinear { path, layer in
            if layer is any LoRALayer || !filter(path, layer) { return nil }
            if let layer = layer as? QuantizedLinear {
                return LoRAQuantizedLinear(layer, rank: rank, scale: scale, dropout: dropout)
            }
            guard let layer = layer as? Linear, !(layer is any Quantized) else { return nil }
            return LoRALinear(layer, rank: rank, scale: scale, dropout: dropout)
        }
    }

    /// Replaces adapted layers by ordinary ones that compute the same.
    /// - Parameter dequantize: whether quantized weights become floats, rather than being
    ///   quantized again with the change in them.
    public func fuseLoRA(dequantize: Bool = false) {
        replaceLinear { ($1 as? any LoRALayer)?.fused(dequantize: dequantize) }
    }

    /// Replaces adapted layers by what they were.
    public func removeLoRA() { replaceLinear { ($1 as? any LoRALayer)?.reverted() } }

    /// The matrices A and B of all adapted layers by their keys, for files of adapters. They are
    /// loaded by `setWeights(_:strict:)` that is not strict.
    public func loraWeights() -> [String: MLXArray] {
        var weights: [String: MLXArray] = [:]
        for (path, module) in namedModules() {
            guard let layer = module as? any LoRALayer else { continue }
            let prefix = path.isEmpty ? "" : path + "."
            weights[prefix + "lora_a"] = layer.loraA
            weights[prefix + "lora_b"] = layer.loraB
        }
        return weights
    }

    @discardableResult private func replaceLinear(
        _ replacement: (String, Module) -> Module?
    ) -> [String] {
        let updates = leafModules().flattened().compactMap { path, layer in
            replacement(path, layer).map { (path, $0) }
        }
        update(modules: ModuleChildren.unflattened(updates))
        return updates.map(\.0)
    }
}
