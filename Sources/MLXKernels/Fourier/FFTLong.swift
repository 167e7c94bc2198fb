import CMLXKernels
import MLXBase

/// One long line of n = n₁ n₂ points: n₂ transforms of length n₁ down the columns, a rotation by
/// twiddles, n₁ transforms of length n₂ along the rows, read out transposed (Gentleman and Sande
/// 1966, Bailey 1990). Both halves work on blocks of 16 lines, which stay in the second-level
/// cache and are spread over the team.
final class FFTLong: @unchecked Sendable {
    // SAFETY: the memory is written by init, read by all, freed by deinit.
    let n: Int
    private let columns: FFTBlock
    private let rows: FFTBlock
    /// exp(-2 π i k w / n) for row k and the 16 places of a block.
    private let steps: UnsafeMutablePointer<Float>
    /// Powers of the root: below `fineCount`, and its multiples.
    private let fine: UnsafeMutablePointer<Double>
    private let coarse: UnsafeMutablePointer<Double>
    private let shift: Int

    private static let width = Int(MLX_FFT_LINES)

    /// Nil where n has no two factors worth while or a prime that is too large.
    init?(_ n: Int) {
        guard FFTBlock.radices(n) != nil, let split = FFTLong.split(n) else { return nil }
        self.n = n
        columns = FFTBlock(split)
        rows = FFTBlock(n / split)
        let width = FFTLong.width
        steps = .allocate(capacity: 2 * split * width)
        for k in 0..<split {
            for w in 0..<width {
                var root: (Float, Float) = (0, 0)
                withUnsafeMutableBytes(of: &root) {
                    mlx_fft_roots(
                        $0.baseAddress!.assumingMemoryBound(to: Float.self), n, k * w, 0, 1)
                }
                steps[k * width + w] = root.0
                steps[(split + k) * width + w] = root.1
            }
        }
        shift = (Int.bitWidth - n.leadingZeroBitCount) / 2
        let fineCount = 1 << shift
        fine = .allocate(capacity: 2 * fineCount)
        coarse = .allocate(capacity: 2 * (n / fineCount + 1))
        mlx_fft_roots_f64(fine, n, 0, 1, fineCount)
        mlx_fft_roots_f64(coarse, n, 0, fineCount, n / fineCount + 1)
    }

    deinit {
        steps.deallocate()
        fine.deallocate()
        coarse.deallocate()
    }

    var byteCount: Int { columns.n * 128 + columns.byteCount + rows.byteCount + (32 << shift) }

    /// The divisor nearest to the square root.
    private static func split(_ n: Int) -> Int? {
        var divisor = Int(Double(n).squareRoot())
        while divisor >= 8 {
            if n % divisor == 0 { return divisor }
            divisor -= 1
        }
        return nil
    }

    /// Transforms a line. Neither layout may be cut short; the result may lie over the source,
    /// which has been read when the first of it is written.
    /// - Parameter middle: room for 2 n floats.
    func run(
        from: mlx_fft_layout, to: mlx_fft_layout, inverse: Bool, scale: Float,
        middle: UnsafeMutablePointer<Float>, _ fanOut: any FanOut
    ) {
        // SAFETY: blocks read and write columns or rows of their own.
        nonisolated(unsafe) let from = from
        nonisolated(unsafe) let to = to
        nonisolated(unsafe) let middle = middle
        let (n1, n2, width) = (columns.n, rows.n, FFTLong.width)
        fanOut.forRanges(
            (n2 + width - 1) / width, size: max(1, 4096 / n1), picosecondsPerItem: n1 * width * 4000
        ) { range in
            let memory = mlx_thread_scratch((16 * width + 8) * n1)!
            let first = (memory + 16 * width * n1).assumingMemoryBound(to: Float.self)
            for block in range {
                let column = block * width
                let lines = min(width, n2 - column)
                var source = from
                source.re += column * from.element
                source.im += column * from.element
                source.line = from.element
                source.element = n2 * from.element
                (source.re_count, source.im_count) = (n1, n1)
                let (a, b) = FFTLong.planes(memory, n1, lines)
                let input = a.swapped(inverse)
                mlx_fft_load(input.re, input.im, lines, n1, &source)
                let result = columns.run(a, scratch: b, lines: lines).0
                roots(column, first)
                mlx_fft_twist(result.re, result.im, lines, n1, first, steps)
                var target = FFTLong.interleaved(middle + 2 * column, line: 2, element: 2 * n2, n1)
                mlx_fft_store(&target, result.re, result.im, lines, n1, 1)
            }
        }
        fanOut.forRanges(
            (n1 + width - 1) / width, size: max(1, 4096 / n2), picosecondsPerItem: n2 * width * 4000
        ) { range in
            let memory = mlx_thread_scratch(16 * width * n2)!
            for block in range {
                let row = block * width
                let lines = min(width, n1 - row)
                var source = FFTLong.interleaved(
                    middle + 2 * row * n2, line: 2 * n2, element: 2, n2)
                let (a, b) = FFTLong.planes(memory, n2, lines)
                mlx_fft_load(a.re, a.im, lines, n2, &source)
                let result = rows.run(a, scratch: b, lines: lines).0.swapped(inverse)
                var target = to
                target.re += row * to.element
                target.im += row * to.element
                target.line = to.element
                target.element = n1 * to.element
                (target.re_count, target.im_count) = (n2, n2)
                mlx_fft_store(&target, result.re, result.im, lines, n2, scale)
            }
        }
    }

    /// exp(-2 π i k column / n) for every row k, in float from a product of two doubles.
    private func roots(_ column: Int, _ first: UnsafeMutablePointer<Float>) {
        let mask = (1 << shift) - 1
        for k in 0..<columns.n {
            let exponent = k * column
            let (a, b) = (coarse + 2 * (exponent >> shift), fine + 2 * (exponent & mask))
            first[2 * k] = Float(a[0] * b[0] - a[1] * b[1])
            first[2 * k + 1] = Float(a[0] * b[1] + a[1] * b[0])
        }
    }

    private static func planes(
        _ memory: UnsafeMutableRawPointer, _ n: Int, _ lines: Int
    ) -> (FFTPlanes, FFTPlanes) {
        (
            FFTPlanes(memory, count: n * lines),
            FFTPlanes(memory + 8 * n * lines, count: n * lines)
        )
    }

    static func interleaved(
        _ pointer: UnsafeMutablePointer<Float>, line: Int, element: Int, _ count: Int
    ) -> mlx_fft_layout {
        mlx_fft_layout(
            re: pointer, im: pointer + 1, line: line, element: element, re_count: count,
            im_count: count)
    }
}
