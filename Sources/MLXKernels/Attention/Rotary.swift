import CMLXKernels
import MLXBase

/// Rotary positions. Inputs: x (B, …, T, D), integer offsets (one or B of them), and where the
/// attributes say so frequencies (dimensions / 2). Attributes: the bits of base and scale as
/// float64, dimensions, whether pairs are neighbours, whether to rotate backwards, whether there
/// are frequencies.
/// NUMERICS: angles are float32 products of position and inverse frequency (float64 for float64);
/// their sines and cosines are made once for all heads.
struct Rotary {
    private let dimensions: Int
    private let traditional: Bool
    private let inverse: Bool
    private let scale: Double
    private let x: Operand
    private let out: Operand
    private let compute: DType
    private var half: Int { dimensions / 2 }
    private var length: Int { x.shape[x.shape.ndim - 2] }
    private var features: Int { x.shape[x.shape.ndim - 1] }

    init(_ call: borrowing KernelCall) {
        let words = call.attributes
        scale = Double(bitPattern: UInt64(bitPattern: Int64(words[1])))
        (dimensions, traditional, inverse) = (words[2], words[3] != 0, words[4] != 0)
        out = call.outputs[0]
        let input = call.inputs[0]
        let isDense = input.strides[input.shape.ndim - 1] == 1
        x = isDense ? input : call.contiguous(input)
        compute = input.dtype.computeType
    }

    /// One over the frequency of each pair.
    private func rates(_ call: borrowing KernelCall) -> [Double] {
        if call.attributes[5] != 0 {
            let wide = call.converted(call.contiguous(call.inputs[2]), to: .float64)
            let values = wide.pointer.assumingMemoryBound(to: Double.self)
            return (0..<half).map { 1 / values[$0] }
        }
        let base = Double(bitPattern: UInt64(bitPattern: Int64(call.attributes[0])))
        let exponents = (0..<half).map { -Double($0) / Double(half) }
        let bases = [Double](repeating: base, count: half)
        var rates = exponents
        // The table has powers of float64.
        mlx_elementwise_fn(Int32(MLX_POWER.rawValue), DType.float64.code)!(
            &rates, bases, exponents, nil, half)
        return rates
    }

    /// Cosines, then sines, of every position of every offset: (2, offsets, T, half).
    private func table(
        _ offsets: [Double], _ call: borrowing KernelCall
    ) throws(ArrayError) -> UnsafeMutableRawPointer {
        let count = offsets.count * length * half
        nonisolated(unsafe) let table = call.scratch(byteCount: 2 * count * compute.size)
        nonisolated(unsafe) let angles = call.scratch(byteCount: count * compute.size)
        let rates = rates(call)
        let cosine = try elementwise(MLX_COS, compute)
        let sine = try elementwise(MLX_SIN, compute)
        call.fanOut.forRanges(
            offsets.count * length, size: max(1, 4096 / max(half, 1)),
            picosecondsPerItem: half * 4000
        ) { range in
            for row in range {
                let position = (Double(row % length) + offsets[row / length]) * scale
                let sign = inverse ? -1.0 : 1.0
                for i in 0..<half {
                    if compute == .float32 {
                        angles.assumingMemoryBound(to: Float.self)[row * half + i] =
                            Float(sign) * (Float(position) * Float(rates[i]))
                    } else {
                        angles.assumingMemoryBound(to: Double.self)[row * half + i] =
                            sign * position * rates[i]
                    }
                }
            }
            let (start, n) = (range.lowerBound * half * compute.size, range.count * half)
            cosine(table + start, angles + start, nil, nil, n)
            sine(table + count * compute.size + start, angles + start, nil, nil, n)
        }
        return table
    }

    func run(_ call: borrowing KernelCall) throws(ArrayError) {
        if out.shape.size == 0 { return }
        let wide = call.converted(call.contiguous(call.inputs[1]), to: .float64)
        let offsets = (0..<wide.shape.size).map {
            wide.pointer.assumingMemoryBound(to: Double.self)[$0]
        }
        nonisolated(unsafe) let cosines = try table(offsets, call)
        nonisolated(unsafe) let sines =
            cosines + offsets.count * length * half * compute.size
        let rows = x.shape.size / features
        let perBatch = rows / x.shape[0]
        let rotate = mlx_rotate_fn(compute.code)!
        let (size, rank) = (compute.size, x.shape.ndim)
        call.fanOut.forRanges(
            rows, size: call.grain.items(ofBytes: features * x.itemSize),
            picosecondsPerItem: features * 400 + 5000
        ) { range in
            // SAFETY: this thread's scratch, for one row in the compute dtype.
            let row = mlx_thread_scratch(features * size)!
            for r in range {
                var (rest, offset) = (r, 0)
                for axis in stride(from: rank - 2, through: 0, by: -1) {
                    offset += rest % x.shape[axis] * x.strides[axis]
                    rest /= x.shape[axis]
                }
                let batch = offsets.count == 1 ? 0 : r / perBatch
                let at = (batch * length + r % length) * half * size
                let (source, target) = (x.address(offset), out.address(r * features))
                if x.dtype.isHalf {
                    castLoop(x.dtype, compute)(row, source, nil, nil, features)
                    rotate(row, row, cosines + at, sines + at, half, traditional)
                    castLoop(compute, out.dtype)(target, row, nil, nil, features)
                    continue
                }
                rotate(target, source, cosines + at, sines + at, half, traditional)
                if features > dimensions {
                    UnsafeMutableRawPointer(target + dimensions * size).copyMemory(
                        from: source + dimensions * size,
                        byteCount: (features - dimensions) * size)
                }
            }
        }
    }
}

extension Kernels {
    package static func rope(_ call: borrowing KernelCall) throws(ArrayError) {
        try Rotary(call).run(call)
    }
}
