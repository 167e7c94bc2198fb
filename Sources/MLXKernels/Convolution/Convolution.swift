import CMLXKernels
import MLXBase

/// Two-dimensional convolutions and their adjoints, as products with patch matrices that exist a
/// tile at a time. Images are (N,H,W,C), weights (O,kH,kW,C/groups), attributes as in
/// `ConvolutionShape`, all of one inexact dtype:
///
/// - conv2d: image, weight → output image.
/// - convInputGradient: output gradient, weight → input gradient (whose shape is the output's).
/// - convWeightGradient: image, output gradient → weight gradient.
///
/// NUMERICS: half types are widened to float32 and rounded once; weight gradients add parts of the
/// pixels, cut by the shape alone, in order.
enum Convolution {
    /// The product of one tile: rows of patches times the phase's weights.
    protocol Engine: Sendable {
        /// Elements of one tile of patches.
        static var tileLength: Int { get }
        /// Whether rows of pixels are multiplied where they lie, by panels of prepared weights.
        static var readsRows: Bool { get }
        /// Prepares a (depth, columns) matrix that many tiles multiply.
        static func prepare(
            _ b: MatrixView, _ call: borrowing KernelCall
        ) -> UnsafeMutableRawPointer?
        /// C = A B; the rows of A are contiguous.
        static func multiply(
            _ a: MatrixView, _ b: MatrixView, _ prepared: UnsafeMutableRawPointer?,
            _ c: MatrixView)
        /// C += A B, nothing prepared.
        static func accumulate(
            _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, scratch: UnsafeMutableRawPointer)
        static func accumulateBytes(
            _ rows: Int, _ columns: Int, _ depth: Int, _ dtype: DType
        ) -> Int
    }

    static func forward<E: Engine>(_ engine: E.Type, _ call: borrowing KernelCall) {
        let (image, weight) = (
            call.widened(call.inputs[0]), call.widened(call.inputs[1])
        )
        let out = call.wideOutput()
        run(E.self, Images(operand: image), weight, ConvolutionShape(call.attributes), out, call)
        call.narrow(out)
    }

    static func inputGradient<E: Engine>(_ engine: E.Type, _ call: borrowing KernelCall) {
        let (gradient, weight) = (
            call.widened(call.inputs[0]), call.widened(call.inputs[1])
        )
        let shape = ConvolutionShape(call.attributes)
        let dims = weight.shape.array
        let outPerGroup = dims[0] / shape.groups
        // (groups, C, kH, kW, O): input and output channels of each group change places.
        let turned = Operand(
            contiguous: call.scratch(byteCount: weight.shape.size * weight.itemSize),
            dtype: weight.dtype,
            shape: try! Shape(
                validating: [shape.groups * dims[3], dims[1], dims[2], outPerGroup]))
        let taps = dims[1] * dims[2]
        StridedCopy.run(
            dims: [shape.groups, dims[3], taps, outPerGroup], to: turned.pointer,
            [dims[3] * taps * outPerGroup, taps * outPerGroup, outPerGroup, 1],
            from: weight.pointer,
            [outPerGroup * taps * dims[3], 1, dims[3], taps * dims[3]],
            itemSize: weight.itemSize, call.fanOut, call.grain)
        let out = call.wideOutput()
        run(
            E.self, Images(operand: gradient), turned,
            shape.adjoint(window: (dims[1], dims[2])), out, call)
        call.narrow(out)
    }

    // MARK: - Forward

    private static func run<E: Engine>(
        _ engine: E.Type, _ image: Images, _ weight: Operand, _ shape: ConvolutionShape,
        _ out: Operand, _ call: borrowing KernelCall
    ) {
        if out.shape.size == 0 { return }
        let window = (weight.shape[1], weight.shape[2])
        let phases = ConvolutionPhase.all(shape, window: window, out: (out.shape[1], out.shape[2]))
        if DepthwiseConvolution.accepts(image, weight, shape, phases.count, out) {
            DepthwiseConvolution.run(image, weight, shape, phases[0], out, call)
            return
        }
        for phase in phases {
            for group in 0..<shape.groups {
                run(E.self, image, weight, shape, phase, group, phases.count == 1, out, call)
            }
        }
    }

    private static func run<E: Engine>(
        _ engine: E.Type, _ image: Images, _ weight: Operand, _ shape: ConvolutionShape,
        _ phase: ConvolutionPhase, _ group: Int, _ isWhole: Bool, _ out: Operand,
        _ call: borrowing KernelCall
    ) {
        let channels = weight.shape[3]
        let columns = weight.shape[0] / shape.groups
        let depth = phase.tapNumbers.count * channels
        let rows = image.count * phase.grid.0 * phase.grid.1
        let right = weights(weight, phase, group, columns, call)
        let prepared = E.prepare(right, call)
        let runs = image.runs(phase.taps, shape, channels: channels)
        if isWhole, let prepared, E.readsRows,
            let inPlace = InPlaceConvolution(
                image, shape, runs, channels: channels, columns: columns, out: out)
        {
            let packed = PackedProduct(out.dtype)
            inPlace.run(group: group, packed, packed.rightPanels(prepared, depth), call)
            return
        }
        let size = out.itemSize
        let tileRows = max(24, min(480, E.tileLength / max(depth, 1)) / 24 * 24)
        let patchBytes = (tileRows * depth * size + 63) & ~63
        let productBytes = isWhole ? 0 : (tileRows * columns * size + 63) & ~63
        let source = image.operand.chars + group * channels * size
        nonisolated(unsafe) let base = source
        runs.withUnsafeBufferPointer { runs in
            nonisolated(unsafe) let patches = image.patches(
                shape, grid: phase.grid, spacing: phase.spacing, channels: channels,
                runs: runs)
            call.fanOut.forRanges(
                rows, size: tileRows, picosecondsPerItem: max(1, depth * columns * 25)
            ) { range in
                // SAFETY: patches and product share this thread's scratch.
                let tile = mlx_thread_scratch(patchBytes + productBytes + 64)!
                withUnsafePointer(to: patches) {
                    mlx_gather_patches(
                        tile.assumingMemoryBound(to: CChar.self), base, $0, range.lowerBound,
                        range.upperBound)
                }
                let left = MatrixView(
                    pointer: tile, dtype: out.dtype, rows: range.count, columns: depth,
                    rowStride: depth, columnStride: 1)
                var product = MatrixView(
                    pointer: out.address(
                        range.lowerBound * out.shape[3] + group * columns),
                    dtype: out.dtype, rows: range.count, columns: columns,
                    rowStride: out.shape[3], columnStride: 1)
                if !isWhole {
                    product.pointer = tile + patchBytes
                    product.rowStride = columns
                }
                E.multiply(left, right, prepared, product)
                if !isWhole { spread(product, range, phase, group, out) }
            }
        }
    }

    /// Rows of a phase to their pixels.
    private static func spread(
        _ product: MatrixView, _ range: Range<Int>, _ phase: ConvolutionPhase, _ group: Int,
        _ out: Operand
    ) {
        for (i, row) in range.enumerated() {
            let x = row % phase.grid.1 * phase.spacing.1 + phase.origin.1
            let rest = row / phase.grid.1
            let y = rest % phase.grid.0 * phase.spacing.0 + phase.origin.0
            let pixel = (rest / phase.grid.0 * out.shape[1] + y) * out.shape[2] + x
            UnsafeMutableRawPointer(out.address(pixel * out.shape[3] + group * product.columns))
                .copyMemory(
                    from: product.address(i, 0), byteCount: product.columns * out.itemSize)
        }
    }

    /// The (taps × channels, outputs) matrix of one phase and group.
    private static func weights(
        _ weight: Operand, _ phase: ConvolutionPhase, _ group: Int, _ columns: Int,
        _ call: borrowing KernelCall
    ) -> MatrixView {
        let (taps, channels) = (weight.shape[1] * weight.shape[2], weight.shape[3])
        let first = weight.address(group * columns * taps * channels)
        let count = phase.tapNumbers.count
        var view = MatrixView(
            pointer: first, dtype: weight.dtype, rows: count * channels, columns: columns,
            rowStride: 1, columnStride: taps * channels)
        if phase.tapNumbers.elementsEqual(0..<taps) { return view }
        view.pointer = call.scratch(byteCount: count * channels * columns * weight.itemSize)
        view.columnStride = count * channels
        for (i, tap) in phase.tapNumbers.enumerated() {
            StridedCopy.run(
                dims: [columns, channels], to: view.address(i * channels, 0),
                [count * channels, 1], from: first + tap * channels * weight.itemSize,
                [taps * channels, 1], itemSize: weight.itemSize, call.fanOut, call.grain)
        }
        return view
    }

    // MARK: - Weight gradient

    static func weightGradient<E: Engine>(_ engine: E.Type, _ call: borrowing KernelCall) {
        let image = Images(operand: call.widened(call.inputs[0]))
        let gradient = call.widened(call.inputs[1])
        let out = call.wideOutput()
        let shape = ConvolutionShape(call.attributes)
        if out.shape.size == 0 { return }
        let pixels = gradient.shape.size / max(gradient.shape[3], 1)
        let size = out.itemSize
        let depth = max(out.shape.size / out.shape[0], 1)
        let tileRows = max(24, min(240, E.tileLength / 2 / depth) / 24 * 24)
        let partBytes = (out.shape.size * size + 63) & ~63
        let mostParts = max(1, min(16, (256 << 20) / partBytes))
        let mostRows = mostParts * tileRows
        let perPart = max(1, (pixels + mostRows - 1) / mostRows) * tileRows
        let parts = max(1, (pixels + perPart - 1) / perPart)
        nonisolated(unsafe) let sums = call.scratch(byteCount: parts * partBytes)
        let taps = shape.taps(window: (out.shape[1], out.shape[2]))
        image.runs(taps, shape, channels: out.shape[3]).withUnsafeBufferPointer { runs in
            nonisolated(unsafe) let patches = image.patches(
                shape, grid: (gradient.shape[1], gradient.shape[2]), spacing: (1, 1),
                channels: out.shape[3], runs: runs)
            call.fanOut.run(
                chunks: parts, nanoseconds: out.shape.size / 40 * pixels
            ) { part in
                let target = sums + part * partBytes
                target.initializeMemory(as: UInt8.self, repeating: 0, count: partBytes)
                var row = part * perPart
                let end = min(pixels, row + perPart)
                while row < end {
                    let rows = row..<min(end, row + tileRows)
                    addTile(E.self, image, gradient, patches, rows, shape.groups, out, target)
                    row = rows.upperBound
                }
            }
        }
        // The dtype is float32, float64: both have an addition loop.
        let add = mlx_elementwise_fn(Int32(MLX_ADD.rawValue), out.dtype.code)!
        call.fanOut.forRanges(out.shape.size, size: 1 << 14, picosecondsPerItem: parts * 300) {
            range in
            let first = sums + range.lowerBound * size
            for part in 1..<max(parts, 1) {
                add(first, first, first + part * partBytes, nil, range.count)
            }
            UnsafeMutableRawPointer(out.address(range.lowerBound)).copyMemory(
                from: first, byteCount: range.count * size)
        }
        call.narrow(out)
    }

    private static func addTile<E: Engine>(
        _ engine: E.Type, _ image: Images, _ gradient: Operand, _ patches: mlx_patches,
        _ rows: Range<Int>, _ groups: Int, _ out: Operand, _ target: UnsafeMutableRawPointer
    ) {
        let depth = out.shape.size / out.shape[0]
        let (size, total) = (out.itemSize, gradient.shape[3])
        let columns = total / groups
        let patchBytes = (rows.count * depth * size + 63) & ~63
        let tile = mlx_thread_scratch(
            patchBytes + E.accumulateBytes(columns, depth, rows.count, out.dtype) + 64)!
        for group in 0..<groups {
            withUnsafePointer(to: patches) {
                mlx_gather_patches(
                    tile.assumingMemoryBound(to: CChar.self),
                    image.operand.chars + group * out.shape[3] * size, $0, rows.lowerBound,
                    rows.upperBound)
            }
            let left = MatrixView(
                pointer: gradient.address(rows.lowerBound * total + group * columns),
                dtype: out.dtype, rows: columns, columns: rows.count, rowStride: 1,
                columnStride: total)
            let right = MatrixView(
                pointer: tile, dtype: out.dtype, rows: rows.count, columns: depth,
                rowStride: depth, columnStride: 1)
            let product = MatrixView(
                pointer: target + group * columns * depth * size, dtype: out.dtype,
                rows: columns, columns: depth, rowStride: depth, columnStride: 1)
            E.accumulate(left, right, product, scratch: tile + patchBytes)
        }
    }
}
