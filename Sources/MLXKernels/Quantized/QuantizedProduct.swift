import CMLXKernels
import MLXBase

/// Products with quantized matrices. Attributes: a `CodeFormat`'s words, then whether the matrix
/// is transposed (its rows are outputs). Inputs: x (…, M, K), codes, scales, offsets in affine
/// mode, and for the gathered product two integer arrays that pick matrices of x and of w.
///
/// Up to four rows of x multiply the codes as they are read, two at a time. More rows multiply
/// blocks of numbers that are widened from the codes and stay in the first-level cache for all
/// rows, so the whole matrix never exists as numbers.
/// NUMERICS: float32 sums (float64 for float64), in lanes for few rows and along the depth for
/// many; the way follows from the shape alone.
struct QuantizedProduct {
    /// Rows of x up to which codes are multiplied as they are read.
    static let fewRows = 2 * Int(MLX_CODE_DOT_ROWS)

    let weight: CodedMatrices
    let transposes: Bool
    /// Whether groups of x are rounded to int8 (`QuantizedProduct+Rounded`).
    let roundsRows: Bool
    let rows: Int
    let depth: Int
    let columns: Int
    let grain: Grain

    /// One product: x and out are row-major float32; `matrix` counts w's matrices.
    func run(
        _ x: UnsafeMutablePointer<Float>, matrix: Int, _ out: Operand, at offset: Int,
        _ call: borrowing KernelCall
    ) {
        if roundsRows {
            rounded(x, matrix, out, offset, call)
        } else if transposes && rows <= Self.fewRows {
            dots(x, matrix, out, offset, call)
        } else {
            blocks(x, matrix, out, offset, call)
        }
    }

    func store(_ values: UnsafePointer<Float>, _ n: Int, _ out: Operand, _ offset: Int) {
        castLoop(.float32, out.dtype)(out.address(offset), values, nil, nil, n)
    }

    /// x wᵀ for few rows: each row of codes is read in order, once from memory.
    private func dots(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        let (format, groups) = (weight.format, weight.groups)
        let stride = mlx_code_stride(depth, format.kind)
        nonisolated(unsafe) let arranged = call.scratch(byteCount: rows * stride * 4)
            .assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let sums = call.scratch(byteCount: rows * groups * 4)
            .assumingMemoryBound(to: Float.self)
        for r in 0..<rows {
            mlx_code_arrange(arranged + r * stride, x + r * depth, depth, format.kind)
            mlx_group_sums(sums + r * groups, x + r * depth, depth, format.groupSize)
        }
        fewRows(
            matrix, sums: sums, out, offset, bytesPerTerm: 4, picoseconds: 50, call
        ) { place, n, scales, first, totals in
            mlx_code_dots(
                totals, n, weight.codes + place * weight.rowBytes, weight.rowBytes, n, scales,
                arranged + first * stride, stride, min(Int(MLX_CODE_DOT_ROWS), rows - first), depth,
                format.groupSize, format.kind)
        }
    }

    /// Bands of columns of w against few rows of x, two at a time, and the offsets' share.
    /// - Parameters:
    ///   - sums: of the groups of each row of x.
    ///   - bytesPerTerm: of a row, for the size of a band.
    ///   - picoseconds: of one term of one row.
    ///   - multiply: writes totals of the rows from the fourth argument on with n rows of codes
    ///     from the first on, without the offsets.
    func fewRows(
        _ matrix: Int, sums: UnsafeMutablePointer<Float>, _ out: Operand, _ offset: Int,
        bytesPerTerm: Int, picoseconds: Int, _ call: borrowing KernelCall,
        _ multiply: (Int, Int, UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        let groups = weight.groups
        let padded = mlx_skinny_stride(groups)
        nonisolated(unsafe) let wide = call.scratch(byteCount: rows * padded * 4)
            .assumingMemoryBound(to: Float.self)
        if weight.biases != nil {
            mlx_skinny_widen(wide, sums, DType.float32.code, groups, 1, rows, groups)
        }
        let size = max(8, grain.byteCount / bytesPerTerm / max(depth, 1) & ~3)
        call.fanOut.forRanges(
            columns, size: size, picosecondsPerItem: rows * depth * picoseconds
        ) { range in
            // SAFETY: this thread's scratch, for scales, offsets and two tiles of results.
            let n = range.count
            let scratch = mlx_thread_scratch((2 * n * groups + 2 * rows * n) * 4)!
                .assumingMemoryBound(to: Float.self)
            let parts = scratch + 2 * n * groups
            let totals = parts + rows * n
            let values = groupValues(matrix, range, scratch)
            for first in stride(from: 0, to: rows, by: Int(MLX_CODE_DOT_ROWS)) {
                multiply(
                    matrix * columns + range.lowerBound, n, values.scales, first,
                    totals + first * n)
            }
            if let biases = values.biases {
                mlx_skinny_dots(
                    parts, n, wide, padded, 0, rows, biases, DType.float32.code, groups, n, groups)
                for i in 0..<rows * n { totals[i] += parts[i] }
            }
            for r in 0..<rows {
                store(totals + r * n, n, out, offset + r * columns + range.lowerBound)
            }
        }
    }

    /// Rows that are packed together and meet one block after another.
    private static let rowBlock = 96
    /// Columns that one thread computes at a time, and the depth of a block of their numbers: a
    /// multiple of every group and of every tile of sums, and half of a first-level cache.
    private var band: Int { transposes ? 32 : 128 }
    private var blockDepth: Int { transposes ? Int(MLX_CODE_COLUMNS) : 32 }

    /// Any number of rows: a block of w's numbers meets all of them.
    private func blocks(
        _ x: UnsafeMutablePointer<Float>, _ matrix: Int, _ out: Operand, _ offset: Int,
        _ call: borrowing KernelCall
    ) {
        nonisolated(unsafe) let packed = pack(x, call)
        let (band, blockDepth, groups) = (band, blockDepth, weight.groups)
        let isHalf = out.dtype != .float32
        call.fanOut.forRanges(
            columns, size: band, picosecondsPerItem: depth * (60 + rows * 12)
        ) { range in
            let n = range.count
            // SAFETY: this thread's scratch: numbers, sums, scales and offsets, rounded results.
            let scratch = mlx_thread_scratch(
                (blockDepth * band + rows * band + 2 * band * groups + Self.rowBlock * band) * 4)!
                .assumingMemoryBound(to: Float.self)
            let sums = scratch + blockDepth * band
            let values = sums + rows * band
            let wide = values + 2 * band * groups
            let scales = transposes ? groupValues(matrix, range, values) : nil
            for first in stride(from: 0, to: depth, by: blockDepth) {
                let steps = min(blockDepth, depth - first)
                if let scales {
                    turned(matrix, range, first, steps, scales, scratch)
                } else {
                    if n < band { scratch.update(repeating: 0, count: steps * band) }
                    for k in 0..<steps {
                        weight.decode(
                            matrix * depth + first + k, columns: range, scratch + k * band, values)
                    }
                }
                for row in stride(from: 0, to: rows, by: Self.rowBlock) {
                    mlx_skinny_adds(
                        sums + row * band, packed + row * depth, min(Self.rowBlock, rows - row),
                        depth, first, scratch, band, steps)
                }
            }
            for row in stride(from: 0, to: rows, by: Self.rowBlock) {
                let count = min(Self.rowBlock, rows - row)
                let place = offset + row * columns + range.lowerBound
                if !isHalf {
                    let target = UnsafeMutableRawPointer(out.address(place))
                    mlx_skinny_merge(
                        target.assumingMemoryBound(to: Float.self), columns, sums + row * band, 0,
                        1, count, 0, n)
                    continue
                }
                mlx_skinny_merge(wide, n, sums + row * band, 0, 1, count, 0, n)
                for r in 0..<count { store(wide + r * n, n, out, place + r * columns) }
            }
        }
    }

    /// The rows as blocks meet them.
    private func pack(
        _ x: UnsafeMutablePointer<Float>, _ call: borrowing KernelCall
    ) -> UnsafeMutablePointer<Float> {
        nonisolated(unsafe) let x = x
        nonisolated(unsafe) let packed = call.scratch(byteCount: rows * depth * 4)
            .assumingMemoryBound(to: Float.self)
        let count = (rows + Self.rowBlock - 1) / Self.rowBlock
        call.fanOut.forRanges(
            count, size: 1, picosecondsPerItem: min(rows, Self.rowBlock) * depth * 400
        ) { range in
            for block in range {
                let row = block * Self.rowBlock
                mlx_skinny_pack(
                    packed + row * depth, x + row * depth, DType.float32.code, depth, 1,
                    min(Self.rowBlock, rows - row), depth)
            }
        }
        return packed
    }

    /// Scales and offsets of a band of columns.
    struct GroupNumbers {
        let scales: UnsafePointer<Float>
        let biases: UnsafePointer<Float>?
    }
    func groupValues(
        _ matrix: Int, _ range: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
    ) -> GroupNumbers {
        let (first, count) = (
            (matrix * columns + range.lowerBound) * weight.groups,
            range.count * weight.groups
        )
        return GroupNumbers(
            scales: weight.scales.read(first, count, scratch: scratch),
            biases: weight.biases?.read(first, count, scratch: scratch + count))
    }

    /// A block of the numbers of a band of columns, whose codes lie in rows.
    private func turned(
        _ matrix: Int, _ range: Range<Int>, _ first: Int, _ steps: Int, _ values: GroupNumbers,
        _ out: UnsafeMutablePointer<Float>
    ) {
        let (format, groups) = (weight.format, weight.groups)
        for column in stride(from: 0, to: range.count, by: 16) {
            let row = matrix * columns + range.lowerBound + column
            let place = column * groups + first / format.groupSize
            mlx_code_columns(
                out + column, band, weight.codes + row * weight.rowBytes + format.byteCount(first),
                weight.rowBytes, min(16, range.count - column), values.scales + place,
                values.biases.map { $0 + place }, groups, steps, format.groupSize, format.kind)
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
