import COpenBLAS
import MLXBase

/// Factorisations of one large matrix spread over the team: panels of columns are factored by
/// LAPACK on one thread, then bands of the rest are updated side by side. Block sizes depend on
/// the matrix alone, so the result does too. Small matrices go to LAPACK whole.
enum BlockedFactorization {
    private static let panel = 64
    private static let band = 64
    /// Below this many rows LAPACK alone is as quick.
    private static let least = 192

    /// The factors of the transpose, as LAPACK stores them: with row-major R, the lower triangle
    /// (with diagonal) and the upper (of ones) such that R's columns, interchanged by `pivots`,
    /// are their product.
    static func lu<T: LAPACKScalar>(
        _ r: UnsafeMutablePointer<T>, _ n: Int, _ pivots: UnsafeMutablePointer<Int32>,
        _ fanOut: any FanOut
    ) -> Int32 {
        var info: Int32 = 0
        if n < least {
            var (rows, columns, leading) = (Int32(n), Int32(n), Int32(n))
            T.getrf(&rows, &columns, r, &leading, pivots, &info)
            return info
        }
        var first: Int32 = 0
        // SAFETY: chunks write rows of their own; the panel was written before they start.
        nonisolated(unsafe) let r = r
        nonisolated(unsafe) let pivots = pivots
        for j in stride(from: 0, to: n, by: panel) {
            let width = min(panel, n - j)
            factorPanel(r, n, j, width, pivots, &info)
            if info > 0 && first == 0 { first = info + Int32(j) }
            let bands = (n + band - 1) / band
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: band * width * (n - j) * 40) {
                for index in $0 {
                    let rows = (index * band)..<min(n, (index + 1) * band)
                    if rows.upperBound <= j + width && rows.lowerBound >= j { continue }
                    update(r, n, j, width, pivots, rows)
                }
            }
        }
        return first
    }

    /// Factors columns j ..< j + width of the transpose, from row j on.
    private static func factorPanel<T: LAPACKScalar>(
        _ r: UnsafeMutablePointer<T>, _ n: Int, _ j: Int, _ width: Int,
        _ pivots: UnsafeMutablePointer<Int32>, _ info: inout Int32
    ) {
        var (rows, columns, leading) = (Int32(n - j), Int32(width), Int32(n))
        T.getrf(&rows, &columns, r + j * n + j, &leading, pivots + j, &info)
        for i in j..<j + width { pivots[i] += Int32(j) }
    }

    /// Interchanges in some rows and, right of the panel, their part of U and the rest.
    private static func update<T: LAPACKScalar>(
        _ r: UnsafeMutablePointer<T>, _ n: Int, _ j: Int, _ width: Int,
        _ pivots: UnsafePointer<Int32>, _ rows: Range<Int>
    ) {
        for row in rows where row < j || row >= j + width {
            let line = r + row * n
            for i in j..<j + width {
                let other = Int(pivots[i]) - 1
                if other == i { continue }
                (line[i], line[other]) = (line[other], line[i])
            }
        }
        let start = max(rows.lowerBound, j + width)
        let count = rows.upperBound - start
        if count <= 0 { return }
        let line = r + start * n
        T.solveTriangle(
            CblasRight, CblasUpper, CblasNoTrans, CblasUnit, count, width, r + j * n + j, n,
            line + j, n)
        let rest = n - j - width
        T.subtractProduct(
            CblasNoTrans, CblasNoTrans, count, rest, width, line + j, n,
            r + j * n + j + width, n, line + j + width, n)
    }

    /// R = L Lᵀ in place in the lower triangle.
    static func cholesky<T: LAPACKScalar>(
        _ r: UnsafeMutablePointer<T>, _ n: Int, _ fanOut: any FanOut
    ) -> Int32 {
        var info: Int32 = 0
        if n < least {
            var (size, leading) = (Int32(n), Int32(n))
            T.potrf(LAPACKLetter.upper, &size, r, &leading, &info, 1)
            return info
        }
        // SAFETY: chunks write rows of their own and read what was finished before they start.
        nonisolated(unsafe) let r = r
        for j in stride(from: 0, to: n, by: panel) {
            let width = min(panel, n - j)
            var (size, leading) = (Int32(width), Int32(n))
            T.potrf(LAPACKLetter.upper, &size, r + j * n + j, &leading, &info, 1)
            if info != 0 { return info > 0 ? info + Int32(j) : info }
            let next = j + width
            let bands = (n - next + band - 1) / band
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: band * width * width * 40) {
                for index in $0 {
                    let row = next + index * band
                    T.solveTriangle(
                        CblasRight, CblasLower, CblasTrans, CblasNonUnit, min(band, n - row),
                        width, r + j * n + j, n, r + row * n + j, n)
                }
            }
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: band * width * (n - j) * 20) {
                for index in $0 {
                    let row = next + index * band
                    let count = min(band, n - row)
                    T.subtractProduct(
                        CblasNoTrans, CblasTrans, count, row + count - next, width,
                        r + row * n + j, n, r + next * n + j, n, r + row * n + next, n)
                }
            }
        }
        return 0
    }
}
