import MLX

// Activation functions. Numbers are weak: results have the dtype of the input. At a kink the
// gradient is PyTorch's: that of the side which holds the formula for x ≤ 0, and 0 at the ends of
// an interval that values are clipped to. Values and gradients are finite wherever they are in
// theory and fit the dtype.

/// NUMERICS: several steps in half precision would round as many times, and `1 + erf(x)` or x³ lose
/// everything; so they are taken in float32 and the result is rounded once.
private func rounded(_ x: MLXArray, _ function: (MLXArray) -> MLXArray) -> MLXArray {
    x.dtype.isHalf ? function(x.asType(.float32)).asType(x.dtype) : function(x)
}

/// 1 / (1 + exp(-x))
public func sigmoid(_ x: MLXArray) -> MLXArray { MLX.sigmoid(x) }

/// max(x, 0)
public func relu(_ x: MLXArray) -> MLXArray { maximum(x, 0) }

/// x where it is positive, `negativeSlope` x elsewhere
public func leakyRelu(_ x: MLXArray, negativeSlope: Float = 0.01) -> MLXArray {
    which(x .> 0, x, negativeSlope * x)
}

/// The former name of ``logSoftmax(_:axis:)``.
@available(*, deprecated, renamed: "logSoftmax(_:axis:)")
public func logSoftMax(_ x: MLXArray, axis: Int = -1) -> MLXArray { logSoftmax(x, axis: axis) }

/// x - logSumExp(x) along an axis
public func logSoftmax(_ x: MLXArray, axis: Int = -1) -> MLXArray {
    rounded(x) {
        let shifted = shiftedByLargest($0, axis: axis)
        return shifted - logSumExp(shifted, axis: axis, keepDims: true)
    }
}

/// x minus its largest element along an axis, which functions that do not change with a shift may
/// take instead. NUMERICS: near large numbers x - log Σ exp(x) has lost all digits.
func shiftedByLargest(_ x: MLXArray, axis: Int) -> MLXArray {
    x.size == 0 ? x : x - stopGradient(max(x, axis: axis, keepDims: true))
}

/// x where it is positive, alpha (exp(x) - 1) elsewhere
public func elu(_ x: MLXArray, alpha: Float = 1.0) -> MLXArray {
    // min(0, x), in this order, has the gradient of x at 0.
    rounded(x) { which($0 .> 0, $0, alpha * expm1(minimum(0, $0))) }
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
public func softsign(_ x: MLXArray) -> MLXArray { rounded(x) { $0 / (1 + abs($0)) } }

/// x moved towards zero by `lambda`, zero within it
public func softshrink(_ x: MLXArray, lambda: Float = 0.5) -> MLXArray {
    which(abs(x) .> lambda, x - sign(x) * lambda, 0)
}

/// max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)
public func celu(_ x: MLXArray, alpha: Float = 1.0) -> MLXArray {
    rounded(x) { which($0 .> 0, $0, alpha * expm1(minimum(0, $0) / alpha)) }
}

/// x sigmoid(x)
public func silu(_ x: MLXArray) -> MLXArray { rounded(x) { $0 * MLX.sigmoid($0) } }

/// log(sigmoid(x))
public func logSigmoid(_ x: MLXArray) -> MLXArray { -softplus(-x) }

/// x Φ(x) with the normal distribution function Φ, by erf
public func gelu(_ x: MLXArray) -> MLXArray {
    rounded(x) { $0 * ((1 + erf($0 / Double(2).squareRoot())) / 2) }
}

/// `gelu` by tanh: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
public func geluApproximate(_ x: MLXArray) -> MLXArray {
    rounded(x) { x in
        // Beyond 10 the tangent is ±1 in every dtype, and a cube may be infinite.
        let near = clip(x, min: -10, max: 10)
        let cubic = near + 0.044715 * near * near * near
        return 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * cubic))
    }
}

/// `gelu` by x sigmoid(1.702 x)
public func geluFastApproximate(_ x: MLXArray) -> MLXArray {
    rounded(x) { $0 * MLX.sigmoid(1.702 * $0) }
}

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
public func selu(_ x: MLXArray) -> MLXArray { rounded(x) { elu($0, alpha: 1.67326) * 1.0507 } }

/// x where it is positive, `alpha` x elsewhere
public func prelu(_ x: MLXArray, alpha: MLXArray) -> MLXArray {
    which(x .> 0, x, alpha * x)
}

/// x tanh(softplus(x))
public func mish(_ x: MLXArray) -> MLXArray { rounded(x) { $0 * tanh(softplus($0)) } }

/// x min(max(x + 3, 0), 6) / 6
public func hardSwish(_ x: MLXArray) -> MLXArray { rounded(x) { $0 * (relu6($0 + 3) / 6) } }

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
