import MLX

// Activation functions that have a setting, as layers, and PReLU, whose slope is learned. Each
// calls the function it is named after.

/// The `glu` function as a layer.
open class GLU: Module, UnaryLayer {
    public var axis: Int

    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { glu(x, axis: axis) }
}

/// The `leakyRelu` function as a layer.
open class LeakyReLU: Module, UnaryLayer {
    public var negativeSlope: Float

    public init(negativeSlope: Float = 0.01) {
        self.negativeSlope = negativeSlope
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        leakyRelu(x, negativeSlope: negativeSlope)
    }
}

/// The `softmax` function as a layer.
open class Softmax: Module, UnaryLayer {
    public var axis: Int

    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { softmax(x, axis: axis) }
}

/// The `softmin` function as a layer.
open class Softmin: Module, UnaryLayer {
    public var axis: Int

    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { softmin(x, axis: axis) }
}

/// The `softshrink` function as a layer.
open class Softshrink: Module, UnaryLayer {
    public var lambda: Float

    public init(lambda: Float = 0.5) {
        self.lambda = lambda
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { softshrink(x, lambda: lambda) }
}

/// The `elu` function as a layer.
open class ELU: Module, UnaryLayer {
    public var alpha: Float

    public init(alpha: Float = 1.0) {
        self.alpha = alpha
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { elu(x, alpha: alpha) }
}

/// The `celu` function as a layer.
open class CELU: Module, UnaryLayer {
    public var alpha: Float

    public init(alpha: Float = 1.0) {
        self.alpha = alpha
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { celu(x, alpha: alpha) }
}

/// The `logSoftmax` function as a layer.
open class LogSoftmax: Module, UnaryLayer {
    public var axis: Int

    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { logSoftmax(x, axis: axis) }
}

/// The `hardShrink` function as a layer.
open class HardShrink: Module, UnaryLayer {
    public var lambda: Float

    public init(lambda: Float = 0.5) {
        self.lambda = lambda
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { hardShrink(x, lambda: lambda) }
}

/// The `step` function as a layer.
open class Step: Module, UnaryLayer {
    public var threshold: Float

    public init(threshold: Float = 0.0) {
        self.threshold = threshold
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { step(x, threshold: threshold) }
}

/// The `hardTanH` function as a layer.
open class HardTanh: Module, UnaryLayer {
    public var min: Float
    public var max: Float

    public init(min: Float = -1, max: Float = 1) {
        self.min = min
        self.max = max
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { hardTanH(x, min: min, max: max) }
}

/// The `gelu` functions as a layer.
open class GELU: Module, UnaryLayer {
    public enum Approximation: Sendable {
        /// By erf.
        case none
        /// By tanh.
        case precise
        /// By tanh, under its other name.
        case tanh
        /// By sigmoid.
        case fast
    }

    public let approximation: Approximation

    public init(approximation: Approximation = .none) {
        self.approximation = approximation
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        switch approximation {
        case .none: gelu(x)
        case .precise, .tanh: geluApproximate(x)
        case .fast: geluFastApproximate(x)
        }
    }
}

/// The `prelu` function with a learned slope.
open class PReLU: Module, UnaryLayer {
    /// The slope below zero, one for all or one for each channel.
    public let weight: MLXArray

    public init(count: Int = 1, value: Float = 0.25) {
        weight = MLXArray.full([count], values: MLXArray(value))
        super.init()
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { prelu(x, alpha: weight) }
}
