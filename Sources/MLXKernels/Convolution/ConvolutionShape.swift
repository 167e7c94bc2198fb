import CMLXKernels
import MLXBase

/// The integers of a two-dimensional convolution, in the order of the attributes: stride (2),
/// padding low (2), padding high (2), kernel dilation (2), input dilation (2), groups, flip.
struct ConvolutionShape {
    var stride: (Int, Int)
    var low: (Int, Int)
    var kernelDilation: (Int, Int)
    var inputDilation: (Int, Int)
    var groups: Int
    var flip: Bool

    init(_ words: UnsafeBufferPointer<Int>) {
        stride = (words[0], words[1])
        low = (words[2], words[3])
        kernelDilation = (words[6], words[7])
        inputDilation = (words[8], words[9])
        groups = words[10]
        flip = words[11] != 0
    }

    /// The convolution of the output's gradient that gives the input's: stride and input dilation
    /// change places, the window turns around.
    func adjoint(window: (Int, Int)) -> ConvolutionShape {
        var other = self
        other.stride = inputDilation
        other.inputDilation = stride
        other.flip = !flip
        other.low = (
            kernelDilation.0 * (window.0 - 1) - low.0, kernelDilation.1 * (window.1 - 1) - low.1
        )
        return other
    }

    /// Offsets of the window's taps in row-major order of the weight.
    func taps(window: (Int, Int)) -> [Int] {
        var taps: [Int] = []
        for i in 0..<window.0 {
            for j in 0..<window.1 {
                let (y, x) = flip ? (window.0 - 1 - i, window.1 - 1 - j) : (i, j)
                taps.append(y * kernelDilation.0 - low.0)
                taps.append(x * kernelDilation.1 - low.1)
            }
        }
        return taps
    }
}

/// One phase of a convolution over a dilated input: the output pixels that meet the input's
/// elements with the same taps. A convolution without input dilation has a single phase.
struct ConvolutionPhase {
    /// The first output pixel, and the distance to the next.
    var origin: (Int, Int)
    var spacing: (Int, Int)
    var grid: (Int, Int)
    /// Numbers of the taps that can hit an element, and their offsets from this phase's grid.
    var tapNumbers: [Int]
    var taps: [Int]

    static func all(_ shape: ConvolutionShape, window: (Int, Int), out: (Int, Int))
        -> [ConvolutionPhase]
    {
        let spacing = (
            shape.inputDilation.0 / gcd(shape.stride.0, shape.inputDilation.0),
            shape.inputDilation.1 / gcd(shape.stride.1, shape.inputDilation.1)
        )
        let taps = shape.taps(window: window)
        var phases: [ConvolutionPhase] = []
        for y in 0..<min(spacing.0, out.0) {
            for x in 0..<min(spacing.1, out.1) {
                var phase = ConvolutionPhase(
                    origin: (y, x), spacing: spacing,
                    grid: (
                        (out.0 - y + spacing.0 - 1) / spacing.0,
                        (out.1 - x + spacing.1 - 1) / spacing.1
                    ), tapNumbers: [], taps: [])
                // A window that is turned around is read from its end, as the image lies.
                let order = 0..<taps.count / 2
                for tap in shape.flip ? Array(order.reversed()) : Array(order) {
                    let h = y * shape.stride.0 + taps[2 * tap]
                    let w = x * shape.stride.1 + taps[2 * tap + 1]
                    if h % shape.inputDilation.0 == 0 && w % shape.inputDilation.1 == 0 {
                        phase.tapNumbers.append(tap)
                        phase.taps += [h, w]
                    }
                }
                phases.append(phase)
            }
        }
        return phases
    }

    private static func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }
}

/// A contiguous channels-last batch of images.
struct Images {
    var operand: Operand
    var count: Int { operand.shape[0] }
    var height: Int { operand.shape[1] }
    var width: Int { operand.shape[2] }
    var channels: Int { operand.shape[3] }

    /// Taps, as row and column offsets, in runs that lie side by side.
    /// - Parameter read: the channels that are read at each tap.
    func runs(_ taps: [Int], _ shape: ConvolutionShape, channels read: Int) -> [mlx_tap_run] {
        let joins = shape.inputDilation.1 == 1 && read == channels
        var runs: [mlx_tap_run] = []
        for tap in 0..<taps.count / 2 {
            let (row, column) = (taps[2 * tap], taps[2 * tap + 1])
            if joins, let last = runs.last, last.row == row, last.column + last.taps == column {
                runs[runs.count - 1].taps += 1
            } else {
                runs.append(mlx_tap_run(row: row, column: column, taps: 1))
            }
        }
        return runs
    }

    /// - Parameter runs: of `runs(_:_:channels:)` for the same channels.
    func patches(
        _ shape: ConvolutionShape, grid: (Int, Int), spacing: (Int, Int), channels read: Int,
        runs: UnsafeBufferPointer<mlx_tap_run>
    ) -> mlx_patches {
        mlx_patches(
            image_stride: height * width * channels, row_stride: width * channels,
            column_stride: channels, height: height, width: width, channels: read,
            grid_height: grid.0, grid_width: grid.1,
            step: (shape.stride.0 * spacing.0, shape.stride.1 * spacing.1),
            dilation: (shape.inputDilation.0, shape.inputDilation.1), run_count: runs.count,
            runs: runs.baseAddress, item_size: Int32(operand.itemSize))
    }
}
