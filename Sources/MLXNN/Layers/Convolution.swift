import MLX

/// Convolutions (cross-correlations), channels last. Weights are drawn evenly from ±1/√(inputs ×
/// window); biases begin as zeros and draw nothing.

/// Convolution of (N, L, C).
open class Conv1d: Module, UnaryLayer {
    /// (outputs, window, inputs / groups)
    public let weight: MLXArray
    public let bias: MLXArray?
    public let padding: Int
    public let dilation: Int
    public let stride: Int
    public let groups: Int

    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int = 1,
        padding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true
    ) {
        let fanIn = inputChannels / groups
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

    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        // A row of height one: the same sums in the same order.
        let row = conv2d(
            x.expandedDimensions(axis: 1), weight.expandedDimensions(axis: 1),
            stride: IntOrPair((1, stride)), padding: IntOrPair((0, padding)),
            dilation: IntOrPair((1, dilation)), groups: groups)
        let y = row.squeezed(axis: 1)
        return bias.map { y + $0 } ?? y
    }
}

/// Convolution of (N, H, W, C).
open class Conv2d: Module, UnaryLayer {
    /// (outputs, height, width, inputs / groups)
    public let weight: MLXArray
    public let bias: MLXArray?
    public let padding: (Int, Int)
    public let dilation: (Int, Int)
    public let stride: (Int, Int)
    public let groups: Int

    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: IntOrPair, stride: IntOrPair = 1,
        padding: IntOrPair = 0, dilation: IntOrPair = 1, groups: Int = 1, bias: Bool = true
    ) {
        let fanIn = inputChannels / groups
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

    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = conv2d(
            x, weight, stride: IntOrPair(stride), padding: IntOrPair(padding),
            dilation: IntOrPair(dilation), groups: groups)
        return bias.map { y + $0 } ?? y
    }
}
