import CMLXKernels
import MLXBase

/// Quantization of rows and back. Attributes: a `CodeFormat`'s words.
///
/// - quantize: input (…, K) of a real floating dtype, for nvfp4 also a global scale; output the
///   uint32 codes.
/// - quantizeScales: the same inputs; output the scales and offsets, (2, …, K / group) in the
///   input's dtype, or the scales' bytes.
/// - dequantize: codes, scales and offsets (affine) or a global scale (nvfp4, optional); output the
///   numbers. NUMERICS: float32 products and sums, for half types rounded after each as MLX does.
enum Quantize {
    /// What a global scale of an optional input says; 0 for none.
    static func global(_ call: borrowing KernelCall, input: Int) -> Float {
        guard call.inputs.count > input else { return 0 }
        var value: Float = 0
        castLoop(call.inputs[input].dtype, .float32)(
            &value, call.inputs[input].pointer, nil, nil, 1)
        return value
    }

    static func encode(_ call: borrowing KernelCall, scalesOnly: Bool) throws(ArrayError) {
        let (x, out) = (call.contiguous(call.inputs[0]), call.outputs[0])
        if out.shape.size == 0 { return }
        let format = try CodeFormat(words: call.attributes, operation: "quantize")
        let length = x.shape[x.shape.ndim - 1]
        let rows = x.shape.size / length
        let groups = length / format.groupSize
        let rowBytes = format.byteCount(length)
        let global = global(call, input: 1)
        call.fanOut.forRanges(
            rows, size: call.grain.items(ofBytes: length * 4), picosecondsPerItem: length * 1500
        ) { range in
            // SAFETY: this thread's scratch, for a row in float32 and its scales and offsets.
            let scratch = mlx_thread_scratch((length + 2 * groups) * 4)!
            let row = scratch.assumingMemoryBound(to: Float.self)
            let scales = row + length
            for r in range {
                let source = x.address(r * length)
                if x.dtype != .float32 {
                    castLoop(x.dtype, .float32)(row, source, nil, nil, length)
                }
                let values =
                    x.dtype == .float32
                    ? UnsafeRawPointer(source).assumingMemoryBound(to: Float.self)
                    : UnsafePointer(row)
                let codes =
                    scalesOnly
                    ? nil : (out.pointer + r * rowBytes).assumingMemoryBound(to: UInt8.self)
                if !format.isAffine {
                    let bytes = (out.pointer + r * groups).assumingMemoryBound(to: UInt8.self)
                    mlx_encode_float(
                        codes, scalesOnly ? bytes : nil, values, length, format.groupSize,
                        format.kind, global)
                    continue
                }
                mlx_encode_affine(
                    codes, scales, scales + groups, values, length, format.groupSize,
                    Int32(format.bits))
                if !scalesOnly { continue }
                let narrow = castLoop(.float32, out.dtype)
                narrow(out.address(r * groups), scales, nil, nil, groups)
                narrow(out.address((rows + r) * groups), scales + groups, nil, nil, groups)
            }
        }
    }

    static func decode(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let format = try CodeFormat(words: call.attributes, operation: "dequantize")
        let weight = CodedMatrices(call, weight: 0, format)
        let (rows, length, groups) = (weight.rowCount, weight.length, weight.groups)
        let narrow = castLoop(.float32, out.dtype)
        let rounding = weight.scales.dtype.isHalf ? weight.scales.dtype.code : -1
        call.fanOut.forRanges(
            rows, size: call.grain.items(ofBytes: length * 4), picosecondsPerItem: length * 300
        ) { range in
            // SAFETY: this thread's scratch, for a row in float32 and its scales and offsets.
            let scratch = mlx_thread_scratch((length + 2 * groups) * 4)!
                .assumingMemoryBound(to: Float.self)
            for r in range {
                if out.dtype == .float64 {
                    weight.decodeDouble(
                        r,
                        UnsafeMutableRawPointer(out.address(r * length))
                            .assumingMemoryBound(to: Double.self), scratch)
                } else if out.dtype == .float32 {
                    weight.decode(
                        r,
                        UnsafeMutableRawPointer(out.address(r * length))
                            .assumingMemoryBound(to: Float.self), scratch, rounding)
                } else {
                    weight.decode(r, scratch + 2 * groups, scratch, rounding)
                    narrow(out.address(r * length), scratch + 2 * groups, nil, nil, length)
                }
            }
        }
    }

    static func toFP8(_ call: borrowing KernelCall) throws(ArrayError) {
        let x = call.contiguous(call.inputs[0])
        let out = call.outputs[0].pointer
        nonisolated(unsafe) let target = out.assumingMemoryBound(to: UInt8.self)
        call.fanOut.forRanges(x.shape.size, size: 1 << 14, picosecondsPerItem: 600) { range in
            // SAFETY: this thread's scratch, for the chunk in float32.
            let wide = mlx_thread_scratch(range.count * 4)!.assumingMemoryBound(to: Float.self)
            castLoop(x.dtype, .float32)(wide, x.address(range.lowerBound), nil, nil, range.count)
            mlx_to_e4m3(target + range.lowerBound, wide, range.count)
        }
    }

    static func fromFP8(_ call: borrowing KernelCall) throws(ArrayError) {
        let x = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        nonisolated(unsafe) let source = x.pointer.assumingMemoryBound(to: UInt8.self)
        call.fanOut.forRanges(x.shape.size, size: 1 << 14, picosecondsPerItem: 600) { range in
            // SAFETY: this thread's scratch, for the chunk in float32.
            let wide = mlx_thread_scratch(range.count * 4)!.assumingMemoryBound(to: Float.self)
            mlx_from_e4m3(wide, source + range.lowerBound, range.count)
            castLoop(.float32, out.dtype)(
                out.address(range.lowerBound), wide, nil, nil, range.count)
        }
    }
}

extension Kernels {
    package static func quantize(_ call: borrowing KernelCall) throws(ArrayError) {
        try Quantize.encode(call, scalesOnly: false)
    }
    package static func quantizeScales(_ call: borrowing KernelCall) throws(ArrayError) {
        try Quantize.encode(call, scalesOnly: true)
    }
    package static func dequantize(_ call: borrowing KernelCall) throws(ArrayError) {
        try Quantize.decode(call)
    }
    package static func toFP8(_ call: borrowing KernelCall) throws(ArrayError) {
        try Quantize.toFP8(call)
    }
    package static func fromFP8(_ call: borrowing KernelCall) throws(ArrayError) {
        try Quantize.fromFP8(call)
    }
}
