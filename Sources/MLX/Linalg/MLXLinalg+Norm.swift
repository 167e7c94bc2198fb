import MLXBase
import MLXGraph
import MLXOps

// Norms of vectors and matrices.
extension MLXLinalg {
    /// Matrix norms that have a name.
    public enum NormKind: String, Sendable {
        /// Frobenius: the square root of the sum of squares.
        case fro
        /// Nuclear: the sum of singular values.
        case nuc
    }

    /// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
    ///
    /// ```swift
    /// norm(x, axes: [0, 1])
    /// ```
    /// - Parameters:
    ///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc`
    ///     the sum of singular values.
    ///   - keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: NormKind? = nil, axes: some Collection<Int>,
        keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .kind(ord), keepDims: keepDims, stream: stream)(array, axes: Array(axes))
    }

    /// A norm of a numbered order: over one axis of vectors, (Σ|x|^p)^(1/p), the largest for ∞, the
    /// smallest for -∞, the number of elements that are not zero for 0; over two of matrices, the
    /// largest (negative: smallest) sum of a column (1), of a row (∞) or singular value (2).
    ///
    /// ```swift
    /// norm(x, ord: 1, axes: [0, 1])
    /// ```
    /// - Parameter keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: Double, axes: some Collection<Int>, keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .number(ord), keepDims: keepDims, stream: stream)(
            array, axes: Array(axes))
    }

    /// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
    ///
    /// ```swift
    /// norm(x, axis: 0)
    /// ```
    /// - Parameters:
    ///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc`
    ///     the sum of singular values.
    ///   - keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: NormKind? = nil, axis: Int, keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .kind(ord), keepDims: keepDims, stream: stream)(array, axes: [axis])
    }

    /// A norm of a numbered order: over one axis of vectors, (Σ|x|^p)^(1/p), the largest for ∞, the
    /// smallest for -∞, the number of elements that are not zero for 0; over two of matrices, the
    /// largest (negative: smallest) sum of a column (1), of a row (∞) or singular value (2).
    ///
    /// ```swift
    /// norm(x, ord: .infinity, axis: 0)
    /// ```
    /// - Parameter keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: Double, axis: Int, keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .number(ord), keepDims: keepDims, stream: stream)(array, axes: [axis])
    }

    /// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
    ///
    /// ```swift
    /// norm(x, ord: .nuc)
    /// ```
    /// - Parameters:
    ///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc`
    ///     the sum of singular values.
    ///   - keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: NormKind? = nil, axis: IntOrArray? = nil, keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .kind(ord), keepDims: keepDims, stream: stream)(
            array, axes: axis?.asArray)
    }

    /// A norm of a numbered order: over one axis of vectors, (Σ|x|^p)^(1/p), the largest for ∞, the
    /// smallest for -∞, the number of elements that are not zero for 0; over two of matrices, the
    /// largest (negative: smallest) sum of a column (1), of a row (∞) or singular value (2).
    ///
    /// ```swift
    /// norm(x, ord: 3)
    /// ```
    /// - Parameter keepDims: keep the axes with size one.
    public static func norm(
        _ array: MLXArray, ord: Double, axis: IntOrArray? = nil, keepDims: Bool = false,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        MatrixNorm(order: .number(ord), keepDims: keepDims, stream: stream)(
            array, axes: axis?.asArray)
    }
}

/// A norm as it was asked for, and how it is made of other operations.
private struct MatrixNorm {
    enum Order {
        case kind(MLXLinalg.NormKind?), number(Double)

        var isDefault: Bool { if case .kind(nil) = self { true } else { false } }
    }

    let order: Order
    let keepDims: Bool
    let stream: StreamOrDevice

    func callAsFunction(_ array: MLXArray, axes: [Int]?) -> MLXArray {
        recording([array]) { () throws(ArrayError) in
            let rank = array.ndim
            let axes =
                try axes.map { (axes) throws(ArrayError) in
                    try Axes.normalize(axes, rank: rank, operation: "norm")
                } ?? Array(0..<rank)
            // NUMERICS: the powers of halves leave their range although the norm does not.
            let isWide = array.dtype.isFloatingPoint && !array.dtype.isHalf
            let x = isWide ? array : array.asType(.float32, stream: stream)
            let norm = try of(x, axes)
            return array.dtype.isHalf ? norm.asType(array.dtype, stream: stream) : norm
        }
    }

    private func of(_ x: MLXArray, _ axes: [Int]) throws(ArrayError) -> MLXArray {
        if order.isDefault { return euclidean(x, axes) }
        guard axes.count == 1 || axes.count == 2 else {
            throw ArrayError(
                .axis, "norm", "over \(axes.count) axes", shapes: [x.shape])
        }
        switch order {
        case .kind(let kind):
            guard axes.count == 2 else {
                throw ArrayError(
                    .axis, "norm", "a matrix norm over one axis", shapes: [x.shape])
            }
            return kind == .nuc
                ? singular(x, axes) { sum($0, axis: -1, stream: stream) }
                : euclidean(x, axes)
        case .number(let p):
            return axes.count == 1 ? vector(x, p, axes[0]) : try matrix(x, p, axes)
        }
    }

    private func euclidean(_ x: MLXArray, _ axes: [Int]) -> MLXArray {
        let size = x.dtype == .complex64 ? abs(x, stream: stream) : x
        return sqrt(
            sum(square(size, stream: stream), axes: axes, keepDims: keepDims, stream: stream),
            stream: stream)
    }

    private func vector(_ x: MLXArray, _ p: Double, _ axis: Int) -> MLXArray {
        let size = abs(x, stream: stream)
        switch p {
        case .infinity: return size.max(axes: [axis], keepDims: keepDims, stream: stream)
        case -.infinity: return size.min(axes: [axis], keepDims: keepDims, stream: stream)
        case 0:
            return sum(
                notEqual(x, 0, stream: stream).asType(size.dtype, stream: stream), axes: [axis],
                keepDims: keepDims, stream: stream)
        case 1: return sum(size, axes: [axis], keepDims: keepDims, stream: stream)
        case 2: return euclidean(x, [axis])
        default:
            let powers = recordBinary(.power, size, p, stream)
            let total = sum(powers, axes: [axis], keepDims: keepDims, stream: stream)
            return recordBinary(.power, total, 1 / p, stream)
        }
    }

    /// Axes are (row, column): sums down a column run over the first.
    private func matrix(
        _ x: MLXArray, _ p: Double, _ axes: [Int]
    ) throws(ArrayError) -> MLXArray {
        let size = abs(x, stream: stream)
        func extreme(_ totals: MLXArray, _ axis: Int) -> MLXArray {
            let best =
                p > 0
                ? totals.max(axes: [axis], keepDims: true, stream: stream)
                : totals.min(axes: [axis], keepDims: true, stream: stream)
            return keepDims ? best : squeezed(best, axes: axes, stream: stream)
        }
        switch p {
        case 1, -1:
            return extreme(sum(size, axes: [axes[0]], keepDims: true, stream: stream), axes[1])
        case .infinity, -.infinity:
            return extreme(sum(size, axes: [axes[1]], keepDims: true, stream: stream), axes[0])
        case 2: return singular(x, axes) { $0.max(axes: [-1], stream: stream) }
        case -2: return singular(x, axes) { $0.min(axes: [-1], stream: stream) }
        default:
            throw ArrayError(
                .argument, "norm", "no matrix norm of order \(p)", shapes: [x.shape])
        }
    }

    /// A function of the singular values of the matrices in two axes.
    private func singular(
        _ x: MLXArray, _ axes: [Int], _ reduce: (MLXArray) -> MLXArray
    ) -> MLXArray {
        let others = (0..<x.ndim).filter { !axes.contains($0) }
        let last = transposed(x, axes: others + axes, stream: stream)
        let values: MLXArray = MLXLinalg.svd(last, stream: stream)
        let result = reduce(values)
        return keepDims
            ? expandedDimensions(result, axes: axes.sorted(), stream: stream) : result
    }
}
