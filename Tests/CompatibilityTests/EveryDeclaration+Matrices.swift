import MLX
import Testing

// Calls of Fourier transforms, of matrix functions and of the fused functions of transformers.
extension EveryDeclaration {
    @Test("transforms") func transforms() throws {
        try works(MLXFFT.fft(x, n: 4, axis: 0, stream: .cpu))
        try works(MLXFFT.ifft(x, n: 4, axis: 0, stream: .cpu))
        try works(MLXFFT.fft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(MLXFFT.ifft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(MLXFFT.fftn(x, s: [4], axes: [0], stream: .cpu))
        try works(MLXFFT.ifftn(x, s: [4], axes: [0], stream: .cpu))
        try works(MLXFFT.rfft(x, n: 4, axis: 0, stream: .cpu))
        try works(MLXFFT.irfft(x, n: 4, axis: 0, stream: .cpu))
        try works(MLXFFT.rfft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(MLXFFT.irfft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(MLXFFT.rfftn(x, s: [4], axes: [0], stream: .cpu))
        try works(MLXFFT.irfftn(x, s: [4], axes: [0], stream: .cpu))
        try works(MLXFFT.fftshift(x, axes: [0], stream: .cpu))
        try works(MLXFFT.ifftshift(x, axes: [0], stream: .cpu))
    }

    @Test("free transforms") func freeTransforms() throws {
        try works(fft(x, n: 4, axis: 0, stream: .cpu))
        try works(ifft(x, n: 4, axis: 0, stream: .cpu))
        try works(fft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(ifft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(fftn(x, s: [4], axes: [0], stream: .cpu))
        try works(ifftn(x, s: [4], axes: [0], stream: .cpu))
        try works(rfft(x, n: 4, axis: 0, stream: .cpu))
        try works(irfft(x, n: 4, axis: 0, stream: .cpu))
        try works(rfft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(irfft2(x, s: [4, 4], axes: [0, 1], stream: .cpu))
        try works(rfftn(x, s: [4], axes: [0], stream: .cpu))
        try works(irfftn(x, s: [4], axes: [0], stream: .cpu))
        try works(fftshift(x, axes: [0], stream: .cpu))
        try works(ifftshift(x, axes: [0], stream: .cpu))
    }

    @Test("matrices") func matrices() throws {
        try works(MLXLinalg.norm(x, ord: nil, axes: [0], keepDims: true, stream: .cpu))
        try works(MLXLinalg.norm(x, ord: 2, axes: [0], keepDims: true, stream: .cpu))
        try works(MLXLinalg.norm(x, ord: nil, axis: 0, keepDims: true, stream: .cpu))
        try works(MLXLinalg.norm(x, ord: 2, axis: 0, keepDims: true, stream: .cpu))
        try works(MLXLinalg.norm(x, ord: nil, axis: [0, 1], keepDims: true, stream: .cpu))
        try works(MLXLinalg.norm(x, ord: 2, axis: [0, 1], keepDims: true, stream: .cpu))
        try works(MLXLinalg.qr(x, stream: .cpu))
        try works(MLXLinalg.svd(x, stream: .cpu) as (MLXArray, MLXArray, MLXArray))
        try works(MLXLinalg.svd(x, stream: .cpu) as MLXArray)
        try works(MLXLinalg.inv(x, stream: .cpu))
        try works(MLXLinalg.triInv(x, upper: false, stream: .cpu))
        try works(MLXLinalg.cholesky(x, upper: false, stream: .cpu))
        try works(MLXLinalg.choleskyInv(x, upper: false, stream: .cpu))
        try works(MLXLinalg.cross(triple, triple, axis: 0, stream: .cpu))
        try works(MLXLinalg.lu(x, stream: .cpu))
        try works(MLXLinalg.lu_factor(x, stream: .cpu))
        try works(MLXLinalg.solve(x, x, stream: .cpu))
        try works(MLXLinalg.solveTriangular(x, x, upper: false, stream: .cpu))
        try works(MLXLinalg.eig(x, stream: .cpu))
        try works(MLXLinalg.eigvals(x, stream: .cpu))
        try works(MLXLinalg.eigh(x, UPLO: "L", stream: .cpu))
        try works(MLXLinalg.eigvalsh(x, UPLO: "L", stream: .cpu))
        try works(MLXLinalg.pinv(x, stream: .cpu))
    }

    @Test("free matrix functions") func freeMatrices() throws {
        try works(norm(x, ord: nil, axes: [0], keepDims: true, stream: .cpu))
        try works(norm(x, ord: nil, axis: 0, keepDims: true, stream: .cpu))
        try works(norm(x, ord: 2, axis: 0, keepDims: true, stream: .cpu))
        try works(norm(x, ord: nil, axis: [0, 1], keepDims: true, stream: .cpu))
        try works(norm(x, ord: 2, axis: [0, 1], keepDims: true, stream: .cpu))
        try works(qr(x, stream: .cpu))
        try works(svd(x, stream: .cpu) as (MLXArray, MLXArray, MLXArray))
        try works(inv(x, stream: .cpu))
        try works(triInv(x, upper: false, stream: .cpu))
        try works(cholesky(x, upper: false, stream: .cpu))
        try works(choleskyInv(x, upper: false, stream: .cpu))
        try works(cross(triple, triple, axis: 0, stream: .cpu))
        try works(lu(x, stream: .cpu))
        try works(lu_factor(x, stream: .cpu))
        try works(solve(x, x, stream: .cpu))
        try works(solveTriangular(x, x, upper: false, stream: .cpu))
        try works(eig(x, stream: .cpu))
        try works(eigvals(x, stream: .cpu))
        try works(eigh(x, UPLO: "L", stream: .cpu))
        try works(eigvalsh(x, UPLO: "L", stream: .cpu))
        try works(pinv(x, stream: .cpu))
    }

    @Test("fused functions") func fused() throws {
        try works(
            MLXFast.RoPE(
                heads, dimensions: 4, traditional: false, base: 10_000, scale: 1, offset: 0,
                freqs: nil, stream: .cpu))
        try works(
            MLXFast.RoPE(
                heads, dimensions: 4, traditional: false, base: 10_000, scale: 1,
                offset: order[0, 0],
                freqs: nil, stream: .cpu))
        try works(
            MLXFast.scaledDotProductAttention(
                queries: heads, keys: heads, values: heads, scale: 1, mask: nil, sinks: nil,
                memoryEfficientThreshold: nil, stream: .cpu))
        try works(
            MLXFast.scaledDotProductAttention(
                queries: heads, keys: heads, values: heads, scale: 1, mask: .causal, sinks: nil,
                stream: .cpu))
        try works(MLXFast.rmsNorm(x, weight: v, eps: 1e-5, stream: .cpu))
        try works(MLXFast.layerNorm(x, weight: v, bias: v, eps: 1e-5, stream: .cpu))
    }

    @Test("free fused functions") func freeFused() throws {
        try works(
            RoPE(
                heads, dimensions: 4, traditional: false, base: 10_000, scale: 1, offset: 0,
                freqs: nil, stream: .cpu))
        try works(
            RoPE(
                heads, dimensions: 4, traditional: false, base: 10_000, scale: 1,
                offset: order[0, 0],
                freqs: nil, stream: .cpu))
        try works(
            scaledDotProductAttention(
                queries: heads, keys: heads, values: heads, scale: 1, mask: nil,
                memoryEfficientThreshold: nil, stream: .cpu))
        try works(rmsNorm(x, weight: v, eps: 1e-5, stream: .cpu))
        try works(layerNorm(x, weight: v, bias: v, eps: 1e-5, stream: .cpu))
    }
}
