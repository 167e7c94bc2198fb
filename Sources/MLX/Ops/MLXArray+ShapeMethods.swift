import MLXBase
import MLXGraph

// The operations on shapes as methods.
extension MLXArray {
    /// The axes reversed.
    public var T: MLXArray { MLX.transposed(self) }

    /// The array in another shape of as many elements, in row-major order; one dimension may be -1,
    /// which stands for what is left. A window of the same memory where strides allow. A shape that
    /// does not fit gives an invalid array. As the free function `reshaped`.
    @inlinable public func reshaped(
        _ newShape: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.reshaped(self, newShape, stream: stream)
    }

    /// The array in another shape of as many elements, in row-major order; one dimension may be -1.
    /// A shape that does not fit gives an invalid array. As the free function `reshaped`.
    @inlinable public func reshaped(
        _ newShape: Int..., stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.reshaped(self, newShape, stream: stream)
    }

    /// The axes in another order: axis i of the result is axis `axes[i]` of the array. A window of
    /// the same memory. Axes that are no permutation give an invalid array. As the free function
    /// `transposed`.
    public func transposed(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.transposed(self, axes: axes, stream: stream)
    }

    /// The axes in another order; without any, reversed. As the free function `transposed`.
    public func transposed(_ axes: Int..., stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(
            self, axes: axes.isEmpty ? Array((0..<ndim).reversed()) : axes, stream: stream)
    }

    /// One axis exchanged with the first. As the free function `transposed`.
    public func transposed(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(self, axis: axis, stream: stream)
    }

    /// The axes reversed, without a copy. As the free function `transposed`.
    public func transposed(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(self, stream: stream)
    }

    /// New axes of size one at the given places of the result, which may count from its end. A
    /// place out of range or named twice gives an invalid array. As the free function
    /// `expandedDimensions`.
    public func expandedDimensions(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.expandedDimensions(self, axes: axes, stream: stream)
    }

    /// A new axis of size one at the given place of the result. As the free function
    /// `expandedDimensions`.
    public func expandedDimensions(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.expandedDimensions(self, axis: axis, stream: stream)
    }

    /// Without the given axes. One that is out of range, or whose size is not one, gives an invalid
    /// array. As the free function `squeezed`.
    public func squeezed(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.squeezed(self, axes: axes, stream: stream)
    }

    /// Without one axis. If it is out of range, or its size is not one, the result is invalid. As
    /// the free function `squeezed`.
    public func squeezed(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.squeezed(self, axis: axis, stream: stream)
    }

    /// Without all axes of size one. As the free function `squeezed`.
    public func squeezed(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.squeezed(self, stream: stream)
    }

    /// The axes from `start` to `end`, both included, as one; all of them by default. An axis out
    /// of range gives an invalid array. As the free function `flattened`.
    public func flattened(
        start: Int = 0, end: Int = -1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.flattened(self, start: start, end: end, stream: stream)
    }

    /// One axis moved to another place, the others in their order. An axis out of range gives an
    /// invalid array. As the free function `movedAxis`.
    public func movedAxis(
        source: Int, destination: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.movedAxis(self, source: source, destination: destination, stream: stream)
    }

    /// Two axes exchanged, without a copy. An axis out of range gives an invalid array. As the free
    /// function `swappedAxes`.
    public func swappedAxes(
        _ axis1: Int, _ axis2: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.swappedAxes(self, axis1, axis2, stream: stream)
    }

    /// A row-major copy, if the array is not row-major already. As the free function `contiguous`.
    public func contiguous(
        allowColMajor: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.contiguous(self, allowColMajor: allowColMajor, stream: stream)
    }

    /// The array cut into equal parts along an axis, without a copy. A length that `parts` does not
    /// divide gives invalid arrays. As the free function `split`.
    public func split(
        parts: Int, axis: Int = 0, stream: StreamOrDevice = .default
    ) -> [MLXArray] {
        MLX.split(self, parts: parts, axis: axis, stream: stream)
    }

    /// The two halves of an array along an axis, whose length must be even. As the free function
    /// `split`.
    public func split(axis: Int = 0, stream: StreamOrDevice = .default) -> (MLXArray, MLXArray) {
        MLX.split(self, axis: axis, stream: stream)
    }

    /// The array cut before each index along an axis: one part more than indices. As the free
    /// function `split`.
    public func split(
        indices: some Collection<Int>, axis: Int = 0, stream: StreamOrDevice = .default
    ) -> [MLXArray] {
        MLX.split(self, indices: indices, axis: axis, stream: stream)
    }
}
