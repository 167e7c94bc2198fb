import MLXBase
import MLXGraph
import MLXOps

// Matrix products and pooling.

/// The matrix product (…, M, K) × (…, K, N) → (…, M, N); leading axes broadcast. A vector counts as
/// a row on the left and as a column on the right, and its axis is not in the result. Half types
/// accumulate in float32. Scalars, integers, and lengths K that differ give an invalid array.
/// ```swift
/// let c = matmul(ones([2, 3]), ones([3, 4]))    // (2, 4) of 3
/// let d = matmul(ones([3]), ones([3]))          // a scalar, 3
/// ```
public func matmul(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    if let product = limitedProduct({ Ops.matmul(a, b, tolerance: $0, stream: stream.id) }) {
        return product
    }
    return Ops.matmul(a, b, stream: stream.id)
}

/// beta c + alpha (a b), where a b is ``matmul(_:_:stream:)`` and c broadcasts to its shape. A term
/// whose factor is 0 is left out, as in BLAS: it may be infinite or NaN.
/// ```swift
/// let y = addMM(bias, x, weight.T)
/// ```
public func addMM(
    _ c: some ScalarOrArray, _ a: some ScalarOrArray, _ b: some ScalarOrArray,
    alpha: Float = 1.0, beta: Float = 1.0, stream: StreamOrDevice = .default
) -> MLXArray {
    let (a, b) = toArrays(a, b)
    let product = matmul(a, b, stream: stream)
    let scaled = alpha == 1 ? product : recordBinary(.multiply, product, alpha, stream)
    let term = c.asMLXArray(dtype: product.dtype)
    if alpha == 0 || beta == 0 {
        return withoutTerm(
            product: alpha == 0 ? nil : scaled, addend: beta == 0 ? nil : term,
            of: product, term, beta, stream)
    }
    let addend = beta == 1 ? term : recordBinary(.multiply, term, beta, stream)
    return Ops.binary(.add, scaled, addend, stream: stream.id)
}

/// What is left of a sum of a product and a term when one or both are multiplied by 0.
private func withoutTerm(
    product: MLXArray?, addend: MLXArray?, of whole: MLXArray, _ term: MLXArray, _ beta: Float,
    _ stream: StreamOrDevice
) -> MLXArray {
    recording([whole, term]) { () throws(ArrayError) in
        let shape = try Broadcasting.shape([whole.nodeShape, term.nodeShape], operation: "addmm")
        let dtype = DType.promote(whole.dtype, term.dtype)
        if NodeReference(whole).isPoisoned { return whole }
        let scaled = addend.map {
            beta == 1 ? $0 : recordBinary(.multiply, $0, beta, stream)
        }
        let rest = product ?? scaled ?? Ops.scalar(0, dtype)
        return Ops.broadcast(
            Ops.cast(rest, to: dtype, stream: stream.id), to: shape.array, stream: stream.id)
    }
}

/// beta c + alpha (a b), under its former name.
public func addmm<A: ScalarOrArray, B: ScalarOrArray, C: ScalarOrArray>(
    _ c: C, _ a: A, _ b: B, alpha: Float = 1.0, beta: Float = 1.0,
    stream: StreamOrDevice = .default
) -> MLXArray {
    addMM(c, a, b, alpha: alpha, beta: beta, stream: stream)
}

/// The largest element of each window of (N, …, C) with one to three spatial axes.
package func maxPooled(
    _ array: MLXArray, window: [Int], stride: [Int], padding: [Int],
    stream: StreamOrDevice = .default
) -> MLXArray {
    pooled(.maxPool, array, window, stride, padding, stream)
}

/// The mean of each window of (N, …, C) with one to three spatial axes; padding counts as zeros.
package func averagePooled(
    _ array: MLXArray, window: [Int], stride: [Int], padding: [Int],
    stream: StreamOrDevice = .default
) -> MLXArray {
    pooled(.averagePool, array, window, stride, padding, stream)
}

/// The largest element of each window of (N, H, W, C).
package func maxPooled(
    _ array: MLXArray, window: IntOrPair, stride: IntOrPair, padding: IntOrPair,
    stream: StreamOrDevice = .default
) -> MLXArray {
    maxPooled(
        array, window: [window.first, window.second], stride: [stride.first, stride.second],
        padding: [padding.first, padding.second], stream: stream)
}

/// The mean of each window of (N, H, W, C); padding counts as zeros.
package func averagePooled(
    _ array: MLXArray, window: IntOrPair, stride: IntOrPair, padding: IntOrPair,
    stream: StreamOrDevice = .default
) -> MLXArray {
    averagePooled(
        array, window: [window.first, window.second], stride: [stride.first, stride.second],
        padding: [padding.first, padding.second], stream: stream)
}

/// A sequence is a row of height one. Largest elements and means of boxes are those of columns of
/// largest elements and means: height and width first, then depth.
private func pooled(
    _ op: OpCode, _ array: MLXArray, _ window: [Int], _ stride: [Int], _ padding: [Int],
    _ stream: StreamOrDevice
) -> MLXArray {
    recording([array]) { () throws(ArrayError) in
        let (rank, shape) = (window.count, array.shape)
        guard (1...3).contains(rank), shape.count == rank + 2, stride.count == rank,
            padding.count == rank
        else {
            throw ArrayError(
                .shape, OpTable.name(op), "a window of \(rank) axes", shapes: [shape])
        }
        func plane(_ x: MLXArray, _ axes: [Int]) -> MLXArray {
            let border = axes.map { $0 < 0 ? 0 : padding[$0] }
            let words = axes.map { $0 < 0 ? 1 : window[$0] } + axes.map { $0 < 0 ? 1 : stride[$0] }
            return Ops.record(
                op, [x], Attributes(words: words + border + border), stream: stream.id)
        }
        func reshaped(_ x: MLXArray, _ dims: [Int]) -> MLXArray {
            Ops.reshape(x, dims, stream: stream.id)
        }
        if rank == 2 { return plane(array, [0, 1]) }
        if rank == 1 {
            let row = plane(reshaped(array, [shape[0], 1, shape[1], shape[2]]), [-1, 0])
            return reshaped(row, [shape[0]] + row.shape.suffix(2))
        }
        let layers = plane(
            reshaped(array, [shape[0] * shape[1]] + shape.suffix(3)), [1, 2])
        let size = layers.shape
        let columns = plane(
            reshaped(layers, [shape[0], shape[1], size[1] * size[2], size[3]]), [0, -1])
        return reshaped(columns, [shape[0], columns.dim(1)] + size.suffix(3))
    }
}
