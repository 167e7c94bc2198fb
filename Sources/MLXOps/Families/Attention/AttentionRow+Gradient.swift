import MLXBase
import MLXGraph

// The derivative of attention: with P the weights of the keys and g the cotangent,
// dv = Pᵀ g, dS = P (g vᵀ - Σ g y), dq = scale dS k, dk = scale dSᵀ q. Query heads that share keys
// are laid below each other, so that one product sums over them. Halves are widened throughout.
extension AttentionRow {
    /// What the rule computes with: (B, G, R L, D) queries, where R heads share keys.
    private struct Scores {
        let q: MLXArray
        let k: MLXArray
        let v: MLXArray
        let scale: Double
        /// (B, H, L, S)
        let full: [Int]
        let grouped: [Int]
        /// The weights of the keys, and of the sinks where there are some.
        let weights: MLXArray
        let sinkWeights: MLXArray?

        init(_ context: VJPContext) {
            let inputs = context.inputs
            let words = context.attributes.words
            let type = inputs[0].dtype.computeType
            let (shape, keys) = (inputs[0].nodeShape, inputs[1].nodeShape)
            let (batch, groups, count) = (shape[0], keys[1], keys[2])
            let rows = shape[1] / groups * shape[2]
            scale = Double(bitPattern: UInt64(bitPattern: Int64(words[0])))
            q = Ops.reshape(Ops.cast(inputs[0], to: type), [batch, groups, rows, shape[3]])
            (k, v) = (Ops.cast(inputs[1], to: type), Ops.cast(inputs[2], to: type))
            full = [batch, shape[1], shape[2], count]
            grouped = [batch, groups, rows, count]
            var scores = Ops.reshape(
                scaled(Ops.record(.matmul, [q, Ops.swapLast(k)]), scale), full)
            let lowest = Ops.scalar(
                type == .float64
                    ? -Double.greatestFiniteMagnitude
                    : -Double(Float.greatestFiniteMagnitude), type)
            if words[2] != 0 {
                let mask = inputs[3]
                scores =
                    mask.dtype == .bool
                    ? Ops.select(mask, scores, lowest) : add(scores, Ops.cast(mask, to: type))
            }
            if words[1] != 0 {
                let last = Ops.arange(
                    start: Double(count - shape[2]), increment: 1, count: shape[2], .int32)
                let key = Ops.arange(start: 0, increment: 1, count: count, .int32)
                let isVisible = Ops.binary(
                    .greaterEqual, Ops.reshape(last, [shape[2], 1]), key)
                scores = Ops.select(isVisible, scores, lowest)
            }
            let axis = Attributes(word: 1 << 3)
            guard words[3] != 0 else {
                weights = Ops.record(.softmax, [scores], axis)
                sinkWeights = nil
                return
            }
            let sink = Ops.broadcast(
                Ops.reshape(Ops.cast(inputs[3 + words[2]], to: type), [1, shape[1], 1, 1]),
                to: full.dropLast() + [1])
            let all = Ops.record(
                .softmax, [Ops.record(.concatenate, [scores, sink], Attributes(word: 3))], axis)
            weights = Ops.slice(all, axis: 3, 0, count)
            sinkWeights = Ops.slice(all, axis: 3, count, 1)
        }
    }

    static func pulled(_ context: VJPContext) -> [MLXArray?] {
        let scores = Scores(context)
        let (inputs, wanted) = (context.inputs, context.wanted)
        let words = context.attributes.words
        let type = inputs[0].dtype.computeType
        let g = Ops.cast(context.cotangent, to: type)
        let rows = scores.grouped.dropLast() + [inputs[2].nodeShape[3]]
        let cotangent = Ops.reshape(g, Array(rows))
        let weights = Ops.reshape(scores.weights, scores.grouped)
        var result = [MLXArray?](repeating: nil, count: inputs.count)
        func store(_ x: MLXArray, _ number: Int) {
            result[number] = Ops.cast(
                Ops.reshape(x, inputs[number].shape), to: inputs[number].dtype)
        }
        if wanted[2] { store(Ops.record(.matmul, [Ops.swapLast(weights), cotangent]), 2) }
        // Σ over features of g y, for each query.
        let product = mul(g, Ops.cast(context.output, to: type))
        let total = Ops.record(.sum, [product], Attributes(word: 1 << 3 | 1 << 16))
        let direct = Ops.reshape(
            Ops.record(.matmul, [cotangent, Ops.swapLast(scores.v)]), scores.full)
        let slope = mul(scores.weights, sub(direct, total))
        let grouped = Ops.reshape(slope, scores.grouped)
        if wanted[0] { store(scaled(Ops.record(.matmul, [grouped, scores.k]), scores.scale), 0) }
        if wanted[1] {
            store(
                scaled(Ops.record(.matmul, [Ops.swapLast(grouped), scores.q]), scores.scale), 1)
        }
        if words[2] != 0, wanted[3], inputs[3].dtype.isFloatingPoint {
            store(Ops.sum(slope, toShape: inputs[3].nodeShape), 3)
        }
        if let sinkWeights = scores.sinkWeights, wanted[3 + words[2]] {
            let lost = Ops.record(
                .sum, [neg(mul(sinkWeights, total))], Attributes(word: 0b1101))
            store(lost, 3 + words[2])
        }
        return result
    }
}
