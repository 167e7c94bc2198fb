import MLXGraph

// Running folds as methods; the functions of the same names say what they compute.

extension MLXArray {
    /// The running sums along an axis. bool becomes int32; other dtypes are kept.
    /// ```
    /// MLXArray([1, 2, 3]).cumsum(axis: 0)  // [1, 3, 6]
    /// ```
    public func cumsum(
        axis: Int, reverse: Bool = false, inclusive: Bool = true,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cumsum(
            self, axis: axis, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running sums of the flattened array.
    /// ```
    /// MLXArray([1, 2, 3]).cumsum()  // [1, 3, 6]
    /// ```
    public func cumsum(
        reverse: Bool = false, inclusive: Bool = true, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cumsum(self, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running products along an axis.
    /// ```
    /// MLXArray([1, 2, 3]).cumprod(axis: 0)  // [1, 2, 6]
    /// ```
    public func cumprod(
        axis: Int, reverse: Bool = false, inclusive: Bool = true,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cumprod(
            self, axis: axis, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running products of the flattened array.
    /// ```
    /// MLXArray([1, 2, 3]).cumprod()  // [1, 2, 6]
    /// ```
    public func cumprod(
        reverse: Bool = false, inclusive: Bool = true, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cumprod(self, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running maxima along an axis. NaN stays once it is met.
    /// ```
    /// MLXArray([1, 3, 2]).cummax(axis: 0)  // [1, 3, 3]
    /// ```
    public func cummax(
        axis: Int, reverse: Bool = false, inclusive: Bool = true,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cummax(
            self, axis: axis, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running maxima of the flattened array.
    /// ```
    /// MLXArray([1, 3, 2]).cummax()  // [1, 3, 3]
    /// ```
    public func cummax(
        reverse: Bool = false, inclusive: Bool = true, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cummax(self, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running minima along an axis. NaN stays once it is met.
    /// ```
    /// MLXArray([3, 1, 2]).cummin(axis: 0)  // [3, 1, 1]
    /// ```
    public func cummin(
        axis: Int, reverse: Bool = false, inclusive: Bool = true,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cummin(
            self, axis: axis, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The running minima of the flattened array.
    /// ```
    /// MLXArray([3, 1, 2]).cummin()  // [3, 1, 1]
    /// ```
    public func cummin(
        reverse: Bool = false, inclusive: Bool = true, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.cummin(self, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The logarithms of running sums of exponentials along an axis, without overflow. Integers
    /// give float32.
    /// ```
    /// zeros([3]).logCumsumExp(axis: 0)  // [0, ln 2, ln 3]
    /// ```
    public func logCumsumExp(
        axis: Int, reverse: Bool = false, inclusive: Bool = true,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logCumsumExp(
            self, axis: axis, reverse: reverse, inclusive: inclusive, stream: stream)
    }

    /// The logarithms of running sums of exponentials of the flattened array.
    /// ```
    /// zeros([3]).logCumsumExp()  // [0, ln 2, ln 3]
    /// ```
    public func logCumsumExp(
        reverse: Bool = false, inclusive: Bool = true, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.logCumsumExp(self, reverse: reverse, inclusive: inclusive, stream: stream)
    }
}
