import MLX
import MLXNN

/// The keys and values of the positions that a decoder layer has seen. They lie in arrays with room
/// for more, which new positions are written into: a token costs its own keys and values, and not
/// a copy of all.
///
/// With `bits` keys and values are stored as codes of groups along their dimensions, as `quantized`
/// makes them, and are never decoded as a whole when a single token is computed.
/// ```swift
/// let cache = (0..<model.layerCount).map { _ in KeyValueCache(bits: 8) }
/// ```
public final class KeyValueCache {
    private var keys = CachedRows()
    private var values = CachedRows()
    /// How many positions there are.
    public private(set) var count = 0
    /// The bits of a stored number; nil for keys and values as they come.
    public let bits: Int?
    /// How many numbers of a key or value share a scale, with `bits`.
    public let groupSize: Int

    /// A cache without positions.
    /// - Parameters:
    ///   - bits: of a stored number: 2, 3, 4, 5, 6 or 8; nil for keys and values as they come.
    ///   - groupSize: 32, 64 or 128, a divisor of the width of a head. A group size or width that
    ///     there is not, or that does not fit, is an error of what is computed with the cache.
    public init(bits: Int? = nil, groupSize: Int = 64) {
        self.bits = bits
        self.groupSize = groupSize
    }

    /// Makes room for so many positions when the first ones come, so that a prompt that is read in
    /// parts is not copied into larger arrays between them.
    func reserve(_ positions: Int) {
        keys.reserve(positions)
        values.reserve(positions)
    }

    /// What there is to evaluate.
    var state: [MLXArray] { keys.parts + values.parts }

    /// Appends the keys and values of new positions, (batch, heads, length, dimensions).
    private func append(_ newKeys: MLXArray, _ newValues: MLXArray) {
        keys.write(stored(newKeys), at: count)
        values.write(stored(newValues), at: count)
        count += newKeys.dim(2)
    }

    private func stored(_ rows: MLXArray) -> [MLXArray] {
        guard let bits else { return [rows] }
        let parts = quantized(rows, groupSize: groupSize, bits: bits)
        return [parts.wq, parts.scales] + (parts.biases.map { [$0] } ?? [])
    }

    private func all(_ rows: CachedRows) -> MLXArray {
        let parts = rows.first(count)
        guard let bits else { return parts[0] }
        return dequantized(
            parts[0], scales: parts[1], biases: parts[2], groupSize: groupSize, bits: bits)
    }

    /// Attention of new positions to all that there are then.
    /// - Parameters:
    ///   - queries: (batch, heads, length, dimensions).
    ///   - keys: of the new positions, (batch, groups of heads, length, dimensions).
    ///   - mask: which positions see which.
    /// - Returns: (batch, heads, length, dimensions).
    func attention(
        queries: MLXArray, keys newKeys: MLXArray, values newValues: MLXArray, scale: Float,
        mask: MLXFast.ScaledDotProductAttentionMaskMode
    ) -> MLXArray {
        append(newKeys, newValues)
        if let bits, queries.dim(2) == 1 { return single(queries, scale, mask, bits) }
        return MLXFast.scaledDotProductAttention(
            queries: queries, keys: all(keys), values: all(values), scale: scale, mask: mask)
    }

    /// Attention of one position by products with codes.
    private func single(
        _ queries: MLXArray, _ scale: Float, _ mask: MLXFast.ScaledDotProductAttentionMaskMode,
        _ bits: Int
    ) -> MLXArray {
        let (keys, values) = (keys.first(count), values.first(count))
        let shape = queries.shape
        let groups = max(keys[0].dim(1), 1)
        let rows = (queries * scale).reshaped([shape[0], groups, shape[1] / groups, shape[3]])
        var scores = quantizedMM(
            rows, keys[0], scales: keys[1], biases: keys[2], groupSize: groupSize, bits: bits)
        if case .array(let seen) = mask {
            scores = which(seen, scores, MLXArray(-Float.infinity).asType(scores.dtype))
        }
        let shares = softmax(scores, axis: -1, precise: true)
        let mixed = quantizedMM(
            shares, values[0], scales: values[1], biases: values[2], transpose: false,
            groupSize: groupSize, bits: bits)
        return mixed.reshaped(shape)
    }
}

/// Attention with a cache, or of positions among themselves without.
func attention(
    queries: MLXArray, keys: MLXArray, values: MLXArray, cache: KeyValueCache?, scale: Float,
    mask: MLXFast.ScaledDotProductAttentionMaskMode
) -> MLXArray {
    cache?.attention(queries: queries, keys: keys, values: values, scale: scale, mask: mask)
        ?? MLXFast.scaledDotProductAttention(
            queries: queries, keys: keys, values: values, scale: scale, mask: mask)
}

/// Arrays (batch, heads, positions, …) with room for more positions.
private struct CachedRows {
    private(set) var parts: [MLXArray] = []
    private var room = 0
    private var reserved = 0

    /// Positions that room is made for at a time.
    private static let step = 256

    mutating func reserve(_ positions: Int) { reserved = positions }

    /// Writes the parts of new positions after those that there are.
    mutating func write(_ new: [MLXArray], at count: Int) {
        let end = count + new[0].dim(2)
        if end > room {
            let step = CachedRows.step
            room = (max(end, reserved) + step - 1) / step * step
            parts = new.enumerated().map { index, part in
                grown(count > 0 ? parts[index][0..., 0..., ..<count, 0...] : nil, part, count)
            }
        }
        for (part, rows) in zip(parts, new) { part[0..., 0..., count..<end, 0...] = rows }
    }

    /// The parts of the first positions.
    func first(_ count: Int) -> [MLXArray] { parts.map { $0[0..., 0..., ..<count, 0...] } }

    private func grown(_ old: MLXArray?, _ new: MLXArray, _ count: Int) -> MLXArray {
        let extra = MLXArray.zeros(
            [new.dim(0), new.dim(1), room - count, new.dim(3)], dtype: new.dtype)
        return old.map { concatenated([$0, extra], axis: 2) } ?? extra
    }
}
