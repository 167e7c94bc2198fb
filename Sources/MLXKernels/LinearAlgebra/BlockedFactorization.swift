import CMLXKernels
import COpenBLAS
import MLXBase

/// Factorisations of one large matrix spread over the team: panels of columns are factored by
/// LAPACK on one thread, then our own products update bands of the rest side by side. Block sizes
/// depend on the matrix alone, so the result does too. Small matrices go to LAPACK whole.
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
        let product = TrailingProduct<T>(n, panel)
        defer { product.deallocate() }
        for j in stride(from: 0, to: n, by: panel) {
            let width = min(panel, n - j)
            factorPanel(r, n, j, width, pivots, &info)
            if info > 0 && first == 0 { first = info + Int32(j) }
            let bands = (n + band - 1) / band
            product.pack(r + j * n + j + width, width, n - j - width, isTransposed: false, fanOut)
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: band * width * (n - j) * 30) {
                for index in $0 {
                    let rows = (index * band)..<min(n, (index + 1) * band)
                    if rows.upperBound <= j + width && rows.lowerBound >= j { continue }
                    update(r, n, j, width, pivots, rows, product)
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
        _ pivots: UnsafePointer<Int32>, _ rows: Range<Int>, _ product: TrailingProduct<T>
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
        product.subtract(
            line + j, count, from: line + j + width, columns: n - j - width, depth: width)
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
        let product = TrailingProduct<T>(n, panel)
        defer { product.deallocate() }
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
            product.pack(r + next * n + j, width, n - next, isTransposed: true, fanOut)
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: band * width * (n - j) * 15) {
                for index in $0 {
                    let row = next + index * band
                    let count = min(band, n - row)
                    product.subtract(
                        r + row * n + j, count, from: r + row * n + next,
                        columns: row + count - next, depth: width)
                }
            }
        }
        return 0
    }
}

/// What a panel subtracts from the rest of its matrix: products of rows where they lie with one
/// right operand, which is packed once.
private struct TrailingProduct<T: LAPACKScalar>: @unchecked Sendable {
    // SAFETY: written by `pack` before bands read it.
    private let panels: UnsafeMutableRawPointer
    private let packed = PackedProduct(T.self == Double.self ? .float64 : .float32)
    private let n: Int
    private var size: Int { MemoryLayout<T>.size }

    /// - Parameter n: of the matrix, whose rows are n apart.
    init(_ n: Int, _ depth: Int) {
        self.n = n
        panels = .allocate(byteCount: max(packed.rightBytes(n, depth), 64), alignment: 64)
    }

    func deallocate() { panels.deallocate() }

    /// Packs the right operand, (depth, columns), which lies so or transposed.
    func pack(
        _ b: UnsafeMutablePointer<T>, _ depth: Int, _ columns: Int, isTransposed: Bool,
        _ fanOut: any FanOut
    ) {
        if columns <= 0 { return }
        let dtype: DType = size == 8 ? .float64 : .float32
        packed.packNegated(
            MatrixView(
                pointer: b, dtype: dtype, rows: depth, columns: columns,
                rowStride: isTransposed ? 1 : n, columnStride: isTransposed ? n : 1),
            into: panels, fanOut)
    }

    /// C -= A B for `count` rows of A and the first columns of B.
    func subtract(
        _ a: UnsafePointer<T>, _ count: Int, from c: UnsafeMutablePointer<T>, columns: Int,
        depth: Int
    ) {
        if columns <= 0 { return }
        mlx_gemm_tile(
            packed.gemm, packed.rows(at: a, rowBytes: n * size), packed.rightPanels(panels, depth),
            c, n, count, columns, depth, true)
    }
}
