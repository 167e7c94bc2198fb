import FoundationEssentials
import MLXBase
import MLXGraph

// Names that mlx-swift keeps for older programs, and small conveniences of its class.
extension MLXArray {
    /// The contents as bytes.
    /// - Parameter noCopy: the array's own memory, which must not change meanwhile, if it is
    ///   row-major.
    @available(*, deprecated, message: "use asData(access:)")
    public func asData(noCopy: Bool = false, disambiguate: Bool = false) -> Data {
        asData(access: noCopy ? .noCopyIfContiguous : .copy).data
    }

    /// Each element repeated `count` times along an axis.
    @available(*, deprecated, renamed: "repeated(_:count:axis:stream:)")
    public static func `repeat`(
        _ array: MLXArray, count: Int, axis: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, axis: axis, stream: stream)
    }

    /// Each element of the flattened array repeated `count` times.
    @available(*, deprecated, renamed: "repeated(_:count:stream:)")
    public static func `repeat`(
        _ array: MLXArray, count: Int, stream: StreamOrDevice = .default
    ) -> MLXArray {
        MLX.repeated(array, count: count, stream: stream)
    }

    /// The array divided by its Euclidean norm along an axis, which counts as `eps` at least.
    public func l2Normalized(axis: Int = -1, eps: Float = 1e-12) -> MLXArray {
        let norm = MLX.sqrt(MLX.sum(MLX.square(self), axis: axis, keepDims: true))
        return self / MLX.maximum(norm, eps)
    }
}

/// Each element repeated `count` times along an axis.
@available(*, deprecated, renamed: "repeated(_:count:axis:stream:)")
public func `repeat`(
    _ array: MLXArray, count: Int, axis: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    repeated(array, count: count, axis: axis, stream: stream)
}

/// Each element of the flattened array repeated `count` times.
@available(*, deprecated, renamed: "repeated(_:count:stream:)")
public func `repeat`(
    _ array: MLXArray, count: Int, stream: StreamOrDevice = .default
) -> MLXArray {
    repeated(array, count: count, stream: stream)
}
