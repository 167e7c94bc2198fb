import MLX

/// Bad input of the larger families: sorting and scans, windows of three dimensions, transforms,
/// matrices, contractions, packed numbers.
private func x(_ shape: Int...) -> MLXArray {
    arange(shape.reduce(1, *), dtype: .float32).reshaped(shape)
}

private let lowest = Int.min
private let highest = Int.max

extension BadInput {
    static let sequences: [BadInput] = [
        BadInput(20, "sort along axis 2 of 2", .axis, "sort") { sorted(x(2, 3), axis: 2) },
        BadInput(20, "sort along INT_MIN", .axis, "sort") { sorted(x(2, 3), axis: lowest) },
        BadInput(20, "argSort", .axis, "argsort") { argSort(x(2, 3), axis: highest) },
        BadInput(20, "argSort of a scalar", .axis, "argsort") { argSort(x(), axis: 0) },
        BadInput(16, "partition at 3 of 3", .argument, "partition") {
            partitioned(x(2, 3), kth: 3, axis: 1)
        },
        BadInput(16, "partition at INT_MIN", .argument, "argpartition") {
            argPartition(x(2, 3), kth: lowest, axis: 1)
        },
        BadInput(17, "partition of nothing", .argument, "partition") {
            partitioned(x(2, 0), kth: 0, axis: 1)
        },
        BadInput(16, "top 4 of 3", .argument, "topk") { top(x(2, 3), k: 4, axis: 1) },
        BadInput(16, "top INT_MAX", .argument, "topk") { top(x(2, 3), k: highest) },
        BadInput(20, "cumsum", .axis, "cumsum") { cumsum(x(2, 3), axis: 2) },
        BadInput(20, "cumprod at INT_MIN", .axis, "cumprod") { cumprod(x(2, 3), axis: lowest) },
        BadInput(20, "cummax of a scalar", .axis, "cummax") { cummax(x(), axis: 0) },
        BadInput(20, "logCumsumExp", .axis, "logcumsumexp") { logCumsumExp(x(2, 3), axis: -3) },
        BadInput(17, "median of nothing", .argument, "median") { median(x(0)) },
        BadInput(20, "median over an axis twice", .axis, "median") {
            median(x(2, 3), axes: [0, 0])
        },
        BadInput(20, "roll", .axis, "roll") { roll(x(2, 3), shift: 1, axis: 2) },
        BadInput(20, "view of 3 bytes as 4", .shape, "view") {
            view(MLXArray([1, 2, 3] as [UInt8]), dtype: .float32)
        },
        BadInput(20, "view of a scalar", .shape, "view") {
            view(x(), dtype: .int8)
        },
        BadInput(20, "pad by INT_MIN", .argument, "pad") {
            padded(x(3), width: IntOrPair(lowest), mode: .edge)
        },
        BadInput(20, "mirror nothing", .argument, "pad") { padded(x(0), width: 1, mode: .reflect) },
        BadInput(20, "mirror to 2^63", .argument, "pad") {
            padded(x(3), width: IntOrPair(highest), mode: .symmetric)
        },
        BadInput(20, "edge beyond 2^62", .limit, "broadcast_to") {
            padded(x(3), width: IntOrPair(highest / 2), mode: .edge)
        },
        BadInput(18, "strides beyond the array", .index, "as_strided") {
            asStrided(x(4), [2, 3], strides: [1, 5])
        },
        BadInput(18, "strides that wrap", .index, "as_strided") {
            asStrided(x(4), [3, 3], strides: [1 << 62, 1 << 62])
        },
        BadInput(18, "an offset of INT_MIN", .index, "as_strided") {
            asStrided(x(4), [2], strides: [1], offset: lowest)
        },
        BadInput(18, "mean over a long axis twice", .axis, "sum") {
            mean(broadcast(x(1), to: [1 << 40]), axes: [0, 0])
        },
        BadInput(18, "variance over a long axis twice", .axis, "sum") {
            variance(broadcast(x(1), to: [1 << 40]), axes: [0, -1])
        },
        BadInput(18, "median over a long axis twice", .axis, "median") {
            median(broadcast(x(1), to: [1 << 40]), axes: [0, 0])
        },
        BadInput(18, "tensordot over a long axis twice", .axis, "tensordot") {
            let wide = broadcast(x(1), to: [1 << 40])
            return tensordot(wide, wide, axes: ([0, 0], [0, 0]))
        },
        BadInput(18, "kron beyond 2^63", .limit, "multiply") {
            let wide = broadcast(x(1), to: [1 << 32])
            return kron(wide, wide)
        },
    ]

    static let volumes: [BadInput] = [
        BadInput(16, "stride 0", .argument, "conv3d") {
            conv3d(x(1, 3, 3, 3, 1), x(1, 2, 2, 2, 1), stride: 0)
        },
        BadInput(16, "dilation INT_MIN", .argument, "conv3d") {
            conv3d(x(1, 3, 3, 3, 1), x(1, 2, 2, 2, 1), dilation: IntOrTriple(lowest))
        },
        BadInput(16, "groups 0", .shape, "conv3d") {
            conv3d(x(1, 3, 3, 3, 1), x(1, 2, 2, 2, 1), groups: 0)
        },
        BadInput(16, "kernel larger than input", .shape, "conv3d") {
            conv3d(x(1, 3, 3, 3, 1), x(1, 4, 2, 2, 1))
        },
        BadInput(16, "padding INT_MAX", .limit, "conv3d") {
            conv3d(x(1, 3, 3, 3, 1), x(1, 2, 2, 2, 1), padding: IntOrTriple(highest))
        },
        BadInput(16, "rank 4", .shape, "conv3d") { conv3d(x(3, 3, 3, 1), x(1, 2, 2, 2, 1)) },
        BadInput(16, "stride 0, transposed", .argument, "conv2d") {
            convTransposed1d(x(1, 3, 1), x(1, 2, 1), stride: 0)
        },
        BadInput(16, "two strides for one axis", .argument, "conv_general") {
            convGeneral(x(1, 3, 1), x(1, 2, 1), strides: [1, 1])
        },
    ]

    static let spectra: [BadInput] = [
        BadInput(16, "0 points", .argument, "fft") { MLXFFT.fft(x(4), n: 0) },
        BadInput(16, "-1 points", .argument, "rfft") { MLXFFT.rfft(x(4), n: -1) },
        BadInput(18, "INT_MAX points", .argument, "ifft") { MLXFFT.ifft(x(4), n: highest) },
        BadInput(20, "axis INT_MIN", .axis, "fft") { MLXFFT.fft(x(4), axis: lowest) },
        BadInput(20, "an axis twice", .axis, "fftn") { MLXFFT.fftn(x(4, 4), axes: [0, -2]) },
        BadInput(20, "sizes and axes differ", .argument, "fftn") {
            MLXFFT.fftn(x(4, 4), s: [4], axes: [0, 1])
        },
        BadInput(20, "one axis for two", .axis, "fft2") { MLXFFT.fft2(x(4)) },
        BadInput(16, "half spectrum of one", .argument, "irfft") { MLXFFT.irfft(x(1)) },
        BadInput(16, "a hop of 0", .argument, "stft") {
            MLXFFT.stft(x(40), nFFT: 8, hopLength: 0)
        },
        BadInput(20, "a window of two axes", .shape, "stft") {
            MLXFFT.stft(x(40), nFFT: 8, window: x(2, 4))
        },
    ]

    static let matrices: [BadInput] = [
        BadInput(21, "inverse of a singular matrix", .kernel, "inv") { inv(ones([3, 3])) },
        BadInput(21, "solution of a singular system", .kernel, "solve") {
            solve(ones([3, 3]), ones([3]))
        },
        BadInput(21, "cholesky of a negative matrix", .kernel, "cholesky") { cholesky(-eye(3)) },
        BadInput(21, "one singular matrix of many", .kernel, "inv") {
            inv(stacked([eye(3), ones([3, 3]), eye(3)]))
        },
        BadInput(21, "inverse of a triangle with a 0", .kernel, "tri_inv") {
            triInv(zeros([2, 2]))
        },
        BadInput(21, "svd of NaN", .kernel, "svd") {
            let (_, s, _): (MLXArray, MLXArray, MLXArray) = svd(full([2, 2], values: Float.nan))
            return s
        },
        BadInput(21, "inside an expression", .kernel, "inv") {
            sum(exp(inv(ones([3, 3]) * 2) + 1), axis: 0)
        },
        BadInput(20, "not square", .shape, "inv", shapes: [[2, 3]]) { inv(x(2, 3)) },
        BadInput(20, "one axis", .shape, "cholesky") { cholesky(x(3)) },
        BadInput(20, "integers", .dtype, "inv") { inv(eye(2, dtype: .int32)) },
        BadInput(20, "sides that differ", .shape, "solve") { solve(eye(3), x(2)) },
        BadInput(20, "neither upper nor lower", .argument, "eigvalsh") {
            eigvalsh(eye(2), UPLO: "X")
        },
        BadInput(20, "norm over 3 axes", .axis, "norm") { norm(x(2, 2, 2), ord: 1) },
        BadInput(20, "cross of 4", .shape, "cross") { cross(x(4), x(4)) },
    ]

    static let contractions: [BadInput] = [
        BadInput(20, "sizes differ", .argument, "einsum") { einsum("ij,jk->ik", x(2, 3), x(2, 3)) },
        BadInput(20, "too few operands", .argument, "einsum") { einsum("ij,jk->ik", x(2, 3)) },
        BadInput(20, "an unknown letter", .argument, "einsum") { einsum("ij->ik", x(2, 3)) },
        BadInput(20, "too many letters", .argument, "einsum") { einsum("ijk->i", x(2, 3)) },
        BadInput(20, "no letters", .argument, "einsum") { einsum("->->", x(2, 3)) },
        BadInput(20, "a result twice", .argument, "einsum") { einsum("ij->ii", x(2, 3)) },
        BadInput(20, "tensordot over INT_MAX axes", .axis, "tensordot") {
            tensordot(x(2, 3), x(2, 3), axes: highest)
        },
        BadInput(20, "tensordot over -1 axes", .axis, "tensordot") {
            tensordot(x(2, 3), x(2, 3), axes: -1)
        },
        BadInput(20, "tensordot sizes", .shape, "tensordot") {
            tensordot(x(2, 3), x(2, 3), axes: ([0], [1]))
        },
        BadInput(19, "gatherMM beyond", .index, "gather_mm") {
            gatherMM(x(2, 3, 3), x(2, 3, 3), rhsIndices: MLXArray([5, 0] as [UInt32]))
        },
        BadInput(16, "block of 0", .argument, "block_masked_mm") {
            blockMaskedMM(x(32, 32), x(32, 32), blockSize: 0, maskOut: ones([1, 1]))
        },
        BadInput(16, "a Hadamard matrix of 7", .shape, "hadamard") {
            hadamardTransform(x(7))
        },
    ]

    /// Four rows of 64 numbers of 4 bits, in groups of 32; the rows below take what differs.
    private static let words = zeros([4, 8], dtype: .uint32)
    private static let pairs = ones([4, 2])

    static let packed: [BadInput] = [
        BadInput(22, "scales of another group", .shape, "quantized_matmul") {
            quantizedMM(
                x(3, 64), words, scales: ones([4, 1]), biases: pairs, groupSize: 32, bits: 4)
        },
        BadInput(22, "biases of other rows", .shape, "quantized_matmul") {
            quantizedMM(
                x(3, 64), words, scales: pairs, biases: ones([3, 2]), groupSize: 32, bits: 4)
        },
        BadInput(22, "no biases", .argument, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: nil, groupSize: 32, bits: 4)
        },
        BadInput(22, "another width", .shape, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: pairs, groupSize: 32, bits: 8)
        },
        BadInput(22, "a width of 0", .argument, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: pairs, groupSize: 32, bits: 0)
        },
        BadInput(22, "a width of INT_MIN", .argument, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: pairs, groupSize: 32, bits: lowest)
        },
        BadInput(22, "a group of 0", .argument, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: pairs, groupSize: 0, bits: 4)
        },
        BadInput(22, "a group of INT_MAX", .argument, "quantized_matmul") {
            quantizedMM(x(3, 64), words, scales: pairs, biases: pairs, groupSize: highest, bits: 4)
        },
        BadInput(22, "weights that are not packed", .dtype, "quantized_matmul") {
            quantizedMM(x(3, 64), x(4, 8), scales: pairs, biases: pairs, groupSize: 32, bits: 4)
        },
        BadInput(22, "quantizing 40 numbers in groups of 32", .shape, "quantize") {
            quantized(x(4, 40), groupSize: 32, bits: 4).wq
        },
        BadInput(22, "quantizing one axis", .shape, "quantize") {
            quantized(x(64), groupSize: 32, bits: 4).wq
        },
        BadInput(22, "dequantizing with other scales", .shape, "dequantize") {
            dequantized(
                zeros([4, 8], dtype: .uint32), scales: ones([4, 3]), biases: ones([4, 3]),
                groupSize: 32, bits: 4)
        },
        BadInput(22, "numbers that FP8 has not", .dtype, "from_fp8") { fromFP8(x(4)) },
    ]
}
