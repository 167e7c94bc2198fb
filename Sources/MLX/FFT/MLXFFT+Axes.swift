import MLXBase
import MLXGraph

// Fourier transforms over several axes, as functions of `MLXFFT`: transforms along one axis after
// the other.
extension MLXFFT {
    /// The transform over two axes.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fft2(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func fft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fft2", norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform over two axes.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fft2(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func fft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1],
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fft2", norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse transform over two axes.
    ///
    /// ```swift
    /// let same = MLXFFT.ifft2(spectrum)
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func ifft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifft2", isInverse: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse transform over two axes.
    ///
    /// ```swift
    /// let same = MLXFFT.ifft2(spectrum)
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func ifft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1],
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifft2", isInverse: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform of real numbers, halved along the last of the axes, over two axes.
    ///
    /// ```swift
    /// let half = MLXFFT.rfft2(MLXArray.ones([4, 6]))  // (4, 4), complex64
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func rfft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfft2", isReal: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform of real numbers, halved along the last of the axes, over two axes.
    ///
    /// ```swift
    /// let half = MLXFFT.rfft2(MLXArray.ones([4, 6]))  // (4, 4), complex64
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func rfft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1],
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfft2", isReal: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse of the transform of real numbers over two axes.
    ///
    /// ```swift
    /// let same = MLXFFT.irfft2(half, s: [4, 6], axes: [-2, -1])
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func irfft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1], stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfft2", isReal: true, isInverse: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse of the transform of real numbers over two axes.
    ///
    /// ```swift
    /// let same = MLXFFT.irfft2(half, s: [4, 6], axes: [-2, -1])
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: the two last by default.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func irfft2(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [-2, -1],
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfft2", isReal: true, isInverse: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform over several axes.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fftn(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func fftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fftn", norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform over several axes.
    ///
    /// ```swift
    /// let spectrum = MLXFFT.fftn(MLXArray.ones([4, 4]))  // 16 at [0, 0], 0 elsewhere
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func fftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none,
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "fftn", norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse transform over several axes.
    ///
    /// ```swift
    /// let same = MLXFFT.ifftn(spectrum)
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func ifftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifftn", isInverse: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse transform over several axes.
    ///
    /// ```swift
    /// let same = MLXFFT.ifftn(spectrum)
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func ifftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none,
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "ifftn", isInverse: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform of real numbers, halved along the last of the axes, over several axes.
    ///
    /// ```swift
    /// let half = MLXFFT.rfftn(MLXArray.ones([4, 6]))  // (4, 4), complex64
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func rfftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfftn", isReal: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The transform of real numbers, halved along the last of the axes, over several axes.
    ///
    /// ```swift
    /// let half = MLXFFT.rfftn(MLXArray.ones([4, 6]))  // (4, 4), complex64
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func rfftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none,
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "rfftn", isReal: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse of the transform of real numbers over several axes.
    ///
    /// ```swift
    /// let same = MLXFFT.irfftn(half, s: [4, 6], axes: [-2, -1])
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func irfftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfftn", isReal: true, isInverse: true, norm: .backward, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }

    /// The inverse of the transform of real numbers over several axes.
    ///
    /// ```swift
    /// let same = MLXFFT.irfftn(half, s: [4, 6], axes: [-2, -1])
    /// ```
    /// - Parameters:
    ///   - s: the length along each axis; axes are cut or padded with zeros to it.
    ///   - axes: all by default, or as many of the last ones as `s` has lengths.
    ///   - norm: which of the two directions has the factor 1/N.
    /// - Note: lengths below one, axes out of range or named twice and another number of lengths
    ///   than of axes make an invalid array.
    public static func irfftn(
        _ array: MLXArray, s: (some Collection<Int>)? = [Int]?.none,
        axes: (some Collection<Int>)? = [Int]?.none,
        norm: FFTNorm, stream: StreamOrDevice = .default
    ) -> MLXArray {
        FourierTransform(
            name: "irfftn", isReal: true, isInverse: true, norm: norm, stream: stream
        )(array, sizes: s.map { Array($0) }, axes: axes.map { Array($0) })
    }
}
