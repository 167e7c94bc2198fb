import MLX

/// Layers that zero a random part of their input during training and scale the rest up, so that
/// the expected value stays. Otherwise they are the identity and draw nothing.

/// Zeroes single elements with probability p.
open class Dropout: Module, UnaryLayer {
    /// The probability of keeping an element.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0..<1.
    public init(p: Float = 0.5) {
        precondition(p >= 0 && p < 1, "the probability to drop is in 0..<1, not \(p)")
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(training ? dropped(x, keeping: p1, maskShape: x.shape) : x, from: x)
    }
}

/// Zeroes whole channels of (N, H, W, C) or (H, W, C) with probability p.
open class Dropout2d: Module, UnaryLayer {
    /// The probability of keeping a channel.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0..<1.
    public init(p: Float = 0.5) {
        precondition(p >= 0 && p < 1, "the probability to drop is in 0..<1, not \(p)")
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(
            training ? dropped(x, keeping: p1, maskShape: channelMask(x, spatialAxes: 2)) : x,
            from: x)
    }
}

/// Zeroes whole channels of (N, D, H, W, C) or (D, H, W, C) with probability p.
open class Dropout3d: Module, UnaryLayer {
    /// The probability of keeping a channel.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0..<1.
    public init(p: Float = 0.5) {
        precondition(p >= 0 && p < 1, "the probability to drop is in 0..<1, not \(p)")
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(
            training ? dropped(x, keeping: p1, maskShape: channelMask(x, spatialAxes: 3)) : x,
            from: x)
    }
}

/// One for each spatial axis, so that the mask of a channel covers all of it.
private func channelMask(_ x: MLXArray, spatialAxes: Int) -> [Int] {
    var shape = x.shape
    let end = max(shape.count - 1, 0)
    for axis in max(end - spatialAxes, 0)..<end { shape[axis] = 1 }
    return shape
}

private func dropped(_ x: MLXArray, keeping p1: Float, maskShape: [Int]) -> MLXArray {
    if p1 == 1 { return x }
    return x * MLXRandom.bernoulli(p1, maskShape) * (1 / p1)
}
