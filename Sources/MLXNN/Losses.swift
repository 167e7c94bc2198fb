import MLX

// Loss functions. All of them end in a reduction; its default differs, as in MLX: losses of
// regressions and of binary labels have the mean, the others one value for each example. Losses of
// half types are computed in float32 and rounded once.

/// What is made of the losses of single elements.
public enum LossReduction: String, Sendable {
    /// The mean of all losses: a scalar.
    case mean
    /// Their sum: a scalar.
    case sum
    /// The losses as they are.
    case none

    /// The losses reduced: a scalar, or for `none` the losses themselves.
    public func reduce(loss: MLXArray) -> MLXArray {
        switch self {
        case .mean: MLX.mean(loss)
        case .sum: MLX.sum(loss)
        case .none: loss
        }
    }
}

/// The cross entropy of a categorical distribution given by logits: logSumExp(z) - z[target], or
/// logSumExp(z) - Σ p z with probabilities p.
///
/// The result has the logits' shape without `axis`, or is a scalar after a reduction; the default
/// is none. A class number outside the axis is an error when evaluated.
/// ```swift
/// let loss = crossEntropy(logits: model(x), targets: labels, reduction: .mean)
/// ```
/// - Parameters:
///   - targets: class numbers, in the logits' shape without `axis`; or probabilities, in the
///     logits' shape.
///   - weights: multiply the losses; the mean still divides by their number.
///   - axis: the axis of the classes.
///   - labelSmoothing: how much of a target is spread over all classes, in 0..<1.
public func crossEntropy(
    logits: MLXArray, targets: MLXArray, weights: MLXArray? = nil, axis: Int = -1,
    labelSmoothing: Float = 0, reduction: LossReduction = .none
) -> MLXArray {
    let shifted = shiftedByLargest(logits.forLoss, axis: axis)
    let score =
        targets.ndim == logits.ndim
        ? sum(multiplyOrZero(targets.forLoss, shifted), axis: axis)
        : picked(shifted, targets, axis: axis)
    var loss = logSumExp(shifted, axis: axis) - score
    if labelSmoothing > 0 {
        let smoothed = labelSmoothing * (mean(shifted, axis: axis) - score)
        loss = loss - smoothed
    }
    if let weights = weights.given { loss = loss * weights.forLoss }
    return reduction.reduce(loss, as: logits)
}

/// The element of each slice along an axis with the number that `targets` says.
private func picked(_ array: MLXArray, _ targets: MLXArray, axis: Int) -> MLXArray {
    let indices = expandedDimensions(classNumbers(targets), axis: axis)
    return squeezed(takeAlong(array, indices, axis: axis), axis: axis)
}

/// Class numbers as indices that do not count from the end: -1 is no class, often it marks
/// elements to be left out, so it is an error like every other number that is none.
private func classNumbers(_ targets: MLXArray) -> MLXArray {
    switch targets.dtype {
    case .int8, .int16, .int32: targets.asType(.uint32)
    case .int64: targets.asType(.uint64)
    default: targets
    }
}

/// The cross entropy of labels 0 and 1, or probabilities between them: log(1 + exp(z)) - t z for a
/// logit z and a target t. By default the mean over all elements.
/// ```swift
/// let loss = binaryCrossEntropy(logits: model(x), targets: labels)
/// ```
/// - Parameter withLogits: whether `logits` are logits; otherwise they are probabilities, whose
///   logarithms are not taken below -100.
public func binaryCrossEntropy(
    logits: MLXArray, targets: MLXArray, weights: MLXArray? = nil, withLogits: Bool = true,
    reduction: LossReduction = .mean
) -> MLXArray {
    let (x, t) = (logits.forLoss, targets.forLoss)
    var loss =
        withLogits
        ? logAddExp(0, x) - t * x : probabilityLoss(x, t, least: logits.dtype == .float16)
    if let weights = weights.given { loss = loss * weights.forLoss }
    return reduction.reduce(loss, as: logits)
}

/// -(t log p + (1 - t) log(1 - p)), with the derivative (p - t) / (p (1 - p)), whose divisor has a
/// least value: the logarithms' own are infinite at 0 and 1, or 0 where they are limited.
private func probabilityLoss(_ p: MLXArray, _ t: MLXArray, least isHalf: Bool) -> MLXArray {
    // The largest slope is 10¹² as in PyTorch, or what a float16 can hold.
    let least: Float = isHalf ? 1 / 65504 : 1e-12
    let loss = CustomFunction {
        Forward { inputs in
            let (p, t) = (inputs[0], inputs[1])
            return [-(t * limitedLog(p) + (1 - t) * limitedLog1p(-p))]
        }
        VJP { inputs, cotangents in
            let (p, t) = (inputs[0], inputs[1])
            return [
                cotangents[0] * ((p - t) / maximum(p * (1 - p), least)),
                cotangents[0] * (limitedLog1p(-p) - limitedLog(p)),
            ]
        }
    }
    let (shape, type) = ((p + t).shape, promoted(p, t))
    return loss([p, t].map { broadcast($0.asType(type), to: shape) })[0]
}

/// |predictions - targets|, by default the mean over all elements; the shapes broadcast.
public func l1Loss(
    predictions: MLXArray, targets: MLXArray, reduction: LossReduction = .mean
) -> MLXArray {
    let loss = abs(predictions.forLoss - targets.forLoss)
    return reduction.reduce(loss, as: predictions, targets)
}

/// (predictions - targets)², by default the mean over all elements; the shapes broadcast.
/// ```swift
/// let loss = mseLoss(predictions: model(x), targets: y)
/// ```
public func mseLoss(
    predictions: MLXArray, targets: MLXArray, reduction: LossReduction = .mean
) -> MLXArray {
    let loss = square(predictions.forLoss - targets.forLoss)
    return reduction.reduce(loss, as: predictions, targets)
}

/// The negative of the input of each target class.
/// - Parameter inputs: logarithms of probabilities.
public func nllLoss(
    inputs: MLXArray, targets: MLXArray, axis: Int = -1, reduction: LossReduction = .none
) -> MLXArray {
    reduction.reduce(-picked(inputs.forLoss, targets, axis: axis), as: inputs)
}

/// The Kullback-Leibler divergence Σ exp(targets) (targets - inputs).
/// - Parameters:
///   - inputs: logarithms of the predicted probabilities.
///   - targets: logarithms of the true ones.
public func klDivLoss(
    inputs: MLXArray, targets: MLXArray, axis: Int = -1, reduction: LossReduction = .none
) -> MLXArray {
    let (x, t) = (inputs.forLoss, targets.forLoss)
    // A probability of 0, whose logarithm is -∞, adds nothing.
    let loss = sum(multiplyOrZero(exp(t), t - x), axis: axis)
    return reduction.reduce(loss, as: inputs, targets)
}

/// d² / (2 beta) where d = |predictions - targets| is below beta, d - beta / 2 elsewhere; d itself
/// for beta 0.
public func smoothL1Loss(
    predictions: MLXArray, targets: MLXArray, beta: Float = 1, reduction: LossReduction = .mean
) -> MLXArray {
    let distance = abs(predictions.forLoss - targets.forLoss)
    // Limited, so that the side that is not taken stays finite.
    let near = minimum(distance, beta)
    let loss =
        beta == 0
        ? distance : which(distance .< beta, 0.5 * square(near) / beta, distance - 0.5 * beta)
    return reduction.reduce(loss, as: predictions, targets)
}

/// max(|anchor - positive| - |anchor - negative| + margin, 0) with the p-norm
public func tripletLoss(
    anchors: MLXArray, positives: MLXArray, negatives: MLXArray, axis: Int = -1, p: Int = 2,
    margin: Float = 1.0, eps: Float = 1e-6, reduction: LossReduction = .none
) -> MLXArray {
    func distance(_ other: MLXArray) -> MLXArray {
        // |s d| is s |d|: with s from the largest difference no power overflows.
        let difference = anchors.forLoss - other.forLoss
        let size = magnitude(difference, axis: axis)
        let unit = difference / size
        let power = p == 2 ? square(unit) : pow(abs(unit), Float(p))
        let least = p == 2 ? eps / size / size : eps / pow(size, Float(p))
        let total = sum(power, axis: axis, keepDims: true) + least
        let norm = p == 2 ? sqrt(total) : pow(total, 1 / Float(p))
        return squeezed(size * norm, axis: axis)
    }
    let loss = maximum(distance(positives) - distance(negatives) + margin, 0)
    return reduction.reduce(loss, as: anchors, positives, negatives)
}

/// max(1 - inputs targets, 0) with targets -1 and 1
public func hingeLoss(
    inputs: MLXArray, targets: MLXArray, reduction: LossReduction = .none
) -> MLXArray {
    let loss = maximum(1 - inputs.forLoss * targets.forLoss, 0)
    return reduction.reduce(loss, as: inputs, targets)
}

/// d² / 2 where d = |inputs - targets| is at most delta, delta (d - delta / 2) elsewhere
public func huberLoss(
    inputs: MLXArray, targets: MLXArray, delta: Float = 1.0, reduction: LossReduction = .none
) -> MLXArray {
    let distance = abs(inputs.forLoss - targets.forLoss)
    // In this order, at the kink the distance has the gradient.
    let near = minimum(delta, distance)
    let loss = which(
        distance .<= delta, 0.5 * square(near), delta * (distance - 0.5 * delta))
    return reduction.reduce(loss, as: inputs, targets)
}

/// log(cosh(inputs - targets))
public func logCoshLoss(
    inputs: MLXArray, targets: MLXArray, reduction: LossReduction = .none
) -> MLXArray {
    let error = inputs.forLoss - targets.forLoss
    // log cosh e = log(exp(e) + exp(-e)) - log 2, without overflow.
    return reduction.reduce(logAddExp(error, -error) - 0.693147180559945309, as: inputs, targets)
}

/// The cosine of the angle between x1 and x2 along an axis: a similarity, not 1 minus it.
/// - Parameter eps: the least product of the norms to divide by.
public func cosineSimilarityLoss(
    x1: MLXArray, x2: MLXArray, axis: Int = 1, eps: Float = 1e-8,
    reduction: LossReduction = .none
) -> MLXArray {
    func norm(_ x: MLXArray) -> MLXArray { sqrt(sum(square(x), axis: axis, keepDims: true)) }
    // An angle does not change with lengths, and squares of large numbers are infinite.
    let (a, b) = (x1.forLoss, x2.forLoss)
    let (sizeA, sizeB) = (magnitude(a, axis: axis), magnitude(b, axis: axis))
    let (unitA, unitB) = (a / sizeA, b / sizeB)
    let least = maximum(eps / sizeA / sizeB, Float.leastNormalMagnitude)
    let loss =
        sum(unitA * unitB, axis: axis, keepDims: true)
        / maximum(norm(unitA) * norm(unitB), least)
    return reduction.reduce(squeezed(loss, axis: axis), as: x1, x2)
}
