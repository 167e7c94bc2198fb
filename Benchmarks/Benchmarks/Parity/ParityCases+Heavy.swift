import MLX

/// The functions of `Benchmarks/parity` that do more than one pass over their operands: products,
/// convolutions, random numbers, Fourier transforms, matrix functions and parts of networks.
extension ParityCases {
    static func products(_ o: Operands) -> [Case] {
        let narrow = o.x[0..<512_000].reshaped(1000, 512)
        let wide = o.y[0..<512_000].reshaped(512, 1000)
        let batch = o.x[0..<960_000].reshaped(60, 125, 128)
        let other = o.y[0..<960_000].reshaped(60, 128, 125)
        let few = o.x[0..<4000].reshaped(4, 1000)
        let vector = o.x[0..<1000]
        eval(narrow, wide, batch, other, few, vector)
        let half = (o.m.asType(.float16), o.n.asType(.float16))
        let brain = (o.m.asType(.bfloat16), o.n.asType(.bfloat16))
        eval(half.0, half.1, brain.0, brain.1)
        return [
            ("matmul 1000", { [matmul(o.m, o.n)] }),
            ("matmul transposed", { [matmul(o.m, o.n.T)] }),
            ("matmul 1000x512x1000", { [matmul(narrow, wide)] }),
            ("matmul batched", { [matmul(batch, other)] }),
            ("matmul 4 rows", { [matmul(few, o.m)] }), ("matvec", { [matmul(o.m, vector)] }),
            ("matmul float16", { [matmul(half.0, half.1)] }),
            ("matmul bfloat16", { [matmul(brain.0, brain.1)] }),
            ("addmm", { [addMM(o.m, o.m, o.n)] }), ("inner", { [inner(o.m, o.n)] }),
            ("tensordot", { [tensordot(o.m, o.n, axes: 1)] }),
            ("einsum ij,jk->ik", { [einsum("ij,jk->ik", o.m, o.n)] }),
            ("einsum ij,ij->i", { [einsum("ij,ij->i", o.m, o.n)] }),
            ("hadamard", { [hadamardTransform(o.x[0..<983_040].reshaped(960, 1024))] }),
        ]
    }

    static func convolutions(_ o: Operands) -> [Case] {
        let image = o.x[0..<802_816].reshaped(4, 56, 56, 64)
        let kernel = o.y[0..<36_864].reshaped(64, 3, 3, 64)
        let depthwise = o.y[0..<576].reshaped(64, 3, 3, 1)
        let signal = o.x.reshaped(10, 1000, 100)
        let filter = o.y[0..<50_000].reshaped(100, 5, 100)
        let volume = o.x[0..<524_288].reshaped(2, 16, 16, 16, 64)
        let cube = o.y[0..<110_592].reshaped(64, 3, 3, 3, 64)
        eval(image, kernel, depthwise, signal, filter, volume, cube)
        return [
            ("conv2d 3x3", { [conv2d(image, kernel, padding: 1)] }),
            ("conv2d strided", { [conv2d(image, kernel, stride: 2, padding: 1)] }),
            ("conv2d depthwise", { [conv2d(image, depthwise, padding: 1, groups: 64)] }),
            ("conv1d", { [conv1d(signal, filter, padding: 2)] }),
            ("conv3d", { [conv3d(volume, cube, padding: 1)] }),
            ("conv_transpose2d", { [convTransposed2d(image, kernel, stride: 2, padding: 1)] }),
        ]
    }

    static func draws(_ o: Operands) -> [Case] {
        let shape = [1_000_000]
        return [
            (
                "random bits",
                {
                    [MLXRandom.randInt(UInt32(0)..<UInt32(1 << 30), shape, key: o.key)]
                }
            ),
            ("uniform", { [MLXRandom.uniform(Float(0)..<1, shape, key: o.key)] }),
            ("normal", { [MLXRandom.normal(shape, key: o.key)] }),
            ("bernoulli", { [MLXRandom.bernoulli(0.3, shape, key: o.key)] }),
            ("gumbel", { [MLXRandom.gumbel(shape, key: o.key)] }),
            ("laplace", { [MLXRandom.laplace(shape, dtype: .float32, key: o.key)] }),
            ("categorical", { [MLXRandom.categorical(o.m, key: o.key)] }),
            (
                "truncated_normal",
                {
                    [MLXRandom.truncatedNormal(Float(-2)..<2, shape, key: o.key)]
                }
            ),
            ("permutation", { [MLXRandom.permutation(1_000_000, key: o.key)] }),
        ]
    }

    static func transforms(_ o: Operands) -> [Case] {
        let rows = o.x[0..<983_040].reshaped(960, 1024)
        let line = o.x[0..<1_000_000]
        let power = o.x[0..<524_288]
        eval(rows, line, power)
        return [
            ("fft rows 1024", { [fft(rows)] }), ("fft 10^6", { [fft(line)] }),
            ("fft 2^19", { [fft(power)] }), ("rfft rows 1024", { [rfft(rows)] }),
            ("irfft rows", { [irfft(rows[0..., 0..<513])] }), ("fft2 1000", { [fft2(o.m)] }),
        ]
    }

    static func matrices(_ o: Operands) -> [Case] {
        let square = o.m[0..<512, 0..<512] + 4 * MLXArray.eye(512)
        let positive = matmul(square, square.T) / 512 + MLXArray.eye(512)
        let small = o.x[0..<262_144].reshaped(256, 32, 32) + 4 * MLXArray.eye(32)
        eval(square, positive, small)
        return [
            ("inv 512", { [inv(square)] }), ("solve 512", { [solve(square, positive)] }),
            ("cholesky 512", { [cholesky(positive)] }),
            (
                "qr 512",
                {
                    let (q, r) = qr(square)
                    return [q, r]
                }
            ),
            (
                "svd 512",
                {
                    let (u, s, v): (MLXArray, MLXArray, MLXArray) = svd(square)
                    return [u, s, v]
                }
            ),
            (
                "eigh 512",
                {
                    let (values, vectors) = eigh(positive)
                    return [values, vectors]
                }
            ),
            (
                "lu 512",
                {
                    let (p, l, u) = lu(square)
                    return [p, l, u]
                }
            ),
            ("inv 256x32", { [inv(small)] }), ("norm", { [norm(o.m, ord: 2, axis: 1)] }),
        ]
    }

    static func networks(_ o: Operands) -> [Case] {
        let rows = o.x[0..<983_040].reshaped(960, 1024)
        let weight = o.y[0..<1024]
        let heads = o.x[0..<524_288].reshaped(1, 8, 1024, 64)
        let one = heads[0..., 0..., 0..<1]
        let matrix = o.y[0..<983_040].reshaped(960, 1024)
        let (w4, s4, b4) = quantized(matrix, groupSize: 64, bits: 4)
        let (w8, s8, b8) = quantized(matrix, groupSize: 64, bits: 8)
        let row = rows[0..<1]
        eval(rows, weight, heads, one, w4, s4, w8, s8, row)
        func product(_ x: MLXArray, _ w: MLXArray, _ s: MLXArray, _ b: MLXArray?, _ bits: Int)
            -> [MLXArray]
        {
            [quantizedMM(x, w, scales: s, biases: b, groupSize: 64, bits: bits)]
        }
        return [
            ("rms_norm", { [rmsNorm(rows, weight: weight, eps: 1e-5)] }),
            ("layer_norm", { [layerNorm(rows, weight: weight, bias: weight, eps: 1e-5)] }),
            (
                "rope",
                {
                    [
                        RoPE(
                            heads, dimensions: 64, traditional: false, base: 10000, scale: 1,
                            offset: 0)
                    ]
                }
            ),
            (
                "attention 1024",
                {
                    [
                        scaledDotProductAttention(
                            queries: heads, keys: heads, values: heads, scale: 0.125, mask: nil)
                    ]
                }
            ),
            (
                "attention decode",
                {
                    [
                        scaledDotProductAttention(
                            queries: one, keys: heads, values: heads, scale: 0.125, mask: nil)
                    ]
                }
            ),
            (
                "quantize 4",
                {
                    let (w, s, _) = quantized(matrix, groupSize: 64, bits: 4)
                    return [w, s]
                }
            ),
            (
                "dequantize 4",
                {
                    [dequantized(w4, scales: s4, biases: b4, groupSize: 64, bits: 4)]
                }
            ),
            ("quantized matvec 4", { product(row, w4, s4, b4, 4) }),
            ("quantized matvec 8", { product(row, w8, s8, b8, 8) }),
            ("quantized matmul 4", { product(rows, w4, s4, b4, 4) }),
        ]
    }
}
