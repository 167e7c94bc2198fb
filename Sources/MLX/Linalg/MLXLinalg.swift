import MLXBase
import MLXGraph
import MLXOps

/// Linear algebra of the matrices in the last two axes; axes before them are a batch.
/// Decompositions are LAPACK's; large matrices are factored by all threads, of many small ones each
/// gets a thread.
public enum MLXLinalg {
    /// Orthogonal and triangular factors, x = q r, of each matrix (…, m, n): q (…, m, k) with
    /// orthonormal columns and r (…, k, n), k the smaller of m and n. By Householder reflections,
    /// so the diagonal of r may be negative.
    ///
    /// ```swift
    /// let (q, r) = MLXLinalg.qr(MLXArray([2, 3, 1, 2] as [Float], [2, 2]))
    /// ```
    /// - Note: needs float32 or float64 and two axes or more.
    public static func qr(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let (m, n) = extents(array)
        let k = Swift.min(m, n)
        let packed = Ops.record(.qr, [array], stream: stream.id)
        return (part(packed, 0, [m, k], stream), part(packed, m * k, [k, n], stream))
    }

    /// The singular value decomposition x = u diag(s) vᵀ of each matrix (…, m, n): u (…, m, m), s
    /// falling, vᵀ (…, n, n). By divide and conquer. Also of complex64, where vᵀ is the conjugate
    /// transpose.
    ///
    /// ```swift
    /// let (u, s, vt) = MLXLinalg.svd(MLXArray([1, 2, 3, 4] as [Float], [2, 2]))
    /// ```
    /// - Note: values that are not finite are an error when evaluated. Vectors of equal singular
    ///   values have no derivative; their part of a gradient is taken as zero.
    @_disfavoredOverload
    public static func svd(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray, MLXArray) {
        let (m, n) = extents(array)
        let k = Swift.min(m, n)
        let packed = Ops.record(.svd, [array], stream: stream.id)
        let s = part(packed, m * m, [k], stream)
        return (
            part(packed, 0, [m, m], stream),
            s.dtype == .complex64 ? s.realPart(stream: stream) : s,
            part(packed, m * m + k, [n, n], stream)
        )
    }

    /// The singular values of each matrix (…, m, n), falling.
    ///
    /// ```swift
    /// let s: MLXArray = MLXLinalg.svd(MLXArray([3, 0, 0, 4] as [Float], [2, 2]))  // 4, 3
    /// ```
    /// - Note: values that are not finite are an error when evaluated.
    public static func svd(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        guard array.dtype == .complex64 else {
            return Ops.record(.singularValues, [array], stream: stream.id)
        }
        let (_, s, _): (MLXArray, MLXArray, MLXArray) = svd(array, stream: stream)
        return s
    }

    /// Eigenvalues (…, n) in LAPACK's order and right eigenvectors of norm one, as columns (…, n,
    /// n), of each square matrix; complex64.
    ///
    /// ```swift
    /// let (w, v) = MLXLinalg.eig(MLXArray([1, 1, 3, 4] as [Float], [2, 2]))
    /// ```
    /// - Note: has no derivative. Values that are not finite are an error when evaluated.
    public static func eig(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let (_, n) = extents(array)
        let packed = Ops.record(.eig, [array], stream: stream.id)
        return (part(packed, 0, [n], stream), part(packed, n, [n, n], stream))
    }

    /// The eigenvalues of each square matrix, complex64, in LAPACK's order.
    ///
    /// ```swift
    /// MLXLinalg.eigvals(MLXArray([0, -1, 1, 0] as [Float], [2, 2]))  // i, -i
    /// ```
    public static func eigvals(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return Ops.record(.eigvals, [array], stream: stream.id)
    }

    /// Eigenvalues, rising, and orthonormal eigenvectors as columns of each symmetric (complex64:
    /// Hermitian) matrix. Reads one triangle.
    ///
    /// ```swift
    /// let (w, v) = MLXLinalg.eigh(MLXArray([1, -2, -2, 1] as [Float], [2, 2]))  // -1, 3
    /// ```
    /// - Parameter UPLO: the triangle, "L" or "U".
    public static func eigh(
        _ array: MLXArray, UPLO: String = "L", stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let (_, n) = extents(array)
        let packed = symmetric(.eigh, array, UPLO, stream)
        let w = part(packed, 0, [n], stream)
        return (
            w.dtype == .complex64 ? w.realPart(stream: stream) : w, part(packed, n, [n, n], stream)
        )
    }

    /// The eigenvalues, rising, of each symmetric (complex64: Hermitian) matrix.
    ///
    /// ```swift
    /// MLXLinalg.eigvalsh(MLXArray([1, -2, -2, 1] as [Float], [2, 2]))  // -1, 3
    /// ```
    /// - Parameter UPLO: the triangle that is read, "L" or "U".
    public static func eigvalsh(
        _ array: MLXArray, UPLO: String = "L", stream: StreamOrDevice = .default
    ) -> MLXArray {
        let w = symmetric(.eigvalsh, array, UPLO, stream)
        return w.dtype == .complex64 ? w.realPart(stream: stream) : w
    }

    /// The Moore-Penrose inverse (…, n, m) of each matrix (…, m, n); singular values up to 10
    /// max(m, n) ε times the largest count as zero.
    ///
    /// ```swift
    /// MLXLinalg.pinv(MLXArray([1, 2] as [Float], [2, 1]))  // 0.2, 0.4
    /// ```
    public static func pinv(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return Ops.record(.pseudoInverse, [array], stream: stream.id)
    }

    // MARK: - Parts of packed results

    /// The matrix's extents; a bad shape has its error in the recorded array.
    static func extents(_ array: MLXArray) -> (Int, Int) {
        array.ndim < 2 ? (0, 0) : (array.dim(-2), array.dim(-1))
    }

    static func part(
        _ packed: MLXArray, _ offset: Int, _ dims: [Int], _ stream: StreamOrDevice
    ) -> MLXArray {
        NodeReference(packed).isPoisoned
            ? packed : Ops.unpacked(packed, at: offset, dims, stream: stream.id)
    }

    private static func symmetric(
        _ code: OpCode, _ array: MLXArray, _ triangle: String, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([array]) { () throws(ArrayError) in
            guard triangle == "L" || triangle == "U" else {
                throw ArrayError(
                    .argument, OpTable.name(code), "UPLO is L or U, not '\(triangle.prefix(16))'")
            }
            return Ops.record(
                code, [array], Attributes(word: triangle == "L" ? 1 : 0), stream: stream.id)
        }
    }
}
