import MLXBase
import MLXGraph

/// Of several values that are written to one place the last one stays, so the others have no
/// derivative. Which one stays is found by writing the values' own numbers in the same way and
/// reading them again: a value whose number comes back is there.
enum Overwriting {
    /// The numbers of the elements of an array of some shape, in that shape.
    static func numbers(_ shape: Shape) -> MLXArray {
        let dtype: DType = shape.size <= Int(Int32.max) ? .int32 : .int64
        return Ops.reshape(
            Ops.arange(start: 0, increment: 1, count: shape.size, dtype), shape.array)
    }

    /// What the numbers are written to, in the shape of the array that the values are written to.
    static func base(_ array: MLXArray, _ numbers: MLXArray) -> MLXArray {
        Ops.broadcast(Ops.full(.scalar, 0, numbers.dtype), to: array.shape)
    }

    /// The cotangent at the values that stayed, zero at the others.
    static func selected(
        _ cotangent: MLXArray, where found: MLXArray, are numbers: MLXArray
    ) -> MLXArray {
        Ops.select(
            Ops.binary(.equal, found, numbers), cotangent, Ops.scalar(0, cotangent.dtype))
    }
}
