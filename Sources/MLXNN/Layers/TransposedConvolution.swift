import MLX

/// Transposed convolutions, channels last: each input element spreads over a window of the output.
/// Weights are drawn as for the convolutions; biases begin as zeros and draw nothing.

/// Transposed convolution of (N, L, C).
open class ConvTransposed1d: Module, UnaryLayer {
    /// (outputs, window, inputs / groups)
    public let weight: MLXArray
    /// (outputs); nil for a layer without one.
    public let bias: MLXArray?
    /// What to take off at both ends of the output.
    public let padding: Int
    /// The distance of the window's elements.
    public let dilation: Int
    /// What to add at the end of the output.
    public let outputPadding: Int
    /// The distance of the windows of neighbouring inputs.
    public let stride: Int
    /// Parts that channels are divided in, each on its own.
    public let groups: Int

    /// A layer with random weights.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
        padding: Int = 0, outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1,
        bias: Bool = true
    ) {
        let fanIn = inputChannels / max(groups, 1)
        let scale = (1 / Float(fanIn * kernelSize)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale, [outputChannels, kernelSize, fanIn])
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding
        self.dilation = dilation
        self.outputPadding = outputPadding
        self.stride = stride
        self.groups = groups
        super.init()
    }

    /// The layer's output.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = convTransposed1d(
            x.forProduct, weight.forProduct, stride: stride, padding: padding, dilation: dilation,
            outputPadding: outputPadding, groups: groups)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}

/// Transposed convolution of (N, H, W, C).
open class ConvTransposed2d: Module, UnaryLayer {
    /// (outputs, height, width, inputs / groups)
    public let weight: MLXArray
    /// (outputs); nil for a layer without one.
    public let bias: MLXArray?
    /// What to take off at both ends of the output.
    public let padding: (Int, Int)
    /// The distance of the window's elements.
    public let dilation: (Int, Int)
    /// What to add at the end of the output.
    public let outputPadding: (Int, Int)
    /// The distance of the windows of neighbouring inputs.
    public let stride: (Int, Int)
    /// Parts that channels are divided in, each on its own.
    public let groups: Int

    /// A layer with random weights.
    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: IntOrPair, stride: IntOrPair = 1,
        padding: IntOrPair = 0, outputPadding: IntOrPair = 0, dilation: IntOrPair = 1,
        groups: Int = 1, bias: Bool = true
    ) {
        let fanIn = inputChannels / max(groups, 1)
        let scale = (1 / Float(fanIn * kernelSize.first * kernelSize.second)).squareRoot()
        weight = MLXRandom.uniform(
            low: -scale, high: scale,
            [outputChannels, kernelSize.first, kernelSize.second, fanIn])
        self.bias = bias ? MLXArray.zeros([outputChannels]) : nil
        self.padding = padding.values
        self.dilation = dilation.values
        self.outputPadding = outputPadding.values
        self.stride = stride.values
        self.groups = groups
        super.init()
    }

    /// The layer's output.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = convTransposed2d(
            x.forProduct, weight.forProduct, stride: IntOrPair(stride), padding: IntOrPair(padding),
            dilation: IntOrPair(dilation), outputPadding: IntOrPair(outputPadding),
            groups: groups)
        return noted(bias.map { y + $0.forProduct } ?? y, from: x)
    }
}
