import MLX

/// Convolutions over volumes, channels last: three spatial axes, plain and transposed. Weights are
/// drawn as for one and two axes; biases begin as zeros and draw nothing.

/// Convolution of (N, D, H, W, C).
///
/// y[n, p, o] = b[o] + Σ over window places k and channels c of w[o, k, c] x[n, stride p +
/// dilation k - padding, c]
/// ```swift
/// let layer = Conv3d(inputChannels: 1, outputChannels: 8, kernelSize: 3, padding: 1)
/// let y = layer(MLXArray.zeros([1, 16, 16, 16, 1]))  // (1, 16, 16, 16, 8)
/// ```
open class Conv3d: Module, UnaryLayer {
    /// (outputs, depth, height, width, inputs / groups)
    public let weight: MLXArray
    /// (outputs); nil for a layer without one.
    public let bias: MLXArray?
    /// What is added on both sides of the spatial axes.
    public let padding: (Int, Int, Int)
    /// The distance of the window's elements.
    public let dilation: (Int, Int, Int)
    /// The distance between two windows.
    public let stride: (Int, Int, Int)
    /// Parts that channels are divided in, each on its own.
    public let groups: Int

    /// A layer with a weight drawn evenly from ±1/√(inputs / groups × window) and a bias of zeros.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: IntOrTriple, stride: IntOrTriple = 1,
        padding: IntOrTriple = 0, dilation: IntOrTriple = 1, groups: Int = 1, bias: Bool = true
    ) {
        weight = volumeWeight(inputChannels, outputChannels, kernelSize, groups)
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding.values
        self.dilation = dilation.values
        self.stride = stride.values
        self.groups = groups
        super.init()
    }

    /// Applies the layer: input (N, D, H, W, C), output (N, D', H', W', outputs) with
    /// D' = (D + 2 padding - dilation (k - 1) - 1) / stride + 1, rounded down, and so on.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = conv3d(
            x.forProduct, weight.forProduct, stride: IntOrTriple(stride),
            padding: IntOrTriple(padding),
            dilation: IntOrTriple(dilation), groups: groups)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}

/// Transposed convolution of (N, D, H, W, C): each input element spreads over a window of the
/// output.
/// ```swift
/// let layer = ConvTransposed3d(inputChannels: 8, outputChannels: 1, kernelSize: 2, stride: 2)
/// let y = layer(MLXArray.zeros([1, 8, 8, 8, 8]))  // (1, 16, 16, 16, 1)
/// ```
open class ConvTransposed3d: Module, UnaryLayer {
    /// (outputs, depth, height, width, inputs / groups)
    public let weight: MLXArray
    /// (outputs); nil for a layer without one.
    public let bias: MLXArray?
    /// What to take off at both ends of the output.
    public let padding: (Int, Int, Int)
    /// The distance of the window's elements.
    public let dilation: (Int, Int, Int)
    /// What to add at the end of the output.
    public let outputPadding: (Int, Int, Int)
    /// The distance of the windows of neighbouring inputs.
    public let stride: (Int, Int, Int)
    /// Parts that channels are divided in, each on its own.
    public let groups: Int

    /// A layer with a weight drawn evenly from ±1/√(inputs / groups × window) and a bias of zeros.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: IntOrTriple, stride: IntOrTriple = 1,
        padding: IntOrTriple = 0, outputPadding: IntOrTriple = 0, dilation: IntOrTriple = 1,
        groups: Int = 1, bias: Bool = true
    ) {
        weight = volumeWeight(inputChannels, outputChannels, kernelSize, groups)
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding.values
        self.dilation = dilation.values
        self.outputPadding = outputPadding.values
        self.stride = stride.values
        self.groups = groups
        super.init()
    }

    /// Applies the layer: input (N, D, H, W, C), output (N, D', H', W', outputs) with
    /// D' = (D - 1) stride - 2 padding + dilation (k - 1) + 1 + outputPadding, and so on.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = convTransposed3d(
            x.forProduct, weight.forProduct, stride: IntOrTriple(stride),
            padding: IntOrTriple(padding),
            dilation: IntOrTriple(dilation), outputPadding: IntOrTriple(outputPadding),
            groups: groups)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}

private func volumeWeight(
    _ inputs: Int, _ outputs: Int, _ window: IntOrTriple, _ groups: Int
) -> MLXArray {
    let fanIn = inputs / max(groups, 1)
    let places = window.first * window.second * window.third
    let scale = (1 / Float(fanIn * places)).squareRoot()
    return MLXRandom.uniform(
        low: -scale, high: scale,
        [outputs, window.first, window.second, window.third, fanIn])
}
