import MLX

// Activation functions. Numbers are weak: results have the dtype of the input. At a kink the
// gradient is that of the side the formula's `maximum` or `which` takes.

/// 1 / (1 + exp(-x))
public func sigmoid(_ x: MLXArray) -> MLXArray { MLX.sigmoid(x) }

/// max(x, 0)
public func relu(_ x: MLXArray) -> MLXArray { maximum(x, 0) }

/// x where it is positive, `negativeSlope` x elsewhere
public func leakyRelu(_ x: MLXArray, negativeSlope: Float = 0.01) -> MLXArray {
    maximum(negativeSlope * x, x)
}

/// The former name of ``logSoftmax(_:axis:)``.
@available(*, deprecated, renamed: "logSoftmax(_:axis:)")
public func logSoftMax(_ x: MLXArray, axis: Int = -1) -> MLXArray { logSoftmax(x, axis: axis) }

/// x - logSumExp(x) along an axis
public func logSoftmax(_ x: MLXArray, axis: Int = -1) -> MLXArray {
    x - logSumExp(x, axis: axis, keepDims: true)
}

/// x where it is positive, alpha (exp(x) - 1) elsewhere
public func elu(_ x: MLXArray, alpha: Float = 1.0) -> MLXArray {
    which(x .> 0, x, alpha * (exp(x) - 1))
}

/// min(max(x, 0), 6)
public func relu6(_ x: MLXArray) -> MLXArray { minimum(maximum(x, 0), 6) }

/// max(x, 0)²
public func reluSquared(_ x: MLXArray) -> MLXArray { square(relu(x)) }

/// The former name of ``softplus(_:)``.
@available(*, deprecated, renamed: "softplus(_:)")
public func softPlus(_ x: MLXArray) -> MLXArray { softplus(x) }

/// log(1 + exp(x))
public func softplus(_ x: MLXArray) -> MLXArray { logAddExp(x, 0) }

/// The former name of ``softsign(_:)``.
@available(*, deprecated, renamed: "softsign(_:)")
public func softSign(_ x: MLXArray) -> MLXArray { softsign(x) }

/// x / (1 + |x|)
public func softsign(_ x: MLXArray) -> MLXArray { x / (1 + abs(x)) }

/// x moved towards zero by `lambda`, zero within it
public func softshrink(_ x: MLXArray, lambda: Float = 0.5) -> MLXArray {
    which(abs(x) .> lambda, x - sign(x) * lambda, 0)
}

/// max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)
public func celu(_ x: MLXArray, alpha: Float = 1.0) -> MLXArray {
    maximum(x, 0) + alpha * (exp(minimum(x, 0) / alpha) - 1)
}

/// x sigmoid(x)
public func silu(_ x: MLXArray) -> MLXArray { x * MLX.sigmoid(x) }

/// log(sigmoid(x))
public func logSigmoid(_ x: MLXArray) -> MLXArray { -softplus(-x) }

/// x Φ(x) with the normal distribution function Φ, by erf
public func gelu(_ x: MLXArray) -> MLXArray { x * (1 + erf(x / Float(2).squareRoot())) / 2 }

/// `gelu` by tanh: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
public func geluApproximate(_ x: MLXArray) -> MLXArray {
    0.5 * x * (1 + tanh((2 / Float.pi).squareRoot() * (x + 0.044715 * x * x * x)))
}

/// `gelu` by x sigmoid(1.702 x)
public func geluFastApproximate(_ x: MLXArray) -> MLXArray { x * MLX.sigmoid(1.702 * x) }

/// a sigmoid(b) with the halves a and b of x along an axis
public func glu(_ x: MLXArray, axis: Int = -1) -> MLXArray {
    let (a, b) = split(x, axis: axis)
    return a * MLX.sigmoid(b)
}

/// 1 where x > threshold, 0 elsewhere, int32
public func step(_ x: MLXArray, threshold: Float = 0.0) -> MLXArray {
    which(x .> threshold, 1, 0)
}

/// `elu` with scales that keep mean 0 and variance 1 (Klambauer et al., 2017)
public func selu(_ x: MLXArray) -> MLXArray { elu(x, alpha: 1.67326) * 1.0507 }

/// x where it is positive, `alpha` x elsewhere
public func prelu(_ x: MLXArray, alpha: MLXArray) -> MLXArray {
    maximum(0, x) + alpha * minimum(0, x)
}

/// x tanh(softplus(x))
public func mish(_ x: MLXArray) -> MLXArray { x * tanh(softplus(x)) }

/// x min(max(x + 3, 0), 6) / 6
public func hardSwish(_ x: MLXArray) -> MLXArray { x * relu6(x + 3) / 6 }

/// x clipped to `min ... max`
public func hardTanH(_ x: MLXArray, min: Float = -1, max: Float = 1) -> MLXArray {
    minimum(maximum(x, min), max)
}

/// x where its magnitude is above `lambda`, zero elsewhere
public func hardShrink(_ x: MLXArray, lambda: Float = 0.5) -> MLXArray {
    which(abs(x) .> lambda, x, 0)
}

/// softmax(-x)
public func softmin(_ x: MLXArray, axis: Int = -1) -> MLXArray { softmax(-x, axis: axis) }
