import MLXBase
import MLXGraph
import MLXOps

// Products of vectors and tensors, as compositions of matrix products and elementwise ones.

/// The products of each element of `a` with each of `b`, both flattened: (a.size, b.size).
/// ```swift
/// let m = outer(MLXArray([1, 2]), MLXArray([3, 4]))    // [[3, 4], [6, 8]]
/// ```
public func outer(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    let column = Ops.reshape(a, [a.size, 1], stream: stream.id)
    return Ops.binary(.multiply, column, flattened(b, stream: stream), stream: stream.id)
}

/// The sums of products over the last axis of both, (…, K) and (…, K), whose other axes follow each
/// other; with a scalar, the plain product. Lengths K that differ give an invalid array.
/// ```swift
/// let s = inner(MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float]))    // 11
/// ```
public func inner(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    if a.ndim == 0 || b.ndim == 0 { return Ops.binary(.multiply, a, b, stream: stream.id) }
    return tensordot(a, b, axes: ([-1], [-1]), stream: stream)
}

/// The sums of products over the last `axes` axes of `a` and the first of `b`, which must have
/// equal lengths.
/// ```swift
/// let c = tensordot(ones([2, 3, 4]), ones([3, 4, 5]), axes: 2)    // (2, 5)
/// ```
public func tensordot(
    _ a: MLXArray, _ b: MLXArray, axes: Int = 1, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a, b]) { () throws(ArrayError) in
        guard axes >= 0, axes <= a.ndim, axes <= b.ndim else {
            throw ArrayError(
                .axis, "tensordot", "cannot contract \(axes) axes", shapes: [a.shape, b.shape])
        }
        return try contracted(
            a, b, Array((a.ndim - axes)..<a.ndim), Array(0..<axes), stream)
    }
}

/// The sums of products over two axes of each.
public func tensordot(
    _ a: MLXArray, _ b: MLXArray, axes: ((Int, Int), (Int, Int)),
    stream: StreamOrDevice = .default
) -> MLXArray {
    tensordot(
        a, b, axes: ([axes.0.0, axes.0.1], [axes.1.0, axes.1.1]), stream: stream)
}

/// The sums of products over the given axes of `a` and, in the same order, of `b`. The result
/// has the other axes of `a` and then those of `b`.
public func tensordot(
    _ a: MLXArray, _ b: MLXArray, axes: (some Collection<Int>, some Collection<Int>),
    stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a, b]) { () throws(ArrayError) in
        try contracted(
            a, b, try Axes.normalize(axes.0, rank: a.ndim, operation: "tensordot"),
            try Axes.normalize(axes.1, rank: b.ndim, operation: "tensordot"), stream)
    }
}

private func contracted(
    _ a: MLXArray, _ b: MLXArray, _ axesOfA: [Int], _ axesOfB: [Int], _ stream: StreamOrDevice
) throws(ArrayError) -> MLXArray {
    let (shapeA, shapeB) = (a.shape, b.shape)
    guard axesOfA.map({ shapeA[$0] }) == axesOfB.map({ shapeB[$0] }) else {
        throw ArrayError(
            .shape, "tensordot", "the axes \(axesOfA) and \(axesOfB) have different lengths",
            shapes: [shapeA, shapeB])
    }
    let freeA = shapeA.indices.filter { !axesOfA.contains($0) }
    let freeB = shapeB.indices.filter { !axesOfB.contains($0) }
    func size(_ shape: [Int], _ axes: [Int]) -> Int { axes.reduce(1) { $0 * shape[$1] } }
    let terms = size(shapeA, axesOfA)
    let left = Ops.reshape(
        Ops.transpose(a, freeA + axesOfA, stream: stream.id), [size(shapeA, freeA), terms],
        stream: stream.id)
    let right = Ops.reshape(
        Ops.transpose(b, axesOfB + freeB, stream: stream.id), [terms, size(shapeB, freeB)],
        stream: stream.id)
    return Ops.reshape(
        Ops.matmul(left, right, stream: stream.id),
        freeA.map { shapeA[$0] } + freeB.map { shapeB[$0] }, stream: stream.id)
}

/// The Kronecker product: each element of `a` times the whole of `b`, side by side.
public func kron(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    recording([a, b]) { () throws(ArrayError) in
        guard a.size > 0, b.size > 0 else {
            throw ArrayError(
                .shape, "kron", "needs arrays with elements", shapes: [a.shape, b.shape])
        }
        let rank = Swift.max(a.ndim, b.ndim)
        func padded(_ shape: [Int]) -> [Int] {
            Array(repeating: 1, count: rank - shape.count) + shape
        }
        let (shapeA, shapeB) = (padded(a.shape), padded(b.shape))
        // Each axis of the result is an axis of `a` with one of `b` inside it.
        let wide = Ops.reshape(a, shapeA.flatMap { [$0, 1] }, stream: stream.id)
        let narrow = Ops.reshape(b, shapeB.flatMap { [1, $0] }, stream: stream.id)
        let products = Ops.binary(.multiply, wide, narrow, stream: stream.id)
        // What wraps has made an invalid array above.
        return Ops.reshape(products, zip(shapeA, shapeB).map(&*), stream: stream.id)
    }
}
