import MLX

/// Convolutions (cross-correlations), channels last. Weights are drawn evenly from ±1/√(inputs ×
/// window); biases begin as zeros and draw nothing.

/// Convolution (cross-correlation) of sequences (N, L, C).
/// ```swift
/// let layer = Conv1d(inputChannels: 8, outputChannels: 16, kernelSize: 3, padding: 1)
/// let y = layer(MLXArray.zeros([4, 100, 8]))    // (4, 100, 16)
/// ```
open class Conv1d: Module, UnaryLayer {
    /// (outputs, window, inputs / groups)
    public let weight: MLXArray
    /// (outputs), or nil
    public let bias: MLXArray?
    /// Zeros on both sides.
    public let padding: Int
    /// The distance between the elements of the window, at least 1.
    public let dilation: Int
    /// The distance between two windows, at least 1.
    public let stride: Int
    /// The number of groups: outputs of a group see its inputs only. Divides both numbers of
    /// channels.
    public let groups: Int

    /// A layer with weights drawn evenly from ±1/√(inputs / groups × window), and a bias of zeros.
    /// - Parameters:
    ///   - inputChannels: the channels of the input.
    ///   - outputChannels: the channels of the output.
    ///   - kernelSize: the size of the window.
    ///   - stride: the distance between two windows.
    ///   - padding: zeros on both sides.
    ///   - dilation: the distance between the elements of the window.
    ///   - groups: a divisor of both numbers of channels; as many as there are inputs make the
    ///     convolution depthwise.
    ///   - bias: whether there is a bias.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
        padding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
    ) {
        let fanIn = inputChannels / max(groups, 1)
        let scale = (1 / Float(fanIn * kernelSize)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale, [outputChannels, kernelSize, fanIn])
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding
        self.dilation = dilation
        self.stride = stride
        self.groups = groups
        super.init()
    }

    /// Applies the layer: input (N, L, inputs), output (N, (L + 2 padding - dilation (window - 1) -
    /// 1) / stride + 1, outputs), rounded down. Another rank or another number of channels is an
    /// error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        // A row of height one: the same sums in the same order.
        let row = conv2d(
            x.forProduct.expandedDimensions(axis: 1),
            weight.forProduct.expandedDimensions(axis: 1),
            stride: IntOrPair((1, stride)), padding: IntOrPair((0, padding)),
            dilation: IntOrPair((1, dilation)), groups: groups)
        let y = row.squeezed(axis: 1)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}

/// Convolution (cross-correlation) of images (N, H, W, C).
/// ```swift
/// let layer = Conv2d(inputChannels: 3, outputChannels: 16, kernelSize: 3, padding: 1)
/// let y = layer(MLXArray.zeros([4, 28, 28, 3]))    // (4, 28, 28, 16)
/// ```
open class Conv2d: Module, UnaryLayer {
    /// (outputs, height, width, inputs / groups)
    public let weight: MLXArray
    /// (outputs), or nil
    public let bias: MLXArray?
    /// Zeros on both sides, along height and width.
    public let padding: (Int, Int)
    /// The distance between the elements of the window, along height and width, at least 1.
    public let dilation: (Int, Int)
    /// The distance between two windows, along height and width, at least 1.
    public let stride: (Int, Int)
    /// The number of groups: outputs of a group see its inputs only. Divides both numbers of
    /// channels.
    public let groups: Int

    /// A layer with weights drawn evenly from ±1/√(inputs / groups × window), and a bias of zeros.
    /// - Parameters:
    ///   - inputChannels: the channels of the input.
    ///   - outputChannels: the channels of the output.
    ///   - kernelSize: the size of the window, along height and width.
    ///   - stride: the distance between two windows, along height and width.
    ///   - padding: zeros on both sides, along height and width.
    ///   - dilation: the distance between the elements of the window, along height and width.
    ///   - groups: a divisor of both numbers of channels; as many as there are inputs make the
    ///     convolution depthwise.
    ///   - bias: whether there is a bias.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: IntOrPair, stride: IntOrPair = 1,
        padding: IntOrPair = 0, dilation: IntOrPair = 1, groups: Int = 1, bias: Bool = true
    ) {
        let fanIn = inputChannels / max(groups, 1)
        let scale = (1 / Float(fanIn * kernelSize.first * kernelSize.second)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale,
            [outputChannels, kernelSize.first, kernelSize.second, fanIn])
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding.values
        self.dilation = dilation.values
        self.stride = stride.values
        self.groups = groups
        super.init()
    }

    /// A layer with the geometry of another one and the given parameters, for subclasses that
    /// store them otherwise.
    public init(_ other: Conv2d, weight: MLXArray, bias: MLXArray?) {
        self.weight = weight
        self.bias = bias
        padding = other.padding
        dilation = other.dilation
        stride = other.stride
        groups = other.groups
        super.init()
    }

    /// Applies the layer: input (N, H, W, inputs), output (N, H', W', outputs), where H' = (H + 2
    /// padding - dilation (window - 1) - 1) / stride + 1, rounded down, and W' likewise. Another
    /// rank or another number of channels is an error of the result.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = conv2d(
            x.forProduct, weight.forProduct, stride: IntOrPair(stride), padding: IntOrPair(padding),
            dilation: IntOrPair(dilation), groups: groups)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}
