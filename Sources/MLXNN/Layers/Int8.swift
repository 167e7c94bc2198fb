import MLX

/// Layers with int8 weights, one scale for each output. They are subclasses of the layers they
/// replace, keep their parameter names, add `scales`, and are always frozen. On the NPU they
/// multiply in integers. This is not in MLX; its quantized layers have groups along the inputs.

/// A layer whose weights are quantized.
public protocol Quantized: Module {
    /// How many weights along the inputs share a scale.
    var groupSize: Int { get }
    var bits: Int { get }
    var mode: QuantizationMode { get }
}

/// A layer that has a form with int8 weights.
public protocol Int8Quantizable: Module {
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

/// `Linear` with int8 weights.
open class Int8Linear: Linear, Quantized {
    public let groupSize: Int
    public let bits = 8
    public let mode = QuantizationMode.int8
    /// (outputs)
    public let scales: MLXArray

    public init(_ other: Linear) {
        let (quantized, scales) = int8Quantized(other.weight)
        self.scales = scales
        groupSize = other.shape.1
        super.init(weight: quantized, bias: other.bias?.asType(.float32))
        freeze()
    }

    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = int8Matmul(x.asType(.float32), weight, scales: scales)
        return (bias.map { y + $0 } ?? y).asType(x.dtype.isFloatingPoint ? x.dtype : .float32)
    }
}

/// `Conv2d` with int8 weights.
open class Int8Conv2d: Conv2d, Quantized {
    public let groupSize: Int
    public let bits = 8
    public let mode = QuantizationMode.int8
    /// (outputs)
    public let scales: MLXArray

    public init(_ other: Conv2d) {
        let (quantized, scales) = int8Quantized(other.weight)
        self.scales = scales
        groupSize = other.weight.size / max(other.weight.dim(0), 1)
        super.init(other, weight: quantized, bias: other.bias?.asType(.float32))
        freeze()
    }

    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = int8Conv2d(
            x.asType(.float32), weight, scales: scales, stride: IntOrPair(stride),
            padding: IntOrPair(padding), dilation: IntOrPair(dilation), groups: groups)
        return (bias.map { y + $0 } ?? y).asType(x.dtype.isFloatingPoint ? x.dtype : .float32)
    }
}
