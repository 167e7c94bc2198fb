import MLXBase
import MLXGraph

// The functions of arrays as methods of the array; each calls the free function of its name.
extension MLXArray {
    /// The free function `abs` of this array.
    public func abs(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.abs(self, stream: stream)
    }

    /// The free function `cos` of this array.
    public func cos(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.cos(self, stream: stream)
    }

    /// The free function `exp` of this array.
    public func exp(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.exp(self, stream: stream)
    }

    /// The free function `floor` of this array.
    public func floor(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.floor(self, stream: stream)
    }

    /// The free function `log` of this array.
    public func log(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log(self, stream: stream)
    }

    /// The free function `log2` of this array.
    public func log2(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log2(self, stream: stream)
    }

    /// The free function `log10` of this array.
    public func log10(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log10(self, stream: stream)
    }

    /// The free function `log1p` of this array.
    public func log1p(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.log1p(self, stream: stream)
    }

    /// The free function `reciprocal` of this array.
    public func reciprocal(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.reciprocal(self, stream: stream)
    }

    /// The free function `rsqrt` of this array.
    public func rsqrt(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.rsqrt(self, stream: stream)
    }

    /// The free function `sin` of this array.
    public func sin(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.sin(self, stream: stream)
    }

    /// The free function `sqrt` of this array.
    public func sqrt(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.sqrt(self, stream: stream)
    }

    /// The free function `square` of this array.
    public func square(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.square(self, stream: stream)
    }

    /// The free function `conjugate` of this array.
    public func conjugate(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.conjugate(self, stream: stream)
    }

    /// The free function `floorDivide` of this array.
    public func floorDivide(
        _ other: some ScalarOrArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.floorDivide(self, other, stream: stream)
    }

    /// The free function `pow` of this array.
    public func pow(
        _ other: some ScalarOrArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.pow(self, other, stream: stream)
    }

    /// The free function `round` of this array.
    public func round(decimals: Int = 0, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.round(self, decimals: decimals, stream: stream)
    }

    /// The free function `matmul` of this array.
    public func matmul(_ other: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.matmul(self, other, stream: stream)
    }

    /// The free function `allClose` of this array.
    public func allClose(
        _ other: some ScalarOrArray, rtol: Double = 1e-5, atol: Double = 1e-8,
        equalNaN: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.allClose(self, other, rtol: rtol, atol: atol, equalNaN: equalNaN, stream: stream)
    }

    /// The free function `arrayEqual` of this array.
    public func arrayEqual(
        _ other: some ScalarOrArray, equalNAN: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.arrayEqual(self, other, equalNAN: equalNAN, stream: stream)
    }
}

// MARK: - Reductions

extension MLXArray {
    /// The free function `sum` of this array.
    public func sum(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `sum` of this array.
    public func sum(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `sum` of this array.
    public func sum(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.sum(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `product` of this array.
    public func product(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `product` of this array.
    public func product(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `product` of this array.
    public func product(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.product(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `max` of this array.
    public func max(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `max` of this array.
    public func max(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `max` of this array.
    public func max(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.max(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `min` of this array.
    public func min(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `min` of this array.
    public func min(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `min` of this array.
    public func min(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.min(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `mean` of this array.
    public func mean(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `mean` of this array.
    public func mean(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `mean` of this array.
    public func mean(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.mean(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `all` of this array.
    public func all(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `all` of this array.
    public func all(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `all` of this array.
    public func all(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.all(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `any` of this array.
    public func any(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `any` of this array.
    public func any(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `any` of this array.
    public func any(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.any(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `logSumExp` of this array.
    public func logSumExp(
        axes: some Collection<Int>, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, axes: axes, keepDims: keepDims, stream: stream)
    }

    /// The free function `logSumExp` of this array.
    public func logSumExp(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `logSumExp` of this array.
    public func logSumExp(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logSumExp(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `variance` of this array.
    public func variance(
        axes: some Collection<Int>, keepDims: Bool = false, ddof: Int = 0,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, axes: axes, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The free function `variance` of this array.
    public func variance(
        axis: Int, keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, axis: axis, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The free function `variance` of this array.
    public func variance(
        keepDims: Bool = false, ddof: Int = 0, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.variance(self, keepDims: keepDims, ddof: ddof, stream: stream)
    }

    /// The free function `argMax` of this array.
    public func argMax(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMax(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `argMax` of this array.
    public func argMax(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMax(self, keepDims: keepDims, stream: stream)
    }

    /// The free function `argMin` of this array.
    public func argMin(
        axis: Int, keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMin(self, axis: axis, keepDims: keepDims, stream: stream)
    }

    /// The free function `argMin` of this array.
    public func argMin(
        keepDims: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.argMin(self, keepDims: keepDims, stream: stream)
    }
}
