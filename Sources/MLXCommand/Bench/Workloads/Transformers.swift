import MLX
import MLXNN

/// A transformer's layer forwards, and causal attention alone.
extension PeerWorkloads {
    static let transformers: [PeerWorkload] = [block, attention]

    private static let block: PeerWorkload = {
        let (batch, length, width) = (8, 128, 512)
        let tokens = Double(batch * length)
        return PeerWorkload(
            name: "block_infer", metric: .tokens, work: tokens,
            flops: tokens * TransformerBlock.flopsEachToken(width, length: length),
            bytes: 4 * Double(12 * width * width) + 8 * tokens * Double(width)
        ) { _ in
            let layer = TransformerBlock(width, heads: 8)
            let x = try Inputs.normal(batch, length, width)
            try checkedEval(layer)
            return { try checkedEval(layer(x)) }
        }
    }()

    private static let attention: PeerWorkload = {
        let (heads, length, width) = (8, 1024, 64)
        let numbers = Double(heads * length * width)
        return PeerWorkload(
            name: "sdpa_causal_1024", metric: .milliseconds, work: 1,
            flops: 2 * numbers * Double(length), bytes: 16 * numbers
        ) { _ in
            let q = try Inputs.normal(1, heads, length, width)
            let k = try Inputs.normal(1, heads, length, width)
            let v = try Inputs.normal(1, heads, length, width)
            return {
                try checkedEval(
                    MLXFast.scaledDotProductAttention(
                        queries: q, keys: k, values: v, scale: 0.125, mask: .causal))
            }
        }
    }()
}
