import CMLXKernels
import MLXBase

/// Norms over the last axis. Attributes: [0] the bits of eps as a float64, [1] whether a weight (1)
/// and a bias (2) follow x, in this order. All inputs have the output's dtype.
///
/// - norm: inputs x, weight and bias of the last axis's length.
/// - gradient: inputs x, the cotangent and the weight; output the derivative by x.
///
/// NUMERICS: sums in lanes, added in float64; half types are widened a row at a time and rounded
/// once.
enum Norms {
    static func norm(_ call: borrowing KernelCall, isRMS: Bool) {
        let (x, out) = (call.contiguous(call.inputs[0]), call.outputs[0])
        if out.shape.size == 0 { return }
        let compute = x.dtype.computeType
        let flags = call.attributes[1]
        let weight = flags & 1 != 0 ? call.widened(call.inputs[1]).pointer : nil
        let bias =
            flags & 2 != 0 ? call.widened(call.inputs[flags & 1 + 1]).pointer : nil
        let length = x.shape[x.shape.ndim - 1]
        let eps = Double(bitPattern: UInt64(bitPattern: Int64(call.attributes[0])))
        let function = mlx_norm_fn(compute.code)!
        nonisolated(unsafe) let (w, b) = (weight, bias)
        call.fanOut.forRanges(
            x.shape.size / length, size: call.grain.items(ofBytes: length * x.itemSize),
            picosecondsPerItem: length * 250
        ) { range in
            if !x.dtype.isHalf {
                function(
                    out.address(range.lowerBound * length), x.address(range.lowerBound * length),
                    w, b, range.count, length, eps, isRMS)
                return
            }
            // SAFETY: this thread's scratch, for one row in float32.
            let row = mlx_thread_scratch(length * 4)!
            for r in range {
                castLoop(x.dtype, compute)(row, x.address(r * length), nil, nil, length)
                function(row, row, w, b, 1, length, eps, isRMS)
                castLoop(compute, out.dtype)(out.address(r * length), row, nil, nil, length)
            }
        }
    }

    static func gradient(_ call: borrowing KernelCall, isRMS: Bool) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        let cotangent = call.contiguous(call.inputs[1])
        let compute = x.dtype.computeType
        let weight = call.inputs.count > 2 ? call.widened(call.inputs[2]).pointer : nil
        let length = x.shape[x.shape.ndim - 1]
        let eps = Double(bitPattern: UInt64(bitPattern: Int64(call.attributes[0])))
        let function = mlx_norm_gradient_fn(compute.code)!
        nonisolated(unsafe) let w = weight
        call.fanOut.forRanges(
            x.shape.size / length, size: call.grain.items(ofBytes: length * x.itemSize),
            picosecondsPerItem: length * 400
        ) { range in
            let start = range.lowerBound * length
            if !x.dtype.isHalf {
                function(
                    out.address(start), x.address(start), cotangent.address(start), w,
                    range.count, length, eps, isRMS)
                return
            }
            // SAFETY: this thread's scratch, for one row of each in float32.
            let row = mlx_thread_scratch(length * 8)!
            let slope = row + length * 4
            let widen = castLoop(x.dtype, compute)
            for r in range {
                widen(row, x.address(r * length), nil, nil, length)
                widen(slope, cotangent.address(r * length), nil, nil, length)
                function(row, row, slope, w, 1, length, eps, isRMS)
                castLoop(compute, out.dtype)(out.address(r * length), row, nil, nil, length)
            }
        }
    }
}

extension Kernels {
    package static func rmsNorm(_ call: borrowing KernelCall) throws(ArrayError) {
        Norms.norm(call, isRMS: true)
    }
    package static func layerNorm(_ call: borrowing KernelCall) throws(ArrayError) {
        Norms.norm(call, isRMS: false)
    }
    package static func rmsNormGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        Norms.gradient(call, isRMS: true)
    }
    package static func layerNormGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        Norms.gradient(call, isRMS: false)
    }
}
