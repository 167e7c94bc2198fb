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

    /// The address and row stride of rows in float32: in place, or converted into `scratch`.
    private func rows(
        _ x: MatrixView, _ range: Range<Int>, scratch: UnsafeMutableRawPointer
    ) -> (UnsafePointer<Float>, Int) {
        if x.dtype == .float32 && x.columnStride == 1 {
            let start = x.address(range.lowerBound, 0)
            return (UnsafePointer(start.assumingMemoryBound(to: Float.self)), x.rowStride)
        }
        shape.load(x, range, into: scratch)
        return (UnsafePointer(scratch.assumingMemoryBound(to: Float.self)), x.columns)
    }

    private func attend(group: Int, keys first: Int, _ state: UnsafeMutablePointer<Float>) {
        let (batch, head) = (group / shape.keyHeads, group % shape.keyHeads)
        let (depth, width, count) = (shape.depth, shape.width, shape.queryCount)
        // SAFETY: this thread's scratch, cut into pieces that do not overlap.
        var pieces = Pieces([
            rows * depth * 4, rows * block * 4, block * depth * 4, block * width * 4, rows * 4,
            AttentionShape.hideBytes(block),
        ])
        let queries = pieces.next().assumingMemoryBound(to: Float.self)
        let scores = pieces.next().assumingMemoryBound(to: Float.self)
        let (keySpace, valueSpace) = (pieces.next(), pieces.next())
        let (decay, spare) = (pieces.next(), pieces.next())
        for member in 0..<shape.sharing {
            shape.load(
                shape.matrix(shape.queries, batch, head * shape.sharing + member), 0..<count,
                into: queries + member * count * depth)
        }
        for i in 0..<rows * depth { queries[i] *= Float(shape.scale) }
        let (sum, totals) = (state + rows, state + 2 * rows)
        for row in 0..<rows { (state[row], sum[row]) = (-.infinity, 0) }
        totals.update(repeating: 0, count: rows * width)
        let end = min(first + part, shape.keyCount)
        for key in stride(from: first, to: end, by: block) {
            let n = min(block, end - key)
            let (k, keyStride) = rows(
                shape.matrix(shape.keys, batch, head), key..<key + n, scratch: keySpace)
            mlx_few_dots_f32(scores, block, queries, depth, rows, k, keyStride, n, depth)
            if shape.mask != nil || shape.isCausal {
                for row in 0..<rows {
                    shape.hide(
                        scores + row * block, batch: batch,
                        head: head * shape.sharing + row / count, query: row % count,
                        keys: key..<key + n, scratch: spare)
                }
            }
            mlx_softmax_block_fn(DType.float32.code)!(
                scores, block, rows, n, state, sum, decay)
            mlx_scale_rows_fn(DType.float32.code)!(totals, width, rows, width, decay)
            let (v, valueStride) = rows(
                shape.matrix(shape.values, batch, head), key..<key + n, scratch: valueSpace)
            mlx_few_sums_f32(totals, width, scores, block, 1, rows, v, valueStride, width, n)
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
