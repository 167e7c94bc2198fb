import MLXBase
import MLXGraph
import MLXKernels

/// Matrix multiplication over the last two axes, batched and broadcast over the others.
package enum Matmul {
    package static let rows: [OpRow] = [matmul]

    /// A matrix that all elements share is repeated, not folded into one larger product: each
    /// element's product then has the shape, and so the bits, that it has alone.
    private static func batched(_ context: VMapContext) -> MLXArray {
        let (a, b) = (context.elementShape(0), context.elementShape(1))
        guard b.count == 2 else { return context.record(context.aligned, context.attributes) }
        let rows = a.dropLast().reduce(1, *)
        let left = Ops.reshape(context.batched(0), [context.size, rows, a[a.count - 1]])
        let product = context.record([left, context.batched(1)], context.attributes)
        return Ops.reshape(
            product, [context.size] + context.shape.array, stream: context.stream)
    }

    /// The derivative of a product of matrices.
    static func pulled(_ context: VJPContext) -> [MLXArray?] {
        let (a, b) = (context.inputs[0], context.inputs[1])
        return [
            context.wanted[0] ? leftGradient(a, b, context.cotangent) : nil,
            context.wanted[1] ? rightGradient(a, b, context.cotangent) : nil,
        ]
    }

    private static let matmul = OpRow(
        code: .matmul, name: "matmul", synopsis: "c = a b", arity: 2...2,
        traits: .shapeless, dtype: .inexact,
        shape: ShapeRule { (context) throws(ArrayError) in
            let (a, b) = (context.shapes[0], context.shapes[1])
            guard a.ndim >= 2, b.ndim >= 2 else {
                throw context.error(.shape, "needs arrays with axes, got \(a) and \(b)")
            }
            guard a[a.ndim - 1] == b[b.ndim - 2] else {
                throw context.error(
                    .shape,
                    "Last dimension of first input with shape \(a) must match second to last"
                        + " dimension of second input with shape \(b).")
            }
            let batch = try Broadcasting.shape(
                [
                    try Shape(validating: a.array.dropLast(2), operation: "matmul"),
                    try Shape(validating: b.array.dropLast(2), operation: "matmul"),
                ], operation: "matmul")
            return try Shape(
                validating: batch.array + [a[a.ndim - 2], b[b.ndim - 1]], operation: "matmul")
        },
        vjp: .rule(pulled), vmap: .rule(batched),
        work: OpWork(.matmul) { context in
            let a = context.shapes[0]
            return 2 * Double(context.output.size) * Double(a[a.ndim - 1])
        },
        kernel: Kernels.matmul, specialKernels: [.openBLAS: Kernels.matmulBLAS],
        toleranceEpsilons: 256,
        samples: SampleRule {
            [
                .init([[3, 4], [4, 5]]), .init([[2, 3, 4], [4, 5]]),
                .init([[2, 1, 3, 4], [5, 4, 2]]), .init([[3, 0], [0, 2]]),
                .init([[1, 7], [7, 1]]),
                .init([[65, 130], [130, 70]]),
            ]
        })
}

/// The gradient of a transposed matrix is made as the transpose of that of the matrix, because
/// transposing it back is then free: what an optimizer reads beside the matrix lies as it does.
private func isTransposed(_ x: MLXArray) -> Bool {
    x.ndim == 2 && NodeReference(x).op == .transpose
}

/// g bᴴ
private func leftGradient(_ a: MLXArray, _ b: MLXArray, _ cotangent: MLXArray) -> MLXArray {
    if isTransposed(a) && b.ndim == 2 {
        return Ops.swapLast(Ops.record(.matmul, [conj(b), Ops.swapLast(cotangent)]))
    }
    return Ops.sum(
        Ops.record(.matmul, [cotangent, conj(Ops.swapLast(b))]), toShape: a.nodeShape)
}

/// aᴴ g. One matrix for a whole batch, as the weights of a layer are, has one product over all
/// rows: the sum of a product for each of the batch would be as large as the batch.
private func rightGradient(_ a: MLXArray, _ b: MLXArray, _ cotangent: MLXArray) -> MLXArray {
    let isShared = b.ndim == 2 && a.ndim > 2
    let (x, g) = isShared ? (rows(a), rows(cotangent)) : (a, cotangent)
    if isTransposed(b) && x.ndim == 2 {
        return Ops.swapLast(Ops.record(.matmul, [Ops.swapLast(g), conj(x)]))
    }
    return Ops.sum(
        Ops.record(.matmul, [conj(Ops.swapLast(x)), g]), toShape: b.nodeShape)
}

/// All rows of a batch of matrices as one matrix.
private func rows(_ x: MLXArray) -> MLXArray {
    let dims = x.nodeShape.array
    return Ops.reshape(x, [dims.dropLast().reduce(1, *), dims[dims.count - 1]])
}

extension OpCode {
    package static let matmul = OpCode(.matmul)
}

extension Ops {
    /// The last two axes swapped.
    package static func swapLast(_ x: MLXArray) -> MLXArray {
        let rank = x.ndim
        var axes = Array(0..<rank)
        axes.swapAt(rank - 1, rank - 2)
        return transpose(x, axes)
    }

    /// NumPy's matmul: a vector operand gets an axis for the product and loses it afterwards.
    package static func matmul(
        _ a: MLXArray, _ b: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        if let product = directMatmul(a, b, stream) { return product }
        let (left, right) = (a.recordedShape, b.recordedShape)
        guard left.ndim > 0, right.ndim > 0 else {
            return invalid(
                ArrayError(
                    .shape, "matmul",
                    "Got 0 dimension input. Inputs must have at least one"
                        + " dimension.", shapes: [left.array, right.array]), inputs: [a, b])
        }
        let x = left.ndim == 1 ? reshape(a, [1, left[0]], stream: stream) : a
        let y = right.ndim == 1 ? reshape(b, [right[0], 1], stream: stream) : b
        let product = record(.matmul, [x, y], stream: stream)
        if left.ndim > 1 && right.ndim > 1 { return product }
        var dims = product.shape
        if right.ndim == 1 { dims.removeLast() }
        if left.ndim == 1 { dims.remove(at: dims.count - (right.ndim == 1 ? 1 : 2)) }
        return reshape(product, dims, stream: stream)
    }
}
