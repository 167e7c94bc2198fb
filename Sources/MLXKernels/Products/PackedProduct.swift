import CMLXKernels
import MLXBase

/// C = A B by the level's micro-kernel, with any strides on A and B and C of unit column stride in
/// float32 or float64. Rows of A that are contiguous are read where they lie, as are those of a B
/// that fits the second-level cache; else operands are packed in panels once, side by side. Then a
/// grid of tiles, whose size depends on the shape and the micro-kernel alone, is computed in any
/// order.
struct PackedProduct {
    let gemm: UnsafePointer<mlx_gemm>
    private var mr: Int { Int(gemm.pointee.mr) }
    private var nr: Int { Int(gemm.pointee.nr) }
    private var group: Int { Int(gemm.pointee.group) }
    private var item: Int { Int(gemm.pointee.item) }
    /// The dtype of the elements that the micro-kernel reads.
    private let dtype: DType
    /// How long a multiplication and an addition take, in picoseconds.
    private let cost: Int
    /// The most bytes of a right operand that is not packed.
    private static let mostBytesInPlace = 1 << 20

    /// Panels of the dtype that is summed in.
    init(_ dtype: DType) {
        self.init(
            dtype == .float64 ? mlx_gemm_f64() : mlx_gemm_f32(),
            dtype == .float64 ? .float64 : .float32, cost: 25)
    }

    /// Panels for products of a dtype: bfloat16 stays what it is where the level multiplies it.
    init(of dtype: DType) {
        guard dtype == .bfloat16, let gemm = mlx_gemm_bf16() else {
            self.init(dtype)
            return
        }
        self.init(gemm, dtype, cost: gemm.pointee.group > 2 ? 5 : 12)
    }

    private init(_ gemm: UnsafePointer<mlx_gemm>, _ dtype: DType, cost: Int) {
        self.gemm = gemm
        self.dtype = dtype
        self.cost = cost
    }

    /// Bytes of one row or column of a packed panel.
    private func panelBytes(_ depth: Int) -> Int { (depth + group - 1) / group * item }
    func leftBytes(_ rows: Int, _ depth: Int) -> Int {
        (rows + mr - 1) / mr * mr * panelBytes(depth)
    }
    func rightBytes(_ columns: Int, _ depth: Int) -> Int {
        (columns + nr - 1) / nr * nr * panelBytes(depth)
    }

    // MARK: - Where operands lie

    /// The rows of A where they lie; nil if the micro-kernel cannot read them there.
    func leftInPlace(_ a: MatrixView) -> mlx_panels? {
        guard gemm.pointee.pack_left == nil, a.dtype == dtype, a.columnStride == 1,
            a.columns % group == 0
        else { return nil }
        return rows(at: a.pointer, rowBytes: a.rowStride * dtype.size)
    }

    /// Rows of the dtype of the sums, contiguous or in runs of `run` elements, `jump` bytes apart.
    func rows(
        at pointer: UnsafeRawPointer, rowBytes: Int, run: Int = 0, jump: Int = 0
    ) -> mlx_panels {
        mlx_panels(
            base: pointer, panel: mr * rowBytes, row: rowBytes, step: item, jump: jump, run: run)
    }

    /// The columns of B where they lie, if the micro-kernel can read them there and they stay in
    /// cache while all rows of A pass.
    func rightInPlace(_ b: MatrixView) -> mlx_panels? {
        guard group == 1, b.dtype == dtype, b.columnStride == 1,
            b.columns % Int(gemm.pointee.lanes) == 0,
            b.rows * b.rowStride * item <= PackedProduct.mostBytesInPlace
        else { return nil }
        return mlx_panels(
            base: b.pointer, panel: nr * item, row: item, step: b.rowStride * item, jump: 0, run: 0)
    }

    /// Whether nothing has to be packed, and there are rows enough for whole register tiles.
    func readsInPlace(_ product: MatrixProduct) -> Bool {
        product.out.rows >= mr && leftInPlace(product.left) != nil
            && rightInPlace(product.right) != nil
    }

    /// Packed rows of A, and packed columns of B.
    private func leftPanels(_ pointer: UnsafeRawPointer, _ depth: Int) -> mlx_panels {
        packedPanels(pointer, depth, width: mr)
    }
    func rightPanels(_ pointer: UnsafeRawPointer, _ depth: Int) -> mlx_panels {
        packedPanels(pointer, depth, width: nr)
    }

    private func packedPanels(
        _ pointer: UnsafeRawPointer, _ depth: Int, width: Int
    ) -> mlx_panels {
        mlx_panels(
            base: pointer, panel: width * panelBytes(depth), row: item, step: width * item,
            jump: 0, run: 0)
    }

    /// The packer of a source dtype: the dtype itself, a half, or int8 for float32 products.
    private func packer(_ dtype: DType) -> mlx_pack_fn {
        withUnsafeBytes(of: gemm.pointee.pack) {
            $0.bindMemory(to: mlx_pack_fn?.self)[Int(dtype.rawValue)]!
        }
    }

    func packRight(_ b: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        right(b).packAll(into: panels, fanOut)
    }

    /// -B, for products that are subtracted.
    func packNegated(_ b: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        let right = right(b)
        let count = right.perChunk * right.panel * right.matrix.columns
        let all = rightBytes(b.columns, b.rows) / item
        fanOut.forRanges(right.chunks, size: 1, picosecondsPerItem: right.cost) { range in
            for chunk in range {
                right.pack(chunk, into: panels)
                let part = chunk * count..<min((chunk + 1) * count, all)
                if dtype == .float64 {
                    let values = panels.assumingMemoryBound(to: Double.self)
                    for i in part { values[i].negate() }
                } else {
                    let values = panels.assumingMemoryBound(to: Float.self)
                    for i in part { values[i].negate() }
                }
            }
        }
    }

    private func left(_ a: MatrixView) -> Packing {
        packing(a, panel: mr, gemm.pointee.pack_left ?? packer(a.dtype))
    }

    private func right(_ b: MatrixView) -> Packing {
        packing(b.transposed, panel: nr, packer(b.dtype))
    }

    private func packing(_ x: MatrixView, panel: Int, _ packer: mlx_pack_fn) -> Packing {
        Packing(
            matrix: x, panel: panel, bytes: panelBytes(x.columns),
            perChunk: max(1, (1 << 14) / max(panel * x.columns, 1)), packer: packer)
    }

    /// The panels of one operand, in chunks.
    private struct Packing {
        let matrix: MatrixView
        let panel: Int
        /// Of one row.
        let bytes: Int
        let perChunk: Int
        let packer: mlx_pack_fn

        var chunks: Int { ((matrix.rows + panel - 1) / panel + perChunk - 1) / perChunk }
        var cost: Int { perChunk * panel * matrix.columns * 400 }

        func packAll(into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
            fanOut.forRanges(chunks, size: 1, picosecondsPerItem: cost) { range in
                for chunk in range { pack(chunk, into: panels) }
            }
        }

        func pack(_ chunk: Int, into panels: UnsafeMutableRawPointer) {
            let row = chunk * perChunk * panel
            packer(
                panels + row * bytes, matrix.address(row, 0), matrix.rowStride,
                matrix.columnStride, min(perChunk * panel, matrix.rows - row), matrix.columns,
                panel)
        }
    }

    // MARK: - Products

    /// The grid of tiles over panels.
    func multiply(
        left: mlx_panels, right: mlx_panels, out: MatrixView, depth: Int, accumulate: Bool = false,
        _ fanOut: any FanOut
    ) {
        nonisolated(unsafe) let (left, right) = (left, right)
        let (tileRows, tileColumns) = tile(out.rows, out.columns)
        let down = (out.rows + tileRows - 1) / tileRows
        let across = (out.columns + tileColumns - 1) / tileColumns
        let tileWork = min(tileRows, out.rows) * min(tileColumns, out.columns) * depth
        let steps = (depth + group - 1) / group
        fanOut.forRanges(down * across, size: 1, picosecondsPerItem: tileWork * cost) { range in
            for tile in range {
                let row = tile % down * tileRows
                let column = tile / down * tileColumns
                var (rows, columns) = (left, right)
                rows.base += row / mr * left.panel
                columns.base += column / nr * right.panel
                mlx_gemm_tile(
                    gemm, rows, columns, out.address(row, column), out.rowStride,
                    min(tileRows, out.rows - row), min(tileColumns, out.columns - column), steps,
                    accumulate)
            }
        }
    }

    /// About 144 rows and 256 columns, fewer where there would be too few tiles to share; as equal
    /// as whole register tiles let them be.
    private func tile(_ rows: Int, _ columns: Int) -> (rows: Int, columns: Int) {
        var (down, across) = (max(12, 144 / mr), max(1, 256 / nr))
        func count(_ extent: Int, _ tile: Int) -> Int { (extent + tile - 1) / tile }
        while down > 4 || across > 1,
            count(rows, down * mr) * count(columns, across * nr) < 32
        {
            if down * mr >= across * nr || across == 1 { down /= 2 } else { across /= 2 }
        }
        func even(_ extent: Int, _ tile: Int, _ unit: Int) -> Int {
            let parts = max(1, (extent + tile / 2) / tile)
            return max(1, count(count(extent, parts), unit)) * unit
        }
        return (even(rows, down * mr, mr), even(columns, across * nr, nr))
    }

    /// The whole product; what has to be packed is packed in `scratch`.
    func run(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer,
        accumulate: Bool = false, _ fanOut: any FanOut
    ) {
        let panels = scratch + ((leftBytes(a.rows, a.columns) + 63) & ~63)
        let (leftInPlace, rightInPlace) = (leftInPlace(a), rightInPlace(b))
        let (left, right) = (left(a), right(b))
        let leftChunks = leftInPlace == nil ? left.chunks : 0
        let rightChunks = rightInPlace == nil ? right.chunks : 0
        fanOut.forRanges(
            leftChunks + rightChunks, size: 1, picosecondsPerItem: max(left.cost, right.cost)
        ) { range in
            for chunk in range {
                if chunk < leftChunks {
                    left.pack(chunk, into: scratch)
                } else {
                    right.pack(chunk - leftChunks, into: panels)
                }
            }
        }
        multiply(
            left: leftInPlace ?? leftPanels(scratch, a.columns),
            right: rightInPlace ?? rightPanels(panels, a.columns), out: c, depth: a.columns,
            accumulate: accumulate, fanOut)
    }

    func scratchBytes(_ rows: Int, _ columns: Int, _ depth: Int) -> Int {
        ((leftBytes(rows, depth) + 63) & ~63) + rightBytes(columns, depth)
    }
}
