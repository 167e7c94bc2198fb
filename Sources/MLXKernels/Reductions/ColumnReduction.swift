import CMLXKernels
import MLXBase

/// Reductions of one run of axes that leaves contiguous columns to its right: whole rows are
/// merged into a row of accumulators, so memory is read in order.
/// NUMERICS: float32 (and widened half) sums and products take at most 128 rows before they are
/// merged into float64 totals. Parts of 512 rows are merged in order.
struct ColumnReduction {
    private let kind: Reduction.Kind
    private let x: Operand
    private let compute: DType
    private let outer: Int
    private let outerStride: Int
    private let middle: Int
    private let middleStride: Int
    private let inner: Int

    private static let blockColumns = 1024
    private static let partRows = 512
    private static let flushRows = 128

    init(
        _ kind: Reduction.Kind, _ x: Operand, as compute: DType, _ layout: ColumnLayout
    ) {
        self.kind = kind
        self.x = x
        self.compute = compute
        outer = layout.outer
        outerStride = layout.outerStride
        middle = layout.middle
        middleStride = layout.middleStride
        inner = layout.inner
    }

    func run(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        let accumulator = kind.accumulator(compute)
        let merge = try elementwise(kind.merge, compute)
        let mergeTotals = try elementwise(kind.merge, accumulator)
        let blocks = (inner + Self.blockColumns - 1) / Self.blockColumns
        let parts = (middle + Self.partRows - 1) / Self.partRows
        let size = accumulator.size
        nonisolated(unsafe) let totals = call.scratch(byteCount: parts * outer * inner * size)
        let partStride = outer * inner * size
        let chunkBytes = min(middle, Self.partRows) * min(inner, Self.blockColumns) * x.itemSize
        call.fanOut.forRanges(
            parts * outer * blocks, size: call.grain.items(ofBytes: chunkBytes),
            picosecondsPerItem: chunkBytes * 60
        ) { range in
            for item in range {
                let (block, rest) = (item % blocks, item / blocks)
                let (o, part) = (rest % outer, rest / outer)
                let column = block * Self.blockColumns
                let n = min(Self.blockColumns, inner - column)
                let target = totals + part * partStride + (o * inner + column) * size
                let rows = part * Self.partRows..<min(middle, (part + 1) * Self.partRows)
                reduceBlock(
                    rows: rows, from: o * outerStride + column, n, into: target, merge,
                    mergeTotals, accumulator)
            }
        }
        let narrow = castLoop(accumulator, out.dtype)
        call.fanOut.forRanges(outer * inner, size: 1 << 15, picosecondsPerItem: parts * 1000) {
            range in
            let first = totals + range.lowerBound * size
            for part in 1..<max(parts, 1) {
                mergeTotals(first, first, first + part * partStride, nil, range.count)
            }
            narrow(out.address(range.lowerBound), first, nil, nil, range.count)
        }
    }

    private func reduceBlock(
        rows: Range<Int>, from offset: Int, _ n: Int, into target: UnsafeMutableRawPointer,
        _ merge: mlx_tile_fn, _ mergeTotals: mlx_tile_fn, _ accumulator: DType
    ) {
        // SAFETY: three tiles of one block of elements of at most 8 bytes, this thread's own.
        let partial = mlx_thread_scratch(3 * Self.blockColumns * 8)!
        let wide = partial + Self.blockColumns * 8
        let total = wide + Self.blockColumns * 8
        let load = castLoop(x.dtype, compute)
        let toTotal = castLoop(compute, accumulator)
        let flushes = compute != accumulator
        var isFirstTotal = true
        var row = rows.lowerBound
        while row < rows.upperBound {
            let end = flushes ? min(row + Self.flushRows, rows.upperBound) : rows.upperBound
            for r in row..<end {
                let source = x.address(offset + r * middleStride)
                if r == row {
                    load(partial, source, nil, nil, n)
                } else if x.dtype != compute {
                    load(wide, source, nil, nil, n)
                    merge(partial, partial, wide, nil, n)
                } else {
                    merge(partial, partial, source, nil, n)
                }
            }
            if flushes {
                toTotal(isFirstTotal ? target : total, partial, nil, nil, n)
                if !isFirstTotal { mergeTotals(target, target, total, nil, n) }
                isFirstTotal = false
            } else {
                toTotal(target, partial, nil, nil, n)
            }
            row = end
        }
    }
}
