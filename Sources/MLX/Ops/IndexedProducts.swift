import MLXBase
import MLXGraph
import MLXOps

// Matrix products of parts of their operands: of matrices picked by number, of ranges of the inner
// axis, of blocks that a mask lets through. And the Hadamard transform.

/// Products of matrices that are picked by number from two batches, whose leading axes count as
/// one: result (indices' shape, M, N).
///
/// - Parameters:
///   - lhsIndices: numbers of matrices of `a`; by default each once, in the shape of its batch.
///   - rhsIndices: the same for `b`. Both broadcast against each other. A number that is out of
///     range is an error when the result is evaluated.
///   - sortedIndices: a hint that changes no result: neighbouring products with one matrix of `b`
///     and consecutive ones of `a` are found and joined anyway.
/// ```
/// gatherMM(x, experts, rhsIndices: MLXArray([2, 0] as [UInt32]))
/// ```
public func gatherMM(
    _ a: MLXArray, _ b: MLXArray, lhsIndices: MLXArray? = nil, rhsIndices: MLXArray? = nil,
    sortedIndices: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let (lhsIndices, rhsIndices) = (lhsIndices.given, rhsIndices.given)
    return recording([a, b]) { () throws(ArrayError) in
        guard a.ndim >= 2, b.ndim >= 2 else {
            throw ArrayError(
                .shape, "gather_mm", "needs matrices", shapes: [a.shape, b.shape])
        }
        if lhsIndices == nil && rhsIndices == nil { return matmul(a, b, stream: stream) }
        func all(_ x: MLXArray) -> MLXArray {
            let batch = Array(x.shape.dropLast(2))
            let count = batch.reduce(1, *)
            return Ops.reshape(
                arange(count, dtype: .uint32, stream: stream), batch, stream: stream.id)
        }
        let (left, right) = (lhsIndices ?? all(a), rhsIndices ?? all(b))
        let shape = try Broadcasting.shape(
            [left.nodeShape, right.nodeShape], operation: "gather_mm")
        let type = DType.promote(a.dtype, b.dtype)
        return Ops.record(
            .gatherMM,
            [a, b].map { Ops.cast($0, to: type, stream: stream.id) }
                + [left, right].map {
                    Ops.broadcast($0, to: shape.array, stream: stream.id)
                }, stream: stream.id)
    }
}

/// `gatherMM` by its old name.
@available(*, deprecated, renamed: "gatherMM")
public func gatherMatmul(
    _ a: MLXArray, _ b: MLXArray, lhsIndices: MLXArray? = nil, rhsIndices: MLXArray? = nil,
    sortedIndices: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    gatherMM(
        a, b, lhsIndices: lhsIndices, rhsIndices: rhsIndices, sortedIndices: sortedIndices,
        stream: stream)
}

/// Products of ranges of the inner axis: for each pair (start, end) of `segments` the product of
/// those columns of `a` (M, K) and rows of `b` (K, N). Result (…, M, N).
/// ```
/// segmentedMM(a, b, segments: MLXArray([0, 2, 2, 5] as [UInt32], [2, 2]))
/// ```
public func segmentedMM(
    _ a: MLXArray, _ b: MLXArray, segments: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let type = DType.promote(a.dtype, b.dtype)
    return Ops.record(
        .segmentedMM,
        [a, b].map { Ops.cast($0, to: type, stream: stream.id) } + [segments], stream: stream.id)
}

/// The matrix product with blocks left out or scaled. A mask has one element for each block of
/// `blockSize` rows and columns: bool lets the block through or makes it zero, numbers multiply it.
///
/// - Parameters:
///   - blockSize: 32 or 64; without masks it does not matter.
///   - maskOut: for the result, (…, M / blockSize, N / blockSize), rounded up.
///   - maskLHS: for `a`.
///   - maskRHS: for `b`.
/// ```
/// blockMaskedMM(a, b, blockSize: 32, maskLHS: keep)
/// ```
public func blockMaskedMM(
    _ a: MLXArray, _ b: MLXArray, blockSize: Int = 64, maskOut: MLXArray? = nil,
    maskLHS: MLXArray? = nil, maskRHS: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    let (maskOut, maskLHS, maskRHS) = (maskOut.given, maskLHS.given, maskRHS.given)
    return recording([a, b]) { () throws(ArrayError) in
        let hasMask = maskOut != nil || maskLHS != nil || maskRHS != nil
        guard a.ndim >= 2, b.ndim >= 2, !hasMask || blockSize == 32 || blockSize == 64 else {
            throw ArrayError(
                .argument, "block_masked_mm",
                "needs matrices and blocks of 32 or 64, not"
                    + " \(blockSize)", shapes: [a.shape, b.shape])
        }
        func masked(_ x: MLXArray, _ mask: MLXArray?) throws(ArrayError) -> MLXArray {
            guard let mask else { return x }
            let (rows, columns) = (x.dim(-2), x.dim(-1))
            let blocks = [rows, columns].map { ($0 + blockSize - 1) / blockSize }
            guard mask.ndim >= 2, Array(mask.shape.suffix(2)) == blocks else {
                throw ArrayError(
                    .shape, "block_masked_mm",
                    "a mask of blocks of \(blockSize) must end in"
                        + " \(blocks)", shapes: [x.shape, mask.shape])
            }
            let wide = repeated(
                repeated(mask, count: blockSize, axis: -1, stream: stream), count: blockSize,
                axis: -2, stream: stream)
            let fitting = wide[.ellipsis, ..<rows, ..<columns, stream: stream]
            if mask.dtype != .bool {
                return Ops.binary(
                    .multiply, x, Ops.cast(fitting, to: x.dtype, stream: stream.id),
                    stream: stream.id)
            }
            return Ops.select(fitting, x, Ops.scalar(0, x.dtype), stream: stream.id)
        }
        let product = matmul(try masked(a, maskLHS), try masked(b, maskRHS), stream: stream)
        return try masked(product, maskOut)
    }
}

/// The product of each row (along the last axis) with a Hadamard matrix, whose elements are 1 and
/// -1, in n log n steps. Integers give float32.
///
/// - Parameter scale: a factor; by default 1 / sqrt(n), which makes the transform orthonormal.
/// ```
/// hadamardTransform(MLXArray([1, 0, 0, 0] as [Float]))  // [0.5, 0.5, 0.5, 0.5]
/// ```
/// The length of the last axis is 1, 12, 20 or 28 times a power of two.
public func hadamardTransform(
    _ array: MLXArray, scale: Float? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    let length = Double(Swift.max(array.nodeShape.dims.last ?? 1, 1))
    let factor = scale.map(Double.init) ?? 1 / length.squareRoot()
    return Ops.record(
        .hadamard, [array],
        Attributes(words: Ops.hadamardWords(scale: factor)), stream: stream.id)
}

/// The sums of products along an axis of both arrays, which broadcast; the first is conjugated.
/// ```
/// vecdot(MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float]))  // 11
/// ```
public func vecdot(
    _ a: MLXArray, _ b: MLXArray, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    let left = a.dtype == .complex64 ? Ops.unary(.conjugate, a, stream: stream.id) : a
    let products = Ops.binary(.multiply, left, b, stream: stream.id)
    let sums = Ops.reduce(.sum, products, axis: axis, keepDims: false, stream: stream.id)
    return Ops.cast(sums, to: products.dtype, stream: stream.id)
}
