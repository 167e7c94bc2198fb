import CMLXKernels
import MLXBase

/// Products with int8 weights. Inputs: x float32, weight int8, scales float32 (one per output
/// channel); output float32.
///
/// - int8Matmul: x (…, K), weight (N, K), scales (N). No attributes.
/// - int8Conv2d: x (N,H,W,C), weight (O,kH,kW,C/groups), scales (O). Attributes as in
///   `ConvolutionShape`.
///
/// The npu quantizes each row of activations (each patch of an image) symmetrically, scale =
/// max |x| / 127, multiplies int8 by int8 into int32 and rescales. The other devices dequantize
/// the weight and use their float32 products.
/// NUMERICS: integer sums are exact (up to 2^31 / 127^2 = 133,152 terms; longer rows are refused),
/// so all levels agree; the error is the activation's rounding, at most half a step per term.
enum Int8Product {
    static let longestRow = 131_072

    /// The weights of all rows' products: packed panels, and what a biased left operand adds.
    struct Weights {
        let gemm: UnsafePointer<mlx_gemm>
        let panels: UnsafeMutableRawPointer
        let bias: UnsafeMutablePointer<Int32>
        let scales: UnsafeMutablePointer<Float>
        let columns: Int
        let depth: Int

        var groups: Int { (depth + group - 1) / group }
        private var group: Int { Int(gemm.pointee.group) }

        /// - Parameter weight: contiguous (columns, depth) int8.
        init(
            _ weight: UnsafeMutableRawPointer, scales: UnsafeMutablePointer<Float>, columns: Int,
            depth: Int, _ call: borrowing KernelCall
        ) {
            let gemm = mlx_gemm_i8()!
            let (nr, group) = (Int(gemm.pointee.nr), Int(gemm.pointee.group))
            self.gemm = gemm
            self.scales = scales
            self.columns = columns
            self.depth = depth
            let groups = (depth + group - 1) / group
            let panelCount = (columns + nr - 1) / nr
            panels = call.scratch(byteCount: panelCount * nr * groups * 4)
            bias = call.scratch(byteCount: columns * 4).assumingMemoryBound(to: Int32.self)
            let pack = withUnsafeBytes(of: gemm.pointee.pack) {
                $0.bindMemory(to: mlx_pack_fn?.self)[Int(DType.int8.rawValue)]!
            }
            nonisolated(unsafe) let (target, source, sums) = (panels, weight, bias)
            let isBiased = gemm.pointee.biased
            call.fanOut.forRanges(
                panelCount, size: 1, picosecondsPerItem: nr * depth * 1500
            ) { range in
                let first = range.lowerBound * nr
                let rows = min(range.count * nr, columns - first)
                pack(
                    target + first * groups * 4, source + first * depth, depth, 1, rows, depth, nr)
                let bytes = source.assumingMemoryBound(to: Int8.self)
                mlx_sum_rows_i8(sums + first, bytes + first * depth, rows, depth)
                let factor: Int32 = isBiased ? 128 : 0
                for column in first..<first + rows { sums[column] &*= factor }
            }
        }

        func scratchBytes(_ rows: Int) -> Int {
            let mr = Int(gemm.pointee.mr)
            let padded = (rows + mr - 1) / mr * mr
            return ((rows * depth + 63) & ~63) + ((rows * 4 + 63) & ~63)
                + ((padded * groups * 4 + 63) & ~63) + rows * columns * 4
        }

        /// Quantizes contiguous rows and multiplies them.
        func multiply(
            _ x: UnsafePointer<Float>, rows: Int, into out: UnsafeMutablePointer<Float>,
            rowStride: Int, scratch: UnsafeMutableRawPointer
        ) {
            let mr = Int(gemm.pointee.mr)
            let padded = (rows + mr - 1) / mr * mr
            let quantized = scratch.assumingMemoryBound(to: Int8.self)
            let rowScales = (scratch + ((rows * depth + 63) & ~63))
                .assumingMemoryBound(to: Float.self)
            let left = UnsafeMutableRawPointer(rowScales) + ((rows * 4 + 63) & ~63)
            let sums = (left + ((padded * groups * 4 + 63) & ~63))
                .assumingMemoryBound(to: Int32.self)
            mlx_quantize_rows(quantized, rowScales, x, rows, depth)
            gemm.pointee.pack_left(left, quantized, depth, 1, rows, depth, mr)
            mlx_gemm_tile(gemm, left, panels, sums, columns, rows, columns, groups, false)
            mlx_dequantize_tile(out, rowStride, sums, bias, rowScales, scales, rows, columns)
        }
    }

    static func checkLength(_ depth: Int, _ operation: String) throws(ArrayError) {
        if depth > longestRow {
            throw ArrayError(
                .limit, operation, "\(depth) terms overflow int32, at most \(longestRow) fit")
        }
    }

    static func matmul(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let x = call.contiguous(call.inputs[0])
        let weight = call.contiguous(call.inputs[1])
        let scales = call.contiguous(call.inputs[2])
        let (columns, depth) = (weight.shape[0], weight.shape[1])
        try checkLength(depth, "int8_matmul")
        let weights = Weights(
            weight.pointer, scales: scales.pointer.assumingMemoryBound(to: Float.self),
            columns: columns, depth: depth, call)
        nonisolated(unsafe) let source = x.pointer.assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let target = out.pointer.assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let shared = weights
        let tileRows = 48
        call.fanOut.forRanges(
            out.shape.size / columns, size: tileRows, picosecondsPerItem: columns * depth * 10
        ) { range in
            let scratch = mlx_thread_scratch(shared.scratchBytes(range.count))!
            shared.multiply(
                source + range.lowerBound * depth, rows: range.count,
                into: target + range.lowerBound * columns, rowStride: columns, scratch: scratch)
        }
    }

    static func conv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let image = Images(operand: call.contiguous(call.inputs[0]))
        let weight = call.contiguous(call.inputs[1])
        let scales = call.contiguous(call.inputs[2])
            .pointer.assumingMemoryBound(to: Float.self)
        let shape = ConvolutionShape(call.attributes)
        let channels = weight.shape[3]
        let columns = weight.shape[0] / shape.groups
        let depth = weight.shape[1] * weight.shape[2] * channels
        try checkLength(depth, "int8_conv2d")
        let taps = shape.taps(window: (weight.shape[1], weight.shape[2]))
        let rows = image.count * out.shape[1] * out.shape[2]
        let tileRows = 48
        for group in 0..<shape.groups {
            nonisolated(unsafe) let weights = Weights(
                weight.pointer + group * columns * depth, scales: scales + group * columns,
                columns: columns, depth: depth, call)
            nonisolated(unsafe) let base = image.operand.address(group * channels)
            let patchBytes = (tileRows * depth * 4 + 63) & ~63
            taps.withUnsafeBufferPointer { taps in
                nonisolated(unsafe) let patches = image.patches(
                    shape, grid: (out.shape[1], out.shape[2]), spacing: (1, 1),
                    channels: channels, taps: taps.baseAddress!, tapCount: taps.count / 2)
                call.fanOut.forRanges(
                    rows, size: tileRows, picosecondsPerItem: columns * depth * 10
                ) { range in
                    // SAFETY: the patches and the product's tiles share this thread's scratch.
                    let tile = mlx_thread_scratch(patchBytes + weights.scratchBytes(tileRows))!
                    withUnsafePointer(to: patches) {
                        mlx_gather_patches(
                            tile.assumingMemoryBound(to: CChar.self), base, $0, range.lowerBound,
                            range.upperBound)
                    }
                    let place = out.address(
                        range.lowerBound * out.shape[3] + group * columns)
                    weights.multiply(
                        UnsafePointer(tile.assumingMemoryBound(to: Float.self)),
                        rows: range.count,
                        into: UnsafeMutableRawPointer(place).assumingMemoryBound(to: Float.self),
                        rowStride: out.shape[3], scratch: tile + patchBytes)
                }
            }
        }
    }

    // MARK: - In floating point

    /// The weight as float32, contiguous.
    private static func dequantized(_ call: borrowing KernelCall) -> Operand {
        let wide = call.converted(call.contiguous(call.inputs[1]), to: .float32)
        let scales = call.contiguous(call.inputs[2])
            .pointer.assumingMemoryBound(to: Float.self)
        let length = wide.shape.size / max(wide.shape[0], 1)
        let values = wide.pointer.assumingMemoryBound(to: Float.self)
        for row in 0..<wide.shape[0] {
            for k in 0..<length { values[row * length + k] *= scales[row] }
        }
        return wide
    }

    /// Runs a float kernel on x and the dequantized weight.
    static func floating(
        _ call: borrowing KernelCall, transposes: Bool,
        _ kernel: (borrowing KernelCall) throws(ArrayError) -> Void
    ) throws(ArrayError) {
        if call.outputs[0].shape.size == 0 { return }
        var (x, weight, out) = (call.inputs[0], dequantized(call), call.outputs[0])
        var strides = [0, 0]
        if transposes {
            let (n, k) = (weight.shape[0], weight.shape[1])
            if x.shape.ndim < 2 {
                x = call.contiguous(x)
                x = Operand(
                    contiguous: x.pointer, dtype: x.dtype, shape: try Shape(validating: [1, k]))
                out = Operand(
                    contiguous: out.pointer, dtype: out.dtype,
                    shape: try Shape(validating: [1, n]))
            }
            strides = [1, k]
            weight.shape = try Shape(validating: [k, n])
        }
        var failure: ArrayError?
        strides.withUnsafeBufferPointer { strides in
            if transposes { weight.strides = strides.baseAddress! }
            withUnsafePointer(to: out) { out in
                [x, weight].withUnsafeBufferPointer { inputs in
                    let inner = KernelCall(
                        outputs: UnsafeBufferPointer(start: out, count: 1), inputs: inputs,
                        attributes: call.attributes, device: call.device, fanOut: call.fanOut,
                        arena: call.arena)
                    do throws(ArrayError) { try kernel(inner) } catch { failure = error }
                }
            }
        }
        if let failure { throw failure }
    }
}

extension Kernels {
    /// With the weights as floating-point numbers, by the device's own product.
    package static func int8Matmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.floating(call, transposes: true, call.device.products.matmul)
    }
    package static func int8Conv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.floating(call, transposes: false, conv2d)
    }
    /// In integers, with a scale for each row.
    package static func int8MatmulInIntegers(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.matmul(call)
    }
    package static func int8Conv2dInIntegers(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.conv2d(call)
    }
}
