import MLX

/// ``Conv2d`` with weights in groups of a few bits. The weights of one output, (height, width,
/// inputs / groups) as one row, are cut into groups; where these do not divide them, the layer's
/// result is an error. MLX has no such layer; `quantize(model:)` leaves convolutions as they are.
/// ```swift
/// let small = QuantizedConv2d(
///     Conv2d(inputChannels: 64, outputChannels: 8, kernelSize: 3), groupSize: 64, bits: 8)
/// ```
open class QuantizedConv2d: Conv2d, Quantized {
    /// How many weights of an output share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// The format of the stored weights.
    public let mode: QuantizationMode
    /// (outputs, weights of an output / groupSize)
    public let scales: MLXArray
    /// (outputs, weights of an output / groupSize) in affine mode, else nil.
    public let biases: MLXArray?
    /// (height, width, inputs / groups)
    public let kernelShape: [Int]

    /// The quantized form of a layer.
    public convenience init(
        _ other: Conv2d, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        let rows = other.weight.reshaped([other.weight.dim(0), -1])
        let (codes, scales, biases) = quantized(
            rows, groupSize: groupSize, bits: bits, mode: mode)
        self.init(
            other, codes: codes, scales: scales, biases: biases, groupSize: groupSize, bits: bits,
            mode: mode)
    }

    /// A layer with the geometry and the bias of another one and weights that are quantized
    /// already: those of `quantized` for a matrix (outputs, weights of an output).
    public init(
        _ other: Conv2d, codes: MLXArray, scales: MLXArray, biases: MLXArray?, groupSize: Int,
        bits: Int, mode: QuantizationMode = .affine
    ) {
        self.groupSize = groupSize
        self.bits = bits
        self.mode = mode
        self.scales = scales
        self.biases = biases
        kernelShape = Array(other.weight.shape.dropFirst())
        super.init(other, weight: codes, bias: other.bias)
        freeze()
    }

    /// Unfreezes nothing: codes have no gradient. Keys that are not there throw
    /// `UpdateError.keyNotFound` if `strict`.
    open override func unfreeze(
        recursive: Bool = true, keys: [String]? = nil, strict: Bool = false
    ) throws {
        try super.unfreeze(recursive: recursive, keys: keys, strict: strict)
        freeze(recursive: false)
    }

    /// Applies the layer as ``Conv2d`` does, with the numbers that the codes stand for.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let wide = dequantized(
            weight, scales: scales, biases: biases, groupSize: groupSize, bits: bits, mode: mode)
        let y = conv2d(
            x, wide.reshaped([weight.dim(0)] + kernelShape), stride: IntOrPair(stride),
            padding: IntOrPair(padding), dilation: IntOrPair(dilation), groups: groups)
        return noted(bias.map { y + $0 } ?? y, from: x)
    }
}
