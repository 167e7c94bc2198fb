import CMLXKernels

/// The planes of a block of lines, real and imaginary. Swapping them conjugates and multiplies by
/// i, which turns a forward transform into an inverse one.
struct FFTPlanes {
    var re: UnsafeMutablePointer<Float>
    var im: UnsafeMutablePointer<Float>

    /// Two planes of `count` floats each, one behind the other.
    init(_ memory: UnsafeMutableRawPointer, count: Int) {
        re = memory.assumingMemoryBound(to: Float.self)
        im = re + count
    }

    mutating func swap() { Swift.swap(&re, &im) }
    func swapped(_ isSwapped: Bool) -> FFTPlanes {
        var planes = self
        if isSwapped { planes.swap() }
        return planes
    }
}

/// The transform of length n of up to 16 lines side by side, as passes of small radices; a length
/// with a prime factor above 61 becomes a convolution of a smooth length (Bluestein 1970).
/// Immutable once made; twiddles are rounded once from double.
final class FFTBlock: @unchecked Sendable {
    // SAFETY: the memory is written by init, read by all, freed by deinit.
    let n: Int
    /// The rows of a block that this transform needs, at least n.
    let rows: Int
    private let passes: UnsafeMutablePointer<mlx_fft_pass>
    private let passCount: Int
    private var tables: [UnsafeMutablePointer<Float>] = []
    /// For lengths with a large prime: the chirp and the transform of its smooth length.
    private let convolution: (chirp: FFTChirp, inner: FFTBlock)?

    init(_ n: Int) {
        self.n = n
        guard let radices = FFTBlock.radices(n) else {
            passes = .allocate(capacity: 1)
            passCount = 0
            let inner = FFTBlock(FFTChirp.length(n))
            rows = inner.n
            let chirp = FFTChirp(n) { inner.run($0, scratch: $1, lines: 1).0 }
            convolution = (chirp, inner)
            return
        }
        convolution = nil
        rows = n
        passes = .allocate(capacity: max(radices.count, 1))
        passCount = radices.count
        var length = n
        for (number, radix) in radices.enumerated() {
            let m = length / radix
            var pass = mlx_fft_pass(radix: Int32(radix), m: m, twiddles: nil, roots: nil)
            if m > 1 {
                let twiddles = UnsafeMutablePointer<Float>.allocate(capacity: 2 * m * (radix - 1))
                for p in 0..<m {
                    mlx_fft_roots(twiddles + 2 * p * (radix - 1), length, p, p, radix - 1)
                }
                tables.append(twiddles)
                pass.twiddles = UnsafePointer(twiddles)
            }
            if radix > 5 && radix != 8 {
                let roots = UnsafeMutablePointer<Float>.allocate(capacity: 2 * radix)
                mlx_fft_roots(roots, radix, 0, radix - 1, radix)
                tables.append(roots)
                pass.roots = UnsafePointer(roots)
            }
            (passes + number).initialize(to: pass)
            length = m
        }
    }

    deinit {
        passes.deallocate()
        for table in tables { table.deallocate() }
    }

    /// Bytes of tables, for the cache's account.
    var byteCount: Int { 16 * rows }

    /// The radices of a length, largest powers of two first; nil when a prime is too large.
    static func radices(_ n: Int) -> [Int]? {
        var (rest, result) = (n, [Int]())
        while rest % 8 == 0 && rest != 16 {
            result.append(8)
            rest /= 8
        }
        for radix in [4, 2, 3, 5] {
            while rest % radix == 0 {
                result.append(radix)
                rest /= radix
            }
        }
        var prime = 7
        while rest > 1 {
            if prime > Int(MLX_FFT_LARGEST_RADIX) { return nil }
            while rest % prime == 0 {
                result.append(prime)
                rest /= prime
            }
            prime += 2
        }
        return result
    }

    /// Transforms a block in place or into the scratch planes; returns where the result is.
    func run(_ a: FFTPlanes, scratch b: FFTPlanes, lines: Int) -> (FFTPlanes, FFTPlanes) {
        if let (chirp, inner) = convolution {
            chirp.start(a, lines)
            let (c, d) = inner.run(a, scratch: b, lines: lines)
            chirp.turn(c, lines)
            let (e, f) = inner.run(c.swapped(true), scratch: d.swapped(true), lines: lines)
            let result = e.swapped(true)
            chirp.finish(result, lines)
            return (result, f.swapped(true))
        }
        let isFlipped = mlx_fft_run(passes, passCount, lines, a.re, a.im, b.re, b.im)
        return isFlipped ? (b, a) : (a, b)
    }
}
