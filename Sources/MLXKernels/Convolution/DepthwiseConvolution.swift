import CMLXKernels
import MLXBase

/// Convolutions in which every channel has a window of its own (groups = channels in and out):
/// products of a patch matrix would be one column wide, so the taps of a pixel are added up
/// directly, all channels at once. One input phase only: dilated inputs go through the products.
enum DepthwiseConvolution {
    static func accepts(
        _ image: Images, _ weight: Operand, _ shape: ConvolutionShape, _ phaseCount: Int,
        _ out: Operand
    ) -> Bool {
        shape.groups > 1 && weight.shape[3] == 1 && weight.shape[0] == shape.groups
            && image.channels == shape.groups && phaseCount == 1
            && (out.dtype == .float32 || out.dtype == .float64)
    }

    static func run(
        _ image: Images, _ weight: Operand, _ shape: ConvolutionShape, _ phase: ConvolutionPhase,
        _ out: Operand, _ call: borrowing KernelCall
    ) {
        let channels = image.channels
        let taps = phase.tapNumbers.count
        let columns = transposed(weight, phase, channels, call)
        let pixel = mlx_depthwise_fn(out.dtype.code)!
        let (height, width) = (out.shape[1], out.shape[2])
        let rowBytes = width * channels * out.itemSize
        call.fanOut.forRanges(
            out.shape[0] * height, size: max(1, call.grain.items(ofBytes: rowBytes)),
            picosecondsPerItem: width * channels * taps * 60
        ) { range in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: taps) { offsets in
                for row in range {
                    let (n, y) = (row / height, row % height)
                    for x in 0..<width {
                        place(offsets, image, shape, phase, n, y, x)
                        pixel(
                            out.address((row * width + x) * channels), image.operand.chars,
                            columns, offsets.baseAddress!, taps, channels)
                    }
                }
            }
        }
    }

    /// Where the taps of an output pixel lie in the image; -1 outside.
    private static func place(
        _ offsets: UnsafeMutableBufferPointer<Int>, _ image: Images, _ shape: ConvolutionShape,
        _ phase: ConvolutionPhase, _ n: Int, _ y: Int, _ x: Int
    ) {
        for tap in 0..<offsets.count {
            let h = y * shape.stride.0 + phase.taps[2 * tap]
            let w = x * shape.stride.1 + phase.taps[2 * tap + 1]
            let isInside = h >= 0 && h < image.height && w >= 0 && w < image.width
            offsets[tap] =
                isInside ? ((n * image.height + h) * image.width + w) * image.channels : -1
        }
    }

    /// The weight as (tap, channel).
    private static func transposed(
        _ weight: Operand, _ phase: ConvolutionPhase, _ channels: Int,
        _ call: borrowing KernelCall
    ) -> UnsafeMutableRawPointer {
        let window = weight.shape[1] * weight.shape[2]
        let size = weight.itemSize
        let columns = call.scratch(byteCount: max(phase.tapNumbers.count * channels * size, 1))
        for (position, tap) in phase.tapNumbers.enumerated() {
            StridedCopy.run(
                dims: [channels], to: columns + position * channels * size, [1],
                from: weight.chars + tap * size, [window], itemSize: size, call.fanOut, call.grain)
        }
        return columns
    }
}
