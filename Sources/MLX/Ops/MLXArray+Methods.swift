import MLXBase
import MLXGraph

// The functions of arrays as methods of the array; each calls the free function of its name.
extension MLXArray {
    /// |x|, the modulus of complex numbers, which is float32. As the free function `abs`.
    public func abs(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.abs(self, stream: stream)
    }

    /// The cosine of an angle in radians. Integers give float32. As the free function `cos`.
    public func cos(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.cos(self, stream: stream)
    }

    /// eˣ; integers give float32. As the free function `exp`.
    public func exp(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.exp(self, stream: stream)
    }

    /// Largest integer not above; integers stay as they are. As the free function `floor`.
    public func floor(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.floor(self, stream: stream)
    }

    /// ln x; -∞ at 0, NaN below. Integers give float32. As the free function `log`.
    public func log(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log(self, stream: stream)
    }

    /// The logarithm to base 2; -∞ at 0, NaN below. Integers give float32. As the free function
    /// `log2`.
    public func log2(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log2(self, stream: stream)
    }

    /// The logarithm to base 10; -∞ at 0, NaN below. Integers give float32. As the free function
    /// `log10`.
    public func log10(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log10(self, stream: stream)
    }

    /// ln (1 + x), accurate for small x; NaN below -1. Integers give float32. As the free function
    /// `log1p`.
    public func log1p(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log1p(self, stream: stream)
    }

    /// 1 / x; integers give float32. As the free function `reciprocal`.
    public func reciprocal(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.reciprocal(self, stream: stream)
    }

    /// 1 / √x; infinite at 0, NaN below. Integers give float32. As the free function `rsqrt`.
    public func rsqrt(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.rsqrt(self, stream: stream)
    }

    /// The sine of an angle in radians. Integers give float32. As the free function `sin`.
    public func sin(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.sin(self, stream: stream)
    }

    /// √x; NaN below 0. Integers give float32. As the free function `sqrt`.
    public func sqrt(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.sqrt(self, stream: stream)
    }

    /// x². As the free function `square`.
    public func square(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.square(self, stream: stream)
    }

    /// Complex conjugate; real numbers stay as they are. As the free function `conjugate`.
    public func conjugate(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.conjugate(self, stream: stream)
    }

    /// ⌊a / b⌋, rounded towards minus infinity for integers too; 0 for integers divided by 0. As
    /// the free function `floorDivide`.
    public func floorDivide(
        _ other: some ScalarOrArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.floorDivide(self, other, stream: stream)
    }

    /// a to the power of b. As the free function `pow`.
    public func pow(
        _ other: some ScalarOrArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.pow(self, other, stream: stream)
    }

    /// Rounds to a number of decimals, halves to even. As the free function `round`.
    public func round(decimals: Int = 0, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.round(self, decimals: decimals, stream: stream)
    }

    /// The matrix product (…, M, K) × (…, K, N) → (…, M, N); leading axes broadcast. A vector
    /// counts as a row on the left and as a column on the right, and its axis is not in the result.
    /// Half types accumulate in float32. Scalars, integers, and lengths K that differ give an
    /// invalid array. As the free function `matmul`.
    public func matmul(_ other: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.matmul(self, other, stream: stream)
    }

    /// Whether all elements are close, as a bool array without axes. As the free function
    /// `allClose`.
    public func allClose(
        _ other: some ScalarOrArray, rtol: Double = 1e-5, atol: Double = 1e-8,
        equalNaN: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.allClose(self, other, rtol: rtol, atol: atol, equalNaN: equalNaN, stream: stream)
    }

    /// Whether shapes and all elements are equal, as a bool array without axes. As the free
    /// function `arrayEqual`.
    public func arrayEqual(
        _ other: some ScalarOrArray, equalNAN: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arrayEqual(self, other, equalNAN: equalNAN, stream: stream)
    }
}

// MARK: - Reductions

extension MLXArray {
    /// The sum of the elements over several axes. bool and integers below 32 bits give int32 or
    /// uint32; nothing sums to 0. An axis out of range or named twice gives an invalid array. As
    /// the free function `sum`.
    public func sum(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The sum of the elements along an axis. bool and integers below 32 bits give int32 or uint32;
    /// nothing sums to 0. An axis out of range or named twice gives an invalid array. As the free
    /// function `sum`.
    public func sum(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The sum of the elements over all axes: a scalar, or with `keepDims` an array of as many axes
    /// of size one. bool and integers below 32 bits give int32 or uint32; nothing sums to 0. As the
    /// free function `sum`.
    public func sum(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, keepDims: keepDims, stream: stream)
    }

    /// The product of the elements over several axes. bool and integers below 32 bits give int32 or
    /// uint32; of nothing it is 1. An axis out of range or named twice gives an invalid array. As
    /// the free function `product`.
    public func product(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The product of the elements along an axis. bool and integers below 32 bits give int32 or
    /// uint32; of nothing it is 1. An axis out of range or named twice gives an invalid array. As
    /// the free function `product`.
    public func product(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The product of the elements over all axes: a scalar, or with `keepDims` an array of as many
    /// axes of size one. bool and integers below 32 bits give int32 or uint32; of nothing it is 1.
    /// As the free function `product`.
    public func product(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, keepDims: keepDims, stream: stream)
    }

    /// The largest element over several axes. NaN if any is NaN; of nothing it is an error. An axis
    /// out of range or named twice gives an invalid array. As the free function `max`.
    public func max(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The largest element along an axis. NaN if any is NaN; of nothing it is an error. An axis out
    /// of range or named twice gives an invalid array. As the free function `max`.
    public func max(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The largest element over all axes: a scalar, or with `keepDims` an array of as many axes of
    /// size one. NaN if any is NaN; of nothing it is an error. As the free function `max`.
    public func max(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, keepDims: keepDims, stream: stream)
    }

    /// The smallest element over several axes. NaN if any is NaN; of nothing it is an error. An
    /// axis out of range or named twice gives an invalid array. As the free function `min`.
    public func min(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The smallest element along an axis. NaN if any is NaN; of nothing it is an error. An axis
    /// out of range or named twice gives an invalid array. As the free function `min`.
    public func min(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The smallest element over all axes: a scalar, or with `keepDims` an array of as many axes of
    /// size one. NaN if any is NaN; of nothing it is an error. As the free function `min`.
    public func min(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, keepDims: keepDims, stream: stream)
    }

    /// The arithmetic mean over several axes. Integers give float32; of nothing it is NaN. An axis
    /// out of range or named twice gives an invalid array. As the free function `mean`.
    public func mean(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The arithmetic mean along an axis. Integers give float32; of nothing it is NaN. An axis out
    /// of range or named twice gives an invalid array. As the free function `mean`.
    public func mean(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The arithmetic mean over all axes: a scalar, or with `keepDims` an array of as many axes of
    /// size one. Integers give float32; of nothing it is NaN. As the free function `mean`.
    public func mean(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, keepDims: keepDims, stream: stream)
    }

    /// Whether every element is nonzero, as bool, over several axes. True for nothing. An axis out
    /// of range or named twice gives an invalid array. As the free function `all`.
    public func all(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// Whether every element is nonzero, as bool, along an axis. True for nothing. An axis out of
    /// range or named twice gives an invalid array. As the free function `all`.
    public func all(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// Whether every element is nonzero, as bool, over all axes: a scalar, or with `keepDims` an
    /// array of as many axes of size one. True for nothing. As the free function `all`.
    public func all(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, keepDims: keepDims, stream: stream)
    }

    /// Whether some element is nonzero, as bool, over several axes. False for nothing. An axis out
    /// of range or named twice gives an invalid array. As the free function `any`.
    public func any(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// Whether some element is nonzero, as bool, along an axis. False for nothing. An axis out of
    /// range or named twice gives an invalid array. As the free function `any`.
    public func any(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// Whether some element is nonzero, as bool, over all axes: a scalar, or with `keepDims` an
    /// array of as many axes of size one. False for nothing. As the free function `any`.
    public func any(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, keepDims: keepDims, stream: stream)
    }

    /// ln Σ eˣ, without overflow, over several axes. Integers give float32. An axis out of range or
    /// named twice gives an invalid array. As the free function `logSumExp`.
    public func logSumExp(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// ln Σ eˣ, without overflow, along an axis. Integers give float32. An axis out of range or
    /// named twice gives an invalid array. As the free function `logSumExp`.
    public func logSumExp(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// ln Σ eˣ, without overflow, over all axes: a scalar, or with `keepDims` an array of as many
    /// axes of size one. Integers give float32. As the free function `logSumExp`.
    public func logSumExp(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, keepDims: keepDims, stream: stream)
    }

    /// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), over several axes.
    /// Integers give float32. An axis out of range or named twice gives an invalid array. As the
    /// free function `variance`.
    public func variance(
        axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, axes: axes, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), along an axis. Integers
    /// give float32. An axis out of range or named twice gives an invalid array. As the free
    /// function `variance`.
    public func variance(
        axis: Int, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, axis: axis, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The mean squared distance from the mean, Σ (x - mean)² / (n - ddof), over all axes: a
    /// scalar, or with `keepDims` an array of as many axes of size one. Integers give float32. As
    /// the free function `variance`.
    public func variance(
        keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The index along an axis of the first largest element, or of the first NaN; uint32. An axis
    /// out of range or named twice gives an invalid array. As the free function `argMax`.
    public func argMax(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMax(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The index in the flattened array of the first largest element, or of the first NaN; a uint32
    /// scalar. As the free function `argMax`.
    public func argMax(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMax(self, keepDims: keepDims, stream: stream)
    }

    /// The index along an axis of the first smallest element, or of the first NaN; uint32. An axis
    /// out of range or named twice gives an invalid array. As the free function `argMin`.
    public func argMin(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMin(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The index in the flattened array of the first smallest element, or of the first NaN; a
    /// uint32 scalar. As the free function `argMin`.
    public func argMin(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMin(self, keepDims: keepDims, stream: stream)
    }
}
