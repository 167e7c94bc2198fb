import CMLXKernels
import MLXBase

/// Softmax and log-sum-exp over any set of axes. Attributes: [0] the axes as a bit mask. Floating
/// dtypes and complex64; the output has the input's.
/// NUMERICS: shifted by the maximum, exponentials times the reciprocal of their sum; half types are
/// computed in float32, sums of exponentials are merged in float64 by segments of 4096, complex
/// numbers are computed in float64.
enum Softmax {
    static func run(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out, mask) = (call.inputs[0], call.outputs[0], call.attributes[0])
        if out.shape.size == 0 { return }
        let compute = x.dtype.computeType
        guard let softmax = mlx_softmax_fn(compute.code) else {
            throw ArrayError(.dtype, "softmax", "not for \(x.dtype)", dtypes: [x.dtype])
        }
        if compute != .complex64, let columns = ColumnLayout(x, mask: mask),
            let target = ColumnLayout(out, mask: mask),
            columns.matches(target)
        {
            return try ColumnSoftmax(x, columns).softmax(out, target, call.fanOut)
        }
        let source = RowSource(x, mask: mask, as: compute)
        let isTrailing = RowSource.isTrailing(out.shape, mask: mask) && !out.dtype.isHalf
        let target = isTrailing ? nil : RowTarget(out, mask: mask)
        let length = source.length
        let rowBytes = length * compute.size
        let streams = source.rows * rowBytes >= streamThreshold
        call.fanOut.forRanges(
            source.rows, size: call.grain.items(ofBytes: rowBytes), picosecondsPerItem: length * 900
        ) { range in
            if isTrailing, let tile = source.direct(range) {
                softmax(
                    out.address(range.lowerBound * length), tile, range.count, length, streams)
                return
            }
            // SAFETY: rows are computed in memory of this call's own; the thread's scratch is the
            // source's while it gathers.
            let work = UnsafeMutableRawPointer.allocate(byteCount: rowBytes, alignment: 64)
            defer { work.deallocate() }
            for row in range {
                source.forTiles(rows: row..<row + 1, columns: 0..<length) { tile, _, _, first, n in
                    (work + first * compute.size).copyMemory(
                        from: tile, byteCount: n * compute.size)
                }
                if let target {
                    softmax(work, work, 1, length, false)
                    target.store(row, work, compute)
                } else {
                    softmax(out.address(row * length), work, 1, length, false)
                }
            }
        }
    }

    static func logSumExp(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out, mask) = (call.inputs[0], call.outputs[0], call.attributes[0])
        if out.shape.size == 0 { return }
        let compute = x.dtype.computeType
        if x.shape.size == 0 {
            var value: UInt64 = 0
            var lowest = -Double.infinity
            castLoop(.float64, out.dtype)(&value, &lowest, nil, nil, 1)
            return Movement.fill(out, with: &value, call.fanOut, call.grain)
        }
        guard let reduce = mlx_log_sum_exp_fn(compute.code) else {
            throw ArrayError(.dtype, "logsumexp", "not for \(x.dtype)", dtypes: [x.dtype])
        }
        if compute != .complex64, let columns = ColumnLayout(x, mask: mask) {
            return try ColumnSoftmax(x, columns).logSumExp(out, call.fanOut)
        }
        let source = RowSource(x, mask: mask, as: compute)
        let length = source.length
        let rowBytes = length * compute.size
        nonisolated(unsafe) let results = call.scratch(byteCount: source.rows * compute.size)
        call.fanOut.forRanges(
            source.rows, size: call.grain.items(ofBytes: rowBytes), picosecondsPerItem: length * 700
        ) { range in
            if let tile = source.direct(range) {
                reduce(
                    results + range.lowerBound * compute.size, tile, range.count, length, false)
                return
            }
            let work = UnsafeMutableRawPointer.allocate(byteCount: rowBytes, alignment: 64)
            defer { work.deallocate() }
            for row in range {
                source.forTiles(rows: row..<row + 1, columns: 0..<length) { tile, _, _, first, n in
                    (work + first * compute.size).copyMemory(
                        from: tile, byteCount: n * compute.size)
                }
                reduce(results + row * compute.size, work, 1, length, false)
            }
        }
        castLoop(compute, out.dtype)(out.pointer, results, nil, nil, source.rows)
    }
}

/// The counterpart of `RowSource`: where rows of kept and reduced axes lie in a contiguous output.
struct RowTarget {
    private let out: Operand
    private let keptDims: [Int]
    private let keptStrides: [Int]
    private let innerDims: [Int]
    private let innerStrides: [Int]

    init(_ out: Operand, mask: Int) {
        self.out = out
        let strides = out.shape.rowMajorStrides
        let axes = 0..<out.shape.ndim
        let kept = axes.filter { mask >> $0 & 1 == 0 }
        let inner = axes.filter { mask >> $0 & 1 != 0 }
        keptDims = kept.map { out.shape[$0] }
        keptStrides = kept.map { strides[$0] }
        innerDims = inner.map { out.shape[$0] }
        innerStrides = inner.map { strides[$0] }
    }

    /// Stores one row of compute dtype.
    func store(_ row: Int, _ values: UnsafeMutableRawPointer, _ compute: DType) {
        var (rest, offset) = (row, 0)
        for axis in keptDims.indices.reversed() {
            offset += rest % keptDims[axis] * keptStrides[axis]
            rest /= keptDims[axis]
        }
        let count = innerDims.reduce(1, *)
        if compute != out.dtype {
            // Narrowing in place is allowed: results never overtake what is still to be read.
            castLoop(compute, out.dtype)(values, values, nil, nil, count)
        }
        let rows = innerDims.isEmpty ? 1 : count / innerDims.last!
        var dense = [Int](repeating: 1, count: innerDims.count)
        for axis in innerDims.indices.dropLast().reversed() {
            dense[axis] = dense[axis + 1] * innerDims[axis + 1]
        }
        mlx_copy_rows(
            out.address(offset), values.assumingMemoryBound(to: CChar.self), Int32(out.itemSize),
            Int32(innerDims.count), innerDims, innerStrides, dense, 0, rows, false)
    }
}

extension Kernels {
    package static func softmax(_ call: borrowing KernelCall) throws(ArrayError) {
        try Softmax.run(call)
    }
    package static func logSumExp(_ call: borrowing KernelCall) throws(ArrayError) {
        try Softmax.logSumExp(call)
    }
}
