import MLX

// Activation functions that have a setting, as layers, and PReLU, whose slope is learned. Each
// calls the function it is named after.

/// Gated linear unit (Dauphin et al., 2017): a sigmoid(b), where a and b are the two halves of the
/// input along an axis.
open class GLU: Module, UnaryLayer {
    /// The axis that is cut in halves.
    public var axis: Int

    /// - Parameter axis: the axis to cut; its length must be even.
    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    /// Applies the layer: input (…, 2 n, …), output (…, n, …) at `axis`. An odd length is an error
    /// of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(glu(x, axis: axis), from: x) }
}

/// x where it is positive, `negativeSlope` x elsewhere, as a layer.
open class LeakyReLU: Module, UnaryLayer {
    /// The slope below zero.
    public var negativeSlope: Float

    /// - Parameter negativeSlope: the slope below zero, commonly between 0 and 1.
    public init(negativeSlope: Float = 0.01) {
        self.negativeSlope = negativeSlope
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(leakyRelu(x, negativeSlope: negativeSlope), from: x)
    }
}

/// exp(x) / Σ exp(x) along an axis, as a layer. The largest element is subtracted first, so nothing
/// overflows.
open class Softmax: Module, UnaryLayer {
    /// The axis that is normalized over; negative numbers count from the end.
    public var axis: Int

    /// - Parameter axis: the axis whose elements sum to 1.
    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softmax(x, axis: axis), from: x) }
}

/// exp(-x) / Σ exp(-x) along an axis, as a layer.
open class Softmin: Module, UnaryLayer {
    /// The axis that is normalized over; negative numbers count from the end.
    public var axis: Int

    /// - Parameter axis: the axis whose elements sum to 1.
    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(softmin(x, axis: axis), from: x) }
}

/// x moved towards zero by `lambda`, and zero within it, as a layer.
open class Softshrink: Module, UnaryLayer {
    /// How far elements move.
    public var lambda: Float

    /// - Parameter lambda: how far elements move, at least 0.
    public init(lambda: Float = 0.5) {
        self.lambda = lambda
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(softshrink(x, lambda: lambda), from: x)
    }
}

/// Exponential linear unit (Clevert et al., 2016): x where it is positive, alpha (exp(x) - 1)
/// elsewhere.
open class ELU: Module, UnaryLayer {
    /// Minus the limit of the function at -∞.
    public var alpha: Float

    /// - Parameter alpha: the scale below zero.
    public init(alpha: Float = 1.0) {
        self.alpha = alpha
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(elu(x, alpha: alpha), from: x) }
}

/// Continuously differentiable ELU (Barron, 2017): max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1).
open class CELU: Module, UnaryLayer {
    /// Minus the limit of the function at -∞.
    public var alpha: Float

    /// - Parameter alpha: the scale below zero, not 0.
    public init(alpha: Float = 1.0) {
        self.alpha = alpha
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(celu(x, alpha: alpha), from: x) }
}

/// x - log Σ exp(x) along an axis, as a layer: the logarithms of ``Softmax``, without its rounding
/// near 0.
open class LogSoftmax: Module, UnaryLayer {
    /// The axis that is normalized over; negative numbers count from the end.
    public var axis: Int

    /// - Parameter axis: the axis whose exponentials sum to 1.
    public init(axis: Int = -1) {
        self.axis = axis
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(logSoftmax(x, axis: axis), from: x)
    }
}

/// x where |x| is greater than `lambda`, zero elsewhere, as a layer.
open class HardShrink: Module, UnaryLayer {
    /// The largest magnitude that becomes zero.
    public var lambda: Float

    /// - Parameter lambda: the largest magnitude that becomes zero.
    public init(lambda: Float = 0.5) {
        self.lambda = lambda
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(hardShrink(x, lambda: lambda), from: x)
    }
}

/// 1 where x is greater than `threshold`, 0 elsewhere, as a layer. Its gradient is zero.
open class Step: Module, UnaryLayer {
    /// The largest element that gives 0.
    public var threshold: Float

    /// - Parameter threshold: the largest element that gives 0.
    public init(threshold: Float = 0.0) {
        self.threshold = threshold
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(step(x, threshold: threshold), from: x)
    }
}

/// x limited to an interval, as a layer.
open class HardTanh: Module, UnaryLayer {
    /// The lower end.
    public var min: Float
    /// The upper end.
    public var max: Float

    /// - Parameters:
    ///   - min: the lower end.
    ///   - max: the upper end.
    public init(min: Float = -1, max: Float = 1) {
        self.min = min
        self.max = max
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(hardTanH(x, min: min, max: max), from: x)
    }
}

/// Gaussian error linear unit (Hendrycks and Gimpel, 2016): x Φ(x) with the normal distribution
/// function Φ, or one of its approximations.
/// ```swift
/// let y = GELU(approximation: .precise)(MLXArray([-1, 0, 1] as [Float]))
/// ```
open class GELU: Module, UnaryLayer {
    /// How Φ is computed.
    public enum Approximation: Sendable {
        /// Φ(x) = (1 + erf(x / √2)) / 2.
        case none
        /// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
        case precise
        /// The same as `precise`, under its other name.
        case tanh
        /// x sigmoid(1.702 x).
        case fast
    }

    /// How Φ is computed.
    public let approximation: Approximation

    /// - Parameter approximation: how Φ is computed; exactly by default.
    public init(approximation: Approximation = .none) {
        self.approximation = approximation
        super.init()
    }

    /// Applies the layer to an array of any shape; the result has the same shape.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        switch approximation {
        case .none: noted(gelu(x), from: x)
        case .precise, .tanh: noted(geluApproximate(x), from: x)
        case .fast: noted(geluFastApproximate(x), from: x)
        }
    }
}

/// x where it is positive, `weight` x elsewhere, with a learned slope (He et al., 2015).
open class PReLU: Module, UnaryLayer {
    /// The slope below zero, one for all or one for each channel.
    public let weight: MLXArray

    /// - Parameters:
    ///   - count: 1 for one slope, or the length of the last axis for one slope for each channel.
    ///   - value: the slope to begin with.
    public init(count: Int = 1, value: Float = 0.25) {
        weight = MLXArray.full([count], values: MLXArray(value))
        super.init()
    }

    /// Applies the layer: input (…, channels), output the same shape. A `count` that is neither 1
    /// nor the number of channels is an error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(prelu(x, alpha: weight), from: x) }
}
