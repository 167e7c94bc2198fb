import MLX
import MLXNN

// Clipping of gradients by their common norm.

/// Scales gradients down together so that the norm of all of them is at most `maxNorm`.
/// - Returns: the gradients and their norm before.
public func clipGradNorm(
    gradients: some Collection<MLXArray>, maxNorm: Float
) -> ([MLXArray], MLXArray) {
    // NUMERICS: squares of half-precision gradients are summed in float32.
    let squares = gradients.map { sum(square($0.dtype.size < 4 ? $0.asType(.float32) : $0)) }
    let norm = sqrt(squares.reduce(MLXArray(0 as Float)) { $0 + $1 })
    let scale = which(norm .>= maxNorm, maxNorm / (norm + 1e-6), 1)
    return (gradients.map { $0 * scale.asType($0.dtype) }, norm)
}

/// Scales gradients down together so that the norm of all of them is at most `maxNorm`.
/// - Returns: the gradients and their norm before.
public func clipGradNorm(
    gradients: ModuleParameters, maxNorm: Float
) -> (ModuleParameters, MLXArray) {
    let (clipped, norm) = clipGradNorm(gradients: gradients.flattenedValues(), maxNorm: maxNorm)
    return (gradients.replacingValues(with: clipped), norm)
}
