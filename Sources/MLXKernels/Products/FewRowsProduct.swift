import CMLXKernels
import MLXBase

/// Products of two to eight rows of float32 with a large matrix: bound by reading the matrix, which
/// is read once for all rows and never packed. Small matrices are left to the general product.
/// NUMERICS: sums in lanes along contiguous rows, or four terms at a time in order, in parts of
/// 2048 terms that are added in order; the way follows from layout and shape alone.
enum FewRowsProduct {
    private static let smallest = 1 << 16

    static func run(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ call: borrowing KernelCall
    ) -> Bool {
        guard c.dtype == .float32, a.dtype == .float32, b.dtype == .float32, c.rows >= 2,
            c.rows <= Int(MLX_FEW_ROWS), b.rows * b.columns >= smallest, c.columnStride == 1
        else { return false }
        if b.rowStride == 1 && a.columnStride == 1 && b.columnStride >= b.rows {
            dots(a, b, c, call.fanOut)
            return true
        }
        if b.columnStride == 1 && b.rowStride >= b.columns {
            sums(a, b, c, call)
            return true
        }
        return false
    }

    private static func floats(_ x: MatrixView, _ row: Int, _ column: Int)
        -> UnsafeMutablePointer<Float>
    {
        x.address(row, column).assumingMemoryBound(to: Float.self)
    }

    private static func dots(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ fanOut: any FanOut
    ) {
        fanOut.forRanges(
            c.columns, size: max(1, (1 << 16) / a.columns), picosecondsPerItem: a.columns * 300
        ) { range in
            mlx_few_dots_f32(
                floats(c, 0, range.lowerBound), c.rowStride, floats(a, 0, 0), a.rowStride, c.rows,
                floats(b, 0, range.lowerBound), b.columnStride, range.count, a.columns)
        }
    }

    private static func sums(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ call: borrowing KernelCall
    ) {
        let (band, partLength, n) = (512, 2048, c.columns)
        let bands = (n + band - 1) / band
        let parts = (b.rows + partLength - 1) / partLength
        nonisolated(unsafe) let partial = call.scratch(byteCount: parts * c.rows * n * 4)
            .assumingMemoryBound(to: Float.self)
        call.fanOut.forRanges(
            bands * parts, size: 1, picosecondsPerItem: band * min(partLength, b.rows) * 300
        ) { range in
            for item in range {
                let (column, part) = (item % bands * band, item / bands)
                let (width, first) = (min(band, n - column), part * partLength)
                let target = partial + part * c.rows * n + column
                for row in 0..<c.rows {
                    (target + row * n).initialize(repeating: 0, count: width)
                }
                mlx_few_sums_f32(
                    target, n, floats(a, 0, first), a.rowStride, a.columnStride, c.rows,
                    floats(b, first, column), b.rowStride, width,
                    min(partLength, b.rows - first))
            }
        }
        for row in 0..<c.rows {
            let out = floats(c, row, 0)
            out.update(from: partial + row * n, count: n)
            for part in 1..<max(parts, 1) {
                let terms = partial + (part * c.rows + row) * n
                for i in 0..<n { out[i] += terms[i] }
            }
        }
    }
}
