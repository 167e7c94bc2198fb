import MLXBase
import MLXGraph

// The operations on shapes as methods.
extension MLXArray {
    /// The axes reversed.
    public var T: MLXArray { MLX.transposed(self) }

    /// The free function `reshaped` of this array.
    public func reshaped(
        _ newShape: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.reshaped(self, newShape, stream: stream)
    }

    /// The free function `reshaped` of this array.
    public func reshaped(_ newShape: Int..., stream: StreamOrDevice = .default) -> MLXArray {
        MLX.reshaped(self, newShape, stream: stream)
    }

    /// The free function `transposed` of this array.
    public func transposed(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.transposed(self, axes: axes, stream: stream)
    }

    /// The free function `transposed` of this array.
    public func transposed(_ axes: Int..., stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(
            self, axes: axes.isEmpty ? Array((0..<ndim).reversed()) : axes, stream: stream)
    }

    /// The free function `transposed` of this array.
    public func transposed(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(self, axis: axis, stream: stream)
    }

    /// The free function `transposed` of this array.
    public func transposed(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.transposed(self, stream: stream)
    }

    /// The free function `expandedDimensions` of this array.
    public func expandedDimensions(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.expandedDimensions(self, axes: axes, stream: stream)
    }

    /// The free function `expandedDimensions` of this array.
    public func expandedDimensions(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.expandedDimensions(self, axis: axis, stream: stream)
    }

    /// The free function `squeezed` of this array.
    public func squeezed(
        axes: some Collection<Int>, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.squeezed(self, axes: axes, stream: stream)
    }

    /// The free function `squeezed` of this array.
    public func squeezed(axis: Int, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.squeezed(self, axis: axis, stream: stream)
    }

    /// The free function `squeezed` of this array.
    public func squeezed(stream: StreamOrDevice = .default) -> MLXArray {
        MLX.squeezed(self, stream: stream)
    }

    /// The free function `flattened` of this array.
    public func flattened(
        start: Int = 0, end: Int = -1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.flattened(self, start: start, end: end, stream: stream)
    }

    /// The free function `movedAxis` of this array.
    public func movedAxis(
        source: Int, destination: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.movedAxis(self, source: source, destination: destination, stream: stream)
    }

    /// The free function `swappedAxes` of this array.
    public func swappedAxes(
        _ axis1: Int, _ axis2: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.swappedAxes(self, axis1, axis2, stream: stream)
    }

    /// The free function `contiguous` of this array.
    public func contiguous(
        allowColMajor: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.contiguous(self, allowColMajor: allowColMajor, stream: stream)
    }

    /// The free function `split` of this array.
    public func split(
        parts: Int, axis: Int = 0, stream: StreamOrDevice = .default
    ) -> [MLXArray] {
        MLX.split(self, parts: parts, axis: axis, stream: stream)
    }

    /// The free function `split` of this array.
    public func split(axis: Int = 0, stream: StreamOrDevice = .default) -> (MLXArray, MLXArray) {
        MLX.split(self, axis: axis, stream: stream)
    }

    /// The free function `split` of this array.
    public func split(
        indices: some Collection<Int>, axis: Int = 0, stream: StreamOrDevice = .default
    ) -> [MLXArray] {
        MLX.split(self, indices: indices, axis: axis, stream: stream)
    }
}
