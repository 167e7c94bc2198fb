import MLX

/// Layers that zero a random part of their input during training and scale the rest up, so that
/// the expected value stays. Otherwise they are the identity and draw nothing.

/// Zeroes single elements with probability p.
open class Dropout: Module, UnaryLayer {
    /// The probability of keeping an element.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0...1; with another one, results are errors.
    public init(p: Float = 0.5) {
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(training ? dropped(x, self, keeping: p1, maskShape: x.shape) : x, from: x)
    }
}

/// Zeroes whole channels of (N, H, W, C) or (H, W, C) with probability p.
open class Dropout2d: Module, UnaryLayer {
    /// The probability of keeping a channel.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0...1; with another one, results are errors.
    public init(p: Float = 0.5) {
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(
            training
                ? dropped(x, self, keeping: p1, maskShape: channelMask(x, spatialAxes: 2)) : x,
            from: x)
    }
}

/// Zeroes whole channels of (N, D, H, W, C) or (D, H, W, C) with probability p.
open class Dropout3d: Module, UnaryLayer {
    /// The probability of keeping a channel.
    public let p1: Float

    /// - Parameter p: the probability of zeroing, in 0...1; with another one, results are errors.
    public init(p: Float = 0.5) {
        p1 = 1 - p
        super.init()
    }

    /// Applies the layer: while training, a new mask is drawn with each call; otherwise the input
    /// comes back. The shape stays.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(
            training
                ? dropped(x, self, keeping: p1, maskShape: channelMask(x, spatialAxes: 3)) : x,
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

private func dropped(
    _ x: MLXArray, _ layer: Module, keeping p1: Float, maskShape: [Int]
) -> MLXArray {
    guard p1 >= 0, p1 <= 1 else {
        return invalidArray(
            ArrayError(
                .argument, "\(type(of: layer))",
                "the probability of zeroing is in 0...1, not \(1 - p1)"),
            inputs: [x])
    }
    if p1 == 1 { return x }
    if p1 == 0 { return zeros(like: x) }
    return x * MLXRandom.bernoulli(p1, maskShape) * (1 / p1)
}
