import CMLXKernels
import MLXBase

/// Scaled dot-product attention, y = softmax(scale q kᵀ + mask) v, without the matrix of scores:
/// blocks of queries pass over blocks of keys and keep a running softmax (Dao et al., 2022). Keys
/// and values are packed once for all the queries and heads that share them.
/// NUMERICS: scores and sums in float32 (float64 for float64). Block sizes are those of the device
/// kind and the register tile, never of threads.
struct Attention {
    private let shape: AttentionShape
    private let packed: PackedProduct
    private let queryBlock: Int
    private let keyBlock: Int
    private var size: Int { shape.compute.size }

    /// Queries of one key head, over all heads that share it, that are taken straight from memory.
    static let fewQueries = 8

    init(_ call: borrowing KernelCall) {
        shape = AttentionShape(call)
        packed = PackedProduct(shape.compute)
        queryBlock = call.grain.queryBlock
        keyBlock = call.grain.keyBlock
    }

    func run(_ call: borrowing KernelCall) {
        if shape.out.shape.size == 0 { return }
        if shape.keyCount == 0 {
            var zero: UInt64 = 0
            return Movement.fill(shape.out, with: &zero, call.fanOut, call.grain)
        }
        if shape.compute == .float32, shape.sharing * shape.queryCount <= Self.fewQueries {
            FewQueries(shape: shape).run(call)
        } else {
            tiled(call)
        }
    }

    // MARK: - Panels

    private var keyBlocks: Int { (shape.keyCount + keyBlock - 1) / keyBlock }
    /// Bytes of one packed block of keys, and of values.
    private var keyBytes: Int { (packed.rightBytes(keyBlock, shape.depth) + 63) & ~63 }
    private var valueBytes: Int { (packed.rightBytes(shape.width, keyBlock) + 63) & ~63 }

    /// All keys and values as right-hand panels, block after block of each head.
    private func pack(_ call: borrowing KernelCall) -> UnsafeMutableRawPointer {
        let count = shape.batch * shape.keyHeads * keyBlocks
        nonisolated(unsafe) let panels = call.scratch(byteCount: count * (keyBytes + valueBytes))
        let serial = SerialFanOut()
        call.fanOut.forRanges(
            count, size: 1, picosecondsPerItem: keyBlock * (shape.depth + shape.width) * 400
        ) { range in
            for item in range {
                let (head, block) = (item / keyBlocks, item % keyBlocks)
                let first = block * keyBlock
                let n = min(keyBlock, shape.keyCount - first)
                let place = panels + item * (keyBytes + valueBytes)
                let (b, h) = (head / shape.keyHeads, head % shape.keyHeads)
                var keys = shape.matrix(shape.keys, b, h)
                keys.pointer = keys.address(first, 0)
                keys.rows = n
                packed.packRight(keys.transposed, into: place, serial)
                var values = shape.matrix(shape.values, b, h)
                values.pointer = values.address(first, 0)
                values.rows = n
                packed.packRight(values, into: place + keyBytes, serial)
            }
        }
        return panels
    }

    private func tiled(_ call: borrowing KernelCall) {
        nonisolated(unsafe) let panels = pack(call)
        let blocks = (shape.queryCount + queryBlock - 1) / queryBlock
        let work = queryBlock * shape.keyCount * (shape.depth + shape.width) * 25
        call.fanOut.forRanges(
            shape.batch * shape.heads * blocks, size: 1,
            picosecondsPerItem: shape.isCausal ? work / 2 : work
        ) { range in
            for item in range {
                // The longest rows of a causal mask first.
                let block = blocks - 1 - item % blocks
                attend(
                    head: item / blocks, first: block * queryBlock, panels: panels)
            }
        }
    }

    /// One block of queries of one head.
    private func attend(head item: Int, first: Int, panels: UnsafeMutableRawPointer) {
        let (batch, head) = (item / shape.heads, item % shape.heads)
        let rows = min(queryBlock, shape.queryCount - first)
        let (depth, width) = (shape.depth, shape.width)
        // SAFETY: this thread's scratch, cut into pieces that do not overlap.
        var pieces = Pieces(
            [
                queryBlock * depth * size, queryBlock * keyBlock * size,
                queryBlock * width * size, 3 * queryBlock * size,
                AttentionShape.hideBytes(keyBlock),
            ])
        let (plain, scores) = (pieces.next(), pieces.next())
        let (sums, statistics, spare) = (pieces.next(), pieces.next(), pieces.next())
        shape.load(
            shape.matrix(shape.queries, batch, head), first..<first + rows, into: plain)
        multiply(plain, rows * depth, by: shape.scale)
        // Rows in scratch are contiguous.
        let left = packed.leftInPlace(view(plain, rows, depth))!
        sums.initializeMemory(as: UInt8.self, repeating: 0, count: queryBlock * width * size)
        start(statistics, rows, shape.sink(head))
        let visible = shape.visibleKeys(lastQuery: first + rows - 1)
        let group = batch * shape.keyHeads + head / shape.sharing
        for block in 0..<keyBlocks where block * keyBlock < visible {
            let key = block * keyBlock
            let n = min(keyBlock, shape.keyCount - key)
            let place = panels + (group * keyBlocks + block) * (keyBytes + valueBytes)
            if depth == 0 {
                scores.initializeMemory(as: UInt8.self, repeating: 0, count: rows * keyBlock * size)
            }
            mlx_gemm_tile(
                packed.gemm, left, packed.rightPanels(place, depth), scores, keyBlock, rows, n,
                depth, false)
            hide(scores, batch, head, first, rows, key..<key + n, spare)
            mlx_softmax_block_fn(shape.compute.code)!(
                scores, keyBlock, rows, n, statistics, statistics + queryBlock * size,
                statistics + 2 * queryBlock * size)
            if block > 0 {
                mlx_scale_rows_fn(shape.compute.code)!(
                    sums, width, rows, width, statistics + 2 * queryBlock * size)
            }
            var view = view(scores, rows, n)
            view.rowStride = keyBlock
            mlx_gemm_tile(
                packed.gemm, packed.leftInPlace(view)!, packed.rightPanels(place + keyBytes, n),
                sums, width, rows, width, n, true)
        }
        finish(sums, statistics + queryBlock * size, rows, item, first)
    }

    private func view(_ pointer: UnsafeMutableRawPointer, _ rows: Int, _ columns: Int)
        -> MatrixView
    {
        MatrixView(
            pointer: pointer, dtype: shape.compute, rows: rows, columns: columns,
            rowStride: columns, columnStride: 1)
    }

    private func hide(
        _ scores: UnsafeMutableRawPointer, _ batch: Int, _ head: Int, _ first: Int, _ rows: Int,
        _ keys: Range<Int>, _ spare: UnsafeMutableRawPointer
    ) {
        let isOpen =
            !shape.isCausal || keys.upperBound <= first + shape.keyCount - shape.queryCount + 1
        if shape.mask == nil && isOpen { return }
        for row in 0..<rows {
            shape.hide(
                scores + row * keyBlock * size, batch: batch, head: head, query: first + row,
                keys: keys, scratch: spare)
        }
    }

    private func multiply(_ pointer: UnsafeMutableRawPointer, _ count: Int, by factor: Double) {
        if shape.compute == .float64 {
            let x = pointer.assumingMemoryBound(to: Double.self)
            for i in 0..<count { x[i] *= factor }
        } else {
            let x = pointer.assumingMemoryBound(to: Float.self)
            for i in 0..<count { x[i] *= Float(factor) }
        }
    }

    /// Before the first key: nothing seen, or the sink.
    private func start(_ statistics: UnsafeMutableRawPointer, _ rows: Int, _ sink: Double?) {
        let sum = statistics + queryBlock * size
        for row in 0..<rows {
            if shape.compute == .float64 {
                statistics.assumingMemoryBound(to: Double.self)[row] = sink ?? -.infinity
                sum.assumingMemoryBound(to: Double.self)[row] = sink == nil ? 0 : 1
            } else {
                statistics.assumingMemoryBound(to: Float.self)[row] =
                    sink.map(Float.init)
                    ?? -.infinity
                sum.assumingMemoryBound(to: Float.self)[row] = sink == nil ? 0 : 1
            }
        }
    }

    /// Divides by the sums of exponentials and stores.
    private func finish(
        _ sums: UnsafeMutableRawPointer, _ totals: UnsafeMutableRawPointer, _ rows: Int,
        _ item: Int, _ first: Int
    ) {
        for row in 0..<rows {
            if shape.compute == .float64 {
                totals.assumingMemoryBound(to: Double.self)[row] =
                    1 / totals.assumingMemoryBound(to: Double.self)[row]
            } else {
                totals.assumingMemoryBound(to: Float.self)[row] =
                    1 / totals.assumingMemoryBound(to: Float.self)[row]
            }
        }
        let width = shape.width
        mlx_scale_rows_fn(shape.compute.code)!(sums, width, rows, width, totals)
        castLoop(shape.compute, shape.out.dtype)(
            shape.out.address((item * shape.queryCount + first) * width), sums, nil, nil,
            rows * width)
    }
}

/// The thread's scratch, cut into pieces at 64-byte boundaries.
struct Pieces {
    private var place: UnsafeMutableRawPointer
    private var sizes: ArraySlice<Int>

    init(_ byteCounts: [Int]) {
        let rounded = byteCounts.map { ($0 + 127) & ~63 }
        place = mlx_thread_scratch(rounded.reduce(0, +))!
        sizes = rounded[...]
    }

    mutating func next() -> UnsafeMutableRawPointer {
        defer { place += sizes.removeFirst() }
        return place
    }
}

extension Kernels {
    package static func attention(_ call: borrowing KernelCall) throws(ArrayError) {
        Attention(call).run(call)
    }
}
