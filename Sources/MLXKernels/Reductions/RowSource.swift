import CMLXKernels
import MLXBase

/// An array seen as rows: kept axes outside, reduced axes inside, in that order whatever the
/// layout. Rows that lie in memory as such are handed out in place, or converted tile by tile in
/// the thread's scratch where they are read as another dtype; others are gathered there.
struct RowSource {
    let rows: Int
    let length: Int
    /// What elements are read as: widened half types, integers in what they are summed in.
    let compute: DType
    private let dtype: DType
    private let base: UnsafeMutablePointer<CChar>
    private let dims: [Int]
    private let strides: [Int]
    /// The distance of rows when they are contiguous and one stride apart.
    private let rowStride: Int?

    /// True when the reduced axes are the last ones (axes of size one aside).
    static func isTrailing(_ shape: Shape, mask: Int) -> Bool {
        var seenReduced = false
        for axis in 0..<shape.ndim where shape[axis] != 1 {
            if mask >> axis & 1 != 0 { seenReduced = true } else if seenReduced { return false }
        }
        return true
    }

    init(_ x: Operand, mask: Int, as compute: DType) {
        self.compute = compute
        dtype = x.dtype
        if x.isContiguous && RowSource.isTrailing(x.shape, mask: mask) {
            var inner = 1
            for axis in 0..<x.shape.ndim where mask >> axis & 1 != 0 { inner *= x.shape[axis] }
            length = inner
            rows = x.shape.size / max(inner, 1)
            base = x.chars
            (dims, strides, rowStride) = ([], [], inner)
            return
        }
        let axes = 0..<x.shape.ndim
        let order = axes.filter { mask >> $0 & 1 == 0 } + axes.filter { mask >> $0 & 1 != 0 }
        let keptCount = axes.filter { mask >> $0 & 1 == 0 }.count
        let orderedDims = order.map { x.shape[$0] }
        let orderedStrides = order.map { x.strides[$0] }
        let kept = Walk(
            dims: Array(orderedDims[..<keptCount]), out: Array(orderedStrides[..<keptCount]),
            in: Array(orderedStrides[..<keptCount]))
        let inner = Walk(
            dims: Array(orderedDims[keptCount...]), out: Array(orderedStrides[keptCount...]),
            in: Array(orderedStrides[keptCount...]))
        rows = kept.count
        length = inner.count
        base = x.chars
        dims = kept.dims + inner.dims
        strides = kept.out + inner.out
        let contiguous = inner.dims.isEmpty || (inner.dims.count == 1 && inner.out[0] == 1)
        if contiguous && kept.dims.count <= 1 {
            rowStride = kept.out.first ?? length
        } else {
            rowStride = nil
        }
    }

    /// The address of consecutive rows that need no gathering and follow each other.
    func direct(_ rows: Range<Int>) -> UnsafeRawPointer? {
        guard let rowStride, dtype == compute, rowStride == length || rows.count == 1 else {
            return nil
        }
        return UnsafeRawPointer(base + rows.lowerBound * rowStride * dtype.size)
    }

    /// Calls `body(tile, row stride, rows, first column, columns)` for tiles that cover the
    /// given rows and columns; the columns of one row come in order.
    func forTiles(
        rows range: Range<Int>, columns: Range<Int>,
        _ body: (UnsafeRawPointer, Int, Range<Int>, Int, Int) -> Void
    ) {
        let size = dtype.size
        if let rowStride, dtype == compute {
            let start = base + (range.lowerBound * rowStride + columns.lowerBound) * size
            return body(start, rowStride, range, columns.lowerBound, columns.count)
        }
        let tileLength = Reduction.tileLength
        // SAFETY: the thread's scratch holds the gathered tile and the widened one; nothing else
        // uses it while this chunk runs.
        let tile = mlx_thread_scratch(tileLength * 16)!.assumingMemoryBound(to: CChar.self)
        let wide = tile + tileLength * 8
        let convert = dtype == compute ? nil : castLoop(dtype, compute)
        func load(_ begin: Int, _ count: Int) -> UnsafeRawPointer {
            if let rowStride, let convert, rowStride == length || count <= length {
                let place = begin / length * rowStride + begin % length
                if rowStride == length || begin % length + count <= length {
                    convert(wide, base + place * size, nil, nil, count)
                    return UnsafeRawPointer(wide)
                }
            }
            mlx_strided_load(
                tile, base, Int32(size), Int32(dims.count), dims, strides, begin, count)
            guard let convert else { return UnsafeRawPointer(tile) }
            convert(wide, tile, nil, nil, count)
            return UnsafeRawPointer(wide)
        }
        if columns.count == length && length <= tileLength / 2 {
            let step = tileLength / length
            var row = range.lowerBound
            while row < range.upperBound {
                let some = row..<min(row + step, range.upperBound)
                body(load(row * length, some.count * length), length, some, 0, length)
                row = some.upperBound
            }
            return
        }
        for row in range {
            var column = columns.lowerBound
            while column < columns.upperBound {
                let n = min(tileLength, columns.upperBound - column)
                body(load(row * length + column, n), n, row..<row + 1, column, n)
                column += n
            }
        }
    }
}
