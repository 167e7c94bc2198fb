import CMLXKernels
import MLXBase

/// Products of two operands in floats, both of which are rounded to int8 on the way: each row of x
/// as in `Int8Product`, each column of the weight with a scale of its own. Rounding the weight is
/// part of every call, so it pays for products of many rows.
extension Int8Product {
    /// - Parameter rows: (columns, …), the weights of one column in each.
    fileprivate static func rounded(
        _ rows: Operand, _ call: borrowing KernelCall
    ) -> Weights {
        let wide = call.widened(rows)
        let columns = wide.shape[0]
        let depth = wide.shape.size / max(columns, 1)
        nonisolated(unsafe) let source = wide.pointer.assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let values = call.scratch(byteCount: columns * depth)
            .assumingMemoryBound(to: Int8.self)
        nonisolated(unsafe) let scales = call.scratch(byteCount: columns * 4)
            .assumingMemoryBound(to: Float.self)
        call.fanOut.forRanges(
            columns, size: max(1, (1 << 15) / max(depth, 1)), picosecondsPerItem: depth * 150
        ) { range in
            let first = range.lowerBound
            mlx_int8_weights(
                values + first * depth, scales + first, source + first * depth, range.count,
                depth)
        }
        return Weights(values: values, scales: scales, columns: columns, depth: depth)
    }
}

extension Kernels {
    /// x (…, M, K) with w (K, N).
    package static func limitedMatmul(_ call: borrowing KernelCall) throws(ArrayError) {
        let w = call.inputs[1]
        if call.outputs[0].shape.size == 0 { return }
        try Int8Product.checkLength(w.shape[0], "matmul_within")
        let strides = call.scratch(byteCount: 2 * MemoryLayout<Int>.stride)
            .bindMemory(to: Int.self, capacity: 2)
        (strides[0], strides[1]) = (w.strides[1], w.strides[0])
        let columns = Operand(
            pointer: w.pointer, dtype: w.dtype,
            shape: try Shape(validating: [w.shape[1], w.shape[0]], operation: "matmul_within"),
            strides: strides)
        Int8Product.matmul(Int8Product.rounded(columns, call), call)
    }

    /// Images (N, H, W, C) with w (O, kH, kW, C / groups).
    package static func limitedConv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        let w = call.inputs[1]
        if call.outputs[0].shape.size == 0 { return }
        try Int8Product.checkLength(w.shape.size / w.shape[0], "conv2d_within")
        Int8Product.conv2d(Int8Product.rounded(w, call), call)
    }
}
