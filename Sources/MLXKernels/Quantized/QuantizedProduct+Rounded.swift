import CMLXKernels
import MLXBase

/// Products of int8 with affine codes: each group of a row of x is rounded with a scale of its own,
/// max |x| / 127, and multiplied with the codes as integers.
/// NUMERICS: a group's integer sum is exact and scaled once by both scales; offsets meet the sums
/// of the rounded terms. A group of x with a NaN or an infinity makes its row's products NaN.
extension QuantizedProduct {
    /// The rows as the integer products take them.
    private struct RoundedRows: @unchecked Sendable {
        // SAFETY: places in the call's scratch, which it fills before it fans out over columns.
        let values: UnsafeMutablePointer<Int8>
        let scales: UnsafeMutablePointer<Float>
        let sums: UnsafeMutablePointer<Float>
        let stride: Int
    }

    func rounded(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        let x = round(x, call)
        if rows <= Self.fewRows {
            roundedDots(x, matrix, out, offset, call)
        } else {
            roundedTiles(x, matrix, out, offset, call)
        }
    }

    private func round(
        _ x: UnsafeMutablePointer<Float>, _ call: borrowing KernelCall
    ) -> RoundedRows {
        let (format, groups) = (weight.format, weight.groups)
        let stride = mlx_int8_code_stride(depth, Int32(format.bits))
        func floats() -> UnsafeMutablePointer<Float> {
            call.scratch(byteCount: rows * groups * 4).assumingMemoryBound(to: Float.self)
        }
        let result = RoundedRows(
            values: call.scratch(byteCount: rows * stride).assumingMemoryBound(to: Int8.self),
            scales: floats(), sums: floats(), stride: stride)
        nonisolated(unsafe) let x = x
        call.fanOut.forRanges(
            rows, size: max(1, (1 << 14) / depth), picosecondsPerItem: depth * 300
        ) { range in
            let first = range.lowerBound
            mlx_int8_code_rows(
                result.values + first * stride, result.scales + first * groups,
                result.sums + first * groups, x + first * depth, range.count, depth,
                format.groupSize, Int32(format.bits))
        }
        return result
    }

    /// Few rows: each row of codes is read in order, once from memory.
    private func roundedDots(
        _ x: RoundedRows, _ matrix: Int, _ out: Operand, _ offset: Int, _ call: borrowing KernelCall
    ) {
        let (format, groups) = (weight.format, weight.groups)
        fewRows(
            matrix, sums: x.sums, out, offset, bytesPerTerm: 2, picoseconds: 30, call
        ) { place, n, scales, first, totals in
            mlx_int8_code_dots(
                totals, n, x.values + first * x.stride, x.scales + first * groups,
                min(Int(MLX_CODE_DOT_ROWS), rows - first), weight.codes + place * weight.rowBytes,
                weight.rowBytes, n, scales, depth, format.groupSize, Int32(format.bits))
        }
    }

    /// More rows: codes of 32 columns are turned once for all of them.
    private func roundedTiles(
        _ x: RoundedRows, _ matrix: Int, _ out: Operand, _ offset: Int, _ call: borrowing KernelCall
    ) {
        let (format, groups) = (weight.format, weight.groups)
        let band = Int(MLX_INT8_CODE_COLUMNS)
        call.fanOut.forRanges(
            columns, size: band, picosecondsPerItem: depth * (40 + rows * 6)
        ) { range in
            // SAFETY: this thread's scratch: scales, offsets and sums of a band.
            let n = range.count
            let scratch = mlx_thread_scratch((2 * band * groups + band * rows) * 4)!
                .assumingMemoryBound(to: Float.self)
            let sums = scratch + 2 * band * groups
            let values = groupValues(matrix, range, scratch)
            let row = matrix * columns + range.lowerBound
            mlx_int8_code_tile(
                sums, x.values, x.scales, x.sums, rows, weight.codes + row * weight.rowBytes,
                weight.rowBytes, n, values.scales, values.biases, depth, format.groupSize,
                Int32(format.bits))
            for r in 0..<rows {
                store(sums + r * band, n, out, offset + r * columns + range.lowerBound)
            }
        }
    }
}
