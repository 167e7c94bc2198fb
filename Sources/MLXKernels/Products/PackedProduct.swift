import CMLXKernels
import MLXBase

/// C = A B by packed panels and the level's micro-kernel, with any strides on A and B and C of
/// unit column stride in float32 or float64. Both operands are packed once, in parallel; then a
/// grid of tiles, whose size depends on the micro-kernel alone, is computed in any order.
struct PackedProduct {
    let gemm: UnsafePointer<mlx_gemm>
    let itemSize: Int
    private var mr: Int { Int(gemm.pointee.mr) }
    private var nr: Int { Int(gemm.pointee.nr) }

    init(_ dtype: DType) {
        gemm = dtype == .float64 ? mlx_gemm_f64() : mlx_gemm_f32()
        itemSize = dtype == .float64 ? 8 : 4
    }

    func leftBytes(_ rows: Int, _ depth: Int) -> Int {
        (rows + mr - 1) / mr * mr * depth * itemSize
    }
    func rightBytes(_ columns: Int, _ depth: Int) -> Int {
        (columns + nr - 1) / nr * nr * depth * itemSize
    }

    /// The packer of a source dtype: the dtype itself, a half, or int8 for float32 products.
    private func packer(_ dtype: DType) -> mlx_pack_fn {
        withUnsafeBytes(of: gemm.pointee.pack) {
            $0.bindMemory(to: mlx_pack_fn?.self)[Int(dtype.rawValue)]!
        }
    }

    func packLeft(_ a: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        pack(a, panel: mr, into: panels, fanOut)
    }

    func packRight(_ b: MatrixView, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut) {
        pack(b.transposed, panel: nr, into: panels, fanOut)
    }

    private func pack(
        _ x: MatrixView, panel: Int, into panels: UnsafeMutableRawPointer, _ fanOut: any FanOut
    ) {
        nonisolated(unsafe) let panels = panels
        let packer = packer(x.dtype)
        let depth = x.columns
        let count = (x.rows + panel - 1) / panel
        let perChunk = max(1, (1 << 16) / max(panel * depth, 1))
        fanOut.forRanges(count, size: perChunk, picosecondsPerItem: panel * depth * 400) { range in
            let row = range.lowerBound * panel
            packer(
                panels + row * depth * itemSize, x.address(row, 0), x.rowStride, x.columnStride,
                min(range.count * panel, x.rows - row), depth, panel)
        }
    }

    /// The grid of tiles over packed operands.
    func multiply(
        left: UnsafeMutableRawPointer, right: UnsafeMutableRawPointer, out: MatrixView,
        depth: Int, accumulate: Bool = false, _ fanOut: any FanOut
    ) {
        nonisolated(unsafe) let (left, right) = (left, right)
        let (tileRows, tileColumns) = (mr * 12, nr * 8)
        let down = (out.rows + tileRows - 1) / tileRows
        let across = (out.columns + tileColumns - 1) / tileColumns
        let tileWork = min(tileRows, out.rows) * min(tileColumns, out.columns) * depth
        fanOut.forRanges(down * across, size: 1, picosecondsPerItem: tileWork * 25) { range in
            for tile in range {
                let row = tile % down * tileRows
                let column = tile / down * tileColumns
                mlx_gemm_tile(
                    gemm, Int32(itemSize), left + row * depth * itemSize,
                    right + column * depth * itemSize, out.address(row, column), out.rowStride,
                    min(tileRows, out.rows - row), min(tileColumns, out.columns - column), depth,
                    accumulate)
            }
        }
    }

    /// The whole product with everything packed in `scratch`.
    func run(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer,
        _ fanOut: any FanOut
    ) {
        let right = scratch + ((leftBytes(a.rows, a.columns) + 63) & ~63)
        packLeft(a, into: scratch, fanOut)
        packRight(b, into: right, fanOut)
        multiply(left: scratch, right: right, out: c, depth: a.columns, fanOut)
    }

    func scratchBytes(_ rows: Int, _ columns: Int, _ depth: Int) -> Int {
        ((leftBytes(rows, depth) + 63) & ~63) + rightBytes(columns, depth)
    }
}
