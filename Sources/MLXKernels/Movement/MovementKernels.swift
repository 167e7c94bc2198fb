import CMLXKernels
import MLXBase

/// Kernels that place elements without computing. Attributes, as flat integers:
///
/// - copy: none. Any strides to contiguous.
/// - fill: none; one scalar input.
/// - sliceUpdate: start of each axis, then step of each axis; inputs x and the update.
/// - concatenate: the axis; inputs already have the output's dtype.
/// - pad: low of each axis, then high of each axis; inputs x and a scalar.
enum Movement {
    static func copy(_ call: borrowing KernelCall) {
        StridedCopy.run(from: call.inputs[0], to: call.outputs[0], call.fanOut, call.grain)
    }

    static func fill(_ call: borrowing KernelCall) {
        fill(call.outputs[0], with: call.inputs[0].pointer, call.fanOut, call.grain)
    }

    static func fill(
        _ out: Operand, with value: UnsafeMutableRawPointer, _ fanOut: any FanOut, _ grain: Grain
    ) {
        nonisolated(unsafe) let value = value
        let stream = out.shape.size * out.itemSize >= streamThreshold
        fanOut.forRanges(
            out.shape.size, size: grain.items(ofBytes: out.itemSize),
            picosecondsPerItem: out.itemSize * 60
        ) { range in
            mlx_fill(
                out.address(range.lowerBound), value, Int32(out.itemSize), range.count, stream)
        }
    }

    static func sliceUpdate(_ call: borrowing KernelCall) {
        let (out, x, update) = (call.outputs[0], call.inputs[0], call.inputs[1])
        if out.pointer != x.pointer {
            StridedCopy.run(from: x, to: out, call.fanOut, call.grain)
        }
        let rank = out.shape.ndim
        let strides = out.shape.rowMajorStrides
        var offset = 0
        var steps: [Int] = []
        for axis in 0..<rank {
            offset += call.attributes[axis] * strides[axis]
            steps.append(call.attributes[rank + axis] * strides[axis])
        }
        StridedCopy.run(
            dims: update.shape.array, to: out.address(offset), steps, from: update.pointer,
            update.stridesArray, itemSize: out.itemSize, call.fanOut, call.grain)
    }

    static func concatenate(_ call: borrowing KernelCall) {
        let (out, axis) = (call.outputs[0], call.attributes[0])
        let strides = Array(out.shape.rowMajorStrides)
        var start = 0
        let starts = call.inputs.map { input in
            defer { start += input.shape[axis] }
            return start
        }
        if concatenateRows(call, axis, starts) { return }
        let (inputs, grain) = (call.inputs, call.grain)
        func copy(_ number: Int, _ fanOut: any FanOut) {
            let input = inputs[number]
            if input.shape.size == 0 { return }
            StridedCopy.run(
                dims: input.shape.array, to: out.address(starts[number] * strides[axis]), strides,
                from: input.pointer, input.stridesArray, itemSize: out.itemSize, fanOut, grain)
        }
        let bytes = out.shape.size * out.itemSize / max(inputs.count, 1)
        // Many small arrays go to different threads whole, large ones in parts.
        guard inputs.count > 1, bytes <= grain.byteCount else {
            for number in inputs.indices { copy(number, call.fanOut) }
            return
        }
        call.fanOut.forRanges(
            inputs.count, size: max(1, grain.byteCount / 4 / max(bytes, 1)),
            picosecondsPerItem: bytes * 100
        ) { range in
            for number in range { copy(number, SerialFanOut()) }
        }
    }

    /// Joins arrays that lie in rows, the result row by row: it is then written from end to end,
    /// where one array after the other would write in steps of a row.
    private static func concatenateRows(
        _ call: borrowing KernelCall, _ axis: Int, _ starts: [Int]
    ) -> Bool {
        let (out, inputs) = (call.outputs[0], call.inputs)
        let rows = (0..<axis).reduce(1) { $0 * out.shape[$1] }
        let length = out.shape.size / max(rows, 1)
        let inner = length / max(out.shape[axis], 1)
        guard rows > 1, inputs.count > 2, length * out.itemSize / inputs.count >= 256,
            inputs.allSatisfy(\.isContiguous)
        else { return false }
        let itemSize = out.itemSize
        call.fanOut.forRanges(
            rows, size: max(1, call.grain.byteCount / max(length * itemSize, 1)),
            picosecondsPerItem: length * itemSize * 100
        ) { range in
            for row in range {
                for number in inputs.indices {
                    let count = inputs[number].shape[axis] * inner
                    UnsafeMutableRawPointer(out.address(row * length + starts[number] * inner))
                        .copyMemory(
                            from: inputs[number].address(row * count), byteCount: count * itemSize)
                }
            }
        }
        return true
    }

    static func pad(_ call: borrowing KernelCall) {
        let (out, x) = (call.outputs[0], call.inputs[0])
        fill(out, with: call.inputs[1].pointer, call.fanOut, call.grain)
        let strides = Array(out.shape.rowMajorStrides)
        var offset = 0
        for axis in 0..<x.shape.ndim { offset += call.attributes[axis] * strides[axis] }
        StridedCopy.run(
            dims: x.shape.array, to: out.address(offset), strides, from: x.pointer,
            x.stridesArray, itemSize: out.itemSize, call.fanOut, call.grain)
    }
}

extension Kernels {
    package static func copy(_ call: borrowing KernelCall) throws(ArrayError) {
        Movement.copy(call)
    }
    package static func fill(_ call: borrowing KernelCall) throws(ArrayError) {
        Movement.fill(call)
    }
    package static func sliceUpdate(_ call: borrowing KernelCall) throws(ArrayError) {
        Movement.sliceUpdate(call)
    }
    package static func concatenate(_ call: borrowing KernelCall) throws(ArrayError) {
        Movement.concatenate(call)
    }
    package static func pad(_ call: borrowing KernelCall) throws(ArrayError) {
        Movement.pad(call)
    }
}
