import CMLXKernels
import MLXBase

/// Products with quantized matrices. Attributes: a `CodeFormat`'s words, then whether the matrix
/// is transposed (its rows are outputs). Inputs: x (…, M, K), codes, scales, offsets in affine
/// mode, and for the gathered product two integer arrays that pick matrices of x and of w.
///
/// Few rows of x multiply the codes as they are read, once; many rows multiply panels that are
/// dequantized tile by tile, so the whole matrix never exists as numbers.
/// NUMERICS: float32 sums (float64 for float64), in lanes for few rows and along the depth for
/// many; the way follows from the shape alone.
struct QuantizedProduct {
    /// Rows of x up to which codes are multiplied as they are read.
    static let fewRows = 12

    let weight: CodedMatrices
    let transposes: Bool
    let rows: Int
    let depth: Int
    let columns: Int
    let grain: Grain

    /// One product: x and out are row-major float32; `matrix` counts w's matrices.
    func run(
        _ x: UnsafeMutablePointer<Float>, matrix: Int, _ out: Operand, at offset: Int,
        _ call: borrowing KernelCall
    ) {
        if rows > Self.fewRows {
            panels(x, matrix, out, offset, call)
        } else if transposes {
            dots(x, matrix, out, offset, call)
        } else {
            sums(x, matrix, out, offset, call)
        }
    }

    private func store(_ values: UnsafePointer<Float>, _ n: Int, _ out: Operand, _ offset: Int) {
        castLoop(.float32, out.dtype)(out.address(offset), values, nil, nil, n)
    }

    /// x wᵀ for few rows: each row of codes is read once, in order.
    private func dots(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        let (format, groups) = (weight.format, weight.groups)
        nonisolated(unsafe) let arranged = call.scratch(byteCount: rows * depth * 4)
            .assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let sums = call.scratch(byteCount: rows * groups * 4)
            .assumingMemoryBound(to: Float.self)
        for r in 0..<rows {
            mlx_code_arrange(
                arranged + r * depth, x + r * depth, depth, format.groupSize, format.kind)
            mlx_group_sums(sums + r * groups, x + r * depth, depth, format.groupSize)
        }
        let size = max(8, grain.byteCount / 4 / max(depth, 1))
        call.fanOut.forRanges(columns, size: size, picosecondsPerItem: rows * depth * 60) { range in
            // SAFETY: this thread's scratch, for scales, offsets and two tiles of results.
            let n = range.count
            let scratch = mlx_thread_scratch((2 * n * groups + 2 * rows * n) * 4)!
                .assumingMemoryBound(to: Float.self)
            let parts = scratch + 2 * n * groups
            let totals = parts + rows * n
            let row = matrix * columns + range.lowerBound
            let scales = weight.scales.read(row * groups, n * groups, scratch: scratch)
            for first in stride(from: 0, to: rows, by: 4) {
                let count = min(4, rows - first)
                for i in 0..<n {
                    mlx_code_dot(
                        totals + first * n + i, n, weight.codes + (row + i) * weight.rowBytes,
                        scales + i * groups, arranged + first * depth, depth, count, depth,
                        format.groupSize, format.kind)
                }
            }
            if let biases = weight.biases {
                let b = biases.read(row * groups, n * groups, scratch: scratch + n * groups)
                for first in stride(from: 0, to: rows, by: 8) {
                    mlx_few_dots_f32(
                        parts + first * n, n, sums + first * groups, groups,
                        min(8, rows - first), b, groups, n, groups)
                }
                for i in 0..<rows * n { totals[i] += parts[i] }
            }
            for r in 0..<rows {
                store(totals + r * n, n, out, offset + r * columns + range.lowerBound)
            }
        }
    }

    /// x w for few rows: a band of w's columns is dequantized 64 rows at a time.
    private func sums(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        let (band, block) = (256, 64)
        nonisolated(unsafe) let x = x
        call.fanOut.forRanges(
            columns, size: band, picosecondsPerItem: rows * depth * 60
        ) { range in
            let n = range.count
            // SAFETY: this thread's scratch, for a block of w, its scales and the results.
            let scratch = mlx_thread_scratch((block * n + rows * n + 2 * weight.groups) * 4)!
                .assumingMemoryBound(to: Float.self)
            let (totals, values) = (scratch + block * n, scratch + block * n + rows * n)
            totals.initialize(repeating: 0, count: rows * n)
            for k in stride(from: 0, to: depth, by: block) {
                let count = min(block, depth - k)
                for i in 0..<count {
                    weight.decode(
                        matrix * depth + k + i, columns: range, scratch + i * n, values)
                }
                for first in stride(from: 0, to: rows, by: 8) {
                    mlx_few_sums_f32(
                        totals + first * n, n, x + first * depth + k, depth, 1,
                        min(8, rows - first), scratch, n, n, count)
                }
            }
            for r in 0..<rows {
                store(totals + r * n, n, out, offset + r * columns + range.lowerBound)
            }
        }
    }

    /// Many rows: tiles of w as packed panels of float32, against all of x.
    private func panels(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        let packed = PackedProduct(.float32)
        let left = MatrixView(
            pointer: x, dtype: .float32, rows: rows, columns: depth, rowStride: depth,
            columnStride: 1)
        nonisolated(unsafe) let panels = call.scratch(
            byteCount: packed.leftBytes(rows, depth))
        packed.packLeft(left, into: panels, call.fanOut)
        let serial = SerialFanOut()
        // A multiple of every group and register tile.
        let band = 128
        call.fanOut.forRanges(
            columns, size: band, picosecondsPerItem: rows * depth * 20 + depth * 500
        ) { range in
            let n = range.count
            let panelBytes = (packed.rightBytes(n, depth) + 63) & ~63
            let isHalf = out.dtype != .float32
            // SAFETY: this thread's scratch: panels, the numbers they are packed from, results.
            let scratch = mlx_thread_scratch(
                panelBytes + (n * depth + 2 * weight.groups + (isHalf ? rows * n : 0)) * 4)!
            let numbers = (scratch + panelBytes).assumingMemoryBound(to: Float.self)
            let values = numbers + n * depth
            var right = MatrixView(
                pointer: numbers, dtype: .float32, rows: depth, columns: n, rowStride: 1,
                columnStride: depth)
            if transposes {
                for i in 0..<n {
                    weight.decode(
                        matrix * columns + range.lowerBound + i, numbers + i * depth, values)
                }
            } else {
                for k in 0..<depth {
                    weight.decode(
                        matrix * depth + k, columns: range, numbers + k * n, values)
                }
                (right.rowStride, right.columnStride) = (n, 1)
            }
            packed.packRight(right, into: scratch, serial)
            var target = MatrixView(
                pointer: out.address(offset + range.lowerBound), dtype: .float32, rows: rows,
                columns: n, rowStride: columns, columnStride: 1)
            if isHalf {
                target.pointer = UnsafeMutableRawPointer(values + 2 * weight.groups)
                target.rowStride = n
            }
            packed.multiply(left: panels, right: scratch, out: target, depth: depth, serial)
            if !isHalf { return }
            for r in 0..<rows {
                store(
                    values + 2 * weight.groups + r * n, n, out,
                    offset + r * columns + range.lowerBound)
            }
        }
    }

    /// float64: the matrix as numbers, then an ordinary product.
    func runDouble(
        _ x: UnsafeMutableRawPointer, matrix: Int, _ out: Operand, at offset: Int,
        _ call: borrowing KernelCall
    ) {
        let matrixRows = transposes ? columns : depth
        let numbers = call.scratch(byteCount: columns * depth * 8)
            .assumingMemoryBound(to: Double.self)
        let scratch = call.scratch(byteCount: (weight.length + 2 * weight.groups) * 4)
            .assumingMemoryBound(to: Float.self)
        for row in 0..<matrixRows {
            weight.decodeDouble(
                matrix * matrixRows + row, numbers + row * weight.length, scratch)
        }
        let stored = MatrixView(
            pointer: numbers, dtype: .float64, rows: matrixRows, columns: weight.length,
            rowStride: weight.length, columnStride: 1)
        let left = MatrixView(
            pointer: x, dtype: .float64, rows: rows, columns: depth, rowStride: depth,
            columnStride: 1)
        let target = MatrixView(
            pointer: out.address(offset), dtype: .float64, rows: rows, columns: columns,
            rowStride: columns, columnStride: 1)
        let packed = PackedProduct(.float64)
        packed.run(
            left, transposes ? stored.transposed : stored, target,
            scratch: call.scratch(byteCount: packed.scratchBytes(rows, columns, depth)),
            call.fanOut)
    }
}
