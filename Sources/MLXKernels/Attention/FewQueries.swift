import CMLXKernels
import MLXBase

/// Attention of a few queries, as when a model writes one token after the other: bound by reading
/// keys and values, so each is read once, where it lies, for all heads that share it. Long lists
/// of keys are cut into parts of fixed length whose running softmaxes are merged in order.
struct FewQueries {
    let shape: AttentionShape
    private let part = 1024
    private let block = 256

    private var rows: Int { shape.sharing * shape.queryCount }
    /// Maximum, sum of exponentials, weighted sums of each row.
    private var stateLength: Int { rows * (2 + shape.width) }

    func run(_ call: borrowing KernelCall) {
        let parts = (shape.keyCount + part - 1) / part
        let groups = shape.batch * shape.keyHeads
        nonisolated(unsafe) let states = call.scratch(byteCount: groups * parts * stateLength * 4)
            .assumingMemoryBound(to: Float.self)
        call.fanOut.forRanges(
            groups * parts, size: 1,
            picosecondsPerItem: min(part, shape.keyCount) * (shape.depth + shape.width) * 200
        ) { range in
            for item in range {
                attend(
                    group: item / parts, keys: item % parts * part,
                    states + item * stateLength)
            }
        }
        for group in 0..<groups { merge(group, parts, states + group * parts * stateLength) }
    }

    /// Rows that meet a block of keys together.
    private static let rowsAtOnce = 6

    /// Rows where the products read them: in place, or in float32 in `scratch`.
    private func rows(
        _ x: MatrixView, _ range: Range<Int>, scratch: UnsafeMutableRawPointer
    ) -> MatrixView {
        var rows = x
        rows.rows = range.count
        rows.pointer = x.address(range.lowerBound, 0)
        if isReadable(x.dtype, x.columnStride) { return rows }
        shape.load(x, range, into: scratch)
        return MatrixView(
            pointer: scratch, dtype: .float32, rows: range.count, columns: x.columns,
            rowStride: x.columns, columnStride: 1)
    }

    private func isReadable(_ dtype: DType, _ columnStride: Int) -> Bool {
        columnStride == 1 && (dtype == .float32 || dtype == .float16 || dtype == .bfloat16)
    }

    /// Floats of a block of keys or values that has to be converted first.
    private func spaceLength(_ x: Operand) -> Int {
        isReadable(x.dtype, x.strides[3]) ? 0 : block * x.shape[3]
    }

    private func attend(group: Int, keys first: Int, _ state: UnsafeMutablePointer<Float>) {
        let (batch, head) = (group / shape.keyHeads, group % shape.keyHeads)
        let (depth, width, count) = (shape.depth, shape.width, shape.queryCount)
        let tiles = (width + mlx_skinny_width() - 1) / mlx_skinny_width() * mlx_skinny_width()
        // SAFETY: this thread's scratch, cut into pieces that do not overlap.
        var pieces = Pieces([
            rows * depth * 4, rows * mlx_skinny_stride(depth) * 4, rows * block * 4,
            FewQueries.rowsAtOnce * (block + tiles + width) * 4, spaceLength(shape.keys) * 4,
            spaceLength(shape.values) * 4, rows * 4, AttentionShape.hideBytes(block),
        ])
        let plain = pieces.next().assumingMemoryBound(to: Float.self)
        let queries = pieces.next().assumingMemoryBound(to: Float.self)
        let scores = pieces.next().assumingMemoryBound(to: Float.self)
        let sums = pieces.next().assumingMemoryBound(to: Float.self)
        let (keySpace, valueSpace) = (pieces.next(), pieces.next())
        let (decay, spare) = (pieces.next().assumingMemoryBound(to: Float.self), pieces.next())
        for member in 0..<shape.sharing {
            shape.load(
                shape.matrix(shape.queries, batch, head * shape.sharing + member), 0..<count,
                into: plain + member * count * depth)
        }
        for i in 0..<rows * depth { plain[i] *= Float(shape.scale) }
        mlx_skinny_widen(queries, plain, DType.float32.code, depth, 1, rows, depth)
        for row in 0..<rows { (state[row], state[rows + row]) = (-.infinity, 0) }
        let totals = state + 2 * rows
        totals.update(repeating: 0, count: rows * width)
        let end = min(first + part, shape.keyCount)
        for key in stride(from: first, to: end, by: block) {
            let range = key..<min(key + block, end)
            dots(
                queries, rows(shape.matrix(shape.keys, batch, head), range, scratch: keySpace),
                scores)
            if shape.mask != nil || shape.isCausal {
                for row in 0..<rows {
                    shape.hide(
                        scores + row * block, batch: batch,
                        head: head * shape.sharing + row / count, query: row % count, keys: range,
                        scratch: spare)
                }
            }
            mlx_softmax_block_fn(DType.float32.code)!(
                scores, block, rows, range.count, state, state + rows, decay)
            mlx_scale_rows_fn(DType.float32.code)!(totals, width, rows, width, decay)
            addSums(
                scores,
                rows(shape.matrix(shape.values, batch, head), range, scratch: valueSpace),
                totals, sums, tiles)
        }
    }

    /// The products of all queries with a block of keys.
    private func dots(
        _ queries: UnsafePointer<Float>, _ keys: MatrixView, _ scores: UnsafeMutablePointer<Float>
    ) {
        let padded = mlx_skinny_stride(shape.depth)
        for row in stride(from: 0, to: rows, by: FewQueries.rowsAtOnce) {
            mlx_skinny_dots(
                scores + row * block, block, queries + row * padded, padded, 0,
                min(FewQueries.rowsAtOnce, rows - row), keys.pointer, keys.dtype.code,
                keys.rowStride, keys.rows, shape.depth)
        }
    }

    /// Adds a block of values, weighted, to the totals.
    /// - Parameter scratch: for packed weights, tiles of sums and rows of them.
    private func addSums(
        _ weights: UnsafePointer<Float>, _ values: MatrixView,
        _ totals: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>, _ tiles: Int
    ) {
        let (width, n) = (shape.width, values.rows)
        let sums = scratch + FewQueries.rowsAtOnce * block
        let added = sums + FewQueries.rowsAtOnce * tiles
        for row in stride(from: 0, to: rows, by: FewQueries.rowsAtOnce) {
            let count = min(FewQueries.rowsAtOnce, rows - row)
            mlx_skinny_pack(
                scratch, weights + row * block, DType.float32.code, block, 1, count, n)
            mlx_skinny_sums(
                sums, scratch, count, values.pointer, values.dtype.code, values.rowStride, width,
                n)
            mlx_skinny_merge(added, width, sums, 0, 1, count, 0, width)
            for i in 0..<count * width { totals[row * width + i] += added[i] }
        }
    }

    /// Merges the parts of one key head, and the sinks, and stores.
    private func merge(_ group: Int, _ parts: Int, _ states: UnsafeMutablePointer<Float>) {
        let width = shape.width
        var output = [Float](repeating: 0, count: width)
        for row in 0..<rows {
            let batch = group / shape.keyHeads
            let head = group % shape.keyHeads * shape.sharing + row / shape.queryCount
            var high = shape.sink(head).map(Float.init) ?? -.infinity
            let sink = high
            for part in 0..<parts { high = max(high, states[part * stateLength + row]) }
            let shift = high == -.infinity ? 0 : high
            var total = sink == -.infinity ? 0 : exponential(sink - shift)
            for i in 0..<width { output[i] = 0 }
            for part in 0..<parts {
                let state = states + part * stateLength
                let factor =
                    parts == 1 && sink == -.infinity
                    ? 1 : exponential(state[row] - shift)
                total += factor * state[rows + row]
                let sums = state + 2 * rows + row * width
                for i in 0..<width { output[i] += factor * sums[i] }
            }
            for i in 0..<width { output[i] /= total }
            let place = (batch * shape.heads + head) * shape.queryCount + row % shape.queryCount
            castLoop(.float32, shape.out.dtype)(
                shape.out.address(place * width), &output, nil, nil, width)
        }
    }

    private func exponential(_ x: Float) -> Float {
        var (value, result) = (x, Float(0))
        // float32 has an exponential.
        mlx_elementwise_fn(Int32(MLX_EXP.rawValue), DType.float32.code)!(
            &result, &value, nil, nil, 1)
        return result
    }
}
