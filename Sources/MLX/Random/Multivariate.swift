import MLXBase
import MLXGraph
import MLXOps

// Normally distributed vectors, whose entries are correlated.
extension MLXRandom {
    /// Normally distributed vectors with a mean (…, n) and a covariance (…, n, n): shape + (n).
    ///
    /// ```swift
    /// MLXRandom.multivariateNormal(
    ///     mean: zeros([2]), covariance: eye(2), shape: [100], dtype: .float32)
    /// ```
    /// - Note: float32 only. The root of the covariance is taken by its singular values, so it
    ///   should be symmetric and not negative.
    public static func multivariateNormal(
        mean: MLXArray, covariance: MLXArray, shape: some Collection<Int> = [], dtype: DType,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        recording([mean, covariance]) { () throws(ArrayError) in
            let name = "multivariate_normal"
            guard dtype == .float32 else {
                throw ArrayError(.dtype, name, "draws float32, not \(dtype)", dtypes: [dtype])
            }
            guard mean.ndim >= 1, covariance.ndim >= 2, let n = mean.shape.last,
                covariance.dim(-1) == n, covariance.dim(-2) == n
            else {
                throw ArrayError(
                    .shape, name, "needs a mean (…, n) and a covariance (…, n, n)",
                    shapes: [mean.shape, covariance.shape])
            }
            let batch = try Broadcasting.shape(
                [
                    try Shape(validating: Array(shape), operation: name),
                    try Shape(validating: mean.shape.dropLast(), operation: name),
                    try Shape(validating: covariance.shape.dropLast(2), operation: name),
                ], operation: name
            ).array
            let (u, s, vt): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(
                covariance.asType(.float32, stream: stream), stream: stream)
            let lengths = expandedDimensions(sqrt(s, stream: stream), axis: -2, stream: stream)
            let root = matmul(multiply(u, lengths, stream: stream), vt, stream: stream)
            let z = normal(batch + [1, n], dtype: .float32, key: key, stream: stream)
            let turned = squeezed(matmul(z, root, stream: stream), axis: -2, stream: stream)
            return add(turned, mean.asType(.float32, stream: stream), stream: stream)
        }
    }
}

/// `MLXRandom.multivariateNormal`: normally distributed vectors with correlated entries.
///
/// ```swift
/// multivariateNormal(mean: zeros([2]), covariance: eye(2), dtype: .float32)
/// ```
public func multivariateNormal(
    mean: MLXArray, covariance: MLXArray, shape: some Collection<Int> = [], dtype: DType,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.multivariateNormal(
        mean: mean, covariance: covariance, shape: shape, dtype: dtype, key: key, stream: stream)
}
