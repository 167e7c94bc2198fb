import Foundation
import MLX
import MLXFFT
import MLXLinalg
import Testing

/// Code that imports the shells beside MLX: their old functions must not compete with MLX's.
@Suite("Shell modules") struct ShellTests {
    @Test("transforms") func transforms() {
        let x = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
        #expect(fft(x).shape == [2, 2] && ifft(x, n: 3).shape == [2, 3])
        #expect(rfft(x, axis: 0).shape == [2, 2] && irfft(x, n: 4).shape == [2, 4])
        #expect(fft2(x).shape == [2, 2] && rfftn(x, s: [2, 4]).shape == [2, 3])
        #expect(irfft2(x, s: [2, 3], axes: [0, 1]).shape == [2, 3])
        #expect(MLXFFT.fft(x, axis: 0).shape == [2, 2])
    }

    @Test("matrices") func matrices() {
        let x = MLXArray([4, 1, 1, 3] as [Float], [2, 2])
        let (q, r) = qr(x)
        let (u, s, vt) = svd(x)
        let (p, l, upper) = lu(x)
        #expect([q, r, u, vt, l, upper].allSatisfy { $0.shape == [2, 2] })
        #expect(s.shape == [2] && p.dtype == .uint32)
        #expect(norm(x).ndim == 0 && norm(x, ord: .fro, axes: [0, 1]).ndim == 0)
        #expect(norm(x, ord: 1, axis: 0).shape == [2] && norm(x, axis: 1).shape == [2])
        #expect(solve(x, inv(x)).shape == [2, 2] && cholesky(x, upper: true).shape == [2, 2])
        #expect(MLXLinalg.norm(x, ord: 2).item(Float.self) > 4)
    }
}
