import CMLXKernels
import MLXBase

/// How to transform lines of one length: 16 at a time in a block that stays in cache, or one at a
/// time over the whole team. Plans are kept, up to a limit in bytes, because their twiddles cost
/// more than a transform. Which way is taken depends on the length and the number of lines alone.
final class FFTPlan: Sendable {
    let n: Int
    /// Nil where a block would not fit the cache and there is another way.
    let block: FFTBlock?
    let line: FFTLong?
    /// For a long line whose length has a large prime: the way of length M.
    private let chirp: FFTChirp?
    /// exp(-i π k / n) for k to n / 2, between this transform and the real one of length 2 n.
    let turns: FFTTable

    /// Blocks of 16 lines up to this length stay in the second-level cache.
    private static let longestBlock = 4096
    private static let shortestLine = 512

    private init(_ n: Int) {
        self.n = n
        turns = FFTTable(2 * (n / 2 + 1)) { mlx_fft_roots($0, 2 * n, 0, 1, n / 2 + 1) }
        if let long = n >= FFTPlan.shortestLine ? FFTLong(n) : nil {
            block = n <= FFTPlan.longestBlock ? FFTBlock(n) : nil
            line = long
            chirp = nil
        } else if n <= FFTPlan.longestBlock || FFTBlock.radices(n) != nil {
            block = FFTBlock(n)
            line = nil
            chirp = nil
        } else {
            block = nil
            let long = FFTLong(FFTChirp.length(n))!
            line = long
            let serial = SerialFanOut()
            chirp = FFTChirp(n) { planes, scratch in
                long.run(
                    from: planes.line(long.n), to: planes.line(long.n), inverse: false,
                    scale: 1, middle: scratch.re, serial)
                return planes
            }
        }
    }

    /// Whether lines are taken one at a time.
    func takesLines(_ count: Int) -> Bool { block == nil || line != nil && count < 8 }

    /// Floats that `runLine` needs: the middle of the long transform, and the planes of a chirp's.
    var lineScratchCount: Int { (isDirect ? 2 : 4) * line!.n }

    private var isDirect: Bool { chirp == nil }

    /// Transforms one line, from a layout with all n elements to another.
    func runLine(
        from: mlx_fft_layout, to: mlx_fft_layout, inverse: Bool, scale: Float,
        scratch: UnsafeMutablePointer<Float>, _ fanOut: any FanOut
    ) {
        let long = line!
        guard let chirp else {
            return long.run(
                from: from, to: to, inverse: inverse, scale: scale, middle: scratch, fanOut)
        }
        let a = FFTPlanes(scratch, count: long.n)
        let b = FFTPlanes(scratch + 2 * long.n, count: long.n)
        let input = a.swapped(inverse)
        var (source, target) = (from, to)
        mlx_fft_load(input.re, input.im, 1, n, &source)
        chirp.start(a, 1)
        long.run(
            from: a.line(long.n), to: a.line(long.n), inverse: false, scale: 1, middle: b.re,
            fanOut)
        chirp.turn(a, 1)
        long.run(
            from: a.line(long.n), to: a.line(long.n), inverse: true, scale: 1, middle: b.re,
            fanOut)
        chirp.finish(a, 1)
        let output = a.swapped(inverse)
        mlx_fft_store(&target, output.re, output.im, 1, n, scale)
    }

    // MARK: - The cache

    private struct Cache {
        var plans: [Int: FFTPlan] = [:]
        var byteCount = 0
    }

    private static let cache = Locked(Cache()).survivingForks()
    private static let cacheLimit = 64 << 20

    private var byteCount: Int {
        let chirps = chirp.map { 8 * ($0.n + $0.length) } ?? 0
        return 8 * n + (block?.byteCount ?? 0) + (line?.byteCount ?? 0) + chirps
    }

    /// The plan of a length, made at its first use. A full cache is emptied.
    static func plan(_ n: Int) -> FFTPlan {
        if let plan = cache.withLock({ $0.plans[n] }) { return plan }
        let plan = FFTPlan(n)
        cache.withLock { cache in
            if cache.byteCount + plan.byteCount > cacheLimit { cache = Cache() }
            if plan.byteCount <= cacheLimit, cache.plans.updateValue(plan, forKey: n) == nil {
                cache.byteCount += plan.byteCount
            }
        }
        return plan
    }
}

/// Floats that live as long as their owner.
final class FFTTable: @unchecked Sendable {
    // SAFETY: written by init, read by all, freed by deinit.
    let values: UnsafeMutablePointer<Float>

    init(_ count: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void) {
        values = .allocate(capacity: count)
        fill(values)
    }

    deinit { values.deallocate() }
}

extension FFTPlanes {
    init(_ floats: UnsafeMutablePointer<Float>, count: Int) {
        re = floats
        im = floats + count
    }

    /// The planes of one line as a layout.
    func line(_ count: Int) -> mlx_fft_layout {
        mlx_fft_layout(re: re, im: im, line: 0, element: 1, re_count: count, im_count: count)
    }
}
