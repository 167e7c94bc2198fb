// `import MLXFast` compiles as with mlx-swift: everything is in MLX, and the functions that used to
// live here pass on to it.
@_exported import MLX

/// Says once, where this module is used, that MLX has everything.
@available(*, deprecated, message: "`import MLX` is enough")
public let deprecationWarning: Void = ()

/// `MLXFast.MLXFastKernel`: a kernel in Metal's language.
@available(*, deprecated, message: "use `import MLX`, which has the same type")
public typealias MLXFastKernel = MLXFast.MLXFastKernel

/// `MLXFast.metalKernel`: a kernel in Metal's language, which nothing here can run.
public func metalKernel(
    name: String, inputNames: [String], outputNames: [String], source: String,
    header: String = "", ensureRowContiguous: Bool = true, atomicOutputs: Bool = false
) -> MLXFast.MLXFastKernel {
    MLXFast.metalKernel(
        name: name, inputNames: inputNames, outputNames: outputNames, source: source,
        header: header, ensureRowContiguous: ensureRowContiguous, atomicOutputs: atomicOutputs)
}

/// `MLXFast.RoPE`: rotary positions.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func RoPE(
    _ array: MLXArray, dimensions: Int, traditional: Bool, base: Float?, scale: Float, offset: Int,
    freqs: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.RoPE(
        array, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
        offset: offset, freqs: freqs, stream: stream)
}

/// `MLXFast.scaledDotProductAttention`: softmax(scale q kᵀ + mask) v.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func scaledDotProductAttention(
    queries: MLXArray, keys: MLXArray, values: MLXArray, scale: Float, mask: MLXArray?,
    memoryEfficientThreshold: Int? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.scaledDotProductAttention(
        queries: queries, keys: keys, values: values, scale: scale, mask: mask,
        memoryEfficientThreshold: memoryEfficientThreshold, stream: stream)
}

/// `MLXFast.rmsNorm`: weight x / root(mean x² + eps).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func rmsNorm(_ x: MLXArray, weight: MLXArray, eps: Float, stream: StreamOrDevice = .default)
    -> MLXArray
{
    MLXFast.rmsNorm(x, weight: weight, eps: eps, stream: stream)
}

/// `MLXFast.layerNorm`: weight (x - mean x) / root(var x + eps) + bias.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func layerNorm(
    _ x: MLXArray, weight: MLXArray? = nil, bias: MLXArray? = nil, eps: Float,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFast.layerNorm(x, weight: weight, bias: bias, eps: eps, stream: stream)
}
