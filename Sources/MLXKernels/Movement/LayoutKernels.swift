import CMLXKernels
import MLXBase

/// Copies whose layout is told by numbers. Attributes:
///
/// - asStrided: the offset, then a stride for each axis of the output, in elements of the input's
///   row-major order.
/// - dynamicSlice, dynamicSliceUpdate: the axes that have a start, counted from the last one; the
///   last input has the starts. A window that does not fit throws `.index`.
enum LayoutKernels {
    static func asStrided(_ call: borrowing KernelCall) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        StridedCopy.run(
            dims: out.shape.array, to: out.pointer, out.stridesArray,
            from: x.address(call.attributes[0]), Array(call.attributes.dropFirst()),
            itemSize: out.itemSize, call.fanOut, call.grain)
    }

    static func slice(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        let starts = try starts(call, of: x.shape, window: out.shape)
        let offset = starts.indices.reduce(0) { $0 + starts[$1] * x.strides[$1] }
        StridedCopy.run(
            dims: out.shape.array, to: out.pointer, out.stridesArray, from: x.address(offset),
            x.stridesArray, itemSize: out.itemSize, call.fanOut, call.grain)
    }

    static func update(_ call: borrowing KernelCall) throws(ArrayError) {
        let (x, update, out) = (call.inputs[0], call.inputs[1], call.outputs[0])
        let starts = try starts(call, of: x.shape, window: update.shape)
        if out.pointer != x.pointer { StridedCopy.run(from: x, to: out, call.fanOut, call.grain) }
        let offset = starts.indices.reduce(0) { $0 + starts[$1] * out.strides[$1] }
        StridedCopy.run(
            dims: update.shape.array, to: out.address(offset), out.stridesArray,
            from: update.pointer, update.stridesArray, itemSize: out.itemSize, call.fanOut,
            call.grain)
    }

    /// A start for each axis.
    private static func starts(
        _ call: borrowing KernelCall, of shape: Shape, window: Shape
    ) throws(ArrayError) -> [Int] {
        let given = call.contiguous(call.inputs[call.inputs.count - 1])
        let wide = call.converted(given, to: .int64)
        let values = wide.pointer.assumingMemoryBound(to: Int64.self)
        var starts = [Int](repeating: 0, count: shape.ndim)
        for (place, fromLast) in call.attributes.enumerated() {
            let axis = shape.ndim - 1 - fromLast
            guard values[place] >= 0, values[place] <= Int64(shape[axis] - window[axis]) else {
                throw ArrayError(
                    .index, "slice",
                    "\(window[axis]) elements from \(values[place]) do not lie within axis \(axis)"
                        + " of \(shape)", shapes: [shape.array, window.array])
            }
            starts[axis] = Int(values[place])
        }
        return starts
    }
}

extension Kernels {
    package static func asStrided(_ call: borrowing KernelCall) throws(ArrayError) {
        LayoutKernels.asStrided(call)
    }
    package static func dynamicSlice(_ call: borrowing KernelCall) throws(ArrayError) {
        try LayoutKernels.slice(call)
    }
    package static func dynamicSliceUpdate(_ call: borrowing KernelCall) throws(ArrayError) {
        try LayoutKernels.update(call)
    }
}
