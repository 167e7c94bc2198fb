import MLXBase
import MLXGraph
import MLXOps

// Functions that would be several operations and are one kernel here: rotary positions, attention
// and the norms of transformers. Each has its derivatives, and maps over batches.

/// Fused functions.
public enum MLXFast {
    /// Rotary positions: pairs of features turned by angles that grow with the position
    /// (Su et al., 2021, https://arxiv.org/abs/2104.09864).
    ///
    /// The angle of pair i at position t is (t + offset) scale base^(-2 i / dimensions), or that
    /// over `freqs[i]` instead of the power.
    ///
    /// ```swift
    /// let q = MLXFast.RoPE(
    ///     queries, dimensions: 64, traditional: false, base: 10_000, scale: 1,
    ///     offset: cache.count)
    /// ```
    /// - Parameters:
    ///   - array: (B, …, T, D) in floating point.
    ///   - dimensions: how many of the D features turn; even.
    ///   - traditional: pairs are neighbours, (2i, 2i + 1); else (i, i + dimensions / 2).
    ///   - base: of the powers; nil when there are `freqs`.
    ///   - offset: the position of the first of T.
    ///   - freqs: dimensions / 2 numbers; exactly one of `base` and `freqs` is given.
    public static func RoPE(
        _ array: MLXArray, dimensions: Int, traditional: Bool, base: Float?, scale: Float,
        offset: Int, freqs: MLXArray? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        RoPE(
            array, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
            offset: Ops.scalar(
                bits: ScalarBits.encode(offset, .int64), .int64), freqs: freqs, stream: stream)
    }

    /// Rotary positions with offsets that are known when the array is computed.
    ///
    /// ```swift
    /// let q = MLXFast.RoPE(
    ///     queries, dimensions: 64, traditional: false, base: 10_000, scale: 1,
    ///     offset: MLXArray([12, 40]))   // one for each sequence of the batch
    /// ```
    /// - Parameter offset: an integer, or one for each of B.
    public static func RoPE(
        _ array: MLXArray, dimensions: Int, traditional: Bool, base: Float?, scale: Float,
        offset: MLXArray, freqs: MLXArray? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        let freqs = freqs.given
        return recording([array, offset]) { () throws(ArrayError) in
            guard (base == nil) != (freqs == nil) else {
                throw ArrayError(
                    .argument, "rope", "needs a base or freqs, exactly one of them",
                    shapes: [array.shape])
            }
            return Ops.record(
                .rope, [array, offset] + (freqs.map { [$0] } ?? []),
                RotaryRow.words(
                    base: Double(base ?? 0), scale: Double(scale), dimensions: dimensions,
                    traditional: traditional, inverse: false, hasFrequencies: freqs != nil),
                stream: stream.id)
        }
    }

    /// Attention with an optional mask; see the form with a mask mode.
    ///
    /// ```swift
    /// let y = MLXFast.scaledDotProductAttention(
    ///     queries: q, keys: k, values: v, scale: 0.125, mask: nil)
    /// ```
    /// - Parameter memoryEfficientThreshold: without effect: scores are never kept.
    public static func scaledDotProductAttention(
        queries: MLXArray, keys: MLXArray, values: MLXArray, scale: Float, mask: MLXArray?,
        sinks: MLXArray? = nil, memoryEfficientThreshold: Int? = nil,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        scaledDotProductAttention(
            queries: queries, keys: keys, values: values, scale: scale,
            mask: mask.map { .array($0) } ?? .none, sinks: sinks, stream: stream)
    }

    /// Which keys a query sees.
    public enum ScaledDotProductAttentionMaskMode {
        /// All of them.
        case none
        /// Those where a bool mask is true, or all with the mask's numbers added to the scores.
        case array(MLXArray)
        /// At most one mask.
        @available(*, deprecated, message: "use .array")
        case arrays([MLXArray])
        /// Those up to its own position, where the last query is at the last key.
        case causal

        /// The array of the mask, if it has one.
        public var mask: MLXArray? {
            switch self {
            case .none, .causal: nil
            case .array(let mask): Optional(mask).given
            case .arrays(let masks): masks.first.given
            }
        }

        /// What the core calls the mode: "causal" or nothing.
        public var mode: String {
            if case .causal = self { return "causal" }
            return ""
        }
    }

    /// softmax(scale q kᵀ + mask) v (Vaswani et al., 2017), without the matrix of scores in memory.
    ///
    /// ```swift
    /// let y = MLXFast.scaledDotProductAttention(
    ///     queries: q, keys: k, values: v, scale: 1 / Float(64).squareRoot(), mask: .causal)
    /// ```
    /// - Parameters:
    ///   - queries: (B, H, L, D).
    ///   - keys: (B, G, S, D), where G divides H: each head of keys serves H / G query heads.
    ///   - values: (B, G, S, E).
    ///   - mask: an array must broadcast to (B, H, L, S) and be bool or promote into the result.
    ///   - sinks: (H), scores of an extra key for each head whose value is zero; must promote into
    ///     the result.
    /// - Returns: (B, H, L, E). A query that sees no key gets the mean of all values.
    public static func scaledDotProductAttention(
        queries: MLXArray, keys: MLXArray, values: MLXArray, scale: Float,
        mask: ScaledDotProductAttentionMaskMode, sinks: MLXArray? = nil,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        let sinks = sinks.given
        return recording([queries, keys, values]) { () throws(ArrayError) in
            let name = "scaled_dot_product_attention"
            let type = [keys, values].reduce(queries.dtype) { DType.promote($0, $1.dtype) }
            if case .arrays(let masks) = mask, masks.count > 1 {
                throw ArrayError(.argument, name, "takes one mask, not \(masks.count)")
            }
            func cast(_ x: MLXArray) -> MLXArray { Ops.cast(x, to: type, stream: stream.id) }
            var inputs = [cast(queries), cast(keys), cast(values)]
            if let array = mask.mask {
                guard array.dtype == .bool || DType.promote(array.dtype, type) == type else {
                    throw ArrayError(
                        .dtype, name, "Mask type must promote to output type \(type).",
                        dtypes: [array.dtype])
                }
                inputs.append(array.dtype == .bool ? array : cast(array))
            }
            if let sinks {
                guard DType.promote(sinks.dtype, type) == type else {
                    throw ArrayError(
                        .dtype, name, "Type of sinks must promote to output type \(type).",
                        dtypes: [sinks.dtype])
                }
                inputs.append(cast(sinks))
            }
            return Ops.record(
                .attention, inputs,
                AttentionRow.words(
                    scale: Double(scale), isCausal: mask.mode == "causal",
                    hasMask: mask.mask != nil, hasSinks: sinks != nil), stream: stream.id)
        }
    }

    /// weight x / root(mean x² + eps) over the last axis (Zhang and Sennrich, 2019).
    ///
    /// ```swift
    /// let y = MLXFast.rmsNorm(x, weight: MLXArray.ones([64]), eps: 1e-5)
    /// ```
    /// - Parameter weight: of the last axis's length; `.mlxNone` for ones.
    public static func rmsNorm(
        _ x: MLXArray, weight: MLXArray, eps: Float, stream: StreamOrDevice = .default
    ) -> MLXArray {
        Ops.record(
            .rmsNorm, weight.isNone ? [x] : [x, weight],
            NormRows.words(eps: Double(eps), hasWeight: !weight.isNone, hasBias: false),
            stream: stream.id)
    }

    /// weight (x - mean x) / root(var x + eps) + bias over the last axis (Ba et al., 2016).
    ///
    /// ```swift
    /// let y = MLXFast.layerNorm(x, weight: w, bias: b, eps: 1e-5)
    /// ```
    /// - Parameters:
    ///   - weight: of the last axis's length; nil for ones.
    ///   - bias: of the last axis's length; nil for zeros.
    public static func layerNorm(
        _ x: MLXArray, weight: MLXArray? = nil, bias: MLXArray? = nil, eps: Float,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        let (weight, bias) = (weight.given, bias.given)
        return Ops.record(
            .layerNorm, [x] + (weight.map { [$0] } ?? []) + (bias.map { [$0] } ?? []),
            NormRows.words(
                eps: Double(eps), hasWeight: weight != nil, hasBias: bias != nil),
            stream: stream.id)
    }
}
