import MLXBase
import MLXGraph
import MLXOps

// The order of frequencies in a spectrum, and their values.
extension MLXFFT {
    /// The halves of each axis swapped, so that frequency zero is in the middle.
    ///
    /// ```swift
    /// MLXFFT.fftshift(MLXArray([0, 1, 2, -2, -1]))  // -2, -1, 0, 1, 2
    /// ```
    /// - Parameter axes: all by default.
    public static func fftshift(
        _ array: MLXArray, axes: [Int]? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        shifted(array, axes, stream) { $0 / 2 }
    }

    /// The way back from `fftshift`.
    ///
    /// ```swift
    /// MLXFFT.ifftshift(MLXArray([-2, -1, 0, 1, 2]))  // 0, 1, 2, -2, -1
    /// ```
    /// - Parameter axes: all by default.
    public static func ifftshift(
        _ array: MLXArray, axes: [Int]? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        shifted(array, axes, stream) { -($0 / 2) }
    }

    private static func shifted(
        _ array: MLXArray, _ axes: [Int]?, _ stream: StreamOrDevice, _ shift: (Int) -> Int
    ) -> MLXArray {
        recording([array]) { () throws(ArrayError) in
            let axes = try Axes.normalize(
                axes ?? Array(0..<array.ndim), rank: array.ndim, operation: "fftshift")
            return axes.reduce(array) {
                roll($0, shift: shift($0.dim($1)), axis: $1, stream: stream)
            }
        }
    }

    /// The frequencies of a spectrum of n entries, in cycles per unit of the spacing d:
    /// 0, 1, …, -2, -1 over n d; float32.
    ///
    /// ```swift
    /// MLXFFT.fftfreq(4)  // 0, 0.25, -0.5, -0.25
    /// ```
    public static func fftfreq(
        _ n: Int, d: Double = 1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        frequencies("fftfreq", n, d) { n in
            let positive = (n + 1) / 2
            let low = arange(0, positive, dtype: .float32, stream: stream)
            let high = arange(-(n / 2), 0, dtype: .float32, stream: stream)
            return concatenated([low, high], stream: stream)
        }
    }

    /// The frequencies of the half spectrum that `rfft` of n numbers gives: 0, …, n/2 over n d.
    ///
    /// ```swift
    /// MLXFFT.rfftfreq(4)  // 0, 0.25, 0.5
    /// ```
    public static func rfftfreq(
        _ n: Int, d: Double = 1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        frequencies("rfftfreq", n, d) { n in
            arange(0, n / 2 + 1, dtype: .float32, stream: stream)
        }
    }

    private static func frequencies(
        _ name: String, _ n: Int, _ d: Double, _ steps: (Int) -> MLXArray
    ) -> MLXArray {
        recording([]) { () throws(ArrayError) in
            guard n > 0, n <= 1 << 40, d.isFinite, d != 0 else {
                throw ArrayError(.argument, name, "of \(n) points with spacing \(d)")
            }
            return steps(n) / Float(Double(n) * d)
        }
    }
}
