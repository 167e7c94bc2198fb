import CMLXKernels
import MLXBase

/// Products with int8 weights. Inputs: x float32, float16 or bfloat16, weight int8, scales of
/// any of the three (one per output channel); output in x's dtype.
///
/// - int8Matmul: x (…, K), weight (N, K), scales (N). No attributes.
/// - int8Conv2d: x (N,H,W,C), weight (O,kH,kW,C/groups), scales (O). Attributes as in
///   `ConvolutionShape`.
///
/// Each row of activations (each patch of an image) is quantized symmetrically, scale =
/// max |x| / 127, multiplied int8 by int8 into int32, and rescaled, on every device: that the
/// mode rounds activations does not depend on where a step runs. Weights are read as they lie,
/// nothing of them is packed.
/// NUMERICS: integer sums are exact (up to 2^31 / 127^2 = 133,152 terms; longer rows are refused),
/// so all levels agree; the error is the activation's rounding, at most half a step per term. A row
/// with a NaN or an infinity gives NaN.
enum Int8Product {
    static let longestRow = Kernels.longestInt8Row

    /// Weights as they lie, contiguous (columns, depth), with a scale for each column.
    struct Weights: @unchecked Sendable {
        // SAFETY: addresses of a call's inputs, which nobody writes while the call runs.
        let values: UnsafePointer<Int8>
        let scales: UnsafePointer<Float>
        let columns: Int
        let depth: Int

        /// Bytes of a row that is rounded.
        var rowBytes: Int { mlx_int8_stride(depth) }
        func scaleBytes(_ rows: Int) -> Int { (rows * 4 + 63) & ~63 }

        /// Products of some of all rounded rows with some of the columns.
        func multiply(
            _ rows: UnsafeRawPointer, scales rowScales: UnsafePointer<Float>, _ part: Range<Int>,
            of all: Int, columns range: Range<Int>, into out: UnsafeMutablePointer<Float>,
            rowStride: Int
        ) {
            mlx_int8_dots(
                out + range.lowerBound, rowStride, rows, rowScales, part.lowerBound, part.count,
                all, values + range.lowerBound * depth, depth, scales + range.lowerBound,
                range.count, depth)
        }

        /// Picoseconds of the sums of so many rows and columns: reading or multiplying, whichever
        /// takes longer.
        func cost(_ rows: Int, _ columns: Int) -> Int { columns * depth * max(60, rows * 5) }
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
        let weight = call.contiguous(call.inputs[1])
        try checkLength(weight.shape[1], "int8_matmul")
        matmul(given(weight, scales: call.inputs[2], call), call)
    }

    /// Weights that are given as integers, (columns, …), and their scales.
    private static func given(
        _ weight: Operand, scales: Operand, _ call: borrowing KernelCall
    ) -> Weights {
        let columns = weight.shape[0]
        return Weights(
            values: UnsafePointer(weight.pointer.assumingMemoryBound(to: Int8.self)),
            scales: UnsafePointer(
                call.widened(scales).pointer.assumingMemoryBound(to: Float.self)),
            columns: columns, depth: weight.shape.size / max(columns, 1))
    }

    /// The rows of the first input with weights.
    static func matmul(_ weights: Weights, _ call: borrowing KernelCall) {
        let x = call.widened(call.inputs[0])
        let target = call.wideOutput()
        multiply(
            x.pointer.assumingMemoryBound(to: Float.self),
            rows: target.shape.size / weights.columns, weights,
            target.pointer.assumingMemoryBound(to: Float.self), call)
        call.narrow(target)
    }

    /// Rounds all rows, then computes a grid of tiles, each of which reads its weights once.
    private static func multiply(
        _ x: UnsafeMutablePointer<Float>, rows: Int, _ weights: Weights,
        _ out: UnsafeMutablePointer<Float>, _ call: borrowing KernelCall
    ) {
        let (columns, depth, rowBytes) = (weights.columns, weights.depth, weights.rowBytes)
        let blockRows = Int(MLX_INT8_TILE_ROWS)
        nonisolated(unsafe) let (x, out) = (x, out)
        nonisolated(unsafe) let rounded = call.scratch(
            byteCount: (rows + blockRows - 1) / blockRows * blockRows * rowBytes)
        nonisolated(unsafe) let scales = call.scratch(byteCount: weights.scaleBytes(rows))
            .assumingMemoryBound(to: Float.self)
        call.fanOut.forRanges(
            rows, size: max(1, (1 << 15) / max(depth, 1)), picosecondsPerItem: depth * 150
        ) { range in
            mlx_int8_rows(rounded, scales, x, range.lowerBound, range.count, rows, depth)
        }
        // Rows that stay in the second-level cache, and columns that leave enough tiles to share.
        let tileRows = min(rows, max(48, (1 << 18) / rowBytes / 48 * 48))
        let down = (rows + tileRows - 1) / tileRows
        let band = min(64, max(4, columns * down / 32 & ~3))
        let across = (columns + band - 1) / band
        call.fanOut.forRanges(
            down * across, size: 1,
            picosecondsPerItem: weights.cost(tileRows, min(band, columns))
        ) { range in
            for tile in range {
                let (row, column) = (tile / across * tileRows, tile % across * band)
                weights.multiply(
                    rounded, scales: scales, row..<min(row + tileRows, rows), of: rows,
                    columns: column..<min(column + band, columns), into: out, rowStride: columns)
            }
        }
    }

    static func conv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].shape.size == 0 { return }
        let weight = call.contiguous(call.inputs[1])
        try checkLength(weight.shape.size / weight.shape[0], "int8_conv2d")
        conv2d(given(weight, scales: call.inputs[2], call), call)
    }

    /// The convolution of the first input with weights of the shape of the second.
    static func conv2d(_ weights: Weights, _ call: borrowing KernelCall) {
        let out = call.wideOutput()
        let image = Images(operand: call.widened(call.inputs[0]))
        let window = call.inputs[1].shape
        let shape = ConvolutionShape(call.attributes)
        let channels = window[3]
        let (columns, depth) = (weights.columns / shape.groups, weights.depth)
        let runs = image.runs(
            shape.taps(window: (window[1], window[2])), shape, channels: channels)
        let rows = image.count * out.shape[1] * out.shape[2]
        let tileRows = 48
        for group in 0..<shape.groups {
            let weights = Weights(
                values: weights.values + group * columns * depth,
                scales: weights.scales + group * columns, columns: columns, depth: depth)
            nonisolated(unsafe) let base = image.operand.address(group * channels)
            let patchBytes = (tileRows * depth * 4 + 63) & ~63
            let scaleBytes = weights.scaleBytes(tileRows)
            runs.withUnsafeBufferPointer { runs in
                nonisolated(unsafe) let patches = image.patches(
                    shape, grid: (out.shape[1], out.shape[2]), spacing: (1, 1),
                    channels: channels, runs: runs)
                call.fanOut.forRanges(
                    rows, size: tileRows,
                    picosecondsPerItem: weights.cost(tileRows, columns) / tileRows
                ) { range in
                    // SAFETY: patches, scales and rounded rows share this thread's scratch.
                    let tile = mlx_thread_scratch(
                        patchBytes + scaleBytes + tileRows * weights.rowBytes)!
                    withUnsafePointer(to: patches) {
                        mlx_gather_patches(
                            tile.assumingMemoryBound(to: CChar.self), base, $0, range.lowerBound,
                            range.upperBound)
                    }
                    let rowScales = (tile + patchBytes).assumingMemoryBound(to: Float.self)
                    let rounded = tile + patchBytes + scaleBytes
                    mlx_int8_rows(
                        rounded, rowScales, tile.assumingMemoryBound(to: Float.self), 0,
                        range.count, range.count, depth)
                    let place = out.address(
                        range.lowerBound * out.shape[3] + group * columns)
                    weights.multiply(
                        rounded, scales: rowScales, 0..<range.count, of: range.count,
                        columns: 0..<columns,
                        into: UnsafeMutableRawPointer(place).assumingMemoryBound(to: Float.self),
                        rowStride: out.shape[3])
                }
            }
        }
        call.narrow(out)
    }
}

extension Kernels {
    /// Terms whose integers' sum fits 32 bits.
    package static let longestInt8Row = 131_072

    /// In integers, with a scale for each row of x.
    package static func int8Matmul(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.matmul(call)
    }
    /// In integers, with a scale for each patch of the image.
    package static func int8Conv2d(_ call: borrowing KernelCall) throws(ArrayError) {
        try Int8Product.conv2d(call)
    }
}
