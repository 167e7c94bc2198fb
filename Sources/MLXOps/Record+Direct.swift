import MLXBase
import MLXGraph

/// Recording without detours for what programs record most after elementwise functions:
/// reductions, reshapes and products. Shapes and axes stay on the stack, the row's dtype rule is a
/// table, and the defaults are read once. Each function gives nil for what is not plain (other
/// dtypes, errors, broadcasts), and the row's own rules decide. On one element that is 170 ns for
/// a sum where the general path takes 540.
extension Ops {
    // MARK: - Reductions

    /// A reduction over all axes.
    package static func reduceAll(
        _ code: OpCode, _ x: MLXArray, keepDims: Bool, stream: StreamID = .unpinned
    ) -> MLXArray {
        let input = NodeReference(x)
        let every = (1 as UInt64) << UInt64(input.shape.ndim) - 1
        if let y = direct(code, input, axes: every, keepDims, stream) { return y }
        return reduce(code, x, axes: nil, keepDims: keepDims, stream: stream)
    }

    /// A reduction over one axis, which may count from the end.
    package static func reduce(
        _ code: OpCode, _ x: MLXArray, axis: Int, keepDims: Bool, stream: StreamID = .unpinned
    ) -> MLXArray {
        let input = NodeReference(x)
        let rank = input.shape.ndim
        if axis >= -rank, axis < rank {
            let bit = (1 as UInt64) << UInt64(axis < 0 ? axis + rank : axis)
            if let y = direct(code, input, axes: bit, keepDims, stream) { return y }
        }
        return reduce(code, x, axes: [axis], keepDims: keepDims, stream: stream)
    }

    @inline(__always) private static func direct(
        _ code: OpCode, _ input: consuming NodeReference, axes: UInt64, _ keepDims: Bool,
        _ stream: StreamID
    ) -> MLXArray? {
        let shape = input.shape
        guard shape.size > 0, let output = UniformTypes.output(code, input.dtype) else {
            return nil
        }
        return single(
            code, input, dtype: output,
            shape: code == .softmax ? shape : remaining(shape, axes, keepDims),
            word: axes | (keepDims ? 1 << 16 : 0), resolve(stream)
        ).array()
    }

    /// The shape without some axes, or with size one there.
    @inline(__always) private static func remaining(
        _ shape: Shape, _ axes: UInt64, _ keepDims: Bool
    ) -> Shape {
        if !keepDims && axes.nonzeroBitCount == shape.ndim { return .scalar }
        return onStack { dims in
            var count = 0
            for axis in 0..<shape.ndim {
                let isReduced = axes >> UInt64(axis) & 1 == 1
                if isReduced && !keepDims { continue }
                dims[count] = isReduced ? 1 : shape[axis]
                count += 1
            }
            return count
        }!
    }

    // MARK: - Reshapes

    /// The array in another shape of the same size; one dimension may be -1.
    package static func reshape(
        _ x: MLXArray, _ dims: UnsafeBufferPointer<Int>, stream: StreamID = .unpinned
    ) -> MLXArray {
        // What a length of -1 stands for is worked out anew in recordings for any shape.
        if dims.contains(-1), x.isShapeWatched, dims.allSatisfy({ $0 >= -1 }) {
            return regroup(x, Array(dims), stream: stream)
        }
        return directReshape(x, dims, stream) ?? reshapeChecked(x, Array(dims), stream: stream)
    }

    /// nil for dimensions that do not fit: the general path says why.
    @inline(__always) static func directReshape(
        _ x: MLXArray, _ dims: UnsafeBufferPointer<Int>, _ stream: StreamID
    ) -> MLXArray? {
        // A shape that is told, and a reshape that is left out, hold for this one alone.
        let input = NodeReference(x)
        input.noteShapeReading()
        let own = input.shape
        if own.dims.elementsEqual(dims) { return x.aliased() }
        guard dims.count <= Shape.maximumRank, let shape = filled(dims, size: own.size),
            shape.size == own.size
        else { return nil }
        let dtype = input.dtype
        return single(.reshape, input, dtype: dtype, shape: shape, resolve(stream)).array()
    }

    /// The shape with its one -1 replaced by what the size leaves.
    @inline(__always) private static func filled(
        _ dims: UnsafeBufferPointer<Int>, size: Int
    ) -> Shape? {
        var known = 1
        var unknown = -1
        for (place, dim) in dims.enumerated() {
            if dim == -1 {
                if unknown >= 0 { return nil }
                unknown = place
            } else {
                let (product, overflow) = known.multipliedReportingOverflow(by: dim)
                if overflow || dim < 0 { return nil }
                known = product
            }
        }
        if unknown < 0 { return Shape(interning: dims) }
        guard known > 0, size % known == 0 else { return nil }
        return onStack { result in
            for place in dims.indices { result[place] = dims[place] }
            result[unknown] = size / known
            return dims.count
        }
    }

    // MARK: - Products

    /// The product of vectors and matrices, and of batches that are equal or on the left alone.
    static func directMatmul(_ a: MLXArray, _ b: MLXArray, _ stream: StreamID) -> MLXArray? {
        let left = NodeReference(a)
        let right = NodeReference(b)
        let (x, y) = (left.shape, right.shape)
        guard left.dtype == right.dtype, let dtype = UniformTypes.output(.matmul, left.dtype),
            x.ndim > 0, y.ndim > 0, x[x.ndim - 1] == y[Swift.max(y.ndim - 2, 0)],
            let shape = productShape(x, y)
        else { return nil }
        let stream = resolve(stream)
        let isRow = x.ndim == 1
        let isColumn = y.ndim == 1
        let rows: NodeReference
        if isRow { rows = matrix(left, 1, x[0], stream) } else { rows = left }
        let columns: NodeReference
        if isColumn { columns = matrix(right, y[0], 1, stream) } else { columns = right }
        let product = pair(.matmul, rows, columns, dtype: dtype, shape: shape, stream)
        if !isRow && !isColumn { return product.array() }
        let result = onStack { dims in
            var count = 0
            for axis in 0..<shape.ndim {
                if isColumn && axis == shape.ndim - 1 || isRow && axis == shape.ndim - 2 {
                    continue
                }
                dims[count] = shape[axis]
                count += 1
            }
            return count
        }!
        return single(.reshape, product, dtype: dtype, shape: result, stream).array()
    }

    /// A vector as a matrix, owned by the caller.
    @inline(__always) private static func matrix(
        _ vector: consuming NodeReference, _ rows: Int, _ columns: Int, _ stream: StreamID
    ) -> NodeReference {
        let dtype = vector.dtype
        let shape = onStack { dims in
            dims[0] = rows
            dims[1] = columns
            return 2
        }!
        return single(.reshape, vector, dtype: dtype, shape: shape, stream)
    }

    /// The product's shape with the vectors' axes; nil where batches broadcast.
    @inline(__always) private static func productShape(_ x: Shape, _ y: Shape) -> Shape? {
        if y.ndim > 2 {
            if x.ndim != y.ndim { return nil }
            for axis in 0..<y.ndim - 2 where x[axis] != y[axis] { return nil }
        }
        return onStack { dims in
            let rank = Swift.max(x.ndim, 2)
            for axis in 0..<rank - 1 { dims[axis] = x.ndim == 1 ? 1 : x[axis] }
            dims[rank - 1] = y.ndim == 1 ? 1 : y[y.ndim - 1]
            return rank
        }
    }

    /// A shape whose dimensions `fill` writes, and counts, without an array on the heap.
    @inline(__always) static func onStack(
        _ fill: (UnsafeMutableBufferPointer<Int>) -> Int
    ) -> Shape? {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: Shape.maximumRank) { dims in
            let count = fill(dims)
            if count == 0 { return .scalar }
            return Shape(interning: UnsafeBufferPointer(rebasing: dims[..<count]))
        }
    }
}
