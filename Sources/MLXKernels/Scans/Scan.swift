import CMLXKernels
import MLXBase

/// Running folds along one axis. Attributes: [0] how far the axis is from the last one, [1] whether
/// it runs backwards, [2] whether each result leaves out its own element.
///
/// NUMERICS: as Scans/scan.h says. A long axis that few others stand beside is cut into blocks
/// of fixed length, which are folded first; so the order depends on the shape only.
enum Scan {
    /// Elements of one block of a long axis.
    static let blockLength = 1 << 15

    /// The array as (outer, length, inner), row-major.
    private struct Layout {
        let outer: Int
        let length: Int
        let inner: Int

        init(_ shape: Shape, fromLast: Int) {
            let axis = shape.ndim - 1 - fromLast
            outer = shape.dims[..<axis].reduce(1, *)
            length = shape[axis]
            inner = shape.dims[(axis + 1)...].reduce(1, *)
        }
    }

    static func run(_ code: Int32, _ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        let table = mlx_scan_fn(code, x.dtype.code)
        guard let scan = table.scan else {
            throw ArrayError(.dtype, "scan", "no scan of \(x.dtype)", dtypes: [x.dtype])
        }
        let layout = Layout(x.shape, fromLast: call.attributes[0])
        let (reverse, exclusive) = (call.attributes[1] != 0, call.attributes[2] != 0)
        let blocks = (layout.length + blockLength - 1) / blockLength
        if layout.inner == 1 && blocks > 1 && layout.outer < 8 {
            return blockwise(code, table, x, layout.outer, layout.length, call)
        }
        let carrySize = mlx_scan_carry_size(code, x.dtype.code)
        // Few wide rows are cut into columns that fit the first-level cache.
        let width = min(layout.inner, 512)
        let strips = (layout.inner + width - 1) / width
        let bytes = layout.length * width * x.itemSize
        let step = reverse ? -layout.inner : layout.inner
        let first = reverse ? (layout.length - 1) * layout.inner : 0
        call.fanOut.forRanges(
            layout.outer * strips, size: call.grain.items(ofBytes: bytes),
            picosecondsPerItem: layout.length * width * (layout.inner == 1 ? 600 : 300)
        ) { range in
            // SAFETY: the carries are this thread's while the chunk runs.
            let carry = mlx_thread_scratch(width * carrySize)!
            for item in range {
                let column = item % strips * width
                let columns = min(width, layout.inner - column)
                let start = item / strips * layout.length * layout.inner + first + column
                mlx_scan_start(code, x.dtype.code, carry, columns)
                scan(
                    out.address(start), x.address(start), carry, layout.length, columns, step,
                    exclusive)
            }
        }
    }

    /// Folds all blocks, then scans each from what the blocks before it gave.
    private static func blockwise(
        _ code: Int32, _ table: mlx_scan, _ x: Operand, _ rows: Int, _ length: Int,
        _ call: borrowing KernelCall
    ) {
        let out = call.outputs[0]
        let (reverse, exclusive) = (call.attributes[1] != 0, call.attributes[2] != 0)
        let (scan, fold, join) = (table.scan!, table.fold!, table.join!)
        let size = mlx_scan_carry_size(code, x.dtype.code)
        let blocks = (length + blockLength - 1) / blockLength
        // One carry more than blocks: each is what comes before its block.
        nonisolated(unsafe) let carries = call.scratch(byteCount: rows * (blocks + 1) * size)
        mlx_scan_start(code, x.dtype.code, carries, rows * (blocks + 1))
        let step = reverse ? -1 : 1
        func place(_ item: Int) -> (start: Int, count: Int, carry: UnsafeMutableRawPointer) {
            let (row, block) = (item / blocks, item % blocks)
            let count = min(blockLength, length - block * blockLength)
            let from = reverse ? length - 1 - block * blockLength : block * blockLength
            return (row * length + from, count, carries + (row * (blocks + 1) + block) * size)
        }
        call.fanOut.forRanges(
            rows * blocks, size: 1, picosecondsPerItem: blockLength * 200
        ) { range in
            for item in range {
                let (start, count, carry) = place(item)
                fold(x.address(start), carry + size, count, step)
            }
        }
        for row in 0..<rows {
            for block in 1..<blocks {
                let before = carries + (row * (blocks + 1) + block) * size
                // What comes before, folded with the block's own.
                withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { sum in
                    sum.baseAddress!.copyMemory(from: before, byteCount: size)
                    join(sum.baseAddress!, before + size)
                    (before + size).copyMemory(from: sum.baseAddress!, byteCount: size)
                }
            }
        }
        call.fanOut.forRanges(
            rows * blocks, size: 1, picosecondsPerItem: blockLength * 500
        ) { range in
            for item in range {
                let (start, count, carry) = place(item)
                // SAFETY: a block reads its own carry and leaves the next one's alone.
                withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { own in
                    own.baseAddress!.copyMemory(from: carry, byteCount: size)
                    scan(
                        out.address(start), x.address(start), own.baseAddress!, count, 1, step,
                        exclusive)
                }
            }
        }
    }

    /// The logarithm of running sums of exponentials; other axes than the last are brought there.
    static func logSumExp(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let layout = Layout(out.shape, fromLast: call.attributes[0])
        let dims = [layout.outer, layout.inner, layout.length]
        let size = layout.length * layout.inner
        let turned = [size, 1, layout.inner]
        let straight = [size, layout.length, 1]
        var x = call.widened(call.inputs[0])
        let isLast = layout.inner == 1
        func buffer(_ dtype: DType) -> Operand {
            Operand(
                contiguous: call.scratch(byteCount: out.shape.size * dtype.size), dtype: dtype,
                shape: out.shape)
        }
        if !isLast {
            let copy = buffer(x.dtype)
            StridedCopy.run(
                dims: dims, to: copy.pointer, straight, from: x.pointer, turned,
                itemSize: x.itemSize, call.fanOut, call.grain)
            x = copy
        }
        let isDirect = isLast && x.dtype == out.dtype
        let result = isDirect ? out : buffer(x.dtype)
        let (reverse, exclusive) = (call.attributes[1] != 0, call.attributes[2] != 0)
        let function = mlx_log_sums_fn(x.dtype.code)!
        let source = x
        call.fanOut.forRanges(
            layout.outer * layout.inner,
            size: call.grain.items(ofBytes: layout.length * x.itemSize),
            picosecondsPerItem: layout.length * 4000
        ) { range in
            for row in range {
                let start = row * layout.length + (reverse ? layout.length - 1 : 0)
                function(
                    result.address(start), source.address(start), layout.length,
                    reverse ? -1 : 1, exclusive)
            }
        }
        if isDirect { return }
        let narrow = x.dtype == out.dtype ? result : call.converted(result, to: out.dtype)
        StridedCopy.run(
            dims: dims, to: out.pointer, turned, from: narrow.pointer, straight,
            itemSize: out.itemSize, call.fanOut, call.grain)
    }
}

extension Kernels {
    /// The kernel of a running fold.
    package static func scan(_ reduction: mlx_reduction) -> Kernel {
        let code = Int32(reduction.rawValue)
        return { (call) throws(ArrayError) in try Scan.run(code, call) }
    }
    package static func logCumulativeSum(_ call: borrowing KernelCall) throws(ArrayError) {
        try Scan.logSumExp(call)
    }
}
