import MLX

// What losses are made of.

/// The dtype that two arrays promote to.
func promoted(_ a: MLXArray, _ b: MLXArray) -> DType { DType.promote(a.dtype, b.dtype) }

/// log x, but not below -100, as in PyTorch and MLX.
func limitedLog(_ x: MLXArray) -> MLXArray { maximum(log(x), -100) }

/// log(1 + x), but not below -100.
func limitedLog1p(_ x: MLXArray) -> MLXArray { maximum(log1p(x), -100) }

/// The largest magnitude along an axis, which stays with size one, but at least 1: what to divide
/// by before powers are taken, so that none overflows and none that was in range becomes
/// subnormal. A constant of gradients, because the result does not depend on it.
func magnitude(_ x: MLXArray, axis: Int) -> MLXArray {
    if x.size == 0 { return MLXArray(1, dtype: x.dtype) }
    let largest = max(abs(x), axis: axis, keepDims: true)
    return stopGradient(which(isFinite(largest), maximum(largest, 1), 1))
}
