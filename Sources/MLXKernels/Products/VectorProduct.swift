import CMLXKernels
import MLXBase

/// Products of float64 with one row or one column: bound by reading the matrix once.
/// Whichever axis of the matrix is contiguous decides between dot products and sums of rows.
/// NUMERICS: dot products use 64 lanes; sums of rows take four rows at a time in order, in parts
/// of 4096 rows that are added in order. Both follow from the layout and shape alone.
enum VectorProduct {
    /// y[i * stride] = Σ m[i, k] x[k * xStride].
    static func run(
        _ matrix: MatrixView, _ x: UnsafeMutableRawPointer, _ xStride: Int,
        _ y: UnsafeMutableRawPointer, _ call: borrowing KernelCall
    ) -> Bool {
        guard matrix.dtype == .float64 else { return false }
        if matrix.columnStride == 1 && (xStride == 1 || matrix.columns == 1) {
            dot(matrix, x, y, call.fanOut)
            return true
        }
        if matrix.rowStride == 1 {
            combine(matrix, x, xStride, y, call)
            return true
        }
        return false
    }

    private static func dot(
        _ matrix: MatrixView, _ x: UnsafeMutableRawPointer, _ y: UnsafeMutableRawPointer,
        _ fanOut: any FanOut
    ) {
        nonisolated(unsafe) let (x, y) = (x, y)
        let size = matrix.dtype.size
        let perChunk = max(1, (1 << 16) / max(matrix.columns, 1))
        fanOut.forRanges(
            matrix.rows, size: perChunk, picosecondsPerItem: matrix.columns * size * 60
        ) { range in
            let source = matrix.address(range.lowerBound, 0)
            let target = y + range.lowerBound * size
            mlx_dot_rows_f64(
                target.assumingMemoryBound(to: Double.self), 1,
                source.assumingMemoryBound(to: Double.self), matrix.rowStride, range.count,
                x.assumingMemoryBound(to: Double.self), matrix.columns)
        }
    }

    private static func combine(
        _ matrix: MatrixView, _ x: UnsafeMutableRawPointer, _ xStride: Int,
        _ y: UnsafeMutableRawPointer, _ call: borrowing KernelCall
    ) {
        let size = matrix.dtype.size
        let (block, partLength) = (512, 4096)
        let blocks = (matrix.rows + block - 1) / block
        let parts = max(1, (matrix.columns + partLength - 1) / partLength)
        let partBytes = matrix.rows * size
        nonisolated(unsafe) let sums = parts == 1 ? y : call.scratch(byteCount: parts * partBytes)
        nonisolated(unsafe) let x = x
        call.fanOut.forRanges(
            blocks * parts, size: 1,
            picosecondsPerItem: block * min(partLength, matrix.columns) * size * 60
        ) { range in
            for item in range {
                let (row, part) = (item % blocks * block, item / blocks)
                let n = min(block, matrix.rows - row)
                let first = part * partLength
                let target = sums + part * partBytes + row * size
                target.initializeMemory(as: UInt8.self, repeating: 0, count: n * size)
                mlx_combine_rows_f64(
                    target.assumingMemoryBound(to: Double.self),
                    matrix.address(row, first).assumingMemoryBound(to: Double.self),
                    matrix.columnStride, min(partLength, matrix.columns - first),
                    (x + first * xStride * size).assumingMemoryBound(to: Double.self), xStride, n)
            }
        }
        if parts == 1 { return }
        // float64 has an addition loop.
        let add = mlx_elementwise_fn(Int32(MLX_ADD.rawValue), matrix.dtype.code)!
        for part in 1..<parts { add(sums, sums, sums + part * partBytes, nil, matrix.rows) }
        y.copyMemory(from: sums, byteCount: partBytes)
    }
}
