import Foundation
import MLX
import MLXFFT
import MLXLinalg
import Testing

/// Transforms of signals and matrices, sorting and scans, as programs for mlx-swift write them.
@Suite("Signals and matrices") struct SignalTests {
    @Test("the loudest frequency of a signal") func spectrum() {
        let rate = 64
        let t = MLXArray(0..<rate).asType(.float32) / Float(rate)
        let signal = sin(2 * Float.pi * 5 * t) + 0.5 * cos(2 * Float.pi * 12 * t)
        let power = MLX.abs(MLXFFT.rfft(signal)) ** 2
        #expect(power.shape == [33])
        #expect(argMax(power).item(Int.self) == 5)
        let back = MLXFFT.irfft(MLXFFT.rfft(signal), n: rate)
        #expect(allClose(back, signal, atol: 1e-5).item())
    }

    @Test("a low pass, and an image's spectrum") func filters() {
        let noise = MLXRandom.normal([4, 128], key: MLXRandom.key(1))
        var spectrum = fft(noise, axis: -1)
        let keep = MLXArray(0..<128)
        let mask = (keep .< 16) .|| (keep .> 112)
        spectrum = which(mask, spectrum, 0)
        let smooth = ifft(spectrum, axis: -1).realPart()
        #expect(smooth.dtype == .float32 && smooth.shape == [4, 128])
        #expect((smooth.variance() .< noise.variance()).item(Bool.self))
        let image = MLXRandom.uniform(0..<1, [2, 16, 16], key: MLXRandom.key(2))
        let centered = MLXFFT.fftshift(fft2(image), axes: [-2, -1])
        #expect(centered.shape == [2, 16, 16])
        #expect(allClose(ifftn(fftn(image, axes: [0, 1, 2])).realPart(), image, atol: 1e-5).item())
    }

    @Test("least squares, whitening, determinants") func matrices() {
        let a = MLXRandom.normal([20, 3], key: MLXRandom.key(3))
        let wanted = MLXArray([1, -2, 0.5] as [Float])
        let b = a.matmul(wanted)
        let normal = MLXLinalg.solve(a.T.matmul(a), a.T.matmul(b))
        #expect(allClose(normal, wanted, atol: 1e-4).item())
        #expect(allClose(MLXLinalg.pinv(a).matmul(b), wanted, atol: 1e-4).item())
        let covariance = a.T.matmul(a) / 20
        let (values, vectors) = eigh(covariance)
        let whitened = a.matmul(vectors) * rsqrt(values)
        let unit = whitened.T.matmul(whitened) / 20
        #expect(allClose(unit, MLXArray.eye(3), atol: 1e-3).item())
        let factor = cholesky(covariance)
        #expect(allClose(factor.matmul(factor.T), covariance, atol: 1e-5).item())
        #expect(norm(wanted).item(Float.self) == Float(5.25).squareRoot())
        #expect(norm(a, ord: .fro, axes: [0, 1]).ndim == 0)
        let (u, s, vt): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(a)
        #expect(u.shape == [20, 20] && s.shape == [3] && vt.shape == [3, 3])
    }

    @Test("einsum for attention scores and batches") func contractions() {
        let q = MLXRandom.normal([2, 4, 5, 8], key: MLXRandom.key(4))
        let k = MLXRandom.normal([2, 4, 6, 8], key: MLXRandom.key(5))
        let scores = einsum("bhqd,bhkd->bhqk", q, k)
        #expect(allClose(scores, matmul(q, k.transposed(0, 1, 3, 2)), atol: 1e-4).item())
        let outerProduct = outer(MLXArray([1, 2]), MLXArray([3, 4]))
        #expect(outerProduct.asArray(Int32.self) == [3, 4, 6, 8])
        #expect(tensordot(q, k, axes: ([0, 1, 3], [0, 1, 3])).shape == [5, 6])
        #expect(trace(MLXArray.eye(4)).item(Float.self) == 4)
    }

    @Test("ranks, running sums, the best of a list") func sequences() {
        let scores = MLXArray([3, 1, 2, 5, 4] as [Float])
        #expect(sorted(scores).asArray(Float.self) == [1, 2, 3, 4, 5])
        let ranks = argSort(argSort(scores))
        #expect(ranks.asArray(UInt32.self) == [2, 0, 1, 4, 3])
        #expect(cumsum(scores).asArray(Float.self) == [3, 4, 6, 11, 15])
        #expect(scores.cumsum(reverse: true).asArray(Float.self) == [15, 12, 11, 9, 4])
        #expect(cummax(scores, inclusive: true).asArray(Float.self) == [3, 3, 3, 5, 5])
        #expect(Set(top(scores, k: 2).asArray(Float.self)) == [4, 5])
        let kept = argPartition(-scores, kth: 1)[..<2]
        #expect(Set(kept.asArray(UInt32.self)) == [3, 4])
        let best = takeAlong(scores[.newAxis], argSort(-scores)[.newAxis, ..<1], axis: 1)
        #expect(best.item(Float.self) == 5)
    }
}
