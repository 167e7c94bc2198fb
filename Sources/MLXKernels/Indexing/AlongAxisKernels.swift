import CMLXKernels
import MLXBase

/// Elements picked or placed along one axis, an index for each. Attribute: [0] the axis, the
/// only one along which the shapes may differ.
///
/// - takeAlong: inputs the array and the indices; output in the indices' shape.
/// - putAlong: inputs the array, the indices and the values; output the array with the values in
///   their places, the last of several in row-major order. Output and array may be one.
///
/// Negative indices count from the end, once; any other index outside the axis throws `.index`.
enum AlongAxisKernels {
    /// (outer, along, inner) of a shape around an axis.
    private struct Split {
        let outer: Int
        let inner: Int

        init(_ shape: Shape, _ axis: Int) {
            outer = shape.dims[..<axis].reduce(1, *)
            inner = shape.dims[(axis + 1)...].reduce(1, *)
        }
    }

    static func take(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.contiguous(call.inputs[0]), call.outputs[0])
        if out.shape.size == 0 { return }
        let axis = call.attributes[0]
        let (indices, isWide) = integers(call.inputs[1], call)
        let split = Split(x.shape, axis)
        let (n, k) = (x.shape[axis], out.shape[axis])
        let failure = FirstFailure()
        let rowBytes = split.inner * out.itemSize
        call.fanOut.forRanges(
            split.outer * k, size: max(1, call.grain.items(ofBytes: rowBytes)),
            picosecondsPerItem: split.inner * 1500
        ) { range in
            let bad = mlx_take_along(
                out.chars, x.chars, indices.pointer, isWide, Int32(out.itemSize),
                range.lowerBound, range.upperBound, k, split.inner, Int64(n))
            if bad >= 0 { failure.report(bad) }
        }
        if let bad = failure.value {
            throw error("take_along_axis", at: bad, indices, isWide, x.shape, axis)
        }
    }

    static func put(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        if out.pointer != x.pointer { StridedCopy.run(from: x, to: out, call.fanOut, call.grain) }
        let values = call.contiguous(call.inputs[2])
        if values.shape.size == 0 { return }
        let axis = call.attributes[0]
        let (indices, isWide) = integers(call.inputs[1], call)
        let split = Split(out.shape, axis)
        let (n, k) = (out.shape[axis], values.shape[axis])
        let failure = FirstFailure()
        let bytes = k * split.inner * out.itemSize
        call.fanOut.forRanges(
            split.outer, size: max(1, call.grain.items(ofBytes: bytes)),
            picosecondsPerItem: k * split.inner * 1500
        ) { range in
            let bad = mlx_put_along(
                out.chars, values.chars, indices.pointer, isWide, Int32(out.itemSize),
                range.lowerBound, range.upperBound, k, split.inner, Int64(n))
            if bad >= 0 { failure.report(bad) }
        }
        if let bad = failure.value {
            throw error("put_along_axis", at: bad, indices, isWide, out.shape, axis)
        }
    }

    /// The indices as contiguous int32 or int64. A uint64 beyond int64 stays out of range.
    private static func integers(
        _ indices: Operand, _ call: borrowing KernelCall
    ) -> (Operand, isWide: Bool) {
        let flat = call.contiguous(indices)
        if flat.dtype == .int32 { return (flat, false) }
        if flat.dtype == .int64 { return (flat, true) }
        let wide = Operand(
            contiguous: call.scratch(byteCount: flat.shape.size * 8), dtype: .int64,
            shape: flat.shape)
        call.convert(flat, to: wide)
        if flat.dtype == .uint64 {
            let values = wide.pointer.assumingMemoryBound(to: Int64.self)
            for i in 0..<flat.shape.size where values[i] < 0 { values[i] = .min }
        }
        return (wide, true)
    }

    private static func error(
        _ operation: String, at position: Int, _ indices: Operand, _ isWide: Bool, _ shape: Shape,
        _ axis: Int
    ) -> ArrayError {
        let value =
            isWide
            ? Int(indices.pointer.assumingMemoryBound(to: Int64.self)[position])
            : Int(indices.pointer.assumingMemoryBound(to: Int32.self)[position])
        return ArrayError(
            .index, operation, "index \(value) is outside an axis of size \(shape[axis])",
            shapes: [shape.array])
    }
}

extension Kernels {
    package static func takeAlong(_ call: borrowing KernelCall) throws(ArrayError) {
        try AlongAxisKernels.take(call)
    }
    package static func putAlong(_ call: borrowing KernelCall) throws(ArrayError) {
        try AlongAxisKernels.put(call)
    }
}
