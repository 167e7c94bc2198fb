import MLX

// Loss functions. All of them end in a reduction; its default differs, as in MLX: losses of
// regressions and of binary labels have the mean, the others one value for each example.

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
    let logits = logits.forLoss
    let score =
        targets.ndim == logits.ndim
        ? sum(logits * targets, axis: axis)
        : picked(logits, targets, axis: axis)
    var loss = logSumExp(logits, axis: axis) - score
    if labelSmoothing > 0 {
        let smoothed = labelSmoothing * (mean(logits, axis: axis) - score)
        loss = loss - smoothed
    }
    if let weights { loss = loss * weights }
    return reduction.reduce(loss: loss)
}

/// The element of each slice along an axis with the number that `targets` says.
private func picked(_ array: MLXArray, _ targets: MLXArray, axis: Int) -> MLXArray {
    let indices = expandedDimensions(targets, axis: axis)
    return squeezed(takeAlong(array, indices, axis: axis), axis: axis)
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
    let logits = logits.forLoss
    var loss: MLXArray
    if withLogits {
        loss = logAddExp(0, logits) - targets * logits
    } else {
        let positive = maximum(log(logits), -100)
        let negative = maximum(log(1 - logits), -100)
        loss = -(targets * positive + (1 - targets) * negative)
    }
    if let weights { loss = loss * weights }
    return reduction.reduce(loss: loss)
}

/// |predictions - targets|, by default the mean over all elements; the shapes broadcast.
public func l1Loss(
    predictions: MLXArray, targets: MLXArray, reduction: LossReduction = .mean
) -> MLXArray {
    let predictions = predictions.forLoss
    return reduction.reduce(loss: abs(predictions - targets))
}

/// (predictions - targets)², by default the mean over all elements; the shapes broadcast.
/// ```swift
/// let loss = mseLoss(predictions: model(x), targets: y)
/// ```
public func mseLoss(
    predictions: MLXArray, targets: MLXArray, reduction: LossReduction = .mean
) -> MLXArray {
    let predictions = predictions.forLoss
    return reduction.reduce(loss: square(predictions - targets))
}

/// The negative of the input of each target class.
/// - Parameter inputs: logarithms of probabilities.
public func nllLoss(
    inputs: MLXArray, targets: MLXArray, axis: Int = -1, reduction: LossReduction = .none
) -> MLXArray {
    let inputs = inputs.forLoss
    return reduction.reduce(loss: -picked(inputs, targets, axis: axis))
}

/// The Kullback-Leibler divergence Σ exp(targets) (targets - inputs).
/// - Parameters:
///   - inputs: logarithms of the predicted probabilities.
///   - targets: logarithms of the true ones.
public func klDivLoss(
    inputs: MLXArray, targets: MLXArray, axis: Int = -1, reduction: LossReduction = .none
) -> MLXArray {
    let inputs = inputs.forLoss
    return reduction.reduce(loss: sum(exp(targets) * (targets - inputs), axis: axis))
}

/// d² / (2 beta) where d = |predictions - targets| is below beta, d - beta / 2 elsewhere
public func smoothL1Loss(
    predictions: MLXArray, targets: MLXArray, beta: Float = 1, reduction: LossReduction = .mean
) -> MLXArray {
    let predictions = predictions.forLoss
    let distance = abs(predictions - targets)
    let loss = which(
        distance .< beta, 0.5 * square(distance) / beta, distance - 0.5 * beta)
    return reduction.reduce(loss: loss)
}

/// max(|anchor - positive| - |anchor - negative| + margin, 0) with the p-norm
public func tripletLoss(
    anchors: MLXArray, positives: MLXArray, negatives: MLXArray, axis: Int = -1, p: Int = 2,
    margin: Float = 1.0, eps: Float = 1e-6, reduction: LossReduction = .none
) -> MLXArray {
    func distance(_ other: MLXArray) -> MLXArray {
        let difference = anchors.forLoss - other.forLoss
        let power = p == 2 ? square(difference) : pow(abs(difference), Float(p))
        let total = sum(power, axis: axis) + eps
        return p == 2 ? sqrt(total) : pow(total, 1 / Float(p))
    }
    return reduction.reduce(
        loss: maximum(distance(positives) - distance(negatives) + margin, 0))
}

/// max(1 - inputs targets, 0) with targets -1 and 1
public func hingeLoss(
    inputs: MLXArray, targets: MLXArray, reduction: LossReduction = .none
) -> MLXArray {
    let inputs = inputs.forLoss
    return reduction.reduce(loss: maximum(1 - inputs * targets, 0))
}

/// d² / 2 where d = |inputs - targets| is at most delta, delta (d - delta / 2) elsewhere
public func huberLoss(
    inputs: MLXArray, targets: MLXArray, delta: Float = 1.0, reduction: LossReduction = .none
) -> MLXArray {
    let inputs = inputs.forLoss
    let distance = abs(inputs - targets)
    let loss = which(
        distance .<= delta, 0.5 * square(distance), delta * (distance - 0.5 * delta))
    return reduction.reduce(loss: loss)
}

/// log(cosh(inputs - targets))
public func logCoshLoss(
    inputs: MLXArray, targets: MLXArray, reduction: LossReduction = .none
) -> MLXArray {
    let inputs = inputs.forLoss
    let error = inputs - targets
    // log cosh e = log(exp(e) + exp(-e)) - log 2, without overflow.
    return reduction.reduce(loss: logAddExp(error, -error) - 0.6931472)
}

/// The cosine of the angle between x1 and x2 along an axis: a similarity, not 1 minus it.
/// - Parameter eps: the least product of the norms to divide by.
public func cosineSimilarityLoss(
    x1: MLXArray, x2: MLXArray, axis: Int = 1, eps: Float = 1e-8,
    reduction: LossReduction = .none
) -> MLXArray {
    let (x1, x2) = (x1.forLoss, x2.forLoss)
    func norm(_ x: MLXArray) -> MLXArray { sqrt(sum(square(x), axis: axis)) }
    let loss = sum(x1 * x2, axis: axis) / maximum(norm(x1) * norm(x2), eps)
    return reduction.reduce(loss: loss)
}
