import CMLXKernels
import MLXBase

/// A convolution whose patches are not copied: a row of output pixels meets, for each run of taps
/// that lie side by side, pixels that lie a stride apart, and the micro-kernel reads these where
/// they are. An image that the window reaches beyond is copied once, with zeros around it.
/// NUMERICS: sums over the taps in order, in blocks of the depth.
struct InPlaceConvolution {
    private let image: Images
    private let out: Operand
    private let stride: (Int, Int)
    private let runs: [mlx_tap_run]
    private let channels: Int
    private let columns: Int
    /// Zeros before and behind the image's rows, and its columns.
    private let border: (top: Int, bottom: Int, left: Int, right: Int)
    /// Whether all pixels of all images are one row: nothing is beside an image or left out.
    private let isOneRow: Bool

    /// Runs that are shorter are better copied.
    private static let leastDepth = 16
    /// Rows with fewer pixels leave register tiles half empty.
    private static let leastPixels = 12
    private static let mostBorderedBytes = 1 << 28
    /// Pixels of one item of work where all are one row.
    private static let pixelBlock = 144

    /// - Parameters:
    ///   - columns: output channels of a group.
    ///   - channels: input channels of a group.
    /// - Returns: nil where patches are better copied.
    init?(
        _ image: Images, _ shape: ConvolutionShape, _ runs: [mlx_tap_run], channels: Int,
        columns: Int, out: Operand
    ) {
        guard shape.inputDilation == (1, 1), !runs.isEmpty else { return nil }
        self.image = image
        self.out = out
        self.channels = channels
        self.columns = columns
        stride = shape.stride
        self.runs = runs
        let (height, width) = (out.shape[1], out.shape[2])
        let rows = (runs.map(\.row).min()!, runs.map(\.row).max()!)
        let ends = (runs.map(\.column).min()!, runs.map { $0.column + $0.taps - 1 }.max()!)
        border = (
            max(0, -rows.0), max(0, (height - 1) * shape.stride.0 + rows.1 - image.height + 1),
            max(0, -ends.0), max(0, (width - 1) * shape.stride.1 + ends.1 - image.width + 1)
        )
        isOneRow =
            border == (0, 0, 0, 0) && runs.count == 1 && stride == (1, 1)
            && (height, width) == (image.height, image.width)
        guard runs[0].taps * channels >= Self.leastDepth || runs.count == 1, hasEqualRuns,
            isOneRow || width >= Self.leastPixels,
            border == (0, 0, 0, 0)
                || shape.groups == 1 && borderedBytes <= Self.mostBorderedBytes
        else { return nil }
    }

    /// Whether runs are as long as each other and as far apart, as those of a window are.
    private var hasEqualRuns: Bool {
        let step = jump
        return runs.indices.allSatisfy { number in
            runs[number].taps == runs[0].taps
                && place(runs[number]) == place(runs[0]) + number * step
        }
    }

    /// Pixels from an output pixel's place to a run, and from one run to the next.
    private func place(_ run: mlx_tap_run) -> Int { run.row * borderedWidth + run.column }
    private var jump: Int { runs.count > 1 ? place(runs[1]) - place(runs[0]) : 0 }

    private var borderedHeight: Int { image.height + border.top + border.bottom }
    private var borderedWidth: Int { image.width + border.left + border.right }
    private var borderedBytes: Int {
        image.count * borderedHeight * borderedWidth * image.channels * out.itemSize
    }

    /// - Parameters:
    ///   - group: which of the groups of channels.
    ///   - weights: packed (taps × channels, columns), the taps in the order of the phase.
    func run(
        group: Int, _ packed: PackedProduct, _ weights: mlx_panels, _ call: borrowing KernelCall
    ) {
        let size = out.itemSize
        let pixels = source(call) + group * channels * size
        let (height, width) = (out.shape[1], out.shape[2])
        let total = out.shape.size / max(out.shape[3], 1)
        let perItem = isOneRow ? Self.pixelBlock : width
        let depth = runs.reduce(0) { $0 + $1.taps } * channels
        let work = perItem * depth * columns
        nonisolated(unsafe) let (base, weights) = (pixels, weights)
        call.fanOut.forRanges(
            (total + perItem - 1) / perItem, size: max(1, (1 << 20) / max(work, 1)),
            picosecondsPerItem: max(1, work * 25)
        ) { range in
            for item in range {
                let first = item * perItem
                var place = first
                if !isOneRow {
                    let (number, row) = (item / height, item % height)
                    place = (number * borderedHeight + row * stride.0 + border.top) * borderedWidth
                    place += border.left
                }
                multiply(
                    packed, base + place * image.channels * size, weights,
                    out.address(first * out.shape[3] + group * columns),
                    min(perItem, total - first))
            }
        }
    }

    /// One row of output pixels.
    private func multiply(
        _ packed: PackedProduct, _ pixels: UnsafePointer<CChar>, _ weights: mlx_panels,
        _ target: UnsafeMutablePointer<CChar>, _ count: Int
    ) {
        let pixel = image.channels * out.itemSize
        let run = runs[0].taps * channels
        let left = packed.rows(
            at: pixels + place(runs[0]) * pixel, rowBytes: stride.1 * pixel, run: run,
            jump: jump * pixel)
        mlx_gemm_tile(
            packed.gemm, left, weights, target, out.shape[3], count, columns, run * runs.count,
            false)
    }

    /// The image, or a copy with zeros around it.
    private func source(_ call: borrowing KernelCall) -> UnsafePointer<CChar> {
        if border == (0, 0, 0, 0) { return UnsafePointer(image.operand.chars) }
        nonisolated(unsafe) let copy = call.scratch(byteCount: borderedBytes)
            .assumingMemoryBound(to: CChar.self)
        let pixel = image.channels * out.itemSize
        let rowBytes = borderedWidth * pixel
        call.fanOut.forRanges(
            image.count * borderedHeight, size: max(1, (1 << 16) / max(rowBytes, 1)),
            picosecondsPerItem: rowBytes * 60
        ) { range in
            for row in range {
                let target = copy + row * rowBytes
                let place = row % borderedHeight - border.top
                guard (0..<image.height).contains(place) else {
                    target.update(repeating: 0, count: rowBytes)
                    continue
                }
                let (before, inside) = (border.left * pixel, image.width * pixel)
                target.update(repeating: 0, count: before)
                (target + before).update(
                    from: image.operand.address(
                        (row / borderedHeight * image.height + place) * image.width
                            * image.channels), count: inside)
                (target + before + inside).update(repeating: 0, count: border.right * pixel)
            }
        }
        return UnsafePointer(copy)
    }
}
