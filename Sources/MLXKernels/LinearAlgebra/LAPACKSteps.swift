import COpenBLAS
import MLXBase

/// The steps of LAPACK's drivers for symmetric eigenvalues and singular values, for matrices that
/// are large enough to spread the last step over the team; see `SpreadDecompositions`. Matrices are
/// column-major and without gaps.
protocol LAPACKSteps: LAPACKScalar {
    /// A = Q T Qᵀ with T tridiagonal; Q stays in A as reflections.
    static func sytrd(
        _ uplo: Letter, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ tau: Values,
        _ work: Values, _ length: Int
    ) -> Int32
    /// Eigenvalues and vectors of a tridiagonal matrix, by divide and conquer.
    static func stedc(
        _ n: Int, _ d: Values, _ e: Values, _ z: Values, _ work: Values, _ length: Int,
        _ integers: Numbers, _ integerCount: Int
    ) -> Int32
    /// C = Q C with the reflections that `sytrd` left.
    static func ormtr(
        _ uplo: Letter, _ n: Int, _ columns: Int, _ a: Values, _ tau: Values, _ c: Values,
        _ work: Values, _ length: Int
    ) -> Int32
    /// A = Q B Pᵀ with B bidiagonal; Q and P stay in A as reflections.
    static func gebrd(
        _ m: Int, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ left: Values,
        _ right: Values, _ work: Values, _ length: Int
    ) -> Int32
    /// Singular values and vectors of a bidiagonal matrix, by divide and conquer.
    static func bdsdc(
        _ uplo: Letter, _ n: Int, _ d: Values, _ e: Values, _ u: Values, _ rowsOfU: Int,
        _ vt: Values, _ rowsOfVT: Int, _ work: Values, _ integers: Numbers
    ) -> Int32
    /// C = Q C or C Pᵀ with the reflections that `gebrd` left.
    static func ormbr(
        _ part: BidiagonalPart, _ m: Int, _ n: Int, _ k: Int, _ a: Values, _ lda: Int,
        _ tau: Values, _ c: Values, _ ldc: Int, _ work: Values, _ length: Int
    ) -> Int32
}

/// Which reflections of a bidiagonal form are applied, and to which side.
enum BidiagonalPart {
    case left, right

    var letter: UnsafePointer<CChar> {
        self == .left ? LAPACKLetter.reflectionsQ : LAPACKLetter.reflectionsP
    }
    var side: UnsafePointer<CChar> { self == .left ? LAPACKLetter.left : LAPACKLetter.right }
    var transposition: UnsafePointer<CChar> {
        self == .left ? LAPACKLetter.none : LAPACKLetter.transposed
    }
}

extension Float: LAPACKSteps {
    static func sytrd(
        _ uplo: Letter, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ tau: Values,
        _ work: Values, _ length: Int
    ) -> Int32 {
        var (n, length, info) = (Int32(n), Int32(length), Int32(0))
        ssytrd_(uplo, &n, a, &n, d, e, tau, work, &length, &info, 1)
        return info
    }
    static func stedc(
        _ n: Int, _ d: Values, _ e: Values, _ z: Values, _ work: Values, _ length: Int,
        _ integers: Numbers, _ integerCount: Int
    ) -> Int32 {
        var (n, length, count, info) = (Int32(n), Int32(length), Int32(integerCount), Int32(0))
        sstedc_(
            LAPACKLetter.identity, &n, d, e, z, &n, work, &length, integers, &count, &info, 1)
        return info
    }
    static func ormtr(
        _ uplo: Letter, _ n: Int, _ columns: Int, _ a: Values, _ tau: Values, _ c: Values,
        _ work: Values, _ length: Int
    ) -> Int32 {
        var (n, columns, length, info) = (Int32(n), Int32(columns), Int32(length), Int32(0))
        sormtr_(
            LAPACKLetter.left, uplo, LAPACKLetter.none, &n, &columns, a, &n, tau, c, &n, work,
            &length, &info, 1, 1, 1)
        return info
    }
    static func gebrd(
        _ m: Int, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ left: Values,
        _ right: Values, _ work: Values, _ length: Int
    ) -> Int32 {
        var (m, n, length, info) = (Int32(m), Int32(n), Int32(length), Int32(0))
        sgebrd_(&m, &n, a, &m, d, e, left, right, work, &length, &info)
        return info
    }
    static func bdsdc(
        _ uplo: Letter, _ n: Int, _ d: Values, _ e: Values, _ u: Values, _ rowsOfU: Int,
        _ vt: Values, _ rowsOfVT: Int, _ work: Values, _ integers: Numbers
    ) -> Int32 {
        var (n, ldu, ldv, info) = (Int32(n), Int32(rowsOfU), Int32(rowsOfVT), Int32(0))
        sbdsdc_(
            uplo, LAPACKLetter.identity, &n, d, e, u, &ldu, vt, &ldv, nil, nil, work, integers,
            &info, 1, 1)
        return info
    }
    static func ormbr(
        _ part: BidiagonalPart, _ m: Int, _ n: Int, _ k: Int, _ a: Values, _ lda: Int,
        _ tau: Values, _ c: Values, _ ldc: Int, _ work: Values, _ length: Int
    ) -> Int32 {
        var (m, n, k, lda, ldc) = (Int32(m), Int32(n), Int32(k), Int32(lda), Int32(ldc))
        var (length, info) = (Int32(length), Int32(0))
        sormbr_(
            part.letter, part.side, part.transposition, &m, &n, &k, a, &lda, tau, c, &ldc, work,
            &length, &info, 1, 1, 1)
        return info
    }
}

extension Double: LAPACKSteps {
    static func sytrd(
        _ uplo: Letter, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ tau: Values,
        _ work: Values, _ length: Int
    ) -> Int32 {
        var (n, length, info) = (Int32(n), Int32(length), Int32(0))
        dsytrd_(uplo, &n, a, &n, d, e, tau, work, &length, &info, 1)
        return info
    }
    static func stedc(
        _ n: Int, _ d: Values, _ e: Values, _ z: Values, _ work: Values, _ length: Int,
        _ integers: Numbers, _ integerCount: Int
    ) -> Int32 {
        var (n, length, count, info) = (Int32(n), Int32(length), Int32(integerCount), Int32(0))
        dstedc_(
            LAPACKLetter.identity, &n, d, e, z, &n, work, &length, integers, &count, &info, 1)
        return info
    }
    static func ormtr(
        _ uplo: Letter, _ n: Int, _ columns: Int, _ a: Values, _ tau: Values, _ c: Values,
        _ work: Values, _ length: Int
    ) -> Int32 {
        var (n, columns, length, info) = (Int32(n), Int32(columns), Int32(length), Int32(0))
        dormtr_(
            LAPACKLetter.left, uplo, LAPACKLetter.none, &n, &columns, a, &n, tau, c, &n, work,
            &length, &info, 1, 1, 1)
        return info
    }
    static func gebrd(
        _ m: Int, _ n: Int, _ a: Values, _ d: Values, _ e: Values, _ left: Values,
        _ right: Values, _ work: Values, _ length: Int
    ) -> Int32 {
        var (m, n, length, info) = (Int32(m), Int32(n), Int32(length), Int32(0))
        dgebrd_(&m, &n, a, &m, d, e, left, right, work, &length, &info)
        return info
    }
    static func bdsdc(
        _ uplo: Letter, _ n: Int, _ d: Values, _ e: Values, _ u: Values, _ rowsOfU: Int,
        _ vt: Values, _ rowsOfVT: Int, _ work: Values, _ integers: Numbers
    ) -> Int32 {
        var (n, ldu, ldv, info) = (Int32(n), Int32(rowsOfU), Int32(rowsOfVT), Int32(0))
        dbdsdc_(
            uplo, LAPACKLetter.identity, &n, d, e, u, &ldu, vt, &ldv, nil, nil, work, integers,
            &info, 1, 1)
        return info
    }
    static func ormbr(
        _ part: BidiagonalPart, _ m: Int, _ n: Int, _ k: Int, _ a: Values, _ lda: Int,
        _ tau: Values, _ c: Values, _ ldc: Int, _ work: Values, _ length: Int
    ) -> Int32 {
        var (m, n, k, lda, ldc) = (Int32(m), Int32(n), Int32(k), Int32(lda), Int32(ldc))
        var (length, info) = (Int32(length), Int32(0))
        dormbr_(
            part.letter, part.side, part.transposition, &m, &n, &k, a, &lda, tau, c, &ldc, work,
            &length, &info, 1, 1, 1)
        return info
    }
}
