import COpenBLAS
import MLXBase

/// The LAPACK routines of one real type, by LAPACK's names without the letter of the type.
/// Matrices are column-major; a row-major one is its transpose. Each runs on the calling thread.
protocol LAPACKScalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    typealias Letter = UnsafePointer<CChar>
    typealias Number = UnsafePointer<Int32>
    typealias Numbers = UnsafeMutablePointer<Int32>
    typealias Values = UnsafeMutablePointer<Self>

    static var gesdd:
        (
            Letter?, Number?, Number?, Values?, Number?, Values?, Values?, Number?, Values?,
            Number?,
            Values?, Number?, Numbers?, Numbers?, Int
        ) -> Void
    { get }
    static var geqrf:
        (
            Number?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?
        ) -> Void
    { get }
    static var orgqr:
        (
            Number?, Number?, Number?, Values?, Number?, UnsafePointer<Self>?, Values?, Number?,
            Numbers?
        ) -> Void
    { get }
    static var getrf: (Number?, Number?, Values?, Number?, Numbers?, Numbers?) -> Void { get }
    static var potrf: (Letter?, Number?, Values?, Number?, Numbers?, Int) -> Void { get }
    static var trtri:
        (
            Letter?, Letter?, Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { get }
    static var syevd:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?,
            Number?,
            Numbers?, Int, Int
        ) -> Void
    { get }
    static var geev:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Values?, Number?,
            Values?,
            Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { get }
    /// B = op(A)⁻¹ B (left) or B op(A)⁻¹, all row-major.
    static func solveTriangle(
        _ side: CBLAS_SIDE, _ uplo: CBLAS_UPLO, _ trans: CBLAS_TRANSPOSE, _ diag: CBLAS_DIAG,
        _ m: Int, _ n: Int, _ a: UnsafePointer<Self>, _ lda: Int, _ b: Values, _ ldb: Int)
    /// C -= op(A) op(B), all row-major.
    static func subtractProduct(
        _ ta: CBLAS_TRANSPOSE, _ tb: CBLAS_TRANSPOSE, _ m: Int, _ n: Int, _ k: Int,
        _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafePointer<Self>, _ ldb: Int,
        _ c: Values, _ ldc: Int)
}

extension Float: LAPACKScalar {
    static var gesdd:
        (
            Letter?, Number?, Number?, Values?, Number?, Values?, Values?, Number?, Values?,
            Number?,
            Values?, Number?, Numbers?, Numbers?, Int
        ) -> Void
    { sgesdd_ }
    static var geqrf:
        (
            Number?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?
        ) -> Void
    { sgeqrf_ }
    static var orgqr:
        (
            Number?, Number?, Number?, Values?, Number?, UnsafePointer<Float>?, Values?, Number?,
            Numbers?
        ) -> Void
    { sorgqr_ }
    static var getrf: (Number?, Number?, Values?, Number?, Numbers?, Numbers?) -> Void { sgetrf_ }
    static var potrf: (Letter?, Number?, Values?, Number?, Numbers?, Int) -> Void { spotrf_ }
    static var trtri:
        (
            Letter?, Letter?, Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { strtri_ }
    static var syevd:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?,
            Number?,
            Numbers?, Int, Int
        ) -> Void
    { ssyevd_ }
    static var geev:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Values?, Number?,
            Values?,
            Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { sgeev_ }
    static func solveTriangle(
        _ side: CBLAS_SIDE, _ uplo: CBLAS_UPLO, _ trans: CBLAS_TRANSPOSE, _ diag: CBLAS_DIAG,
        _ m: Int, _ n: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ b: Values, _ ldb: Int
    ) {
        cblas_strsm(
            CblasRowMajor, side, uplo, trans, diag, Int32(m), Int32(n), 1, a, Int32(lda), b,
            Int32(ldb))
    }
    static func subtractProduct(
        _ ta: CBLAS_TRANSPOSE, _ tb: CBLAS_TRANSPOSE, _ m: Int, _ n: Int, _ k: Int,
        _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int,
        _ c: Values, _ ldc: Int
    ) {
        cblas_sgemm(
            CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), -1, a, Int32(lda), b,
            Int32(ldb), 1, c, Int32(ldc))
    }
}

extension Double: LAPACKScalar {
    static var gesdd:
        (
            Letter?, Number?, Number?, Values?, Number?, Values?, Values?, Number?, Values?,
            Number?,
            Values?, Number?, Numbers?, Numbers?, Int
        ) -> Void
    { dgesdd_ }
    static var geqrf:
        (
            Number?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?
        ) -> Void
    { dgeqrf_ }
    static var orgqr:
        (
            Number?, Number?, Number?, Values?, Number?, UnsafePointer<Double>?, Values?, Number?,
            Numbers?
        ) -> Void
    { dorgqr_ }
    static var getrf: (Number?, Number?, Values?, Number?, Numbers?, Numbers?) -> Void { dgetrf_ }
    static var potrf: (Letter?, Number?, Values?, Number?, Numbers?, Int) -> Void { dpotrf_ }
    static var trtri:
        (
            Letter?, Letter?, Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { dtrtri_ }
    static var syevd:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Number?, Numbers?,
            Number?,
            Numbers?, Int, Int
        ) -> Void
    { dsyevd_ }
    static var geev:
        (
            Letter?, Letter?, Number?, Values?, Number?, Values?, Values?, Values?, Number?,
            Values?,
            Number?, Values?, Number?, Numbers?, Int, Int
        ) -> Void
    { dgeev_ }
    static func solveTriangle(
        _ side: CBLAS_SIDE, _ uplo: CBLAS_UPLO, _ trans: CBLAS_TRANSPOSE, _ diag: CBLAS_DIAG,
        _ m: Int, _ n: Int, _ a: UnsafePointer<Double>, _ lda: Int, _ b: Values, _ ldb: Int
    ) {
        cblas_dtrsm(
            CblasRowMajor, side, uplo, trans, diag, Int32(m), Int32(n), 1, a, Int32(lda), b,
            Int32(ldb))
    }
    static func subtractProduct(
        _ ta: CBLAS_TRANSPOSE, _ tb: CBLAS_TRANSPOSE, _ m: Int, _ n: Int, _ k: Int,
        _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafePointer<Double>, _ ldb: Int,
        _ c: Values, _ ldc: Int
    ) {
        cblas_dgemm(
            CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), -1, a, Int32(lda), b,
            Int32(ldb), 1, c, Int32(ldc))
    }
}
