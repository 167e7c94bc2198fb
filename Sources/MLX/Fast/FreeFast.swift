import MLXBase
import MLXGraph

// The functions of MLXFast under free names, as mlx-swift has them.

/// Rotary positions; see `MLXFast.RoPE`.
public func RoPE(
    _ array: MLXArray, dimensions: Int, traditional: Bool, base: Float?, scale: Float,
    offset: Int, freqs: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.RoPE(
        array, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
        offset: offset, freqs: freqs, stream: stream)
}

/// Rotary positions; see `MLXFast.RoPE`.
public func RoPE(
    _ array: MLXArray, dimensions: Int, traditional: Bool, base: Float?, scale: Float,
    offset: MLXArray, freqs: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.RoPE(
        array, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
        offset: offset, freqs: freqs, stream: stream)
}

/// softmax(scale q kᵀ + mask) v; see `MLXFast.scaledDotProductAttention`.
public func scaledDotProductAttention(
    queries: MLXArray, keys: MLXArray, values: MLXArray, scale: Float, mask: MLXArray?,
    memoryEfficientThreshold: Int? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.scaledDotProductAttention(
        queries: queries, keys: keys, values: values, scale: scale, mask: mask,
        memoryEfficientThreshold: memoryEfficientThreshold, stream: stream)
}

/// weight x / root(mean x² + eps) over the last axis; see `MLXFast.rmsNorm`.
public func rmsNorm(
    _ x: MLXArray, weight: MLXArray, eps: Float, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.rmsNorm(x, weight: weight, eps: eps, stream: stream)
}

/// weight (x - mean x) / root(var x + eps) + bias; see `MLXFast.layerNorm`.
public func layerNorm(
    _ x: MLXArray, weight: MLXArray? = nil, bias: MLXArray? = nil, eps: Float,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.layerNorm(x, weight: weight, bias: bias, eps: eps, stream: stream)
}
