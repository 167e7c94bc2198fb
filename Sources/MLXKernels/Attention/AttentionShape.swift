import CMLXKernels
import MLXBase

/// What an attention call computes with: extents, strides of queries, keys and values, the mask
/// and the sinks. Attributes: the bits of the scale as a float64, whether causal, whether a mask,
/// whether sinks follow the values.
struct AttentionShape: @unchecked Sendable {
    // SAFETY: addresses of a call's operands; inputs are read only, outputs written by rows.
    let queries: Operand
    let keys: Operand
    let values: Operand
    let out: Operand
    let mask: Operand?
    let sinks: Operand?
    let scale: Double
    let isCausal: Bool
    let compute: DType

    var batch: Int { queries.shape[0] }
    var heads: Int { queries.shape[1] }
    var keyHeads: Int { keys.shape[1] }
    /// Query heads that share keys and values.
    var sharing: Int { heads / max(keyHeads, 1) }
    var queryCount: Int { queries.shape[2] }
    var keyCount: Int { keys.shape[2] }
    var depth: Int { queries.shape[3] }
    var width: Int { values.shape[3] }

    init(_ call: borrowing KernelCall) {
        let words = call.attributes
        (queries, keys, values) = (call.inputs[0], call.inputs[1], call.inputs[2])
        out = call.outputs[0]
        scale = Double(bitPattern: UInt64(bitPattern: Int64(words[0])))
        isCausal = words[1] != 0
        mask = words[2] != 0 ? call.inputs[3] : nil
        sinks = words[3] != 0 ? call.inputs[3 + words[2]] : nil
        compute = call.outputs[0].dtype.computeType
    }

    /// One head's rows as a matrix.
    func matrix(_ x: Operand, _ batch: Int, _ head: Int) -> MatrixView {
        MatrixView(
            pointer: UnsafeMutableRawPointer(
                x.address(batch * x.strides[0] + head * x.strides[1])),
            dtype: x.dtype, rows: x.shape[2], columns: x.shape[3], rowStride: x.strides[2],
            columnStride: x.strides[3])
    }

    /// Rows of a matrix, contiguous in the compute dtype.
    func load(_ x: MatrixView, _ rows: Range<Int>, into out: UnsafeMutableRawPointer) {
        let size = compute.size
        for (number, row) in rows.enumerated() {
            let target = out + number * x.columns * size
            if x.columnStride == 1 {
                castLoop(x.dtype, compute)(target, x.address(row, 0), nil, nil, x.columns)
            } else {
                for column in 0..<x.columns {
                    castLoop(x.dtype, compute)(
                        target + column * size, x.address(row, column), nil, nil, 1)
                }
            }
        }
    }

    /// A head's sink in the compute dtype, as float64.
    func sink(_ head: Int) -> Double? {
        guard let sinks else { return nil }
        var value = 0.0
        castLoop(sinks.dtype, .float64)(
            &value, sinks.address(head * sinks.strides[0]), nil, nil, 1)
        return value
    }

    /// Keys from the first one on that some of these queries may see.
    func visibleKeys(lastQuery: Int) -> Int {
        guard isCausal, keyCount >= queryCount else { return keyCount }
        return min(keyCount, lastQuery + keyCount - queryCount + 1)
    }

    /// Hides keys of one query's scores and adds its mask. What is hidden gets the lowest finite
    /// number, so that a query that sees nothing takes the mean, as MLX has it.
    func hide(
        _ scores: UnsafeMutableRawPointer, batch: Int, head: Int, query: Int, keys: Range<Int>,
        scratch: UnsafeMutableRawPointer
    ) {
        if compute == .float64 {
            hide(
                scores.assumingMemoryBound(to: Double.self), -.greatestFiniteMagnitude, batch,
                head, query, keys, scratch)
        } else {
            hide(
                scores.assumingMemoryBound(to: Float.self), -.greatestFiniteMagnitude, batch,
                head, query, keys, scratch)
        }
    }

    private func hide<T: BinaryFloatingPoint>(
        _ scores: UnsafeMutablePointer<T>, _ lowest: T, _ batch: Int, _ head: Int, _ query: Int,
        _ keys: Range<Int>, _ scratch: UnsafeMutableRawPointer
    ) {
        if let mask { add(mask, scores, lowest, [batch, head, query], keys, scratch) }
        guard isCausal else { return }
        let first = max(query + keyCount - queryCount + 1, keys.lowerBound)
        if first < keys.upperBound {
            for key in first..<keys.upperBound { scores[key - keys.lowerBound] = lowest }
        }
    }

    private func add<T: BinaryFloatingPoint>(
        _ mask: Operand, _ scores: UnsafeMutablePointer<T>, _ lowest: T, _ place: [Int],
        _ keys: Range<Int>, _ scratch: UnsafeMutableRawPointer
    ) {
        let (rank, n) = (mask.shape.ndim, keys.count)
        var offset = 0
        for axis in 0..<max(rank - 1, 0) where mask.shape[axis] > 1 {
            offset += place[axis + 4 - rank] * mask.strides[axis]
        }
        let step = rank > 0 && mask.shape[rank - 1] > 1 ? mask.strides[rank - 1] : 0
        let source = mask.address(offset + keys.lowerBound * step)
        if mask.dtype == .bool {
            for key in 0..<n where source[key * step] == 0 { scores[key] = lowest }
            return
        }
        // The mask's own numbers, then the same in the compute dtype.
        var (shape, strides) = (n, step)
        mlx_strided_load(
            scratch, source, Int32(mask.itemSize), 1, &shape, &strides, 0, n)
        let wide = scratch + n * 8
        castLoop(mask.dtype, compute)(wide, scratch, nil, nil, n)
        let terms = wide.assumingMemoryBound(to: T.self)
        for key in 0..<n { scores[key] += terms[key] }
    }

    /// Bytes of scratch that `hide` needs for n keys.
    static func hideBytes(_ n: Int) -> Int { n * 16 }
}
