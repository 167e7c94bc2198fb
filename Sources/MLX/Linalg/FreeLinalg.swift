import MLXBase
import MLXGraph

// The functions of MLXLinalg as free functions, as far as mlx-swift has them: not `svd` of singular
// values alone, nor the norm of a numbered order over a collection of axes.

/// Orthogonal and triangular factors, x = q r, of each matrix (…, m, n): q (…, m, k) with
/// orthonormal columns and r (…, k, n), k the smaller of m and n. By Householder reflections, so
/// the diagonal of r may be negative.
///
/// ```swift
/// let (q, r) = qr(MLXArray([2, 3, 1, 2] as [Float], [2, 2]))
/// ```
/// - Note: needs float32 or float64 and two axes or more.
public func qr(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.qr(array, stream: stream)
}

/// The singular value decomposition x = u diag(s) vᵀ of each matrix (…, m, n): u (…, m, m), s
/// falling, vᵀ (…, n, n). By divide and conquer. Also of complex64, where vᵀ is the conjugate
/// transpose.
///
/// ```swift
/// let (u, s, vt) = svd(MLXArray([1, 2, 3, 4] as [Float], [2, 2]))
/// ```
/// - Note: values that are not finite are an error when evaluated. Vectors of equal singular values
///   have no derivative; their part of a gradient is taken as zero.
public func svd(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray, MLXArray) {
    MLXLinalg.svd(array, stream: stream)
}

/// The inverse of each matrix (…, n, n).
///
/// ```swift
/// inv(MLXArray([2, 0, 0, 4] as [Float], [2, 2]))  // 0.5, 0, 0, 0.25
/// ```
/// - Note: a singular matrix is an error when evaluated.
public func inv(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.inv(array, stream: stream)
}

/// The inverse of the lower (or upper) triangle of each matrix (…, n, n); the other triangle is not
/// read.
///
/// ```swift
/// triInv(MLXArray([2, 0, 1, 1] as [Float], [2, 2]))  // 0.5, 0, -0.5, 1
/// ```
/// - Note: a zero on the diagonal is an error when evaluated.
public func triInv(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.triInv(array, upper: upper, stream: stream)
}

/// The triangular factor l of each symmetric positive definite matrix, x = l lᵀ, or with `upper`
/// its transpose. Reads the lower triangle.
///
/// ```swift
/// cholesky(MLXArray([4, 2, 2, 5] as [Float], [2, 2]))  // 2, 0, 1, 2
/// ```
/// - Note: a matrix that is not positive definite is an error when evaluated.
public func cholesky(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.cholesky(array, upper: upper, stream: stream)
}

/// The inverse of the matrix that a factor of `cholesky` is of: (l lᵀ)⁻¹, or (uᵀ u)⁻¹.
///
/// ```swift
/// choleskyInv(cholesky(a))  // inv(a)
/// ```
/// - Note: a zero on the diagonal is an error when evaluated.
public func choleskyInv(
    _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.choleskyInv(array, upper: upper, stream: stream)
}

/// The cross product of the vectors of two or three numbers along an axis, the others broadcast;
/// vectors of two lie in the plane. The axis of the result has length three.
///
/// ```swift
/// cross(MLXArray([1, 0, 0]), MLXArray([0, 1, 0]))  // 0, 0, 1
/// ```
public func cross(
    _ a: MLXArray, _ b: MLXArray, axis: Int = -1, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.cross(a, b, axis: axis, stream: stream)
}

/// The factors p, l, u of each matrix (…, m, n) with rows interchanged: row i of x is row p[i] of l
/// u. l (…, m, k) has ones on its diagonal, u is (…, k, n), p uint32 (…, m).
///
/// ```swift
/// let (p, l, u) = lu(x)
/// let same = takeAlong(matmul(l, u), p[.ellipsis, .newAxis], axis: -2)
/// ```
public func lu(
    _ a: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray, MLXArray) {
    MLXLinalg.lu(a, stream: stream)
}

/// The factors of `lu` in one array (…, m, n), l without its diagonal of ones, and the pivots: row
/// i was interchanged with row pivots[i], one after the other; uint32.
///
/// ```swift
/// let (factors, pivots) = lu_factor(x)
/// ```
public func lu_factor(
    _ a: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.lu_factor(a, stream: stream)
}

/// The solution of a x = b for each square matrix, by LU with interchanges; b is (…, n, k) or one
/// vector (n). Other axes broadcast.
///
/// ```swift
/// let a = MLXArray([2, 0, 0, 4] as [Float], [2, 2])
/// solve(a, MLXArray([2, 2] as [Float]))  // 1, 0.5
/// ```
/// - Note: a singular matrix is an error when evaluated.
public func solve(
    _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.solve(a, b, stream: stream)
}

/// The solution of t x = b, where t is the lower (or upper) triangle of a; b as for `solve`.
///
/// ```swift
/// let a = MLXArray([2, 0, 1, 1] as [Float], [2, 2])
/// solveTriangular(a, MLXArray([2, 3] as [Float]))  // 1, 2
/// ```
/// - Note: a zero on the diagonal is an error when evaluated.
public func solveTriangular(
    _ a: MLXArray, _ b: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.solveTriangular(a, b, upper: upper, stream: stream)
}

/// Eigenvalues (…, n) in LAPACK's order and right eigenvectors of norm one, as columns (…, n, n),
/// of each square matrix; complex64.
///
/// ```swift
/// let (w, v) = eig(MLXArray([1, 1, 3, 4] as [Float], [2, 2]))
/// ```
/// - Note: has no derivative. Values that are not finite are an error when evaluated.
public func eig(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.eig(array, stream: stream)
}

/// The eigenvalues of each square matrix, complex64, in LAPACK's order.
///
/// ```swift
/// eigvals(MLXArray([0, -1, 1, 0] as [Float], [2, 2]))  // i, -i
/// ```
public func eigvals(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.eigvals(array, stream: stream)
}

/// Eigenvalues, rising, and orthonormal eigenvectors as columns of each symmetric (complex64:
/// Hermitian) matrix. Reads one triangle.
///
/// ```swift
/// let (w, v) = eigh(MLXArray([1, -2, -2, 1] as [Float], [2, 2]))  // -1, 3
/// ```
/// - Parameter UPLO: the triangle, "L" or "U".
public func eigh(
    _ array: MLXArray, UPLO: String = "L", stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXLinalg.eigh(array, UPLO: UPLO, stream: stream)
}

/// The eigenvalues, rising, of each symmetric (complex64: Hermitian) matrix.
///
/// ```swift
/// eigvalsh(MLXArray([1, -2, -2, 1] as [Float], [2, 2]))  // -1, 3
/// ```
/// - Parameter UPLO: the triangle that is read, "L" or "U".
public func eigvalsh(
    _ array: MLXArray, UPLO: String = "L", stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.eigvalsh(array, UPLO: UPLO, stream: stream)
}

/// The Moore-Penrose inverse (…, n, m) of each matrix (…, m, n); singular values up to 10 max(m, n)
/// ε times the largest count as zero.
///
/// ```swift
/// pinv(MLXArray([1, 2] as [Float], [2, 1]))  // 0.2, 0.4
/// ```
public func pinv(
    _ array: MLXArray, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.pinv(array, stream: stream)
}

/// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
///
/// ```swift
/// norm(x, axes: [0, 1])
/// ```
/// - Parameters:
///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc` the
///     sum of singular values.
///   - keepDims: keep the axes with size one.
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axes: some Collection<Int>,
    keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axes: axes, keepDims: keepDims, stream: stream)
}

/// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
///
/// ```swift
/// norm(x, axis: 0)
/// ```
/// - Parameters:
///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc` the
///     sum of singular values.
///   - keepDims: keep the axes with size one.
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axis: Int, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// A norm of a numbered order: over one axis of vectors, (Σ|x|^p)^(1/p), the largest for ∞, the
/// smallest for -∞, the number of elements that are not zero for 0; over two of matrices, the
/// largest (negative: smallest) sum of a column (1), of a row (∞) or singular value (2).
///
/// ```swift
/// norm(x, ord: .infinity, axis: 0)
/// ```
/// - Parameter keepDims: keep the axes with size one.
public func norm(
    _ array: MLXArray, ord: Double, axis: Int, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// The 2-norm over the given axes (all by default), or a matrix norm over two of them.
///
/// ```swift
/// norm(x, ord: .nuc)
/// ```
/// - Parameters:
///   - ord: nil for the square root of the sum of squares; `.fro` the same for two axes, `.nuc` the
///     sum of singular values.
///   - keepDims: keep the axes with size one.
public func norm(
    _ array: MLXArray, ord: MLXLinalg.NormKind? = nil, axis: IntOrArray? = nil,
    keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}

/// A norm of a numbered order: over one axis of vectors, (Σ|x|^p)^(1/p), the largest for ∞, the
/// smallest for -∞, the number of elements that are not zero for 0; over two of matrices, the
/// largest (negative: smallest) sum of a column (1), of a row (∞) or singular value (2).
///
/// ```swift
/// norm(x, ord: 3)
/// ```
/// - Parameter keepDims: keep the axes with size one.
public func norm(
    _ array: MLXArray, ord: Double, axis: IntOrArray? = nil, keepDims: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXLinalg.norm(array, ord: ord, axis: axis, keepDims: keepDims, stream: stream)
}
