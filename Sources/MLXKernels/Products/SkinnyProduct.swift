import CMLXKernels
import MLXBase

/// Products of up to 64 rows with a matrix of float32 or a half type: bound by reading the matrix,
/// which is read once for all rows, as it lies, and never packed; a column vector is the row of
/// the transposed product. Whichever axis of the matrix is contiguous decides between sums over
/// its rows and dot products with them.
/// NUMERICS: float32 sums, in parts of the depth that are added in order and rounded once. Parts
/// follow from the shape and the layout alone.
struct SkinnyProduct {
    private let rows: Int
    private let columns: Int
    private let depth: Int
    /// Whether the matrix is contiguous along the depth.
    private let isDots: Bool
    private let isTransposed: Bool
    private let dtype: DType
    /// How the columns and the depth are cut.
    private let band: Int
    private let partLength: Int
    private let width = mlx_skinny_width()

    private var parts: Int { (depth + partLength - 1) / partLength }
    private var bands: Int { (columns + band - 1) / band }
    private var rowLength: Int { mlx_skinny_stride(depth) }
    /// Floats of one part's sums.
    private var partSize: Int {
        isDots ? rows * columns : (columns + width - 1) / width * width * rows
    }
    private var isWide: Bool { dtype == .float32 }

    /// - Returns: nil for what the general product is for.
    init?(_ a: MatrixView, _ b: MatrixView, _ c: MatrixView) {
        guard c.dtype == .float32 || c.dtype.isHalf, a.dtype == c.dtype, b.dtype == c.dtype
        else { return nil }
        isTransposed = c.columns == 1 && c.rows > 1
        if !isTransposed && (c.rows > Int(MLX_SKINNY_ROWS) || c.columnStride != 1) { return nil }
        if isTransposed && c.rowStride != 1 { return nil }
        let matrix = isTransposed ? a.transposed : b
        (rows, columns) = isTransposed ? (1, c.rows) : (c.rows, c.columns)
        (depth, dtype) = (matrix.rows, c.dtype)
        // What either way could read is read in long rows.
        let isRowMajor = matrix.columnStride == 1 || columns == 1
        isDots = matrix.rowStride == 1 && (!isRowMajor || columns < depth)
        if !isDots && !isRowMajor { return nil }
        (band, partLength) =
            isDots ? Self.dotBlocks(columns, depth) : Self.sumBlocks(rows, columns, depth)
    }

    /// Some rows of the matrix at a time; where they are few, the depth is cut too.
    private static func dotBlocks(_ columns: Int, _ depth: Int) -> (Int, Int) {
        let band = max(4, (1 << 16) / depth & ~3)
        let bands = (columns + band - 1) / band
        let parts = max(1, min(32 / bands, depth / 4096))
        return (band, ((depth + parts - 1) / parts + 511) & ~511)
    }

    /// Columns whose sums stay in cache, and as much of the depth as leaves enough parts to share.
    private static func sumBlocks(_ rows: Int, _ columns: Int, _ depth: Int) -> (Int, Int) {
        let band = min(4096, max(512, (1 << 14) / rows & ~511))
        let bands = (columns + band - 1) / band
        let parts = max(1, min(32 / bands, (depth * min(band, columns)) >> 15))
        return (band, ((depth + parts - 1) / parts + 31) & ~31)
    }

    /// Rows, parts of sums, and results before they are rounded.
    var scratchBytes: Int { rowsBytes + sumsBytes + wideBytes }
    private var rowsBytes: Int { (rows * rowLength * 4 + 63) & ~63 }
    private var sumsBytes: Int { isDots && parts == 1 ? 0 : (parts * partSize * 4 + 63) & ~63 }
    private var wideBytes: Int { isWide ? 0 : rows * columns * 4 }

    /// The product, in `scratch` of `scratchBytes`.
    func run(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer,
        _ fanOut: any FanOut
    ) {
        let call = Call(
            left: isTransposed ? b.transposed : a, matrix: isTransposed ? a.transposed : b,
            out: isTransposed ? c.transposed : c,
            rows: scratch.assumingMemoryBound(to: Float.self),
            sums: (scratch + rowsBytes).assumingMemoryBound(to: Float.self),
            wide: (scratch + rowsBytes + sumsBytes).assumingMemoryBound(to: Float.self),
            fanOut: fanOut)
        isDots ? dots(call) : sums(call)
    }

    /// The operands of one product, and where its scratch is cut.
    private struct Call {
        let left: MatrixView
        let matrix: MatrixView
        let out: MatrixView
        let rows: UnsafeMutablePointer<Float>
        let sums: UnsafeMutablePointer<Float>
        let wide: UnsafeMutablePointer<Float>
        let fanOut: any FanOut
    }

    private func sums(_ call: Call) {
        let (left, matrix) = (call.left, call.matrix)
        call.fanOut.forRanges(
            parts, size: 1, picosecondsPerItem: partLength * rows * 500
        ) { range in
            for part in range {
                let (first, count) = extent(of: part)
                mlx_skinny_pack(
                    call.rows + first * rows, left.address(0, first), dtype.code, left.rowStride,
                    left.columnStride, rows, count)
            }
        }
        call.fanOut.forRanges(
            bands * parts, size: 1, picosecondsPerItem: cost(min(band, columns), partLength)
        ) { range in
            for item in range {
                let (column, part) = (item % bands * band, item / bands)
                let (first, count) = extent(of: part)
                mlx_skinny_sums(
                    call.sums + part * partSize + column * rows, call.rows + first * rows, rows,
                    matrix.address(first, column), dtype.code, matrix.rowStride,
                    min(band, columns - column), count)
            }
        }
        let size = max(width, (1 << 15) / (rows * parts) / width * width)
        call.fanOut.forRanges(
            columns, size: size, picosecondsPerItem: rows * parts * 200
        ) { range in
            let target = self.target(call, range.lowerBound)
            mlx_skinny_merge(
                target.pointer, target.stride, call.sums, partSize, parts, rows, range.lowerBound,
                range.count)
            round(call, range)
        }
    }

    private func dots(_ call: Call) {
        let (left, matrix) = (call.left, call.matrix)
        mlx_skinny_widen(
            call.rows, left.pointer, dtype.code, left.rowStride, left.columnStride, rows, depth)
        call.fanOut.forRanges(
            bands * parts, size: 1, picosecondsPerItem: cost(min(band, columns), partLength)
        ) { range in
            for item in range {
                let (row, part) = (item % bands * band, item / bands)
                let (first, count) = extent(of: part)
                let n = min(band, columns - row)
                var target = self.target(call, row)
                if parts > 1 { target = (call.sums + part * partSize + row, columns) }
                mlx_skinny_dots(
                    target.pointer, target.stride, call.rows, rowLength, first, rows,
                    matrix.address(first, row), dtype.code, matrix.columnStride, n, count)
                if parts == 1 { round(call, row..<row + n) }
            }
        }
        if parts > 1 { merge(call) }
    }

    /// Adds the parts of dot products.
    private func merge(_ call: Call) {
        for row in 0..<rows {
            let target = self.target(call, 0)
            let out = target.pointer + row * target.stride
            out.update(from: call.sums + row * columns, count: columns)
            for part in 1..<parts {
                let terms = call.sums + part * partSize + row * columns
                for i in 0..<columns { out[i] += terms[i] }
            }
        }
        round(call, 0..<columns)
    }

    private func extent(of part: Int) -> (first: Int, count: Int) {
        (part * partLength, min(partLength, depth - part * partLength))
    }

    /// Where float32 results of a column go: into the output, or where they wait to be rounded.
    private func target(
        _ call: Call, _ column: Int
    ) -> (pointer: UnsafeMutablePointer<Float>, stride: Int) {
        if !isWide { return (call.wide + column, columns) }
        let start = call.out.address(0, column).assumingMemoryBound(to: Float.self)
        return (start, call.out.rowStride)
    }

    private func round(_ call: Call, _ range: Range<Int>) {
        if isWide { return }
        let narrow = castLoop(.float32, dtype)
        for row in 0..<rows {
            narrow(
                call.out.address(row, range.lowerBound),
                call.wide + row * columns + range.lowerBound, nil, nil, range.count)
        }
    }

    /// Reading so much of the matrix, and multiplying it, whichever takes longer.
    private func cost(_ columns: Int, _ depth: Int) -> Int {
        columns * depth * max(dtype.size * 60, rows * 20)
    }
}
