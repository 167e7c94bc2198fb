import MLX

// Activation functions without parameters as layers, for `Sequential` and for models whose
// activation is a property. Each calls the function it is named after.

/// 1 / (1 + exp(-x)), element by element, as a layer.
open class Sigmoid: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(MLXNN.sigmoid(x), from: x) }
}

/// x tanh(log(1 + exp(x))) (Misra, 2019), element by element, as a layer.
open class Mish: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(mish(x), from: x) }
}

/// max(x, 0), element by element, as a layer.
open class ReLU: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(relu(x), from: x) }
}

/// min(max(x, 0), 6), element by element, as a layer.
open class ReLU6: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(relu6(x), from: x) }
}

/// max(x, 0)² (So et al., 2021), element by element, as a layer.
open class ReLUSquared: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(reluSquared(x), from: x) }
}

/// log(1 + exp(x)), element by element, as a layer.
open class Softplus: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softplus(x), from: x) }
}

/// x / (1 + |x|), element by element, as a layer.
open class Softsign: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softsign(x), from: x) }
}

/// x sigmoid(x), also called swish, element by element, as a layer.
open class SiLU: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(silu(x), from: x) }
}

/// log(sigmoid(x)) = -softplus(-x), element by element, as a layer.
open class LogSigmoid: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(logSigmoid(x), from: x) }
}

/// The hyperbolic tangent, element by element, as a layer.
open class Tanh: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(MLX.tanh(x), from: x) }
}

/// x min(max(x + 3, 0), 6) / 6 (Howard et al., 2019), element by element, as a layer.
open class HardSwish: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(hardSwish(x), from: x) }
}

/// Self-normalizing exponential unit, 1.0507 elu(x, alpha: 1.67326) (Klambauer et al., 2017),
/// element by element, as a layer.
open class SELU: Module, UnaryLayer {
    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(selu(x), from: x) }
}

/// The former name of ``Softmax``, over the last axis.
@available(*, deprecated, renamed: "Softmax")
open class SoftMax: Module, UnaryLayer {
    /// The same result as ``Softmax``.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softmax(x, axis: -1), from: x) }
}

/// The former name of ``Softplus``.
@available(*, deprecated, renamed: "Softplus")
open class SoftPlus: Module, UnaryLayer {
    /// The same result as ``Softplus``.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softplus(x), from: x) }
}

/// The former name of ``Softsign``.
@available(*, deprecated, renamed: "Softsign")
open class SoftSign: Module, UnaryLayer {
    /// The same result as ``Softsign``.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softsign(x), from: x) }
}

/// The former name of ``LogSoftmax``, over the last axis.
@available(*, deprecated, renamed: "LogSoftmax")
open class LogSoftMax: Module, UnaryLayer {
    /// The same result as ``LogSoftmax``.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(logSoftmax(x), from: x) }
}
