import Foundation
import MLX
import Testing

/// Transforms against the sums of the definition, of every kind of length; round trips, adjoints
/// and bad input. NUMERICS: the error is judged relative to the norm, by epsilons times log2 n.
@Suite("Fourier transforms") struct FFTTests {
    /// Powers, mixed radices, large radices, primes that become convolutions.
    static let lengths = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17, 20, 31, 32, 60, 61, 67, 97, 100, 127, 128, 134,
        210, 256, 509, 512, 521, 640, 1000, 1024, 1031,
    ]

    private func draw(_ shape: [Int], _ seed: UInt64) -> MLXArray {
        let (a, b) = MLXRandom.split(key: MLXRandom.key(seed))
        let re = MLXRandom.normal(shape, key: a).asType(.complex64)
        let im = MLXRandom.normal(shape, key: b).asType(.complex64)
        return re + im * MLXArray(real: 0, imaginary: 1)
    }

    private func numbers(_ x: MLXArray) -> [(Double, Double)] {
        let re = x.realPart().asType(.float64).asArray(Double.self)
        let im = x.imaginaryPart().asType(.float64).asArray(Double.self)
        return Array(zip(re, im))
    }

    private func definition(_ x: [(Double, Double)], _ sign: Double) -> [(Double, Double)] {
        let n = x.count
        return (0..<n).map { k in
            x.indices.reduce((0.0, 0.0)) { sum, j in
                let angle = sign * 2 * .pi * Double(j * k % n) / Double(n)
                let (c, s) = (cos(angle), sin(angle))
                return (sum.0 + x[j].0 * c - x[j].1 * s, sum.1 + x[j].0 * s + x[j].1 * c)
            }
        }
    }

    private func error(_ a: [(Double, Double)], _ b: [(Double, Double)]) -> Double {
        func square(_ x: (Double, Double)) -> Double { x.0 * x.0 + x.1 * x.1 }
        let off = zip(a, b).reduce(0.0) { $0 + square(($1.0.0 - $1.1.0, $1.0.1 - $1.1.1)) }
        return (off / b.reduce(1e-30) { $0 + square($1) }).squareRoot()
    }

    private func bound(_ n: Int) -> Double { 2e-7 * (1 + log2(Double(n))) }

    @Test("one line of every length", arguments: lengths) func line(n: Int) {
        let x = draw([n], UInt64(n))
        #expect(error(numbers(MLXFFT.fft(x)), definition(numbers(x), -1)) < bound(n))
        let inverse = definition(numbers(x), 1).map { ($0.0 / Double(n), $0.1 / Double(n)) }
        #expect(error(numbers(MLXFFT.ifft(x)), inverse) < bound(n))
        let real = x.realPart()
        let half = Array(definition(numbers(real), -1).prefix(n / 2 + 1))
        #expect(error(numbers(MLXFFT.rfft(real)), half) < bound(n))
        let back = MLXFFT.irfft(MLXFFT.rfft(real), n: n)
        #expect(error(numbers(back), numbers(real)) < bound(n))
    }

    @Test("many lines, along every axis", arguments: [4, 15, 16, 67, 600])
    func batches(n: Int) {
        let x = draw([19, n], 3)
        let rows = MLXFFT.fft(x)
        for row in [0, 7, 18] {
            #expect(error(numbers(rows[row]), definition(numbers(x[row]), -1)) < bound(n))
        }
        #expect(
            error(numbers(MLXFFT.fft(x.T, axis: 0).T), numbers(rows)) < bound(n))
        let real = x.realPart()
        #expect(
            error(numbers(MLXFFT.rfft(real.T, axis: 0).T), numbers(MLXFFT.rfft(real))) < bound(n))
        let half = MLXFFT.rfft(real)
        #expect(
            error(
                numbers(MLXFFT.irfft(half.T, n: n, axis: 0).T),
                numbers(real)) < bound(n))
    }

    @Test("long lines", arguments: [4099, 8192, 10_000, 30_030, 65_536, 131_101])
    func longLine(n: Int) {
        let x = draw([2, n], 5)
        let spectrum = MLXFFT.fft(x)
        #expect(error(numbers(MLXFFT.ifft(spectrum)), numbers(x)) < bound(n))
        // One wave has one line.
        let j = MLXArray(0..<n).asType(.float64)
        let phase = (remainder(j * 7, n) * (2 * Double.pi / Double(n))).asType(.float32)
        let peak = MLXFFT.rfft(cos(phase))
        #expect(abs(numbers(peak[7])[0].0 - Double(n) / 2) < Double(n) * bound(n))
        #expect(sum(abs(peak)).item(Float.self) < Float(n) * (0.5 + 200 * Float(bound(n))))
        let real = x.realPart()
        let half = MLXFFT.rfft(real)
        let whole = MLXFFT.fft(real)[0..., ..<(n / 2 + 1)]
        #expect(error(numbers(half), numbers(whole)) < bound(n))
        #expect(error(numbers(MLXFFT.irfft(half, n: n)), numbers(real)) < bound(n))
    }

    @Test("a real transform and its adjoint") func adjoints() {
        for n in [8, 9, 67] {
            let x = draw([3, n], 9).realPart()
            let y = draw([3, n / 2 + 1], 10)
            // <F x, y> = <x, F* y>, where the gradient is F* y.
            let forward = { (x: MLXArray) in
                (MLXFFT.rfft(x) * conjugate(y)).realPart().sum()
            }
            let g = grad(forward)(x)
            let (left, right) = (
                forward(x).item(Float.self), (g * x).sum().item(Float.self)
            )
            #expect(abs(left - right) < 1e-4 * (1 + abs(left)))
            let z = draw([3, n], 11).realPart()
            let back = { (y: MLXArray) in (MLXFFT.irfft(y, n: n) * z).sum() }
            let h = grad(back)(y)
            let (a, b) = (
                back(y).item(Float.self), (h * conjugate(y)).realPart().sum().item(Float.self)
            )
            #expect(abs(a - b) < 1e-4 * (1 + abs(a)))
        }
    }

    @Test("norms, sizes, shifts, frequencies") func arguments() {
        let x = draw([4, 6], 1)
        let plain = numbers(MLXFFT.fft2(x))
        let ortho = numbers(MLXFFT.fft2(x, norm: .ortho) * Float(24).squareRoot())
        let forward = numbers(MLXFFT.fft2(x, norm: .forward) * 24)
        #expect(error(ortho, plain) < 1e-6 && error(forward, plain) < 1e-6)
        let back = MLXFFT.ifft2(MLXFFT.fft2(x, norm: .ortho), norm: .ortho)
        #expect(error(numbers(back), numbers(x)) < 1e-6)
        #expect(MLXFFT.fftn(x, s: [3, 9], axes: [0, 1]).shape == [3, 9])
        #expect(MLXFFT.rfftn(x.realPart()).shape == [4, 4])
        #expect(MLXFFT.irfftn(MLXFFT.rfftn(x.realPart())).shape == [4, 6])
        #expect(
            MLXFFT.fftshift(MLXArray([0, 1, 2, -2, -1])).asArray(Int.self) == [-2, -1, 0, 1, 2])
        #expect(
            MLXFFT.ifftshift(MLXArray([-2, -1, 0, 1, 2])).asArray(Int.self) == [0, 1, 2, -2, -1])
        #expect(MLXFFT.fftfreq(5, d: 0.5).asArray(Float.self) == [0, 0.4, 0.8, -0.8, -0.4])
        #expect(MLXFFT.rfftfreq(4).asArray(Float.self) == [0, 0.25, 0.5])
    }

    @Test("bad input is an error") func badInput() async {
        let x = MLXArray.ones([3, 4])
        let bad = [
            MLXFFT.fft(x, n: 0), MLXFFT.fft(x, n: -3), MLXFFT.fft(x, n: .max),
            MLXFFT.fft(x, axis: 2), MLXFFT.fft2(MLXArray.ones([3])),
            MLXFFT.fftn(x, axes: [0, 0]), MLXFFT.fftn(x, s: [2], axes: [0, 1]),
            MLXFFT.irfft(MLXArray.ones([1])), MLXFFT.fft(MLXArray.ones([0])),
            MLXFFT.rfft(MLXArray(1 as Float)), MLXFFT.fftn(x, s: [1, 2, 3]),
            MLXFFT.fftfreq(0), MLXFFT.rfftfreq(3, d: .nan), MLXFFT.fftshift(x, axes: [5]),
        ]
        for array in bad {
            await #expect(throws: ArrayError.self) { try await evaluate(array) }
        }
        #expect(MLXFFT.fft(MLXArray.ones([0, 4])).shape == [0, 4])
        #expect(MLXFFT.fft(MLXArray.ones([4, 0]), n: 2).shape == [4, 2])
    }
}
