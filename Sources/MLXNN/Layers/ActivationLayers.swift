import MLX

// Activation functions without parameters as layers, for `Sequential` and for models whose
// activation is a property. Each calls the function it is named after.

/// The `sigmoid` function as a layer.
open class Sigmoid: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { MLXNN.sigmoid(x) }
}

/// The `mish` function as a layer.
open class Mish: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { mish(x) }
}

/// The `relu` function as a layer.
open class ReLU: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { relu(x) }
}

/// The `relu6` function as a layer.
open class ReLU6: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { relu6(x) }
}

/// The `reluSquared` function as a layer.
open class ReLUSquared: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { reluSquared(x) }
}

/// The `softplus` function as a layer.
open class Softplus: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { softplus(x) }
}

/// The `softsign` function as a layer.
open class Softsign: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { softsign(x) }
}

/// The `silu` function as a layer.
open class SiLU: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { silu(x) }
}

/// The `logSigmoid` function as a layer.
open class LogSigmoid: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { logSigmoid(x) }
}

/// The `tanh` function as a layer.
open class Tanh: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { MLX.tanh(x) }
}

/// The `hardSwish` function as a layer.
open class HardSwish: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { hardSwish(x) }
}

/// The `selu` function as a layer.
open class SELU: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { selu(x) }
}

@available(*, deprecated, renamed: "Softmax")
open class SoftMax: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { softmax(x, axis: -1) }
}

@available(*, deprecated, renamed: "Softplus")
open class SoftPlus: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { softplus(x) }
}

@available(*, deprecated, renamed: "Softsign")
open class SoftSign: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { softsign(x) }
}

@available(*, deprecated, renamed: "LogSoftmax")
open class LogSoftMax: Module, UnaryLayer {
    open func callAsFunction(_ x: MLXArray) -> MLXArray { logSoftmax(x) }
}
