import MLXBase
import MLXGraph

/// Fast Fourier transforms of any length over any axes, in complex64 and float32. Lengths whose
/// prime factors are at most 61 are quickest; others become a convolution of twice the length.
public enum MLXFFT {
    /// The discrete Fourier transform along one axis: Y[k] = Σ x[j] exp(-2πi jk/n).
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fft(MLXArray([1, 0, 0, 0] as [Float]))  // four ones
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    /// - Returns: complex64 of the input's shape with n along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func fft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fft", norm: .backward, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The discrete Fourier transform along one axis: Y[k] = Σ x[j] exp(-2πi jk/n).
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fft(MLXArray([1, 0, 0, 0] as [Float]))  // four ones
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    ///   - norm: which of the two directions has the factor 1/n.
    /// - Returns: complex64 of the input's shape with n along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func fft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1, norm: FFTNorm,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fft", norm: norm, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The inverse transform along one axis: y[j] = 1/n Σ x[k] exp(2πi jk/n).
    ///
    /// ```swift
    /// let same = MLXFFT.ifft(MLXFFT.fft(x))
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    /// - Returns: complex64 of the input's shape with n along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func ifft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifft", isInverse: true, norm: .backward, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The inverse transform along one axis: y[j] = 1/n Σ x[k] exp(2πi jk/n).
    ///
    /// ```swift
    /// let same = MLXFFT.ifft(MLXFFT.fft(x))
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    ///   - norm: which of the two directions has the factor 1/n.
    /// - Returns: complex64 of the input's shape with n along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func ifft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1, norm: FFTNorm,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifft", isInverse: true, norm: norm, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The transform of real numbers along one axis, without the negative frequencies, which are
    /// the conjugates of the others; half the work of `fft`.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.rfft(MLXArray([1, 2, 3, 4] as [Float]))  // 10, -2+2i, -2
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    /// - Returns: complex64, n/2 + 1 long along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func rfft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfft", isReal: true, norm: .backward, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The transform of real numbers along one axis, without the negative frequencies, which are
    /// the conjugates of the others; half the work of `fft`.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.rfft(MLXArray([1, 2, 3, 4] as [Float]))  // 10, -2+2i, -2
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    ///   - norm: which of the two directions has the factor 1/n.
    /// - Returns: complex64, n/2 + 1 long along the axis.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func rfft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1, norm: FFTNorm,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfft", isReal: true, norm: norm, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The real numbers whose transform has the given non-negative frequencies along one axis.
    ///
    /// ```swift
    /// let same = MLXFFT.irfft(MLXFFT.rfft(x), n: x.dim(-1))  // n tells odd from even lengths
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    /// - Returns: float32, n long along the axis; by default 2 (m - 1) for m entries.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func irfft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfft", isReal: true, isInverse: true, norm: .backward, stream: stream
        )(array, n: n, axis: axis)
    }

    /// The real numbers whose transform has the given non-negative frequencies along one axis.
    ///
    /// ```swift
    /// let same = MLXFFT.irfft(MLXFFT.rfft(x), n: x.dim(-1))  // n tells odd from even lengths
    /// ```
    /// - Parameters:
    ///   - n: the length of the transform; the axis is cut or padded with zeros to it. By default
    ///     the length of the axis.
    ///   - axis: negative ones count from the end.
    ///   - norm: which of the two directions has the factor 1/n.
    /// - Returns: float32, n long along the axis; by default 2 (m - 1) for m entries.
    /// - Note: an n below one and an axis out of range make an invalid array.
    public static func irfft(
        _ array: MLXArray, n: Int? = nil, axis: Int = -1, norm: FFTNorm,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfft", isReal: true, isInverse: true, norm: norm, stream: stream
        )(array, n: n, axis: axis)
    }
}
