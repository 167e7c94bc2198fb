import CMLXKernels
import MLXBase

/// Softmax and log-sum-exp over rows that leave contiguous columns: whole rows of a block of
/// columns go through the elementwise loops, in three passes (maximum, sum of exponentials,
/// result), so memory is read in order.
/// NUMERICS: sums of exponentials are held in float64 and take the rows in order.
struct ColumnSoftmax {
    private let x: Operand
    private let source: ColumnLayout
    private let compute: DType
    private let load, maximum, subtract, exponential, logarithm, widen, narrow: mlx_tile_fn
    private let addTotals, divide, add: mlx_tile_fn

    private static let blockColumns = 256

    init(_ x: Operand, _ source: ColumnLayout) throws(ArrayError) {
        self.x = x
        self.source = source
        compute = x.dtype.computeType
        load = castLoop(x.dtype, compute)
        maximum = try elementwise(MLX_MAXIMUM, compute)
        subtract = try elementwise(MLX_SUBTRACT, compute)
        exponential = try elementwise(MLX_EXP, compute)
        logarithm = try elementwise(MLX_LOG, .float64)
        widen = castLoop(compute, .float64)
        narrow = castLoop(.float64, compute)
        addTotals = try elementwise(MLX_ADD, .float64)
        divide = try elementwise(MLX_DIVIDE, compute)
        add = try elementwise(MLX_ADD, compute)
    }

    /// Tiles of one block, in the thread's scratch.
    private struct Tiles {
        let high, row, total, wide: UnsafeMutableRawPointer

        init() {
            let step = ColumnSoftmax.blockColumns * 8
            // SAFETY: four tiles of this thread's own.
            high = mlx_thread_scratch(4 * step)!
            row = high + step
            total = row + step
            wide = total + step
        }
    }

    private func forBlocks(_ fanOut: any FanOut, _ body: (Int, Int, Int, Tiles) -> Void) {
        let blocks = (source.inner + Self.blockColumns - 1) / Self.blockColumns
        fanOut.forRanges(
            source.outer * blocks, size: 1,
            picosecondsPerItem: source.middle * min(source.inner, Self.blockColumns) * 1500
        ) { range in
            let column = range.lowerBound % blocks * Self.blockColumns
            let n = min(Self.blockColumns, source.inner - column)
            body(range.lowerBound / blocks, column, n, Tiles())
        }
    }

    private func rowAddress(_ o: Int, _ row: Int, _ column: Int) -> UnsafeMutablePointer<CChar> {
        x.address(o * source.outerStride + row * source.middleStride + column)
    }

    /// The columns' maxima and sums of exp(x - maximum).
    private func reduce(_ o: Int, _ column: Int, _ n: Int, _ tiles: Tiles) {
        for row in 0..<source.middle {
            load(row == 0 ? tiles.high : tiles.row, rowAddress(o, row, column), nil, nil, n)
            if row > 0 { maximum(tiles.high, tiles.high, tiles.row, nil, n) }
        }
        for row in 0..<source.middle {
            exponentials(o, row, column, n, tiles)
            widen(row == 0 ? tiles.total : tiles.wide, tiles.row, nil, nil, n)
            if row > 0 { addTotals(tiles.total, tiles.total, tiles.wide, nil, n) }
        }
    }

    private func exponentials(_ o: Int, _ row: Int, _ column: Int, _ n: Int, _ tiles: Tiles) {
        load(tiles.row, rowAddress(o, row, column), nil, nil, n)
        subtract(tiles.row, tiles.row, tiles.high, nil, n)
        exponential(tiles.row, tiles.row, nil, nil, n)
    }

    func softmax(_ out: Operand, _ target: ColumnLayout, _ fanOut: any FanOut) {
        let store = castLoop(compute, out.dtype)
        forBlocks(fanOut) { o, column, n, tiles in
            reduce(o, column, n, tiles)
            narrow(tiles.wide, tiles.total, nil, nil, n)
            for row in 0..<source.middle {
                exponentials(o, row, column, n, tiles)
                divide(tiles.row, tiles.row, tiles.wide, nil, n)
                store(
                    out.address(o * target.outerStride + row * target.middleStride + column),
                    tiles.row, nil, nil, n)
            }
        }
    }

    func logSumExp(_ out: Operand, _ fanOut: any FanOut) {
        let store = castLoop(compute, out.dtype)
        let size = compute.size
        forBlocks(fanOut) { o, column, n, tiles in
            reduce(o, column, n, tiles)
            logarithm(tiles.total, tiles.total, nil, nil, n)
            narrow(tiles.row, tiles.total, nil, nil, n)
            add(tiles.row, tiles.row, tiles.high, nil, n)
            // An infinite maximum is the result: exp(inf - inf) was no number.
            for i in 0..<n {
                let high =
                    size == 4
                    ? Double(tiles.high.load(fromByteOffset: i * 4, as: Float.self))
                    : tiles.high.load(fromByteOffset: i * 8, as: Double.self)
                if high.isInfinite {
                    (tiles.row + i * size).copyMemory(from: tiles.high + i * size, byteCount: size)
                }
            }
            store(out.address(o * source.inner + column), tiles.row, nil, nil, n)
        }
    }
}
