import MLX
import Testing

// Calls of the free functions of arrays, each with all of its arguments.
extension EveryDeclaration {
    @Test("free functions, 1") func functions1() throws {
        try works(add(x, x, stream: .cpu))
        try works(addMM(x, x, x, alpha: 1, beta: 1, stream: .cpu))
        try works(acos(x, stream: .cpu))
        try works(acosh(x, stream: .cpu))
        try works(asin(x, stream: .cpu))
        try works(asinh(x, stream: .cpu))
        try works(atan(x, stream: .cpu))
        try works(atan2(x, x, stream: .cpu))
        try works(atanh(x, stream: .cpu))
        try works(atLeast1D(x, stream: .cpu))
        try works(atLeast2D(x, stream: .cpu))
        try works(atLeast3D(x, stream: .cpu))
        try works(argPartition(x, kth: 1, axis: 0, stream: .cpu))
        try works(argPartition(x, kth: 1, stream: .cpu))
        try works(argSort(x, axis: 0, stream: .cpu))
        try works(argSort(x, stream: .cpu))
        try works(asStrided(x, [2, 2], strides: [4, 1], offset: 0, stream: .cpu))
        try works(bartlett(4, stream: .cpu))
        try works(blackman(4, stream: .cpu))
        try works(
            blockMaskedMM(
                wide, wide.T, blockSize: 32, maskOut: nil, maskLHS: nil, maskRHS: nil, stream: .cpu)
        )
        try works(broadcast(x, to: [2, 4, 4], stream: .cpu))
        try works(MLX.ceil(x, stream: .cpu))
        try works(clip(x, min: 0.2, stream: .cpu))
        try works(clip(x, min: 0.2, max: 0.8, stream: .cpu))
        try works(clip(x, max: 0.8, stream: .cpu))
        try works(concatenated([x, x], axis: 0, stream: .cpu))
        try works(
            conv1d(signal, taps1, stride: 1, padding: 0, dilation: 1, groups: 1, stream: .cpu))
        try works(conv2d(image, taps2, stride: 1, padding: 0, dilation: 1, groups: 1, stream: .cpu))
        try works(
            conv3d(volume, taps3, stride: 1, padding: 0, dilation: 1, groups: 1, stream: .cpu))
        try works(
            convGeneral(
                signal, taps1, strides: 1, padding: 0, kernelDilation: 1, inputDilation: 1,
                groups: 1, flip: false, stream: .cpu))
        try works(
            convGeneral(
                signal, taps1, strides: 1, padding: (1, 1), kernelDilation: 1, inputDilation: 1,
                groups: 1, flip: false, stream: .cpu))
        try works(
            convTransposed1d(
                signal, taps1, stride: 1, padding: 0, dilation: 1, outputPadding: 0, groups: 1,
                stream: .cpu))
        try works(
            convTransposed2d(
                image, taps2, stride: 1, padding: 0, dilation: 1, outputPadding: 0, groups: 1,
                stream: .cpu))
    }

    @Test("free functions, 2") func functions2() throws {
        try works(
            convTransposed3d(
                volume, taps3, stride: 1, padding: 0, dilation: 1, outputPadding: 0, groups: 1,
                stream: .cpu))
        try works(convolve(v, v, mode: .same, stream: .cpu))
        try works(cosh(x, stream: .cpu))
        try works(degrees(x, stream: .cpu))
        try works(depends(input: x, dependencies: [v]))
        try works(depends(inputs: [x], dependencies: [v]))
        try works(
            dequantized(
                packed, scales: scales, biases: biases, groupSize: 32, bits: 4, mode: .affine,
                globalScale: nil, dtype: .float32, stream: .cpu))
        try works(divide(x, x, stream: .cpu))
        try works(divmod(x, x, stream: .cpu))
        try works(einsum("ij,jk->ik", x, x, stream: .cpu))
        try works(einsum("ij,jk->ik", operands: [x, x], stream: .cpu))
        try works(equal(x, x, stream: .cpu))
        try works(erf(x, stream: .cpu))
        try works(erfInverse(x, stream: .cpu))
        try works(expandedDimensions(x, axes: [0], stream: .cpu))
        try works(expandedDimensions(x, axis: 0, stream: .cpu))
        try works(expm1(x, stream: .cpu))
        try works(fromFP8(bytes, dtype: .float32, stream: .cpu))
        try works(
            gatherMM(x, x, lhsIndices: nil, rhsIndices: nil, sortedIndices: false, stream: .cpu))
        try works(
            gatherQuantizedMM(
                wide, packed, scales: scales, biases: biases, lhsIndices: nil, rhsIndices: nil,
                transpose: true, groupSize: 32, bits: 4, mode: .affine, sortedIndices: false,
                stream: .cpu))
        try works(segmentedMM(x, x, segments: segments, stream: .cpu))
        try works(greater(x, x, stream: .cpu))
        try works(greaterEqual(x, x, stream: .cpu))
        try works(hadamardTransform(x, scale: 0.5, stream: .cpu))
        try works(hamming(4, stream: .cpu))
        try works(hanning(4, stream: .cpu))
        try works(inner(x, x, stream: .cpu))
        try works(isClose(x, x, rtol: 1e-5, atol: 1e-8, equalNaN: true, stream: .cpu))
        try works(isNaN(x, stream: .cpu))
        try works(isInf(x, stream: .cpu))
        try works(isFinite(x, stream: .cpu))
        try works(isNegInf(x, stream: .cpu))
        try works(isPosInf(x, stream: .cpu))
    }

    @Test("free functions, 3") func functions3() throws {
        try works(less(x, x, stream: .cpu))
        try works(lessEqual(x, x, stream: .cpu))
        try works(logAddExp(x, x, stream: .cpu))
        try works(logicalAnd(x, x, stream: .cpu))
        try works(logicalNot(x, stream: .cpu))
        try works(logicalOr(x, x, stream: .cpu))
        try works(meshGrid([v, v], sparse: false, indexing: .ij, stream: .cpu))
        try works(maximum(x, x, stream: .cpu))
        try works(median(x, axis: 0, keepDims: true, stream: .cpu))
        try works(median(x, axes: [0], keepDims: true, stream: .cpu))
        try works(median(x, keepDims: true, stream: .cpu))
        try works(minimum(x, x, stream: .cpu))
        try works(multiply(x, x, stream: .cpu))
        try works(nanToNum(x, nan: 0, posInf: 1, negInf: -1, stream: .cpu))
        try works(negative(x, stream: .cpu))
        try works(notEqual(x, x, stream: .cpu))
        try works(outer(v, v, stream: .cpu))
        try works(padded(x, width: 1, mode: .edge, value: zero, stream: .cpu))
        try works(padded(x, widths: [1, 1], mode: .edge, value: zero, stream: .cpu))
        try works(partitioned(x, kth: 1, axis: 0, stream: .cpu))
        try works(partitioned(x, kth: 1, stream: .cpu))
        try works(putAlong(x, order, values: x, axis: 0, stream: .cpu))
        try works(putAlong(x, order, values: x, stream: .cpu))
        try works(
            quantized(wide, groupSize: 32, bits: 4, mode: .affine, globalScale: nil, stream: .cpu))
        try works(
            quantizedMM(
                wide, packed, scales: scales, biases: biases, transpose: true, groupSize: 32,
                bits: 4, mode: .affine, stream: .cpu))
        try works(
            quantizedQuantizedMM(
                wide, packedFP4, scales: scalesFP4, groupSize: 16, bits: 4, mode: .nvfp4,
                globalScaleX: nil, globalScaleW: nil, stream: .cpu))
        try works(radians(x, stream: .cpu))
        try works(remainder(x, x, stream: .cpu))
        try works(roll(x, shift: 1, axis: 0, stream: .cpu))
        try works(roll(x, shift: 1, axes: [0], stream: .cpu))
        try works(sigmoid(x, stream: .cpu))
        try works(sign(x, stream: .cpu))
        try works(sinh(x, stream: .cpu))
    }

    @Test("free functions, 4") func functions4() throws {
        try works(softmax(x, axes: [0], precise: true, stream: .cpu))
        try works(softmax(x, axis: 0, precise: true, stream: .cpu))
        try works(softmax(x, precise: true, stream: .cpu))
        try works(MLX.sorted(x, axis: 0, stream: .cpu))
        try works(MLX.sorted(x, stream: .cpu))
        try works(std(x, axes: [0], keepDims: true, ddof: 0, stream: .cpu))
        try works(std(x, axis: 0, keepDims: true, ddof: 0, stream: .cpu))
        try works(std(x, keepDims: true, ddof: 0, stream: .cpu))
        try works(stacked([x, x], axis: 0, stream: .cpu))
        try works(stopGradient(x, stream: .cpu))
        try works(subtract(x, x, stream: .cpu))
        try works(takeAlong(x, order, axis: 0, stream: .cpu))
        try works(takeAlong(x, order, stream: .cpu))
        try works(tan(x, stream: .cpu))
        try works(tanh(x, stream: .cpu))
        try works(tensordot(x, x, axes: 1, stream: .cpu))
        try works(tensordot(x, x, axes: ((0, 1), (0, 1)), stream: .cpu))
        try works(tensordot(x, x, axes: ([0], [1]), stream: .cpu))
        try works(tiled(x, repetitions: [2, 1], stream: .cpu))
        try works(tiled(x, repetitions: 2, stream: .cpu))
        try works(toFP8(x, stream: .cpu))
        try works(top(x, k: 2, axis: 0, stream: .cpu))
        try works(top(x, k: 2, stream: .cpu))
        try works(trace(x, offset: 0, axis1: 0, axis2: 1, dtype: .float32, stream: .cpu))
        try works(tril(x, k: 1, stream: .cpu))
        try works(triu(x, k: 1, stream: .cpu))
        try works(MLX.`where`(b, x, x, stream: .cpu))
        try works(which(b, x, x, stream: .cpu))
        try works(kron(x, x, stream: .cpu))
        try works(flatten(x, startAxis: 0, endAxis: -1, stream: .cpu))
        try works(unflatten(x, axis: 0, shape: [2, 2], stream: .cpu))
        try works(contiguous(x, allowColMajor: false, stream: .cpu))
    }
}
