import MLX
import MLXNN

// Training that knows of the rounding: layers whose weights are floats, and are rounded in each
// call. The gradient passes the rounding as if it were not there (Bengio et al., "Estimating or
// Propagating Gradients Through Stochastic Neurons", 2013): y = w + stop(round(w) - w).

/// Numbers after rounding, with the gradient of the numbers.
private func straightThrough(_ x: MLXArray, _ rounded: MLXArray) -> MLXArray {
    x + stopGradient(rounded.asType(x.dtype) - x)
}

/// What a matrix becomes when it is stored in a mode, with the gradient of the matrix.
/// ```swift
/// let w = fakeQuantized(weight, groupSize: 64, bits: 4)  // gradients arrive in `weight`
/// ```
/// - Parameters:
///   - w: (…, inputs) as for `quantized`; (outputs, …) in mode int8.
///   - groupSize: as for `quantized`, the mode's own if nil.
///   - bits: as for `quantized`, the mode's own if nil.
/// - Returns: an array of w's shape and dtype.
public func fakeQuantized(
    _ w: MLXArray, groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine
) -> MLXArray {
    let parts = quantized(stopGradient(w), groupSize: groupSize, bits: bits, mode: mode)
    return straightThrough(
        w,
        dequantized(
            parts.wq, scales: parts.scales, biases: parts.biases, groupSize: groupSize, bits: bits,
            mode: mode))
}

/// Activations after rounding to int8 with one scale for each row, as a product in mode int8 rounds
/// them, with the gradient of the activations.
/// - Parameter x: (…, channels) in real floats.
public func fakeInt8(_ x: MLXArray) -> MLXArray {
    let wide = stopGradient(x).asType(.float32)
    let largest = abs(wide).max(axis: -1, keepDims: true)
    let scales = which(largest .== 0, MLXArray(Float(1)), largest / 127)
    return straightThrough(x, round(wide / scales) * scales)
}

/// A layer whose weight is rounded in each call, to be trained and then quantized.
public protocol FakeQuantized: Module {
    /// How many weights share a scale.
    var groupSize: Int { get }
    /// The bits of a stored weight.
    var bits: Int { get }
    /// The format that is trained for.
    var mode: QuantizationMode { get }
    /// The layer that stores the rounded weights; it computes what this one does.
    func converted() -> Module
    /// The layer without rounding.
    func reverted() -> Module
}

/// `Linear` whose weight, and in mode int8 whose inputs, are rounded in each call.
open class FakeQuantizedLinear: Linear, FakeQuantized {
    /// How many weights along the inputs share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// The format that is trained for.
    public let mode: QuantizationMode

    /// A layer with the parameters of another one, which it shares.
    public init(
        _ other: Linear, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        (self.groupSize, self.bits, self.mode) = (groupSize, mode == .int8 ? 8 : bits, mode)
        super.init(weight: other.weight, bias: other.bias)
    }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let rounded = fakeQuantized(weight, groupSize: groupSize, bits: bits, mode: mode)
        let input = mode == .int8 ? fakeInt8(x) : x
        return noted(bias.map { addMM($0, input, rounded.T) } ?? matmul(input, rounded.T), from: x)
    }

    open func converted() -> Module {
        Linear(weight: weight, bias: bias).toQuantized(
            groupSize: groupSize, bits: bits, mode: mode)
    }

    open func reverted() -> Module { Linear(weight: weight, bias: bias) }
}

/// `Embedding` whose vectors are rounded when they are looked up.
open class FakeQuantizedEmbedding: Embedding, FakeQuantized {
    /// How many numbers of a vector share a scale.
    public let groupSize: Int
    /// The bits of a stored number.
    public let bits: Int
    /// The format that is trained for.
    public let mode: QuantizationMode

    /// A table with the vectors of another one, which it shares.
    public init(
        _ other: Embedding, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        (self.groupSize, self.bits, self.mode) = (groupSize, mode == .int8 ? 8 : bits, mode)
        super.init(weight: other.weight)
    }

    private func rounded(_ vectors: MLXArray) -> MLXArray {
        fakeQuantized(vectors, groupSize: groupSize, bits: bits, mode: mode)
    }

    /// The vectors of the numbers; the result's shape is x's with the dimensions at the end.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let vectors = rounded(take(weight, x.flattened(), axis: 0))
        return noted(vectors.reshaped(x.shape + [shape.1]), from: x)
    }

    /// x Wᵀ, for models that end with the table they begin with.
    open override func asLinear(_ x: MLXArray) -> MLXArray {
        matmul(mode == .int8 ? fakeInt8(x) : x, rounded(weight).T)
    }

    open func converted() -> Module {
        QuantizedEmbedding(
            weight: weight, groupSize: groupSize, bits: bits, mode: mode)
    }

    open func reverted() -> Module { Embedding(weight: weight) }
}

/// `Conv2d` whose weight is rounded in each call. In mode int8 inputs are not rounded here: the
/// NPU rounds windows of them, whose scales a trained layer cannot know.
open class FakeQuantizedConv2d: Conv2d, FakeQuantized {
    /// How many weights of an output share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// The format that is trained for.
    public let mode: QuantizationMode

    /// A layer with the geometry and the parameters of another one, which it shares.
    public init(
        _ other: Conv2d, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        (self.groupSize, self.bits, self.mode) = (groupSize, mode == .int8 ? 8 : bits, mode)
        super.init(other, weight: other.weight, bias: other.bias)
    }

    /// Applies the layer: (N, H, W, inputs) to (N, H', W', outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let rows = weight.reshaped([weight.dim(0), -1])
        let rounded = fakeQuantized(rows, groupSize: groupSize, bits: bits, mode: mode)
        let y = conv2d(
            x, rounded.reshaped(weight.shape), stride: IntOrPair(stride),
            padding: IntOrPair(padding), dilation: IntOrPair(dilation), groups: groups)
        return noted(bias.map { y + $0 } ?? y, from: x)
    }

    open func converted() -> Module {
        mode == .int8
            ? Int8Conv2d(self)
            : QuantizedConv2d(self, groupSize: groupSize, bits: bits, mode: mode)
    }

    open func reverted() -> Module { Conv2d(self, weight: weight, bias: bias) }
}

extension Module {
    /// Puts layers that round their weights in the place of linear layers, convolutions and tables,
    /// so that training makes weights that round well. Layers have to be in properties with
    /// `@ModuleInfo`; those whose weights are no whole groups stay.
    ///
    /// ```swift
    /// let paths = try model.beginQuantizedTraining(groupSize: 32, bits: 4)
    /// // train, then
    /// try model.endQuantizedTraining()
    /// ```
    /// Parameters are shared with the layers that are replaced, and keep their keys.
    /// - Parameters:
    ///   - mode: affine or int8.
    ///   - filter: which layers, by path and layer.
    /// - Returns: the paths of the layers.
    /// - Throws: `ArrayError` for a group size or width that the mode does not have,
    ///   `QuantizationError` for another mode, `UpdateError`.
    @discardableResult public func beginQuantizedTraining(
        groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine,
        filter: (String, Module) -> Bool = { _, _ in true }
    ) throws -> [String] {
        guard mode == .affine || mode == .int8 else {
            throw QuantizationError("weights are trained for affine and int8, not for \(mode)")
        }
        if mode == .affine { _ = try AffineFormat(groupSize: groupSize, bits: bits) }
        var (paths, replacements): ([String], [ObjectIdentifier: Module]) = ([], [:])
        for (path, layer) in leafModules().flattened().sorted(by: { $0.0 < $1.0 }) {
            guard filter(path, layer) else { continue }
            let replacement = fake(of: layer, groupSize, bits, mode)
            guard let replacement else { continue }
            paths.append(path)
            replacements[ObjectIdentifier(layer)] = replacement
        }
        try replace(replacements)
        return paths
    }

    /// The layer that rounds the weights of an ordinary one; nil for all others, and for weights
    /// that are no whole groups.
    private func fake(
        of layer: Module, _ groupSize: Int, _ bits: Int, _ mode: QuantizationMode
    ) -> Module? {
        let linear = type(of: layer) == Linear.self ? layer as? Linear : nil
        let convolution = type(of: layer) == Conv2d.self ? layer as? Conv2d : nil
        let table = type(of: layer) == Embedding.self ? layer as? Embedding : nil
        guard let weight = linear?.weight ?? convolution?.weight ?? table?.weight else {
            return nil
        }
        let row = weight.size / max(weight.dim(0), 1)
        guard mode == .int8 || (row > 0 && row % groupSize == 0) else { return nil }
        if let linear {
            return FakeQuantizedLinear(linear, groupSize: groupSize, bits: bits, mode: mode)
        }
        if let convolution {
            return FakeQuantizedConv2d(convolution, groupSize: groupSize, bits: bits, mode: mode)
        }
        return table.map {
            FakeQuantizedEmbedding($0, groupSize: groupSize, bits: bits, mode: mode)
        }
    }

    /// Replaces layers that round their weights by quantized ones, which compute the same.
    /// - Parameter reverting: puts ordinary layers in their place instead.
    /// - Throws: `UpdateError`.
    public func endQuantizedTraining(reverting: Bool = false) throws {
        var replacements: [ObjectIdentifier: Module] = [:]
        for (_, layer) in leafModules().flattened() {
            guard let layer = layer as? any FakeQuantized else { continue }
            replacements[ObjectIdentifier(layer)] =
                reverting ? layer.reverted() : layer.converted()
        }
        try replace(replacements)
    }
}
