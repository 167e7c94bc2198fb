import CMLXKernels

/// What turns a transform of any length n into a cyclic convolution of a smooth length M, at
/// least 2 n - 1 (Bluestein 1970): X[k] = c[k] Σ (x[j] c[j]) conj(c[k - j]) with
/// c[j] = exp(-i π j² / n). Whoever uses it runs `start`, a forward transform of length M, `turn`,
/// an inverse one, `finish`.
final class FFTChirp: @unchecked Sendable {
    // SAFETY: the memory is written by init, read by all, freed by deinit.
    let n: Int
    let length: Int
    private let chirp: UnsafeMutablePointer<Float>
    /// The transform of the conjugate chirp, divided by M.
    private let spectrum: UnsafeMutablePointer<Float>

    /// The shortest of a few smooth lengths.
    static func length(_ n: Int) -> Int {
        let least = 2 * n - 1
        return [1, 3, 5, 9, 15].map { odd in
            var length = odd
            while length < least { length *= 2 }
            return length
        }.min()!
    }

    /// - Parameter transform: the forward transform of length M, with scratch planes.
    init(_ n: Int, transform: (FFTPlanes, FFTPlanes) -> FFTPlanes) {
        self.n = n
        length = FFTChirp.length(n)
        chirp = .allocate(capacity: 2 * n)
        spectrum = .allocate(capacity: 2 * length)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16 * length, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: Float.self, repeating: 0, count: 4 * length)
        let planes = FFTPlanes(memory, count: length)
        var square = 0
        for j in 0..<n {
            // j² mod 2n, from (j - 1)² and 2 j - 1.
            if j > 0 { square = (square + 2 * j - 1) % (2 * n) }
            mlx_fft_roots(chirp + 2 * j, 2 * n, square, 0, 1)
            for place in [j, (length - j) % length] {
                planes.re[place] = chirp[2 * j]
                planes.im[place] = -chirp[2 * j + 1]
            }
        }
        let result = transform(planes, FFTPlanes(memory + 8 * length, count: length))
        for k in 0..<length {
            spectrum[2 * k] = result.re[k] / Float(length)
            spectrum[2 * k + 1] = result.im[k] / Float(length)
        }
    }

    deinit {
        chirp.deallocate()
        spectrum.deallocate()
    }

    /// Multiplies the n rows by the chirp and clears those from n to M.
    func start(_ a: FFTPlanes, _ lines: Int) {
        mlx_fft_multiply(a.re, a.im, lines, n, chirp, false)
        let rest = (length - n) * lines
        (a.re + n * lines).update(repeating: 0, count: rest)
        (a.im + n * lines).update(repeating: 0, count: rest)
    }

    func turn(_ a: FFTPlanes, _ lines: Int) {
        mlx_fft_multiply(a.re, a.im, lines, length, spectrum, false)
    }

    func finish(_ a: FFTPlanes, _ lines: Int) {
        mlx_fft_multiply(a.re, a.im, lines, n, chirp, false)
    }
}
