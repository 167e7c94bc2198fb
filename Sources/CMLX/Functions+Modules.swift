import MLX
import MLXBase
import MLXGraph
import MLXOps

// The functions of MLX's modules: Fourier transforms, linear algebra, random numbers, fused
// functions and pooling.

extension FunctionTable {
    private typealias Line = (MLXArray, Int?, Int, FFTNorm) -> MLXArray
    private typealias Axes = (MLXArray, [Int]?, [Int]?, FFTNorm) -> MLXArray

    private mutating func line(_ name: String, _ body: @escaping Line) {
        one("fft." + name) { c in
            body(try c.array(0), try c.intIfGiven(1), try c.int(2), try c.choice(3))
        }
    }

    private mutating func axes(_ name: String, _ body: @escaping Axes) {
        one("fft." + name) { c in
            body(try c.array(0), try c.intsIfGiven(1), try c.intsIfGiven(2), try c.choice(3))
        }
    }

    mutating func addFourier() {
        line("fft") { MLXFFT.fft($0, n: $1, axis: $2, norm: $3) }
        line("ifft") { MLXFFT.ifft($0, n: $1, axis: $2, norm: $3) }
        line("rfft") { MLXFFT.rfft($0, n: $1, axis: $2, norm: $3) }
        line("irfft") { MLXFFT.irfft($0, n: $1, axis: $2, norm: $3) }
        axes("fftn") { MLXFFT.fftn($0, s: $1, axes: $2, norm: $3) }
        axes("ifftn") { MLXFFT.ifftn($0, s: $1, axes: $2, norm: $3) }
        axes("rfftn") { MLXFFT.rfftn($0, s: $1, axes: $2, norm: $3) }
        axes("irfftn") { MLXFFT.irfftn($0, s: $1, axes: $2, norm: $3) }
        one("fft.fftshift") { c in
            MLXFFT.fftshift(try c.array(0), axes: try c.intsIfGiven(1))
        }
        one("fft.ifftshift") { c in
            MLXFFT.ifftshift(try c.array(0), axes: try c.intsIfGiven(1))
        }
        one("fft.fftfreq") { c in MLXFFT.fftfreq(try c.small(0), d: try c.double(1)) }
        one("fft.rfftfreq") { c in MLXFFT.rfftfreq(try c.small(0), d: try c.double(1)) }
        one("fft.stft") { c in
            MLXFFT.stft(
                try c.array(0), nFFT: try c.small(1), hopLength: try c.intIfGiven(2),
                windowLength: try c.intIfGiven(3), window: try c.arrayIfGiven(4),
                center: try c.bool(5), padMode: try c.choice(6), norm: try c.choice(7),
                onesided: try c.intIfGiven(8).map { $0 != 0 })
        }
        one("fft.istft") { c in
            MLXFFT.istft(
                try c.array(0), nFFT: try c.intIfGiven(1), hopLength: try c.intIfGiven(2),
                windowLength: try c.intIfGiven(3), window: try c.arrayIfGiven(4),
                center: try c.bool(5), norm: try c.choice(6),
                onesided: try c.intIfGiven(7).map { $0 != 0 }, length: try c.intIfGiven(8))
        }
    }

    mutating func addLinearAlgebra() {
        one("linalg.inv") { c in MLXLinalg.inv(try c.array(0)) }
        one("linalg.tri_inv") { c in MLXLinalg.triInv(try c.array(0), upper: try c.bool(1)) }
        one("linalg.pinv") { c in MLXLinalg.pinv(try c.array(0)) }
        one("linalg.cholesky") { c in MLXLinalg.cholesky(try c.array(0), upper: try c.bool(1)) }
        one("linalg.cholesky_inv") { c in
            MLXLinalg.choleskyInv(try c.array(0), upper: try c.bool(1))
        }
        one("linalg.cross") { c in
            MLXLinalg.cross(try c.array(0), try c.array(1), axis: try c.int(2))
        }
        one("linalg.det") { c in MLXLinalg.det(try c.array(0)) }
        many("linalg.slogdet") { c in
            let (sign, logarithm) = MLXLinalg.slogdet(try c.array(0))
            return [sign, logarithm]
        }
        many("linalg.qr") { c in
            let (q, r) = MLXLinalg.qr(try c.array(0))
            return [q, r]
        }
        many("linalg.svd") { c in
            let (u, s, v) = MLXLinalg.svd(try c.array(0))
            return [u, s, v]
        }
        one("linalg.svdvals") { c in
            let x = try c.array(0)
            // There is a kernel for the values alone of real matrices only.
            return x.dtype == .complex64
                ? MLXLinalg.svd(x).1 : Ops.record(.singularValues, [x])
        }
        many("linalg.eig") { c in
            let (values, vectors) = MLXLinalg.eig(try c.array(0))
            return [values, vectors]
        }
        one("linalg.eigvals") { c in MLXLinalg.eigvals(try c.array(0)) }
        many("linalg.eigh") { c in
            let (values, vectors) = MLXLinalg.eigh(try c.array(0), UPLO: try c.text(1))
            return [values, vectors]
        }
        one("linalg.eigvalsh") { c in
            MLXLinalg.eigvalsh(try c.array(0), UPLO: try c.text(1))
        }
        many("linalg.lu") { c in
            let (p, l, u) = MLXLinalg.lu(try c.array(0))
            return [p, l, u]
        }
        many("linalg.lu_factor") { c in
            let (lu, pivots) = MLXLinalg.lu_factor(try c.array(0))
            return [lu, pivots]
        }
        one("linalg.solve") { c in MLXLinalg.solve(try c.array(0), try c.array(1)) }
        one("linalg.solve_triangular") { c in
            MLXLinalg.solveTriangular(try c.array(0), try c.array(1), upper: try c.bool(2))
        }
        // x, order as a number, order as a text, axes, keepdims
        one("linalg.norm") { c in
            let (x, keep) = (try c.array(0), try c.bool(4))
            let axes = try c.intsIfGiven(3).map { IntOrArray($0) }
            if let order = try c.doubleIfGiven(1) {
                return MLXLinalg.norm(x, ord: order, axis: axes, keepDims: keep)
            }
            let kind: MLXLinalg.NormKind? =
                c.isGiven(2) ? try c.choice(2, MLXLinalg.NormKind.self) : nil
            return MLXLinalg.norm(x, ord: kind, axis: axes, keepDims: keep)
        }
    }

    mutating func addRandom() {
        one("random.key") { c in MLXRandom.key(UInt64(bitPattern: Int64(try c.int(0)))) }
        one("random.split") { c in
            let number = try c.small(1)
            guard number >= 0 else { throw c.error(.argument, "\(number) keys") }
            return stackedKeys(MLXRandom.split(key: try c.array(0), into: number))
        }
        one("random.uniform") { c in
            MLXRandom.uniform(
                low: try c.array(0), high: try c.array(1), try c.ints(2), dtype: try c.type(3),
                key: try c.array(4))
        }
        one("random.normal") { c in
            let x = MLXRandom.normal(try c.ints(0), dtype: try c.type(1), key: try c.array(4))
            let scaled = try c.arrayIfGiven(3).map { multiply(x, $0.asType(x.dtype)) } ?? x
            return try c.arrayIfGiven(2).map { add(scaled, $0.asType(x.dtype)) } ?? scaled
        }
        one("random.randint") { c in
            let (low, high) = (try c.array(0), try c.array(1))
            if let only = onlyInteger(low, high) {
                return full(try c.ints(2), values: only, dtype: try c.type(3, else: .int32))
            }
            return MLXRandom.drawIntegers(
                low, high, try c.ints(2), try c.type(3, else: .int32),
                try c.array(4), .default)
        }
        one("random.bernoulli") { c in
            MLXRandom.bernoulli(try c.array(0), try c.intsIfGiven(1), key: try c.array(2))
        }
        one("random.truncated_normal") { c in
            MLXRandom.truncatedNormal(
                low: try c.array(0), high: try c.array(1), try c.intsIfGiven(2),
                dtype: try c.type(3), key: try c.array(4))
        }
        one("random.gumbel") { c in
            MLXRandom.gumbel(try c.ints(0), dtype: try c.type(1), key: try c.array(2))
        }
        one("random.laplace") { c in
            MLXRandom.laplace(
                try c.ints(0), dtype: try c.type(1), loc: try c.float(2), scale: try c.float(3),
                key: try c.array(4))
        }
        one("random.categorical") { c in
            let (logits, axis, key) = (try c.array(0), try c.int(1), try c.array(4))
            if let count = try c.intIfGiven(3) {
                if c.isGiven(2) {
                    throw c.error(.argument, "takes a shape or num_samples, not both")
                }
                return MLXRandom.categorical(logits, axis: axis, count: count, key: key)
            }
            return MLXRandom.categorical(
                logits, axis: axis, shape: try c.intsIfGiven(2), key: key)
        }
        one("random.multivariate_normal") { c in
            MLXRandom.multivariateNormal(
                mean: try c.array(0), covariance: try c.array(1), shape: try c.ints(2),
                dtype: try c.type(3), key: try c.array(4))
        }
        one("random.permutation") { c in
            if c.isInteger(0) {
                return MLXRandom.permutation(try c.small(0), key: try c.array(2))
            }
            return MLXRandom.permutation(
                try c.array(0), axis: try c.int(1), key: try c.array(2))
        }
    }

    mutating func addFast() {
        one("fast.rms_norm") { c in
            let x = try c.array(0)
            let weight = try c.arrayIfGiven(1) ?? ones([x.dim(-1)], dtype: x.dtype)
            return MLXFast.rmsNorm(x, weight: weight, eps: try c.float(2))
        }
        one("fast.layer_norm") { c in
            MLXFast.layerNorm(
                try c.array(0), weight: try c.arrayIfGiven(1), bias: try c.arrayIfGiven(2),
                eps: try c.float(3))
        }
        one("fast.rope") { c in
            let (x, dims, isTraditional) = (try c.array(0), try c.small(1), try c.bool(2))
            let (base, scale) = (try c.floatIfGiven(3), try c.float(4))
            let freqs = try c.arrayIfGiven(6)
            if c.isInteger(5) {
                return MLXFast.RoPE(
                    x, dimensions: dims, traditional: isTraditional, base: base, scale: scale,
                    offset: try c.int(5), freqs: freqs)
            }
            return MLXFast.RoPE(
                x, dimensions: dims, traditional: isTraditional, base: base, scale: scale,
                offset: try c.array(5), freqs: freqs)
        }
        // q, k, v, scale, mask array, whether causal, sinks
        one("fast.scaled_dot_product_attention") { c in
            let mask: MLXFast.ScaledDotProductAttentionMaskMode =
                if try c.bool(5) {
                    .causal
                } else if let array = try c.arrayIfGiven(4) {
                    .array(array)
                } else {
                    .none
                }
            return MLXFast.scaledDotProductAttention(
                queries: try c.array(0), keys: try c.array(1), values: try c.array(2),
                scale: try c.float(3), mask: mask, sinks: try c.arrayIfGiven(6))
        }
        many("recurrent.lstm") { c in
            let (states, cells) = lstm(
                try c.array(0), weights: try c.array(1), bias: try c.arrayIfGiven(2),
                state: try c.arrayIfGiven(3), cell: try c.arrayIfGiven(4))
            return [states, cells]
        }
        one("recurrent.gru") { c in
            gru(
                try c.array(0), weights: try c.array(1), bias: try c.arrayIfGiven(2),
                innerBias: try c.arrayIfGiven(3), state: try c.arrayIfGiven(4))
        }
        one("max_pool") { c in
            maxPooled(
                try c.array(0), window: try c.ints(1), stride: try c.ints(2),
                padding: try c.ints(3))
        }
        one("avg_pool") { c in
            averagePooled(
                try c.array(0), window: try c.ints(1), stride: try c.ints(2),
                padding: try c.ints(3))
        }
    }
}

private func stackedKeys(_ keys: [MLXArray]) -> MLXArray {
    keys.isEmpty ? zeros([0, 2], dtype: .uint32) : stacked(keys)
}

/// Where numbers are drawn from bounds in the wrong order the first one is all there is, as MLX
/// has it; nil for bounds that are in order or not known.
private func onlyInteger(_ low: MLXArray, _ high: MLXArray) -> MLXArray? {
    guard NodeReference(low).op == .scalar, NodeReference(high).op == .scalar,
        low.item(Double.self) >= high.item(Double.self)
    else { return nil }
    return low
}
