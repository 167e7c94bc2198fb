import Foundation
import MLX
import Testing

/// Short-time transforms against values that numpy and scipy made (Scripts/short-time-fixture),
/// and what follows from their definition: signals come back, batches are their parts, and sizes
/// without meaning are errors.
@Suite("Short-time transforms") struct ShortTimeTests {
    private struct Case: Decodable {
        let size, hop, frequencies, frames: Int
        let center, half: Bool
        let mode, norm: String
        let window: [Float]?
        let signal, real, imaginary, changedReal, changedImaginary, back, longBack: [Float]

        func complex(_ real: [Float], _ imaginary: [Float]) -> MLXArray {
            let parts = MLXArray(real) + MLXArray(imaginary).asImaginary()
            return parts.reshaped([frequencies, frames])
        }
    }

    private static func cases() throws -> [Case] {
        let url = Bundle.module.url(
            forResource: "short-time", withExtension: "json", subdirectory: "Fixtures")!
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    private func close(_ a: MLXArray, _ b: MLXArray) -> Bool {
        // NUMERICS: float32 transforms of at most 16 points; numbers of size one.
        a.shape == b.shape && MLX.abs(a - b).max().item(Float.self) < 2e-5
    }

    @Test("goldens", arguments: 0..<6) func goldens(number: Int) throws {
        let one = try ShortTimeTests.cases()[number]
        let window = one.window.map { MLXArray($0) }
        let mode = try #require(PadMode(rawValue: one.mode))
        let norm = try #require(FFTNorm(rawValue: one.norm))
        let spectra = MLXFFT.stft(
            MLXArray(one.signal), nFFT: one.size, hopLength: one.hop, windowLength: nil,
            window: window, center: one.center, padMode: mode, norm: norm, onesided: one.half)
        #expect(spectra.dtype == .complex64)
        #expect(close(spectra, one.complex(one.real, one.imaginary)))
        let changed = one.complex(one.changedReal, one.changedImaginary)
        for (length, wanted) in [(nil, one.back), (one.longBack.count, one.longBack)] {
            let back = MLXFFT.istft(
                changed, nFFT: one.size, hopLength: one.hop, window: window, center: one.center,
                norm: norm, onesided: one.half, length: length)
            #expect(back.dtype == .float32 && close(back, MLXArray(wanted)))
        }
    }

    @Test("there and back, in batches", arguments: [(64, 16), (64, 24), (9, 2), (2, 1)])
    func roundTrip(size: Int, hop: Int) {
        let x = MLXRandom.normal([2, 3, 300], key: MLXRandom.key(2))
        let window = hanning(size + 2)[1..<(size + 1)]
        let spectra = MLXFFT.stft(x, nFFT: size, hopLength: hop, window: window)
        #expect(spectra.shape == [2, 3, size / 2 + 1, 1 + (300 + size / 2 * 2 - size) / hop])
        let back = MLXFFT.istft(
            spectra, nFFT: size, hopLength: hop, window: window, length: 290)
        #expect(close(back, x[.ellipsis, ..<290]))
        let part = MLXFFT.stft(x[1, 2], nFFT: size, hopLength: hop, window: window)
        #expect(close(spectra[1, 2], part))
        let whole = MLXFFT.stft(
            x.asType(.complex64), nFFT: size, hopLength: hop, window: window)
        #expect(whole.dim(-2) == size && close(whole[.ellipsis, ..<(size / 2 + 1), 0...], spectra))
    }

    @Test("derivatives, and maps over batches") func transforms() {
        let x = MLXRandom.normal([2, 40], key: MLXRandom.key(4))
        func energy(_ x: MLXArray) -> MLXArray {
            let spectra = MLXFFT.stft(x, nFFT: 8, hopLength: 8, center: false, norm: .ortho)
            return MLX.square(MLX.abs(spectra)).sum() - MLX.square(spectra[0].realPart()).sum()
        }
        #expect(grad(energy)(x[0]).shape == [40])
        let mapped = vmap { MLXFFT.stft($0, nFFT: 8) }(x)
        #expect(close(mapped, MLXFFT.stft(x, nFFT: 8)))
        // A frame's energy is that of its spectrum: the whole signal's gradient is twice itself.
        let all = grad { (x: MLXArray) in
            let spectra = MLXFFT.stft(
                x, nFFT: 8, hopLength: 8, center: false, norm: .ortho, onesided: false)
            return (MLX.square(spectra.realPart()) + MLX.square(spectra.imaginaryPart())).sum()
        }
        #expect(close(all(x[0]), 2 * x[0]))
    }

    @Test("bad input is an error") func badInput() async {
        let x = ones([40])
        let spectra = MLXFFT.stft(x, nFFT: 8)
        let bad = [
            MLXFFT.stft(x, nFFT: 0), MLXFFT.stft(x, nFFT: -8), MLXFFT.stft(x, nFFT: .max),
            MLXFFT.stft(x, nFFT: 8, hopLength: 0), MLXFFT.stft(x, nFFT: 8, hopLength: .min),
            MLXFFT.stft(x, nFFT: 8, windowLength: 9), MLXFFT.stft(x, nFFT: 8, window: ones([9])),
            MLXFFT.stft(x, nFFT: 8, window: ones([2, 2])), MLXFFT.stft(x, nFFT: 64, center: false),
            MLXFFT.stft(MLXArray(1 as Float), nFFT: 8), MLXFFT.stft(ones([0]), nFFT: 8),
            MLXFFT.istft(x), MLXFFT.istft(spectra, nFFT: 12), MLXFFT.istft(spectra[0..., ..<0]),
            MLXFFT.istft(spectra, length: -1), MLXFFT.istft(spectra, hopLength: 1 << 40),
            MLXFFT.istft(spectra, onesided: false, length: 1 << 62),
            MLXFFT.istft(ones([1, 3])),
        ]
        for (number, array) in bad.enumerated() {
            await #expect(throws: ArrayError.self, "case \(number)") { try await evaluate(array) }
        }
        #expect(MLXFFT.stft(ones([0, 40]), nFFT: 8).shape == [0, 5, 21])
    }
}
