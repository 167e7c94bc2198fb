import MLXBase
import MLXGraph
import MLXOps

// Products with int8 weights: symmetric, one scale for each output. Activations are quantized row
// by row as well and multiplied in integers, to the same bits on every device.

/// How the weights of a quantized layer are stored.
public enum QuantizationMode: String, Codable, Sendable {
    /// Integers with a scale and an offset for each group.
    case affine
    /// Four-bit floating point, a power of two for each group of 32.
    case mxfp4
    /// Eight-bit floating point, a power of two for each group of 32.
    case mxfp8
    /// Four-bit floating point, an eight-bit scale for each group of 16.
    case nvfp4
    /// Signed bytes, a float32 scale for each output: the NPU's weights. Not in MLX.
    case int8
    /// Integers of 2, 4 or 8 bits with a scale and an offset for each group, as in `affine`, in
    /// products with inputs that are rounded to int8 too, each group with a scale of its own. Not
    /// in MLX; the stored arrays are those of its affine mode.
    case affineInt8 = "affine_int8"
}

/// An array as signed bytes and one scale for each index of the first axis.
/// - Returns: q and scales with w ≈ scales q, where scales are max|w| / 127 over the other axes, in
///   the dtype of w if that is a half, else in float32.
public func int8Quantized(
    _ w: MLXArray, stream: StreamOrDevice = .default
) -> (quantized: MLXArray, scales: MLXArray) {
    let wide = w.asType(.float32, stream: stream)
    let axes = Array(1..<Swift.max(wide.ndim, 1))
    let largest = max(abs(wide, stream: stream), axes: axes, keepDims: true, stream: stream)
    let exact = divide(largest, 127, stream: stream)
    let scales = w.dtype.isHalf ? halfScales(exact, w.dtype, stream) : exact
    // A channel of zeros has scale 0; its bytes are zeros whatever it is divided by.
    let divisor = which(equal(scales, 0, stream: stream), 1, scales, stream: stream)
        .asType(.float32, stream: stream)
    let ratio = round(divide(wide, divisor, stream: stream), stream: stream)
    // A scale that was rounded down would give more.
    let quantized = clip(ratio, min: -127, max: 127, stream: stream)
    return (
        quantized.asType(.int8, stream: stream),
        reshaped(scales, [wide.dim(0)], stream: stream)
    )
}

/// Scales in a half type. Codes are made for the rounded scale, so its rounding costs nothing, but
/// for numbers so small that a step between them is more than a code: there it is rounded up.
private func halfScales(
    _ scales: MLXArray, _ dtype: DType, _ stream: StreamOrDevice
) -> MLXArray {
    let nearest = scales.asType(dtype, stream: stream)
    let isTooSmall = less(
        multiply(nearest.asType(.float32, stream: stream), 127.5, stream: stream),
        multiply(scales, 127, stream: stream), stream: stream)
    let least: Float = dtype == .float16 ? 0x1p-24 : .leastNonzeroMagnitude * 0x1p16
    let larger = maximum(
        multiply(scales, 2, stream: stream), least, stream: stream
    ).asType(dtype, stream: stream)
    return which(isTooSmall, larger, nearest, stream: stream)
}

/// x (scales q)ᵀ, in the dtype of x.
/// - Parameters:
///   - x: float32, float16 or bfloat16, (..., inputs).
///   - quantized: int8, (outputs, inputs).
///   - scales: float32, float16 or bfloat16, (outputs).
public func int8Matmul(
    _ x: MLXArray, _ quantized: MLXArray, scales: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.record(
        .int8Matmul, [x, quantized, scales], Attributes(words: []), stream: stream.id)
}

/// Convolution of (N, H, W, C) in float32, float16 or bfloat16 with weights scales q.
/// - Parameters:
///   - quantized: int8, (outputs, height, width, inputs / groups).
///   - scales: float32, (outputs).
public func int8Conv2d(
    _ x: MLXArray, _ quantized: MLXArray, scales: MLXArray, stride: IntOrPair = 1,
    padding: IntOrPair = 0, dilation: IntOrPair = 1, groups: Int = 1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let geometry = ConvolutionGeometry(
        stride: stride, padding: padding, dilation: dilation, groups: groups)
    return Ops.record(
        .int8Conv2d, [x, quantized, scales], Attributes(words: geometry.words),
        stream: stream.id)
}

extension ConvolutionGeometry {
    init(stride: IntOrPair, padding: IntOrPair, dilation: IntOrPair, groups: Int) {
        self.init()
        self.stride = [stride.first, stride.second]
        paddingLow = [padding.first, padding.second]
        paddingHigh = paddingLow
        kernelDilation = [dilation.first, dilation.second]
        self.groups = groups
    }
}
