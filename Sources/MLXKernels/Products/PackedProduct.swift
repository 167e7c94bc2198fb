import CMLXKernels
import MLXBase

/// C = A B by packed panels and the level's micro-kernel, with any strides on A and B and C of
/// unit column stride in float32 or float64. Both operands are packed once, side by side; then a
/// grid of tiles, whose size depends on the shape and the micro-kernel alone, is computed in any
/// order.
struct PackedProduct {
    let gemm: UnsafePointer<mlx_gemm>
    private var mr: Int { Int(gemm.pointee.mr) }
    private var nr: Int { Int(gemm.pointee.nr) }
    /// How long a multiplication and an addition take, in picoseconds.
    private let cost: Int

    /// Panels of the dtype that is summed in.
    init(_ dtype: DType) {
        self.init(dtype == .float64 ? mlx_gemm_f64() : mlx_gemm_f32(), cost: 25)
    }

    /// Panels for products of a dtype: bfloat16 stays what it is where the level multiplies it.
    init(of dtype: DType) {
        guard dtype == .bfloat16, let gemm = mlx_gemm_bf16() else {
            self.init(dtype)
            return
        }
        self.init(gemm, cost: gemm.pointee.group > 2 ? 5 : 12)
    }

    private init(_ gemm: UnsafePointer<mlx_gemm>, cost: Int) {
        self.gemm = gemm
        self.cost = cost
    }

    /// Bytes of one row or column of a panel.
    private func panelBytes(_ depth: Int) -> Int {
        let group = Int(gemm.pointee.group)
        return (depth + group - 1) / group * Int(gemm.pointee.item)
    }
    func leftBytes(_ rows: Int, _ depth: Int) -> Int {
        (rows + mr - 1) / mr * mr * panelBytes(depth)
    }
    func rightBytes(_ columns: Int, _ depth: Int) -> Int {
        (columns + nr - 1) / nr * nr * panelBytes(depth)
    }

    /// The packer of a source dtype: the dtype itself, a half, or int8 for float32 products.
    private func packer(_ dtype: DType) -> mlx_pack_fn {
        withUnsafeBytes(of: gemm.pointee.pack) {
            $0.bindMemory(to: mlx_pack_fn?.self)[Int(dtype.rawValue)]!
        }
    }

    func packLeft(_ a: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        left(a).packAll(into: panels, fanOut)
    }

    func packRight(_ b: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        right(b).packAll(into: panels, fanOut)
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

    /// The grid of tiles over packed operands.
    func multiply(
        left: UnsafeMutableRawPointer, right: UnsafeMutableRawPointer, out: MatrixView,
        depth: Int, accumulate: Bool = false, _ fanOut: any FanOut
    ) {
        nonisolated(unsafe) let (left, right) = (left, right)
        let (tileRows, tileColumns) = tile(out.rows, out.columns)
        let down = (out.rows + tileRows - 1) / tileRows
        let across = (out.columns + tileColumns - 1) / tileColumns
        let tileWork = min(tileRows, out.rows) * min(tileColumns, out.columns) * depth
        let bytes = panelBytes(depth)
        fanOut.forRanges(down * across, size: 1, picosecondsPerItem: tileWork * cost) { range in
            for tile in range {
                let row = tile % down * tileRows
                let column = tile / down * tileColumns
                mlx_gemm_tile(
                    gemm, left + row * bytes, right + column * bytes, out.address(row, column),
                    out.rowStride, min(tileRows, out.rows - row),
                    min(tileColumns, out.columns - column), bytes / Int(gemm.pointee.item),
                    accumulate)
            }
        }
    }

    /// Twelve by eight register tiles, fewer where there would be too few tiles to share.
    private func tile(_ rows: Int, _ columns: Int) -> (rows: Int, columns: Int) {
        var (down, across) = (12, 8)
        func count(_ extent: Int, _ tile: Int) -> Int { (extent + tile - 1) / tile }
        while down * across > 4, count(rows, down * mr) * count(columns, across * nr) < 32 {
            if down * mr >= across * nr || across == 1 { down /= 2 } else { across /= 2 }
        }
        return (down * mr, across * nr)
    }

    /// The whole product with everything packed in `scratch`.
    func run(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer,
        _ fanOut: any FanOut
    ) {
        let panels = scratch + ((leftBytes(a.rows, a.columns) + 63) & ~63)
        let (left, right) = (left(a), right(b))
        fanOut.forRanges(
            left.chunks + right.chunks, size: 1, picosecondsPerItem: max(left.cost, right.cost)
        ) { range in
            for chunk in range {
                if chunk < left.chunks {
                    left.pack(chunk, into: scratch)
                } else {
                    right.pack(chunk - left.chunks, into: panels)
                }
            }
        }
        multiply(left: scratch, right: panels, out: c, depth: a.columns, fanOut)
    }

    func scratchBytes(_ rows: Int, _ columns: Int, _ depth: Int) -> Int {
        ((leftBytes(rows, depth) + 63) & ~63) + rightBytes(columns, depth)
    }
}
