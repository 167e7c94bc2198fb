import CMLXKernels
import MLXBase

/// Quantized matrices in memory: codes, scales, offsets, all contiguous, seen as rows of `length`
/// numbers. Rows are read as float32 by whoever multiplies with them; nothing is kept.
struct CodedMatrices: @unchecked Sendable {
    // SAFETY: addresses of a call's inputs, which nobody writes while the call runs.
    let format: CodeFormat
    let codes: UnsafePointer<UInt8>
    let scales: GroupValues
    let biases: GroupValues?
    /// Rows of all matrices together.
    let rowCount: Int
    let length: Int
    let groups: Int
    let rowBytes: Int

    /// - Parameter weight: the number of the codes' input; scales and, in affine mode, offsets
    ///   follow it, or a global scale.
    init(
        _ call: borrowing KernelCall, weight: Int, _ format: CodeFormat,
        hasGlobal: Bool = true
    ) {
        let words = call.contiguous(call.inputs[weight])
        let global =
            !format.isAffine && hasGlobal ? Quantize.global(call, input: weight + 2) : 0
        self.format = format
        codes = UnsafePointer(words.pointer.assumingMemoryBound(to: UInt8.self))
        scales = GroupValues(
            call.contiguous(call.inputs[weight + 1]), format, global: global)
        biases =
            format.isAffine
            ? GroupValues(call.contiguous(call.inputs[weight + 2]), format) : nil
        let wordCount = words.shape[words.shape.ndim - 1]
        length = format.length(words: wordCount)
        rowCount = words.shape.size / max(wordCount, 1)
        groups = length / format.groupSize
        rowBytes = wordCount * 4
    }

    /// One row as float32. `scratch` has room for two values a group.
    func decode(
        _ row: Int, _ out: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>,
        _ rounding: Int32 = -1
    ) {
        decode(row, columns: 0..<length, out, scratch, rounding)
    }

    /// Some whole groups of a row.
    func decode(
        _ row: Int, columns: Range<Int>, _ out: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>, _ rounding: Int32 = -1
    ) {
        let first = row * groups + columns.lowerBound / format.groupSize
        let count = columns.count / format.groupSize
        let s = scales.read(first, count, scratch: scratch)
        let b = biases?.read(first, count, scratch: scratch + count)
        mlx_code_decode(
            out, codes + row * rowBytes + format.byteCount(columns.lowerBound), s, b,
            columns.count, format.groupSize, format.kind, rounding)
    }

    /// One row in float64 arithmetic. `scratch` has room for the row and two values a group.
    func decodeDouble(
        _ row: Int, _ out: UnsafeMutablePointer<Double>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let ones = scratch
        for group in 0..<groups { ones[group] = 1 }
        let plain = scratch + 2 * groups
        mlx_code_decode(
            plain, codes + row * rowBytes, ones, nil, length, format.groupSize, format.kind, -1)
        for group in 0..<groups {
            var (scale, bias) = (1.0, 0.0)
            let at = row * groups + group
            if scales.dtype == .uint8 {
                scale = Double(scales.read(at, 1, scratch: ones)[0])
            } else {
                castLoop(scales.dtype, .float64)(
                    &scale, scales.pointer + at * scales.dtype.size, nil, nil, 1)
            }
            if let biases {
                castLoop(biases.dtype, .float64)(
                    &bias, biases.pointer + at * biases.dtype.size, nil, nil, 1)
            }
            for k in group * format.groupSize..<(group + 1) * format.groupSize {
                out[k] = Double(plain[k]) * scale + bias
            }
        }
    }
}
