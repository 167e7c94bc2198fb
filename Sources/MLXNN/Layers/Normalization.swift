import MLX

/// Layers that shift and scale their input to mean 0 and variance 1. Statistics of half-precision
/// inputs are taken in float32.

/// NUMERICS: sums over an axis of half-precision numbers lose what the result needs.
private func widened(_ x: MLXArray) -> MLXArray { x.dtype.size < 4 ? x.asType(.float32) : x }

private func normalized(
    _ x: MLXArray, axes: [Int], eps: Float
) -> (x: MLXArray, mean: MLXArray, variance: MLXArray) {
    let wide = widened(x)
    let mean = mean(wide, axes: axes, keepDims: true)
    let variance = variance(wide, axes: axes, keepDims: true)
    let y = (wide - mean) * rsqrt(variance + eps)
    return (x.dtype.isFloatingPoint ? y.asType(x.dtype) : y, mean, variance)
}

private func affine(_ x: MLXArray, _ weight: MLXArray?, _ bias: MLXArray?) -> MLXArray {
    let scaled = weight.map { x * $0 } ?? x
    return bias.map { scaled + $0 } ?? scaled
}

/// Normalizes over the last axis (Ba et al., 2016): y = (x - mean) / √(variance + eps) · weight +
/// bias.
/// ```swift
/// let y = LayerNorm(dimensions: 64)(MLXRandom.normal([8, 64]))
/// ```
open class LayerNorm: Module, UnaryLayer {
    /// The length of the last axis.
    public let dimensions: Int
    /// What is added to the variance before the root, so that a constant input does not divide by
    /// zero.
    public let eps: Float
    /// (dimensions) scales, or nil; ones to begin with.
    public let weight: MLXArray?
    /// (dimensions) shifts, or nil; zeros to begin with.
    public let bias: MLXArray?

    /// - Parameters:
    ///   - dimensions: the length of the last axis.
    ///   - eps: what is added to the variance.
    ///   - affine: whether there is a learned scale.
    ///   - bias: whether there is a learned shift too.
    public init(dimensions: Int, eps: Float = 1e-5, affine: Bool = true, bias: Bool = true) {
        self.dimensions = dimensions
        self.eps = eps
        weight = affine ? MLXArray.ones([dimensions]) : nil
        self.bias = affine && bias ? MLXArray.zeros([dimensions]) : nil
        super.init()
    }

    /// Applies the layer: input (…, dimensions), output the same. Another length of the last axis
    /// is an error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(MLXFast.layerNorm(x, weight: weight, bias: bias, eps: eps), from: x)
    }
}

/// Divides by the root of the mean square of the last axis (Zhang and Sennrich, 2019): y = x /
/// √(mean(x²) + eps) · weight.
/// ```swift
/// let y = RMSNorm(dimensions: 64)(MLXRandom.normal([8, 64]))
/// ```
open class RMSNorm: Module, UnaryLayer {
    /// (dimensions) scales; ones to begin with.
    public let weight: MLXArray
    /// What is added to the mean square before the root.
    public let eps: Float

    /// - Parameters:
    ///   - dimensions: the length of the last axis.
    ///   - eps: what is added to the mean square.
    public init(dimensions: Int, eps: Float = 1e-5) {
        weight = MLXArray.ones([dimensions])
        self.eps = eps
        super.init()
    }

    public override func describeExtra(_ indent: Int) -> String {
        "(dimensions=\(weight.dim(0)), eps=\(eps))"
    }

    /// Applies the layer: input (…, dimensions), output the same. Another length of the last axis
    /// is an error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(MLXFast.rmsNorm(x, weight: weight, eps: eps), from: x)
    }
}

/// Normalizes each channel of each example over its spatial axes (Ulyanov et al., 2016).
open class InstanceNorm: Module, UnaryLayer {
    /// The number of channels.
    public let dimensions: Int
    /// What is added to the variance before the root, so that a constant input does not divide by
    /// zero.
    public let eps: Float
    /// (dimensions) scales, or nil; ones to begin with.
    public let weight: MLXArray?
    /// (dimensions) shifts, or nil; zeros to begin with.
    public let bias: MLXArray?

    /// - Parameters:
    ///   - dimensions: the number of channels.
    ///   - eps: what is added to the variance.
    ///   - affine: whether there is a learned scale and shift.
    public init(dimensions: Int, eps: Float = 1e-5, affine: Bool = false) {
        self.dimensions = dimensions
        self.eps = eps
        weight = affine ? MLXArray.ones([dimensions]) : nil
        bias = affine ? MLXArray.zeros([dimensions]) : nil
        super.init()
    }

    /// Applies the layer: input (N, …, dimensions), output the same. Mean and variance are those of
    /// one channel of one example.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        if weight != nil, let error = wrongInput(x, channels: dimensions, rank: 2) { return error }
        let axes = Array(1..<max(x.ndim - 1, 1))
        return noted(affine(normalized(x, axes: axes, eps: eps).x, weight, bias), from: x)
    }
}

/// Normalizes groups of channels of each example (Wu and He, 2018).
open class GroupNorm: Module, UnaryLayer {
    /// The number of groups.
    public let groupCount: Int
    /// The number of channels.
    public let dimensions: Int
    /// What is added to the variance before the root, so that a constant input does not divide by
    /// zero.
    public let eps: Float
    /// Whether a group is a run of channels; otherwise it is every `groupCount`-th channel.
    public let pytorchCompatible: Bool
    /// (dimensions) scales, or nil; ones to begin with.
    public let weight: MLXArray?
    /// (dimensions) shifts, or nil; zeros to begin with.
    public let bias: MLXArray?

    /// - Parameters:
    ///   - groupCount: the number of groups, a divisor of the number of channels.
    ///   - dimensions: the number of channels.
    ///   - eps: what is added to the variance.
    ///   - affine: whether there is a learned scale and shift for each channel.
    ///   - pytorchCompatible: whether a group is a run of channels, as in PyTorch; otherwise it is
    ///     every `groupCount`-th channel.
    public init(
        groupCount: Int, dimensions: Int, eps: Float = 1e-5, affine: Bool = true,
        pytorchCompatible: Bool = false
    ) {
        self.groupCount = groupCount
        self.dimensions = dimensions
        self.eps = eps
        self.pytorchCompatible = pytorchCompatible
        weight = affine ? MLXArray.ones([dimensions]) : nil
        bias = affine ? MLXArray.zeros([dimensions]) : nil
        super.init()
    }

    /// Applies the layer: input (N, …, dimensions), output the same. Mean and variance are those of
    /// one group of one example.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        if let error = wrongInput(x, channels: dimensions, rank: 2) { return error }
        guard groupCount > 0, dimensions % groupCount == 0 else {
            return invalidArray(
                ArrayError(
                    .argument, "\(type(of: self))",
                    "\(groupCount) groups do not divide \(dimensions) channels"), inputs: [x])
        }
        let batch = x.dim(0)
        let grouped =
            pytorchCompatible
            ? x.reshaped([batch, -1, groupCount, dimensions / max(groupCount, 1)])
            : x.reshaped([batch, -1, groupCount])
        let axes = pytorchCompatible ? [1, 3] : [1]
        let y = normalized(grouped, axes: axes, eps: eps).x.reshaped(x.shape)
        return noted(affine(y, weight, bias), from: x)
    }
}

/// Normalizes each channel over all other axes (Ioffe and Szegedy, 2015).
///
/// While training it uses the statistics of the batch and keeps running ones, which it uses
/// afterwards. The running statistics are parameters but never trainable.
open class BatchNorm: Module, UnaryLayer {
    /// The number of channels, the length of the last axis.
    public let featureCount: Int
    /// What is added to the variance before the root, so that a constant input does not divide by
    /// zero.
    public let eps: Float
    /// The weight of a new batch in the running statistics.
    public let momentum: Float
    /// (featureCount) scales, or nil; ones to begin with.
    public let weight: MLXArray?
    /// (featureCount) shifts, or nil; zeros to begin with.
    public let bias: MLXArray?

    @ParameterInfo(key: "running_mean") var runningMean: MLXArray?
    @ParameterInfo(key: "running_var") var runningVariance: MLXArray?

    /// - Parameters:
    ///   - featureCount: the number of channels, the length of the last axis.
    ///   - eps: what is added to the variance.
    ///   - momentum: the weight of a new batch in the running statistics, in 0...1.
    ///   - affine: whether there is a learned scale and shift for each channel.
    ///   - trackRunningStats: whether running statistics are kept; without them a layer that is not
    ///     training uses those of its input too.
    public init(
        featureCount: Int, eps: Float = 1e-5, momentum: Float = 0.1, affine: Bool = true,
        trackRunningStats: Bool = true
    ) {
        self.featureCount = featureCount
        self.eps = eps
        self.momentum = momentum
        weight = affine ? MLXArray.ones([featureCount]) : nil
        bias = affine ? MLXArray.zeros([featureCount]) : nil
        super.init()
        if trackRunningStats {
            runningMean = MLXArray.zeros([featureCount])
            runningVariance = MLXArray.ones([featureCount])
        }
        freezeStatistics()
    }

    private func freezeStatistics() {
        freeze(recursive: false, keys: ["running_mean", "running_var"])
    }

    /// Unfreezes the parameters, but never the running statistics.
    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freezeStatistics()
    }

    /// Applies the layer: input (N, …, featureCount), output the same. While training, the running
    /// statistics become (1 - momentum) old + momentum new; the variance is the biased one, as in
    /// mlx-swift.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        if let error = wrongInput(x, channels: featureCount, rank: 1) { return error }
        if !training, let runningMean, let runningVariance {
            let y = (x - runningMean) * rsqrt(runningVariance + eps)
            return noted(affine(y, weight, bias), from: x)
        }
        let (y, mean, variance) = normalized(
            x, axes: Array(0..<max(x.ndim - 1, 0)), eps: eps)
        if training, let runningMean, let runningVariance {
            // In place, so that whoever holds the arrays sees the new statistics.
            follow(runningMean, mean)
            follow(runningVariance, variance)
        }
        return noted(affine(y, weight, bias), from: x)
    }

    private func follow(_ running: MLXArray, _ batch: MLXArray) {
        let flat = stopGradient(batch.reshaped([featureCount]))
        running._updateInternal((1 - momentum) * running + momentum * flat)
    }
}
