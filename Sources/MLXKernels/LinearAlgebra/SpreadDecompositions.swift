import COpenBLAS
import MLXBase

/// Symmetric eigenvalues and singular values of large matrices in LAPACK's own steps: reduction to
/// two diagonals, divide and conquer, and the products that turn the vectors back, which go over
/// the team in bands. The bands depend on the matrix alone, so the result does too.
///
/// Matrices whose numbers need scaling first, and all others, go to LAPACK's drivers whole.
struct SpreadDecompositions<T: LAPACKSteps> {
    /// Below this size the drivers are as quick.
    static var least: Int { 128 }
    private static var band: Int { 64 }
    /// Blocks of reflections, as LAPACK makes them, with their triangles.
    private static var bandWork: Int { band * 64 + 65 * 64 }

    let fanOut: any FanOut

    /// Whether squares of the numbers neither overflow nor vanish.
    static func isModest(_ values: UnsafePointer<T>, _ count: Int) -> Bool {
        var largest: T = 0
        for index in 0..<count { largest = max(largest, abs(values[index])) }
        let low = (T.leastNormalMagnitude / T.ulpOfOne).squareRoot()
        return largest > low && largest < 1 / low
    }

    // MARK: - Eigenvalues

    /// The numbers of scratch that `eigh` takes.
    static func eighWork(_ n: Int) -> Int {
        2 * n * n + 70 * n + 64 + (n + band - 1) / band * bandWork
    }

    /// The eigenvalues of a symmetric matrix into `w`; its vectors take its place as columns.
    /// - Parameter integers: 3 + 5 n of them.
    /// - Returns: LAPACK's `info`.
    func eigh(
        _ a: UnsafeMutablePointer<T>, _ n: Int, _ triangle: UnsafePointer<CChar>,
        _ w: UnsafeMutablePointer<T>, _ work: UnsafeMutablePointer<T>,
        _ integers: UnsafeMutablePointer<Int32>
    ) -> Int32 {
        let (z, rest) = (work, work + n * n)
        let (e, tau, free) = (rest, rest + n, rest + 2 * n)
        var info = T.sytrd(triangle, n, a, w, e, tau, free, 64 * n)
        if info != 0 { return info }
        info = T.stedc(n, w, e, z, free, 1 + 4 * n + n * n, integers, 3 + 5 * n)
        if info != 0 { return info }
        overBands(n, free, operations: 2 * n * n) { first, width, own in
            _ = T.ormtr(triangle, n, width, a, tau, z + first * n, own, Self.bandWork)
        }
        a.update(from: z, count: n * n)
        return 0
    }

    // MARK: - Singular values

    /// Whether a matrix is large and not so tall or wide that LAPACK begins with a QR
    /// decomposition.
    static func takesSVD(_ m: Int, _ n: Int) -> Bool {
        min(m, n) >= least && 6 * max(m, n) < 11 * min(m, n)
    }

    /// The numbers of scratch that `svd` takes.
    static func svdWork(_ m: Int, _ n: Int) -> Int {
        let k = min(m, n)
        let bands = (max(m, n) + band - 1) / band
        return 3 * k + 64 + max(3 * k * k + 4 * k, 64 * (m + n), bands * bandWork)
    }

    /// A = U S Vᵀ with all columns of U (m, m) and all rows of Vᵀ (n, n); A is lost.
    /// - Parameter integers: 8 min(m, n) of them.
    /// - Returns: LAPACK's `info`.
    func svd(
        _ a: UnsafeMutablePointer<T>, _ m: Int, _ n: Int, _ s: UnsafeMutablePointer<T>,
        _ u: UnsafeMutablePointer<T>, _ vt: UnsafeMutablePointer<T>,
        _ work: UnsafeMutablePointer<T>, _ integers: UnsafeMutablePointer<Int32>
    ) -> Int32 {
        let k = min(m, n)
        let (e, left, right, free) = (work, work + k, work + 2 * k, work + 3 * k)
        var info = T.gebrd(m, n, a, s, e, left, right, free, 64 * (m + n))
        if info != 0 { return info }
        identity(u, m)
        identity(vt, n)
        let triangle = m >= n ? LAPACKLetter.upper : LAPACKLetter.lower
        info = T.bdsdc(triangle, k, s, e, u, m, vt, n, free, integers)
        if info != 0 { return info }
        overBands(m, free, operations: 2 * m * k) { first, width, own in
            _ = T.ormbr(
                .left, m, width, n, a, m, left, u + first * m, m, own, Self.bandWork)
        }
        overBands(n, free, operations: 2 * n * k) { first, width, own in
            _ = T.ormbr(.right, width, n, m, a, m, right, vt + first, n, own, Self.bandWork)
        }
        return 0
    }

    private func identity(_ matrix: UnsafeMutablePointer<T>, _ n: Int) {
        matrix.update(repeating: 0, count: n * n)
        for i in 0..<n { matrix[i * (n + 1)] = 1 }
    }

    /// Calls the body for bands of columns or rows, each with work of its own.
    private func overBands(
        _ count: Int, _ work: UnsafeMutablePointer<T>, operations: Int,
        _ body: (_ first: Int, _ width: Int, _ own: UnsafeMutablePointer<T>) -> Void
    ) {
        let bands = (count + Self.band - 1) / Self.band
        // SAFETY: bands write columns or rows, and use work, of their own; what they read was
        // written before they start.
        nonisolated(unsafe) let work = work
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            fanOut.forRanges(bands, size: 1, picosecondsPerItem: operations * Self.band * 10) {
                for index in $0 {
                    let first = index * Self.band
                    body(first, min(Self.band, count - first), work + index * Self.bandWork)
                }
            }
        }
    }
}
