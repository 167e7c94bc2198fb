import MLXBase
import MLXGraph
import MLXOps

// An array's bytes as another dtype, windows whose start is an array, and what dtypes promote to.

/// The bytes of the array as another dtype. With items of another size the last axis gets longer or
/// shorter accordingly, and has to come out even. Nothing is copied where the layout allows it.
/// Seen as bool, every byte other than 0 is true.
/// ```
/// view(MLXArray(1 as Float), dtype: .uint32)  // 0x3f800000
/// ```
public func view(
    _ array: MLXArray, dtype: DType, stream: StreamOrDevice = .default
) -> MLXArray {
    if array.dtype == dtype { return array.aliased() }
    if dtype == .bool {
        return recordBinary(.notEqual, view(array, dtype: .uint8, stream: stream), 0, stream)
    }
    return Ops.record(.viewAs, [array], Attributes(outputDType: dtype), stream: stream.id)
}

extension MLXArray {
    /// The bytes of the array as another dtype; see `view(_:dtype:stream:)`.
    /// ```
    /// MLXArray(1 as Float).view(dtype: .uint32)  // 0x3f800000
    /// ```
    public func view(dtype: DType, stream: StreamOrDevice = .default) -> MLXArray {
        MLX.view(self, dtype: dtype, stream: stream)
    }
}

/// A window whose start is an array, so that it may depend on what was computed and differs from
/// call to call without a new plan.
/// - Parameters:
///   - start: one integer for each of `axes`. A window that reaches beyond the array is an error
///     when the result is evaluated.
///   - axes: the axes that `start` speaks of; the window begins at 0 along the others.
///   - sizes: the window's length along every axis of the array.
/// ```
/// slice(MLXArray(0 ..< 6), start: MLXArray([2]), axes: [0], sizes: [3])  // [2, 3, 4]
/// ```
public func slice(
    _ array: MLXArray, start: MLXArray, axes: [Int], sizes: [Int],
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array, start]) { () throws(ArrayError) in
        let rank = array.ndim
        let normal = try Axes.normalize(axes, rank: rank, operation: "slice")
        let shape = try Shape(validating: sizes, operation: "slice")
        return Ops.record(
            .dynamicSlice, [array, atLeast1D(start, stream: stream)],
            Attributes(words: normal.map { rank - 1 - $0 }, outputShape: shape),
            stream: stream.id)
    }
}

/// The array with a window replaced whose start is an array; see `slice`. The update is cast to the
/// array's dtype, and broadcast along the axes that the start does not speak of.
/// ```
/// sliceUpdate(zeros([4]), ones([2]), start: MLXArray([1]), axes: [0])  // [0, 1, 1, 0]
/// ```
public func sliceUpdate(
    _ array: MLXArray, _ update: MLXArray, start: MLXArray, axes: [Int],
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([array, update, start]) { () throws(ArrayError) in
        let rank = array.ndim
        let normal = try Axes.normalize(axes, rank: rank, operation: "slice_update")
        var window = Ops.cast(update, to: array.dtype, stream: stream.id)
        if window.ndim <= rank {
            var shape = [Int](repeating: 1, count: rank - window.ndim) + window.shape
            for axis in 0..<rank where !normal.contains(axis) && shape[axis] == 1 {
                shape[axis] = array.dim(axis)
            }
            window = Ops.broadcast(window, to: shape, stream: stream.id)
        }
        return Ops.record(
            .dynamicSliceUpdate, [array, window, atLeast1D(start, stream: stream)],
            Attributes(words: normal.map { rank - 1 - $0 }), stream: stream.id)
    }
}

// MARK: - Dtypes

/// The dtype that arrays promote to when an operation takes them together; bool for none.
/// ```
/// resultType(MLXArray(1), MLXArray(1 as Float))  // float32
/// ```
public func resultType(_ arrays: MLXArray...) -> DType {
    arrays.reduce(.bool) { DType.promote($0, $1.dtype) }
}

/// The dtype that dtypes promote to; bool for none.
/// ```
/// resultType(.uint8, .int8)  // int16
/// ```
public func resultType(_ dtypes: DType...) -> DType { dtypes.reduce(.bool, DType.promote) }

/// Whether promotion of the two dtypes gives the second one.
/// ```
/// canCast(.int32, to: .float16)  // true
/// ```
public func canCast(_ from: DType, to: DType) -> Bool { DType.promote(from, to) == to }

/// Whether promotion of the array's dtype with another one gives the other.
/// ```
/// canCast(MLXArray(1 as Float), to: .int32)  // false
/// ```
public func canCast(_ from: MLXArray, to: DType) -> Bool { canCast(from.dtype, to: to) }

extension DType {
    /// Limits of an integer dtype; nil for the others.
    public var iinfo: IInfo? { isInteger ? IInfo(dtype: self) : nil }

    /// Limits of an integer dtype.
    public struct IInfo: Sendable {
        /// The dtype whose limits these are.
        public let dtype: DType

        /// The smallest number.
        public var min: Int {
            dtype.isUnsignedInteger ? 0 : -1 << (dtype.size * 8 - 1)
        }

        /// The largest number.
        public var max: UInt64 {
            UInt64.max >> UInt64(64 - dtype.size * 8 + (dtype.isUnsignedInteger ? 0 : 1))
        }
    }
}
