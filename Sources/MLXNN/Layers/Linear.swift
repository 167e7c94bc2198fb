import MLX

/// Affine maps. Weights have the output dimension first, as files of parameters have them, and
/// are drawn in the order of the properties: weight, then bias.

/// y = x: a layer that changes nothing, to put where a layer is expected.
public class Identity: Module, UnaryLayer {
    /// The input, as an array of its own.
    public func callAsFunction(_ x: MLXArray) -> MLXArray { x.aliased() }
}

/// An affine map, y = x Wᵀ + b.
/// ```swift
/// let layer = Linear(784, 10)
/// let y = layer(MLXArray.zeros([32, 784]))    // (32, 10)
/// ```
open class Linear: Module, UnaryLayer {
    /// (outputs, inputs)
    public let weight: MLXArray
    /// (outputs), or nil
    public let bias: MLXArray?

    /// (outputs, inputs)
    open var shape: (Int, Int) { weight.shape2 }

    /// A layer with weight and bias drawn evenly from ±1/√inputs.
    public init(_ inputDimensions: Int, _ outputDimensions: Int, bias: Bool = true) {
        let scale = (1 / Float(inputDimensions)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale, [outputDimensions, inputDimensions])
        self.bias = bias ? MLXRandom.uniform(low: -scale, high: scale, [outputDimensions]) : nil
        super.init()
    }

    /// A layer with weight and bias drawn evenly from ±1/√inputs.
    public convenience init(inputDimensions: Int, outputDimensions: Int, bias: Bool = true) {
        self.init(inputDimensions, outputDimensions, bias: bias)
    }

    /// A layer with the given parameters, also for subclasses that store them otherwise.
    public init(weight: MLXArray, bias: MLXArray? = nil) {
        self.weight = weight
        self.bias = bias
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        let (outputs, inputs) = shape
        return "(inputDimensions=\(inputs), outputDimensions=\(outputs), bias=\(bias != nil))"
    }

    /// Applies the layer: input (…, inputs), output (…, outputs). Another length of the last axis
    /// is an error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        if let error = wrongInput(x, channels: weight.dim(1), rank: 1) { return error }
        let (input, weight) = (x.forProduct, weight.forProduct)
        return noted(
            bias.map { addMM($0.forProduct, input, weight.T) } ?? matmul(input, weight.T),
            from: x)
    }
}

/// A form that is linear in each of two inputs: y[o] = x2ᵀ W[o] x1 + b[o].
open class Bilinear: Module {
    /// (outputs, inputs 2, inputs 1)
    public let weight: MLXArray
    /// (outputs), or nil
    public let bias: MLXArray?

    /// A layer with weight and bias drawn evenly from ±1/√inputs1.
    public init(
        _ inputDimensions1: Int, _ inputDimensions2: Int, _ outputDimensions: Int,
        bias: Bool = true
    ) {
        let scale = (1 / Float(inputDimensions1)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale, [outputDimensions, inputDimensions2, inputDimensions1])
        self.bias = bias ? MLXRandom.uniform(low: -scale, high: scale, [outputDimensions]) : nil
        super.init()
    }

    public override func describeExtra(_ indent: Int) -> String {
        "(inputDimensions1=\(weight.dim(2)), inputDimensions2=\(weight.dim(1)), "
            + "outputDimensions=\(weight.dim(0)), bias=\(bias != nil))"
    }

    /// Applies the layer: inputs (…, inputs 1) and (…, inputs 2) with equal leading axes, output
    /// (…, outputs).
    open func callAsFunction(_ x1: MLXArray, _ x2: MLXArray) -> MLXArray {
        let (outputs, inputs2, inputs1) = (weight.dim(0), weight.dim(1), weight.dim(2))
        let batch = Array(x1.shape.dropLast())
        let rows1 = x1.forProduct.reshaped([-1, inputs1])
        let rows2 = x2.forProduct.reshaped([-1, 1, inputs2])
        // One product for all outputs: (B, inputs1) × (inputs1, outputs·inputs2).
        let weighted = matmul(rows1, weight.forProduct.reshaped([outputs * inputs2, inputs1]).T)
            .reshaped([-1, outputs, inputs2]).swappedAxes(-2, -1)
        let y = matmul(rows2, weighted).reshaped(batch + [outputs])
        return noted(bias.map { y + $0.forProduct } ?? y, from: x1, x2)
    }
}
