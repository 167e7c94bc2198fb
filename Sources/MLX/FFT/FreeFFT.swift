import MLXBase
import MLXGraph

// The functions of MLXFFT as free functions.

/// The discrete Fourier transform along one axis: Y[k] = Σ x[j] exp(-2πi jk/n).
///
/// ```swift
/// let spectrum = fft(MLXArray([1, 0, 0, 0] as [Float]))  // four ones
/// ```
/// - Parameters:
///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
///     the length of the axis.
///   - axis: negative ones count from the end.
/// - Returns: complex64 of the input's shape with n along the axis.
/// - Note: an n below one and an axis out of range make an invalid array.
public func fft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fft(array, n: n, axis: axis, stream: stream)
}

/// The inverse transform along one axis: y[j] = 1/n Σ x[k] exp(2πi jk/n).
///
/// ```swift
/// let same = ifft(fft(x))
/// ```
/// - Parameters:
///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
///     the length of the axis.
///   - axis: negative ones count from the end.
/// - Returns: complex64 of the input's shape with n along the axis.
/// - Note: an n below one and an axis out of range make an invalid array.
public func ifft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifft(array, n: n, axis: axis, stream: stream)
}

/// The transform of real numbers along one axis, without the negative frequencies, which are
/// the conjugates of the others; half the work of `fft`.
///
/// ```swift
/// let spectrum = rfft(MLXArray([1, 2, 3, 4] as [Float]))  // 10, -2+2i, -2
/// ```
/// - Parameters:
///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
///     the length of the axis.
///   - axis: negative ones count from the end.
/// - Returns: complex64, n/2 + 1 long along the axis.
/// - Note: an n below one and an axis out of range make an invalid array.
public func rfft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfft(array, n: n, axis: axis, stream: stream)
}

/// The real numbers whose transform has the given non-negative frequencies along one axis.
///
/// ```swift
/// let same = irfft(rfft(x), n: x.dim(-1))  // n tells odd from even lengths
/// ```
/// - Parameters:
///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
///     the length of the axis.
///   - axis: negative ones count from the end.
/// - Returns: float32, n long along the axis; by default 2 (m - 1) for m entries.
/// - Note: an n below one and an axis out of range make an invalid array.
public func irfft(
    _ array: MLXArray, n: Int? = nil, axis: Int = -1,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfft(array, n: n, axis: axis, stream: stream)
}

/// The transform over two axes.
///
/// ```swift
/// let spectrum = fft2(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: the two last by default.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func fft2(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fft2(array, s: s, axes: axes, stream: stream)
}

/// The inverse transform over two axes.
///
/// ```swift
/// let same = ifft2(spectrum)
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: the two last by default.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func ifft2(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifft2(array, s: s, axes: axes, stream: stream)
}

/// The transform of real numbers, halved along the last of the axes, over two axes.
///
/// ```swift
/// let half = rfft2(MLXArray.ones([4, 6]))  // (4, 4), complex64
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: the two last by default.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func rfft2(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfft2(array, s: s, axes: axes, stream: stream)
}

/// The inverse of the transform of real numbers over two axes.
///
/// ```swift
/// let same = irfft2(half, s: [4, 6], axes: [-2, -1])
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: the two last by default.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func irfft2(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfft2(array, s: s, axes: axes, stream: stream)
}

/// The transform over several axes.
///
/// ```swift
/// let spectrum = fftn(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: all by default, or as many of the last ones as `s` has lengths.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func fftn(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fftn(array, s: s, axes: axes, stream: stream)
}

/// The inverse transform over several axes.
///
/// ```swift
/// let same = ifftn(spectrum)
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: all by default, or as many of the last ones as `s` has lengths.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func ifftn(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifftn(array, s: s, axes: axes, stream: stream)
}

/// The transform of real numbers, halved along the last of the axes, over several axes.
///
/// ```swift
/// let half = rfftn(MLXArray.ones([4, 6]))  // (4, 4), complex64
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: all by default, or as many of the last ones as `s` has lengths.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func rfftn(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.rfftn(array, s: s, axes: axes, stream: stream)
}

/// The inverse of the transform of real numbers over several axes.
///
/// ```swift
/// let same = irfftn(half, s: [4, 6], axes: [-2, -1])
/// ```
/// - Parameters:
///   - s: the length along each axis; axes are cut or padded with zeros to it.
///   - axes: all by default, or as many of the last ones as `s` has lengths.
/// - Note: lengths below one, axes out of range or named twice and another number of lengths
///   than of axes make an invalid array.
public func irfftn(
    _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
    axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.irfftn(array, s: s, axes: axes, stream: stream)
}

/// `MLXFFT.fftshift`: the halves of each axis swapped, zero frequency in the middle.
///
/// ```swift
/// fftshift(MLXArray([0, 1, 2, -2, -1]))
/// ```
public func fftshift(
    _ array: MLXArray, axes: [Int]? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.fftshift(array, axes: axes, stream: stream)
}

/// `MLXFFT.ifftshift`: the halves of each axis swapped, the way back.
///
/// ```swift
/// ifftshift(MLXArray([0, 1, 2, -2, -1]))
/// ```
public func ifftshift(
    _ array: MLXArray, axes: [Int]? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXFFT.ifftshift(array, axes: axes, stream: stream)
}
