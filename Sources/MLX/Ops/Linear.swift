import MLXBase
import MLXGraph
import MLXOps

// Matrix products and pooling.

/// The matrix product over the last two axes, the others broadcast. Vectors get an axis for the
/// product and lose it again. Needs a floating-point dtype.
public func matmul(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.matmul(a, b, stream: stream.id)
}

/// beta c + alpha (a b)
public func addMM(
    _ c: some ScalarOrArray, _ a: some ScalarOrArray, _ b: some ScalarOrArray,
    alpha: Float = 1.0, beta: Float = 1.0, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    let product = matmul(a, b, stream: stream)
    let scaled = alpha == 1 ? product : recordBinary(.multiply, product, alpha, stream)
    let term = c.asMLXArray(dtype: product.dtype)
    let addend = beta == 1 ? term : recordBinary(.multiply, term, beta, stream)
    return Ops.binary(.add, scaled, addend, stream: stream.id)
}

/// beta c + alpha (a b)
public func addmm<A: ScalarOrArray, B: ScalarOrArray, C: ScalarOrArray>(
    _ c: C, _ a: A, _ b: B, alpha: Float = 1.0, beta: Float = 1.0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    addMM(c, a, b, alpha: alpha, beta: beta, stream: stream)
}

/// The largest element of each window of (N, H, W, C).
package func maxPooled(
    _ array: MLXArray, window: IntOrPair, stride: IntOrPair, padding: IntOrPair,
    stream: StreamOrDevice = .default
) -> MLXArray {
    pooled(.maxPool, array, window, stride, padding, stream)
}

/// The mean of each window of (N, H, W, C); padding counts as zeros.
package func averagePooled(
    _ array: MLXArray, window: IntOrPair, stride: IntOrPair, padding: IntOrPair,
    stream: StreamOrDevice = .default
) -> MLXArray {
    pooled(.averagePool, array, window, stride, padding, stream)
}

private func pooled(
    _ op: OpCode, _ array: MLXArray, _ window: IntOrPair, _ stride: IntOrPair,
    _ padding: IntOrPair, _ stream: StreamOrDevice
) -> MLXArray {
    let words = [
        window.first, window.second, stride.first, stride.second, padding.first, padding.second,
        padding.first, padding.second,
    ]
    return Ops.record(op, [array], Attributes(words: words), stream: stream.id)
}
