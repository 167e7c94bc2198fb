import MLXBase
import MLXGraph
import MLXOps

// Convolution over three spatial axes, as one over two: the elements that the window's layers meet
// are set side by side as channels, so that a single product does all layers at once. That copies
// the input as often as the window is deep, a small part of what the taps of a layer read.

/// The numbers of a convolution over depth, height and width.
struct VolumeGeometry {
    var stride: [Int]
    var low: [Int]
    var high: [Int]
    var kernelDilation: [Int]
    var inputDilation: [Int]
    var groups: Int
    var flip: Bool

    /// The geometry of one layer.
    var layer: ConvolutionGeometry {
        var geometry = ConvolutionGeometry()
        geometry.stride = Array(stride[1...])
        geometry.paddingLow = Array(low[1...])
        geometry.paddingHigh = Array(high[1...])
        geometry.kernelDilation = Array(kernelDilation[1...])
        geometry.inputDilation = Array(inputDilation[1...])
        geometry.groups = groups
        geometry.flip = flip
        return geometry
    }

    /// How long the result's first axis is.
    func depth(
        _ input: Int, _ kernel: Int, _ operation: String, _ shapes: [[Int]]
    ) throws(ArrayError) -> Int {
        let limit = 1 << 31
        let numbers = [stride[0], kernelDilation[0], inputDilation[0]]
        guard numbers.allSatisfy({ (1...limit).contains($0) }) else {
            throw ArrayError(
                .argument, operation, "stride and dilations \(numbers) must be at least 1",
                shapes: shapes)
        }
        guard (-limit...limit).contains(low[0]), (-limit...limit).contains(high[0]),
            input < limit, kernel < limit
        else { throw ArrayError(.limit, operation, "the sizes are too large", shapes: shapes) }
        let spread = input > 0 ? (input - 1) * inputDilation[0] + 1 : 0
        let padded = spread + low[0] + high[0]
        let reach = (kernel - 1) * kernelDilation[0] + 1
        guard kernel > 0, padded >= reach else {
            throw ArrayError(
                .shape, operation,
                "the padded input (\(padded)) is smaller than the kernel (\(reach))",
                shapes: shapes)
        }
        return (padded - reach) / stride[0] + 1
    }

    func apply(
        _ array: MLXArray, _ weight: MLXArray, _ operation: String, _ stream: StreamOrDevice
    ) throws(ArrayError) -> MLXArray {
        let (shape, window) = (array.shape, weight.shape)
        guard groups >= 1, shape[4] % groups == 0, shape[4] / groups == window[4] else {
            throw ArrayError(
                .shape, operation,
                "input channels \(shape[4]) and weight"
                    + " \(weight.nodeShape) do not fit \(groups) groups",
                shapes: [shape, window])
        }
        let length = try depth(shape[1], window[1], operation, [shape, window])
        let spread = try spreadDepth(array, stream)
        let each = shape[4] / groups
        let layers = (0..<window[1]).map { tap -> MLXArray in
            var sizes = spread.shape
            sizes[1] = length
            let part = Ops.slice(
                spread, starts: [0, tap * kernelDilation[0], 0, 0, 0],
                steps: [1, length > 1 ? stride[0] : 1, 1, 1, 1], sizes: sizes, stream: stream.id)
            return Ops.reshape(
                part, [shape[0], length, shape[2], shape[3], groups, 1, each], stream: stream.id)
        }
        let joined = concatenated(layers, axis: 5, stream: stream)
        let image = Ops.reshape(
            joined, [shape[0] * length, shape[2], shape[3], shape[4] * window[1]],
            stream: stream.id)
        let turned = flip ? MLX.flip(weight, axis: 1, stream: stream) : weight
        let kernel = Ops.reshape(
            Ops.transpose(turned, [0, 2, 3, 1, 4], stream: stream.id),
            [window[0], window[2], window[3], window[1] * window[4]], stream: stream.id)
        let result = Ops.record(
            .conv2d, [image, kernel], Attributes(words: layer.words), stream: stream.id)
        return Ops.reshape(
            result, [shape[0], length] + result.shape.dropFirst(), stream: stream.id)
    }

    /// The input with zeros between its layers and around them; negative padding cuts layers off.
    private func spreadDepth(
        _ array: MLXArray, _ stream: StreamOrDevice
    ) throws(ArrayError) -> MLXArray {
        var result = array
        let shape = array.shape
        if inputDilation[0] > 1 && shape[1] > 1 {
            let between = inputDilation[0] - 1
            let apart = Ops.reshape(
                array, [shape[0], shape[1], 1] + shape[2...], stream: stream.id)
            let (total, overflow) = shape[1].multipliedReportingOverflow(by: between + 1)
            if overflow { throw ArrayError(.limit, "conv3d", "the sizes are too large") }
            let wide = Ops.record(
                .pad, [apart, Ops.scalar(0, array.dtype)],
                Attributes(words: [0, 0, 0, 0, 0, 0, 0, 0, between, 0, 0, 0]), stream: stream.id)
            let flat = Ops.reshape(
                wide, [shape[0], total] + shape[2...], stream: stream.id)
            result = Ops.slice(flat, axis: 1, 0, total - between, stream: stream.id)
        }
        let cut = (Swift.max(-low[0], 0), Swift.max(-high[0], 0))
        if cut != (0, 0) {
            result = Ops.slice(
                result, axis: 1, cut.0, result.dim(1) - cut.0 - cut.1, stream: stream.id)
        }
        let border = (Swift.max(low[0], 0), Swift.max(high[0], 0))
        if border == (0, 0) { return result }
        return Ops.record(
            .pad, [result, Ops.scalar(0, array.dtype)],
            Attributes(words: [0, border.0, 0, 0, 0, 0, border.1, 0, 0, 0]), stream: stream.id)
    }
}

/// Three-dimensional convolution (cross-correlation), channels last.
/// ```
/// conv3d(video, weight, stride: [1, 2, 2], padding: 1)
/// ```
/// - Parameters:
///   - array: (N, D, H, W, C).
///   - weight: (O, kD, kH, kW, C / groups).
/// - Returns: (N, D', H', W', O) with D' = (D + 2 padding - dilation (kD - 1) - 1) / stride + 1.
public func conv3d(
    _ array: MLXArray, _ weight: MLXArray, stride: IntOrTriple = 1, padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1, groups: Int = 1, stream: StreamOrDevice = .default
) -> MLXArray {
    convolved(
        array, weight, .array(stride.all), (.array(padding.all), .array(padding.all)),
        .array(dilation.all), 1, groups, false, "conv3d", stream, rank: 3)
}

/// Transposed convolution of (N, D, H, W, C) with (O, kD, kH, kW, C / groups): the input is spread
/// by the stride.
/// ```
/// convTransposed3d(x, weight, stride: 2)
/// ```
public func convTransposed3d(
    _ array: MLXArray, _ weight: MLXArray, stride: IntOrTriple = 1, padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1, outputPadding: IntOrTriple = 0, groups: Int = 1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    transposedConvolution(
        array, weight, stride.all, padding.all, dilation.all, outputPadding.all, groups,
        "conv_transpose3d", stream)
}

extension IntOrTriple {
    var all: [Int] { [first, second, third] }
}
