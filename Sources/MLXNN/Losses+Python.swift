import MLX

// Losses that MLX has in Python only. Their arguments have one shape: where they do not, the loss
// is an array that carries the error, rather than a broadcast that nobody meant.

/// The negative logarithm of the density of a normal distribution: ½ (log v + (targets -
/// inputs)² / v), with v = max(variances, eps).
///
/// ```swift
/// let loss = gaussianNLLLoss(inputs: means, targets: y, variances: exp(logVariances))
/// ```
/// - Parameters:
///   - inputs: the predicted means.
///   - targets: what was observed, in the shape of the inputs.
///   - variances: the predicted variances, in the shape of the inputs.
///   - full: whether the constant ½ log 2π is added.
///   - eps: the least variance.
public func gaussianNLLLoss(
    inputs: MLXArray, targets: MLXArray, variances: MLXArray, full: Bool = false,
    eps: Float = 1e-6, reduction: LossReduction = .mean
) -> MLXArray {
    guard let error = mismatch("gaussianNLLLoss", inputs, targets, variances) else {
        let v = maximum(variances.forLoss, eps)
        let loss = 0.5 * (log(v) + square(targets.forLoss - inputs.forLoss) / v)
        return reduction.reduce(
            full ? loss + 0.5 * Float.log(2 * Float.pi) : loss, as: inputs, targets, variances)
    }
    return error
}

/// max(0, margin - targets (inputs1 - inputs2)): whether the first score is above the second.
///
/// ```swift
/// let loss = marginRankingLoss(inputs1: better, inputs2: worse, targets: MLXArray.ones([8]))
/// ```
/// - Parameters:
///   - inputs1: scores.
///   - inputs2: scores to compare with, in the same shape.
///   - targets: 1 where the first score should be above the second, -1 where below.
///   - margin: by how much.
public func marginRankingLoss(
    inputs1: MLXArray, inputs2: MLXArray, targets: MLXArray, margin: Float = 0.0,
    reduction: LossReduction = .none
) -> MLXArray {
    guard let error = mismatch("marginRankingLoss", inputs1, inputs2, targets) else {
        let difference = inputs1.forLoss - inputs2.forLoss
        let loss = maximum(margin - targets.forLoss * difference, 0)
        return reduction.reduce(loss, as: inputs1, inputs2, targets)
    }
    return error
}

private func mismatch(_ name: String, _ arrays: MLXArray...) -> MLXArray? {
    if arrays.allSatisfy({ $0.shape == arrays[0].shape }) { return nil }
    return invalidArray(
        ArrayError(.shape, name, "needs arrays of one shape", shapes: arrays.map(\.shape)),
        inputs: arrays)
}
