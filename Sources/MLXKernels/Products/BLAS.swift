import CMLXKernels
import COpenBLAS
import MLXBase

/// Has OpenBLAS settled on its kernels, for those who ask it itself.
package func prepareOpenBLAS() { BLAS.prepare() }

/// OpenBLAS, told once to stay on the calling thread: threads are the team's business, and its
/// bits would change with its own split.
enum BLAS {
    private static let isReady: Bool = {
        chooseKernels()
        openblas_set_num_threads(1)
        return true
    }()

    /// An OpenBLAS that is older than the processor falls back to kernels for SSE3, many times
    /// slower than what the processor could run; in 0.3.21 one of them (`strsm`) also ends the
    /// process with an unaligned load. Such a processor gets the kernels of its instruction set.
    private static func chooseKernels() {
        guard String(cString: openblas_get_corename()) == "Prescott" else { return }
        let level = mlx_best_level()
        if level >= Int32(MLX_LEVEL_AVX512.rawValue) {
            mlx_openblas_choose("OPENBLAS_CORETYPE=SkylakeX")
        } else if level >= Int32(MLX_LEVEL_AVX2.rawValue) {
            mlx_openblas_choose("OPENBLAS_CORETYPE=Haswell")
        }
    }

    /// To be called before anything of OpenBLAS.
    static func prepare() { _ = isReady }

    /// C = A B for float32, float64 or complex64. Each operand needs one unit stride.
    static func multiply(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, accumulate: Bool = false
    ) {
        _ = isReady
        let (m, n, k) = (Int32(c.rows), Int32(c.columns), Int32(a.columns))
        let (ta, lda) = order(a)
        let (tb, ldb) = order(b)
        let ldc = Int32(max(c.rowStride, 1))
        switch c.dtype {
        case .float32:
            cblas_sgemm(
                CblasRowMajor, ta, tb, m, n, k, 1, a.pointer.assumingMemoryBound(to: Float.self),
                lda, b.pointer.assumingMemoryBound(to: Float.self), ldb, accumulate ? 1 : 0,
                c.pointer.assumingMemoryBound(to: Float.self), ldc)
        case .float64:
            cblas_dgemm(
                CblasRowMajor, ta, tb, m, n, k, 1, a.pointer.assumingMemoryBound(to: Double.self),
                lda, b.pointer.assumingMemoryBound(to: Double.self), ldb, accumulate ? 1 : 0,
                c.pointer.assumingMemoryBound(to: Double.self), ldc)
        default:
            var one: (Float, Float) = (1, 0)
            var zero: (Float, Float) = (accumulate ? 1 : 0, 0)
            cblas_cgemm(
                CblasRowMajor, ta, tb, m, n, k, &one, a.pointer, lda, b.pointer, ldb, &zero,
                c.pointer, ldc)
        }
    }

    /// True when BLAS can walk the matrix: one stride is 1 and the other reaches past a row.
    static func accepts(_ x: MatrixView) -> Bool {
        let limit = Int(Int32.max)
        guard x.rows <= limit, x.columns <= limit else { return false }
        return isRowMajor(x) || isRowMajor(x.transposed)
    }

    private static func isRowMajor(_ x: MatrixView) -> Bool {
        (x.columnStride == 1 || x.columns == 1)
            && (x.rows == 1 || (x.rowStride >= max(x.columns, 1) && x.rowStride <= Int(Int32.max)))
    }

    private static func order(_ x: MatrixView) -> (CBLAS_TRANSPOSE, Int32) {
        if isRowMajor(x) {
            return (CblasNoTrans, Int32(x.rows == 1 ? max(x.columns, 1) : x.rowStride))
        }
        return (CblasTrans, Int32(x.columns == 1 ? max(x.rows, 1) : x.columnStride))
    }
}

extension Kernels {
    /// Through OpenBLAS, in tiles that the team shares. It has no half types: those are packed.
    package static func matmulBLAS(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype.isHalf { return try matmul(call) }
        if Matmul.isEmpty(call) { return }
        let product = MatrixProduct(call)
        if Matmul.skinny(product, call) { return }
        let isSmall = Matmul.isSmall(product)
        if isSmall || Matmul.runsSideBySide(product), BLAS.accepts(product.left),
            BLAS.accepts(product.right)
        {
            Matmul.sideBySide(product, scratchBytes: 0, call) { a, b, c, _ in
                if isSmall { BLAS.multiply(a, b, c) } else { tiles(a, b, c, SerialFanOut()) }
            }
            return
        }
        for index in 0..<product.count {
            let (a, b, c) = product.item(index)
            if isSmall {
                BLAS.multiply(walkable(a, call), walkable(b, call), c)
            } else {
                tiled(walkable(a, call), walkable(b, call), c, call)
            }
        }
    }

    /// The matrix in an order BLAS takes.
    private static func walkable(_ x: MatrixView, _ call: borrowing KernelCall) -> MatrixView {
        if BLAS.accepts(x) { return x }
        var copy = x
        copy.pointer = call.scratch(byteCount: x.rows * x.columns * x.dtype.size)
        copy.rowStride = x.columns
        copy.columnStride = 1
        StridedCopy.run(
            dims: [x.rows, x.columns], to: copy.pointer, [x.columns, 1], from: x.pointer,
            [x.rowStride, x.columnStride], itemSize: x.dtype.size, call.fanOut, call.grain)
        return copy
    }

    private static func tiled(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ call: borrowing KernelCall
    ) {
        if !Matmul.vector(a, b, c, call) { tiles(a, b, c, call.fanOut) }
    }

    /// Halves the longer side until there are enough tiles or they are small.
    private static func tiles(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ fanOut: any FanOut
    ) {
        var (rows, columns) = (c.rows, c.columns)
        while rows * columns > 512 * 512
            || (rows * columns > 128 * 128
                && rows * columns * a.columns > 1 << 24
                && (c.rows / rows) * (c.columns / columns) < 4)
        {
            if rows >= columns { rows = (rows + 1) / 2 } else { columns = (columns + 1) / 2 }
        }
        rows = min(c.rows, (rows + 15) & ~15)
        columns = min(c.columns, (columns + 15) & ~15)
        let down = (c.rows + rows - 1) / rows
        let across = (c.columns + columns - 1) / columns
        fanOut.forRanges(
            down * across, size: 1, picosecondsPerItem: rows * columns * a.columns * 20
        ) { range in
            for tile in range {
                let (row, column) = (tile % down * rows, tile / down * columns)
                var (left, right, out) = (a, b, c)
                left.pointer = a.address(row, 0)
                left.rows = min(rows, c.rows - row)
                right.pointer = b.address(0, column)
                right.columns = min(columns, c.columns - column)
                out.pointer = c.address(row, column)
                (out.rows, out.columns) = (left.rows, right.columns)
                BLAS.multiply(left, right, out)
            }
        }
    }
}
