import MLXBase
import MLXGraph
import MLXKernels
import MLXOps

// Quantization as MLX's checkpoints have it: groups of numbers along the last axis share a scale,
// codes lie in uint32 words. Bits are those of MLX, so what one library stored the other loads.

/// The format of a call, with the mode's own group size and width where none is given.
private func format(
    _ mode: QuantizationMode, _ groupSize: Int?, _ bits: Int?, _ operation: String
) throws(ArrayError) -> CodeFormat {
    let kind: CodeFormat.Mode
    switch mode {
    case .affine, .affineInt8: kind = .affine
    case .mxfp4: kind = .mxfp4
    case .mxfp8: kind = .mxfp8
    case .nvfp4: kind = .nvfp4
    case .int8:
        throw ArrayError(.argument, operation, "int8 has rows and functions of its own")
    }
    let format = try CodeFormat(
        groupSize: groupSize ?? kind.defaults.groupSize, bits: bits ?? kind.defaults.bits,
        mode: kind, operation: operation)
    if mode == .affineInt8 && !format.meetsInt8 {
        throw ArrayError(
            .argument, operation, "affine_int8 has 2, 4 or 8 bits, not \(format.bits)")
    }
    return format
}

extension QuantizationMode {
    /// Whether the stored arrays are those of MLX's affine mode.
    package var hasAffineCodes: Bool { self == .affine || self == .affineInt8 }

    /// The group size and width of a call, those that are not given being the mode's own.
    /// - Throws: when the mode has no such group size or width.
    package func settings(
        groupSize: Int?, bits: Int?
    ) throws(ArrayError) -> (groupSize: Int, bits: Int) {
        // Every output has one scale, whatever is said.
        if self == .int8 { return (groupSize ?? 64, 8) }
        let format = try format(self, groupSize, bits, "quantize")
        return (format.groupSize, format.bits)
    }
}

/// Stores a matrix in few bits: codes, and a scale (in affine mode also an offset) for each group
/// of numbers along the last axis.
///
/// Affine codes are integers with w ≈ scale q + bias; the floating-point modes follow OCP's
/// Microscaling Formats 1.0 (mxfp4, mxfp8) and NVIDIA's NVFP4.
///
/// ```swift
/// let (wq, scales, biases) = quantized(w, groupSize: 64, bits: 4)
/// let y = quantizedMM(x, wq, scales: scales, biases: biases)
/// ```
/// - Parameters:
///   - w: real floats with 2 axes or more; the last is divisible by the group size.
///   - groupSize: 32, 64 (default) or 128; the other modes have one each.
///   - bits: 2, 3, 4 (default), 5, 6 or 8; the other modes have one each.
///   - globalScale: nvfp4 only, a scalar that all scales are relative to.
/// - Returns: codes (…, K bits / 32) in uint32; scales and biases (…, K / groupSize) in w's dtype,
///   or scales as bytes and no biases.
public func quantized(
    _ w: MLXArray, groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
    globalScale: MLXArray? = nil, stream: StreamOrDevice = .default
) -> (wq: MLXArray, scales: MLXArray, biases: MLXArray?) {
    if mode == .int8 {
        let (quantized, scales) = int8Quantized(w, stream: stream)
        return (quantized, scales, nil)
    }
    do throws(ArrayError) {
        let format = try format(mode, groupSize, bits, "quantize")
        let inputs = [w] + (globalScale.given.map { [Ops.cast($0, to: .float32)] } ?? [])
        let attributes = Attributes(words: format.words)
        let codes = Ops.record(.quantize, inputs, attributes, stream: stream.id)
        let scales = Ops.record(.quantizeScales, inputs, attributes, stream: stream.id)
        if !format.isAffine { return (codes, scales, nil) }
        if NodeReference(scales).isPoisoned { return (codes, scales, scales) }
        let shape = Array(scales.shape.dropFirst())
        func part(_ index: Int) -> MLXArray {
            Ops.reshape(
                Ops.slice(scales, axis: 0, index, 1, stream: stream.id), shape,
                stream: stream.id)
        }
        return (codes, part(0), part(1))
    } catch {
        let bad = Ops.invalid(error, inputs: [w])
        return (bad, bad, mode.hasAffineCodes ? bad : nil)
    }
}

/// The numbers that codes stand for: scale q + bias, or scale times a small float.
///
/// ```swift
/// let w = dequantized(wq, scales: scales, biases: biases, groupSize: 64, bits: 4)
/// ```
/// - Parameters:
///   - w: codes as `quantized` makes them.
///   - dtype: of the result; else that of scales and biases, or in the float modes that of the
///     global scale, which is float32, or bfloat16 where there is none.
public func dequantized(
    _ w: MLXArray, scales: MLXArray, biases: MLXArray?, groupSize: Int? = nil, bits: Int? = nil,
    mode: QuantizationMode = .affine, globalScale: MLXArray? = nil, dtype: DType? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    if mode == .int8 {
        let column = [w.dim(0)] + [Int](repeating: 1, count: Swift.max(w.ndim - 1, 0))
        let wide = multiply(
            w.asType(scales.dtype, stream: stream),
            Ops.reshape(scales, column, stream: stream.id), stream: stream)
        return dtype.map { Ops.cast(wide, to: $0, stream: stream.id) } ?? wide
    }
    let (biases, globalScale) = (biases.given, globalScale.given)
    return recording([w, scales]) { () throws(ArrayError) in
        let format = try format(mode, groupSize, bits, "dequantize")
        if format.isAffine != (biases != nil) {
            throw ArrayError(
                .argument, "dequantize", "biases belong to affine mode, and only there")
        }
        if globalScale != nil && format.mode != .nvfp4 {
            throw ArrayError(.argument, "dequantize", "only nvfp4 takes a global scale, a scalar")
        }
        if let dtype, !dtype.isFloatingPoint || dtype == .complex64 {
            throw ArrayError(.dtype, "dequantize", "gives real floats, not \(dtype)")
        }
        let dtype = dtype ?? (globalScale == nil ? nil : .float32)
        let extra = biases ?? globalScale.map { Ops.cast($0, to: .float32) }
        let result = Ops.record(
            .dequantize, [w, scales] + (extra.map { [$0] } ?? []),
            Attributes(words: format.words, outputDType: format.isAffine ? nil : dtype),
            stream: stream.id)
        return dtype.map { Ops.cast(result, to: $0, stream: stream.id) } ?? result
    }
}

/// x wᵀ (or x w) with a quantized w, which is never dequantized as a whole.
///
/// ```swift
/// let y = quantizedMM(x, wq, scales: scales, biases: biases, groupSize: 64, bits: 4)
/// ```
/// - Parameters:
///   - x: (…, M, K). In mode `affineInt8` each group of it is rounded to int8, with the scale
///     max |x| / 127: an error of at most half a step in each term.
///   - w: codes that stand for (…, N, K), or (…, K, N) without `transpose`; batch axes broadcast.
/// - Returns: (…, M, N) in the promoted dtype of x, scales and biases; in the float modes x's.
public func quantizedMM(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray, biases: MLXArray?, transpose: Bool = true,
    groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
    stream: StreamOrDevice = .default
) -> MLXArray {
    if mode == .int8 && transpose { return int8Matmul(x, w, scales: scales, stream: stream) }
    let biases = biases.given
    return recording([x, w, scales]) { () throws(ArrayError) in
        let format = try format(mode, groupSize, bits, "quantized_matmul")
        if format.isAffine != (biases != nil) {
            throw ArrayError(
                .argument, "quantized_matmul", "biases belong to affine mode, and only there")
        }
        return Ops.record(
            mode == .affineInt8 ? .roundedMatmul : .quantizedMatmul,
            [x, w, scales] + (biases.map { [$0] } ?? []),
            Attributes(words: format.words + [transpose ? 1 : 0]), stream: stream.id)
    }
}

/// x wᵀ with a quantized w.
@available(*, deprecated, renamed: "quantizedMM")
public func quantizedMatmul(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray, biases: MLXArray?, transpose: Bool = true,
    groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
    stream: StreamOrDevice = .default
) -> MLXArray {
    quantizedMM(
        x, w, scales: scales, biases: biases, transpose: transpose, groupSize: groupSize,
        bits: bits, mode: mode, stream: stream)
}

/// Products of matrices of x and of a quantized w that two index arrays pick, as a mixture of
/// experts needs them.
///
/// ```swift
/// // tokens (T, 1, 1, K), experts (T, 2): each token meets two of E matrices.
/// let y = gatherQuantizedMM(tokens, wq, scales: s, biases: b, rhsIndices: experts)
/// ```
/// - Parameters:
///   - x: (…, M, K).
///   - w: codes that stand for (…, N, K), or (…, K, N) without `transpose`.
///   - lhsIndices: which matrices of x, counted in row-major order of its batch axes; all, in
///     order, when nil.
///   - rhsIndices: which matrices of w; all, in order, when nil.
///   - sortedIndices: a hint, without effect here.
/// - Returns: (indices…, M, N), where the index arrays broadcast.
public func gatherQuantizedMM(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray, biases: MLXArray?,
    lhsIndices: MLXArray? = nil, rhsIndices: MLXArray? = nil, transpose: Bool = true,
    groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
    sortedIndices: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    let (biases, lhsIndices, rhsIndices) = (biases.given, lhsIndices.given, rhsIndices.given)
    if lhsIndices == nil && rhsIndices == nil {
        return quantizedMM(
            x, w, scales: scales, biases: biases, transpose: transpose, groupSize: groupSize,
            bits: bits, mode: mode, stream: stream)
    }
    return recording([x, w, scales]) { () throws(ArrayError) in
        let format = try format(mode, groupSize, bits, "gather_qmm")
        if format.isAffine != (biases != nil) {
            throw ArrayError(
                .argument, "gather_qmm", "biases belong to affine mode, and only there")
        }
        func all(_ array: MLXArray) -> MLXArray {
            let batch = Array(array.shape.dropLast(2))
            return Ops.reshape(
                Ops.arange(start: 0, increment: 1, count: batch.reduce(1, *), .uint32), batch,
                stream: stream.id)
        }
        return Ops.record(
            mode == .affineInt8 ? .gatherRoundedMatmul : .gatherQuantizedMatmul,
            [x, w, scales] + (biases.map { [$0] } ?? [])
                + [lhsIndices ?? all(x), rhsIndices ?? all(w)],
            Attributes(words: format.words + [transpose ? 1 : 0]), stream: stream.id)
    }
}

/// Products of picked matrices.
@available(*, deprecated, renamed: "gatherQuantizedMM")
public func gatherQuantizedMatmul(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray, biases: MLXArray?,
    lhsIndices: MLXArray? = nil, rhsIndices: MLXArray? = nil, transpose: Bool = true,
    groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
    sortedIndices: Bool = false, stream: StreamOrDevice = .default
) -> MLXArray {
    gatherQuantizedMM(
        x, w, scales: scales, biases: biases, lhsIndices: lhsIndices, rhsIndices: rhsIndices,
        transpose: transpose, groupSize: groupSize, bits: bits, mode: mode,
        sortedIndices: sortedIndices, stream: stream)
}

/// x wᵀ where both are quantized: x on the fly, in w's mode.
///
/// ```swift
/// let y = quantizedQuantizedMM(x, w, scales: nil, mode: .mxfp8)   // w in floating point
/// ```
/// - Parameters:
///   - x: (…, K) in real floats.
///   - w: codes of (N, K) with their scales, or floats without.
///   - mode: one of the floating-point modes.
///   - globalScaleX: for nvfp4, with `globalScaleW` or not at all.
public func quantizedQuantizedMM(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray?, groupSize: Int? = nil, bits: Int? = nil,
    mode: QuantizationMode = .nvfp4, globalScaleX: MLXArray? = nil,
    globalScaleW: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    let scales = scales.given
    let (globalScaleX, globalScaleW) = (globalScaleX.given, globalScaleW.given)
    return recording([x, w]) { () throws(ArrayError) in
        let format = try format(mode, groupSize, bits, "qqmm")
        guard !format.isAffine else {
            throw ArrayError(.argument, "qqmm", "needs a floating-point mode, not affine")
        }
        guard (globalScaleX == nil) == (globalScaleW == nil) else {
            throw ArrayError(.argument, "qqmm", "needs both global scales or neither")
        }
        guard x.ndim >= 1, w.ndim == 2 else {
            throw ArrayError(.shape, "qqmm", "needs a matrix w", shapes: [x.shape, w.shape])
        }
        func back(_ array: MLXArray, _ global: MLXArray?) -> MLXArray {
            requantized(array, groupSize, bits, mode, global, stream)
        }
        let left = back(x, globalScaleX)
        if let scales, globalScaleW == nil {
            // Codes count as constants here, as they do where they are widened first.
            return quantizedMM(
                left, stopGradient(w, stream: stream),
                scales: stopGradient(scales, stream: stream), biases: nil, groupSize: groupSize,
                bits: bits, mode: mode, stream: stream)
        }
        let right =
            scales.map {
                dequantized(
                    w, scales: $0, biases: nil, groupSize: groupSize, bits: bits, mode: mode,
                    globalScale: globalScaleW, dtype: x.dtype, stream: stream)
            } ?? back(w, globalScaleW)
        return Ops.matmul(left, Ops.swapLast(right), stream: stream.id)
    }
}

/// An array as its codes have it, in its own shape and dtype.
private func requantized(
    _ array: MLXArray, _ groupSize: Int?, _ bits: Int?, _ mode: QuantizationMode,
    _ global: MLXArray?, _ stream: StreamOrDevice
) -> MLXArray {
    let flat = Ops.reshape(array, [-1, array.dim(-1)], stream: stream.id)
    let q = quantized(
        flat, groupSize: groupSize, bits: bits, mode: mode, globalScale: global, stream: stream)
    let numbers = dequantized(
        q.wq, scales: q.scales, biases: nil, groupSize: groupSize, bits: bits, mode: mode,
        globalScale: global, dtype: array.dtype, stream: stream)
    return Ops.reshape(numbers, array.shape, stream: stream.id)
}

/// Products of matrices that indices choose, both quantized: x on the fly, in w's mode.
///
/// ```swift
/// let y = gatherQuantizedQuantizedMM(x, w, scales: scales, rhsIndices: experts, mode: .mxfp8)
/// ```
/// - Parameters:
///   - x: (…, M, K) in real floats.
///   - w: codes of (…, N, K) with their scales, or floats without.
///   - lhsIndices: numbers of matrices of x, counted over all axes before the last two; all in
///     order by default.
///   - rhsIndices: the same of w; both have one shape or are broadcast.
///   - mode: one of the floating-point modes.
///   - globalScaleX: for nvfp4, with `globalScaleW` or not at all.
/// - Returns: (the indices' shape, M, N); an invalid array when shapes or modes do not fit.
public func gatherQuantizedQuantizedMM(
    _ x: MLXArray, _ w: MLXArray, scales: MLXArray? = nil, lhsIndices: MLXArray? = nil,
    rhsIndices: MLXArray? = nil, groupSize: Int? = nil, bits: Int? = nil,
    mode: QuantizationMode = .nvfp4, globalScaleX: MLXArray? = nil,
    globalScaleW: MLXArray? = nil, sortedIndices: Bool = false,
    stream: StreamOrDevice = .default
) -> MLXArray {
    let scales = scales.given
    let (globalScaleX, globalScaleW) = (globalScaleX.given, globalScaleW.given)
    return recording([x, w]) { () throws(ArrayError) in
        let format = try format(mode, groupSize, bits, "gather_qqmm")
        guard !format.isAffine else {
            throw ArrayError(.argument, "gather_qqmm", "needs a floating-point mode, not affine")
        }
        guard (globalScaleX == nil) == (globalScaleW == nil) else {
            throw ArrayError(.argument, "gather_qqmm", "needs both global scales or neither")
        }
        guard x.ndim >= 2, w.ndim >= 2 else {
            throw ArrayError(
                .shape, "gather_qqmm", "needs matrices", shapes: [x.shape, w.shape])
        }
        let left = requantized(x, groupSize, bits, mode, globalScaleX, stream)
        if let scales, globalScaleW == nil {
            return gatherQuantizedMM(
                left, stopGradient(w, stream: stream),
                scales: stopGradient(scales, stream: stream), biases: nil, lhsIndices: lhsIndices,
                rhsIndices: rhsIndices, groupSize: groupSize, bits: bits, mode: mode,
                sortedIndices: sortedIndices, stream: stream)
        }
        let right =
            scales.map {
                dequantized(
                    w, scales: $0, biases: nil, groupSize: groupSize, bits: bits, mode: mode,
                    globalScale: globalScaleW, dtype: x.dtype, stream: stream)
            } ?? requantized(w, groupSize, bits, mode, globalScaleW, stream)
        return gatherMM(
            left, Ops.swapLast(right), lhsIndices: lhsIndices, rhsIndices: rhsIndices,
            sortedIndices: sortedIndices, stream: stream)
    }
}

/// The nearest numbers of OCP's 8-bit E4M3, as bytes: ties to even, ±448 beyond (NaN too).
///
/// ```swift
/// let bytes = toFP8(x)            // uint8
/// let y = fromFP8(bytes)          // bfloat16
/// ```
public func toFP8(_ array: MLXArray, stream: StreamOrDevice = .default) -> MLXArray {
    Ops.record(.toFP8, [array], stream: stream.id)
}

/// The numbers that bytes of E4M3 stand for; 0x7F and 0xFF are 480 and -480, as in mlx-swift.
/// - Parameter array: uint8.
public func fromFP8(
    _ array: MLXArray, dtype: DType = .bfloat16, stream: StreamOrDevice = .default
) -> MLXArray {
    Ops.record(.fromFP8, [array], Attributes(outputDType: dtype), stream: stream.id)
}
