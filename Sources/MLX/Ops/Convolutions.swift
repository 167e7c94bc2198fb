import MLXBase
import MLXGraph
import MLXOps

// Convolutions in one to three dimensions, channels last. All are one operation with a geometry;
// one dimension is two with a height of one, which gives the same sums in the same order; three
// are in Convolution3D.swift.

/// Two-dimensional convolution (cross-correlation), channels last.
/// - Parameters:
///   - array: (N, H, W, C).
///   - weight: (O, kH, kW, C / groups).
/// - Returns: (N, H', W', O) with H' = (H + 2 padding - dilation (kH - 1) - 1) / stride + 1.
public func conv2d(
    _ array: MLXArray, _ weight: MLXArray, stride: IntOrPair = 1, padding: IntOrPair = 0,
    dilation: IntOrPair = 1, groups: Int = 1, stream: StreamOrDevice = .default
) -> MLXArray {
    var geometry = ConvolutionGeometry()
    geometry.stride = [stride.first, stride.second]
    geometry.paddingLow = [padding.first, padding.second]
    geometry.paddingHigh = geometry.paddingLow
    geometry.kernelDilation = [dilation.first, dilation.second]
    geometry.groups = groups
    return convolution(array, weight, geometry, stream)
}

/// A convolution of images, in int8 where the task has a tolerance that allows it.
private func convolution(
    _ x: MLXArray, _ w: MLXArray, _ geometry: ConvolutionGeometry, _ stream: StreamOrDevice
) -> MLXArray {
    let limited = limitedProduct {
        Ops.conv2d(x, w, geometry, tolerance: $0, stream: stream.id)
    }
    return limited
        ?? Ops.record(.conv2d, [x, w], Attributes(words: geometry.words), stream: stream.id)
}

/// One-dimensional convolution (cross-correlation), channels last.
/// - Parameters:
///   - array: (N, L, C).
///   - weight: (O, k, C / groups).
/// - Returns: (N, L', O) with L' = (L + 2 padding - dilation (k - 1) - 1) / stride + 1.
public func conv1d(
    _ array: MLXArray, _ weight: MLXArray, stride: Int = 1, padding: Int = 0,
    dilation: Int = 1, groups: Int = 1, stream: StreamOrDevice = .default
) -> MLXArray {
    convGeneral(
        array, weight, strides: .int(stride), padding: .int(padding),
        kernelDilation: .int(dilation), groups: groups, stream: stream)
}

/// Convolution over one to three spatial axes with padding, dilation and a flipped kernel.
/// - Parameters:
///   - array: (N, ..., C).
///   - weight: (O, ..., C / groups).
///   - inputDilation: zeros to spread the input with, plus one.
///   - flip: turn the kernel around: convolution in the mathematical sense.
public func convGeneral(
    _ array: MLXArray, _ weight: MLXArray, strides: IntOrArray = 1, padding: IntOrArray = 0,
    kernelDilation: IntOrArray = 1, inputDilation: IntOrArray = 1, groups: Int = 1,
    flip: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    convolved(
        array, weight, strides, (padding, padding), kernelDilation, inputDilation, groups, flip,
        "conv_general", stream)
}

/// Convolution over one to three spatial axes, with padding before and after.
public func convGeneral(
    _ array: MLXArray, _ weight: MLXArray, strides: IntOrArray = 1, padding: (Int, Int),
    kernelDilation: IntOrArray = 1, inputDilation: IntOrArray = 1, groups: Int = 1,
    flip: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    convolved(
        array, weight, strides, (.int(padding.0), .int(padding.1)), kernelDilation,
        inputDilation, groups, flip, "conv_general", stream)
}

/// Transposed convolution of (N, L, C) with (O, k, C / groups): the input is spread by the stride.
/// - Returns: (N, L', O) with L' = (L - 1) stride - 2 padding + dilation (k - 1) + 1 +
///   outputPadding.
public func convTransposed1d(
    _ array: MLXArray, _ weight: MLXArray, stride: Int = 1, padding: Int = 0,
    dilation: Int = 1, outputPadding: Int = 0, groups: Int = 1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    transposedConvolution(
        array, weight, [stride], [padding], [dilation], [outputPadding], groups,
        "conv_transpose1d", stream)
}

/// Transposed convolution of (N, H, W, C) with (O, kH, kW, C / groups): the input is spread by
/// the stride.
public func convTransposed2d(
    _ array: MLXArray, _ weight: MLXArray, stride: IntOrPair = 1, padding: IntOrPair = 0,
    dilation: IntOrPair = 1, outputPadding: IntOrPair = 0, groups: Int = 1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    transposedConvolution(
        array, weight, [stride.first, stride.second], [padding.first, padding.second],
        [dilation.first, dilation.second], [outputPadding.first, outputPadding.second], groups,
        "conv_transpose2d", stream)
}

func transposedConvolution(
    _ array: MLXArray, _ weight: MLXArray, _ stride: [Int], _ padding: [Int],
    _ dilation: [Int], _ outputPadding: [Int], _ groups: Int, _ operation: String,
    _ stream: StreamOrDevice
) -> MLXArray {
    guard array.ndim == stride.count + 2, weight.ndim == array.ndim else {
        return Ops.invalid(
            ArrayError(
                .shape, operation, "needs arrays with \(stride.count + 2) axes",
                shapes: [array.shape, weight.shape]),
            inputs: [array, weight])
    }
    let low = padding.indices.map { dilation[$0] &* (weight.dim($0 + 1) - 1) &- padding[$0] }
    let high = zip(low, outputPadding).map { $0 &+ $1 }
    return convolved(
        array, weight, 1, (.array(low), .array(high)), .array(dilation), .array(stride), groups,
        true, operation, stream)
}

/// A convolution over one to three spatial axes, each with borders of its own on both sides.
package func convolved(
    _ array: MLXArray, _ weight: MLXArray, _ strides: IntOrArray,
    _ padding: (IntOrArray, IntOrArray), _ kernelDilation: IntOrArray,
    _ inputDilation: IntOrArray, _ groups: Int, _ flip: Bool, _ operation: String,
    _ stream: StreamOrDevice, rank expected: Int? = nil
) -> MLXArray {
    recording([array, weight]) { () throws(ArrayError) in
        let rank = array.ndim - 2
        guard (1...3).contains(expected ?? rank), rank == expected ?? rank,
            weight.ndim == array.ndim
        else {
            throw ArrayError(
                .shape, operation, "needs an input and a weight with one to three spatial axes",
                shapes: [array.shape, weight.shape])
        }
        func values(_ numbers: IntOrArray, _ filler: Int) throws(ArrayError) -> [Int] {
            guard let values = numbers.values(rank) else {
                throw ArrayError(
                    .argument, operation, "\(numbers.count) numbers for \(rank) spatial axes",
                    shapes: [array.shape, weight.shape])
            }
            return rank == 1 ? [filler] + values : values
        }
        if rank == 3 {
            let geometry = VolumeGeometry(
                stride: try values(strides, 1), low: try values(padding.0, 0),
                high: try values(padding.1, 0), kernelDilation: try values(kernelDilation, 1),
                inputDilation: try values(inputDilation, 1), groups: groups, flip: flip)
            return try geometry.apply(array, weight, operation, stream)
        }
        var geometry = ConvolutionGeometry()
        geometry.stride = try values(strides, 1)
        geometry.paddingLow = try values(padding.0, 0)
        geometry.paddingHigh = try values(padding.1, 0)
        geometry.kernelDilation = try values(kernelDilation, 1)
        geometry.inputDilation = try values(inputDilation, 1)
        geometry.groups = groups
        geometry.flip = flip
        let operands =
            rank == 2
            ? [array, weight]
            : [array, weight].map { expandedDimensions($0, axis: 1, stream: stream) }
        let result = convolution(operands[0], operands[1], geometry, stream)
        return rank == 2 ? result : squeezed(result, axis: 1, stream: stream)
    }
}

/// How much of a convolution to keep.
public enum ConvolveMode: Sendable {
    /// Every place where signal and kernel meet.
    case full
    /// Only places where the kernel lies wholly within the signal.
    case valid
    /// As many as the signal is long.
    case same
}

/// The convolution of two vectors. The longer one is the signal.
public func convolve(
    _ a: some ScalarOrArray, _ b: some ScalarOrArray, mode: ConvolveMode = .full,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    return recording([a, b]) { () throws(ArrayError) in
        guard a.ndim == 1, b.ndim == 1, a.size > 0, b.size > 0 else {
            throw ArrayError(
                .shape, "convolve", "needs two vectors with elements", shapes: [a.shape, b.shape])
        }
        let (signal, kernel) = a.size < b.size ? (b, a) : (a, b)
        let length = kernel.size
        let border: (Int, Int)
        switch mode {
        case .full: border = (length - 1, length - 1)
        case .valid: border = (0, 0)
        case .same: border = (length / 2, length - 1 - length / 2)
        }
        let result = convGeneral(
            Ops.reshape(signal, [1, -1, 1], stream: stream.id),
            Ops.reshape(kernel, [1, -1, 1], stream: stream.id), padding: border, flip: true,
            stream: stream)
        return flattened(result, stream: stream)
    }
}
