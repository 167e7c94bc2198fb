import MLX

/// Layers with int8 weights, one scale for each output. They are subclasses of the layers they
/// replace, keep their parameter names, add `scales`, and are always frozen. They multiply in
/// integers. This is not in MLX; its quantized layers have groups along the inputs.

/// A layer whose weights are quantized.
public protocol Quantized: Module {
    /// How many weights along the inputs share a scale.
    var groupSize: Int { get }
    /// The bits of a stored weight.
    var bits: Int { get }
    /// The format of the stored weights.
    var mode: QuantizationMode { get }
}

/// A layer that has a form with int8 weights.
public protocol Int8Quantizable: Module {
    /// The layer with its weights rounded to int8, one scale for each output; it shares nothing
    /// with this one.
    func toInt8() -> any Quantized
}

extension Linear: Int8Quantizable {
    public func toInt8() -> any Quantized { Int8Linear(self) }
}

extension Conv2d: Int8Quantizable {
    public func toInt8() -> any Quantized { Int8Conv2d(self) }
}

/// Replaces the layers of a model by their int8 forms, in properties with `@ModuleInfo`.
/// - Parameter filter: which layers, by path and layer.
public func quantizeInt8(
    model: Module, filter: (String, Module) -> Bool = { _, _ in true }
) {
    let updates: [(String, Module)] = model.leafModules().flattened().compactMap { path, layer in
        guard !(layer is any Quantized), let layer = layer as? any Int8Quantizable,
            filter(path, layer)
        else { return nil }
        return (path, layer.toInt8())
    }
    model.update(modules: ModuleChildren.unflattened(updates))
}

/// ``Linear`` with int8 weights: y = x (scales · weight)ᵀ + b. Input rows are rounded to int8 too,
/// each with its own scale.
/// ```swift
/// let small = Int8Linear(Linear(64, 10))
/// ```
open class Int8Linear: Linear, Quantized {
    /// The inputs: all of them share a scale.
    public let groupSize: Int
    /// 8
    public let bits = 8
    /// `.int8`
    public let mode = QuantizationMode.int8
    /// (outputs)
    public let scales: MLXArray

    /// A frozen layer with the rounded weights of another one. Each scale is the largest magnitude
    /// of an output's weights, divided by 127.
    public init(_ other: Linear) {
        let (quantized, scales) = int8Quantized(other.weight)
        self.scales = scales
        groupSize = other.shape.1
        super.init(weight: quantized, bias: other.bias?.asType(.float32))
        freeze()
    }

    /// Unfreezes nothing: int8 weights have no gradient. Keys that are not there throw
    /// `UpdateError.keyNotFound` if `strict`.
    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    /// Applies the layer: input (…, inputs), output (…, outputs), in the input's dtype if it is a
    /// floating one, else float32.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = int8Matmul(int8Input(x), weight, scales: scales)
        let z = bias.map { y + $0 } ?? y
        return noted(z.asType(x.dtype.isFloatingPoint ? x.dtype : .float32), from: x)
    }
}

/// ``Conv2d`` with int8 weights, one scale for each output channel.
/// ```swift
/// let small = Int8Conv2d(Conv2d(inputChannels: 3, outputChannels: 8, kernelSize: 3))
/// ```
open class Int8Conv2d: Conv2d, Quantized {
    /// The weights of one output: all of them share a scale.
    public let groupSize: Int
    /// 8
    public let bits = 8
    /// `.int8`
    public let mode = QuantizationMode.int8
    /// (outputs)
    public let scales: MLXArray

    /// A frozen layer with the geometry and the rounded weights of another one.
    public init(_ other: Conv2d) {
        let (quantized, scales) = int8Quantized(other.weight)
        self.scales = scales
        groupSize = other.weight.size / max(other.weight.dim(0), 1)
        super.init(other, weight: quantized, bias: other.bias?.asType(.float32))
        freeze()
    }

    /// Unfreezes nothing: int8 weights have no gradient. Keys that are not there throw
    /// `UpdateError.keyNotFound` if `strict`.
    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    /// Applies the layer: input (N, H, W, inputs), output (N, H', W', outputs) as in ``Conv2d``, in
    /// the input's dtype if it is a floating one, else float32.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = int8Conv2d(
            int8Input(x), weight, scales: scales, stride: IntOrPair(stride),
            padding: IntOrPair(padding), dilation: IntOrPair(dilation), groups: groups)
        let z = bias.map { y + $0 } ?? y
        return noted(z.asType(x.dtype.isFloatingPoint ? x.dtype : .float32), from: x)
    }
}

/// What the products round: halves as they are, all else in float32.
private func int8Input(_ x: MLXArray) -> MLXArray {
    x.dtype.size == 2 && x.dtype.isFloatingPoint ? x : x.asType(.float32)
}
