import MLX
import MLXNN

/// A decoder over characters with learned positions, as GPT-2 has it: norms come first, the table
/// of characters is also the output. (Radford et al., "Language Models are Unsupervised Multitask
/// Learners", 2019.)
final class CharacterDecoder: Module, UnaryLayer {
    @ModuleInfo var characters: Embedding
    @ModuleInfo var positions: Embedding
    let blocks: [DecoderBlock]
    let norm: LayerNorm

    /// The scale of fresh weights. Those that write into the residual sum are smaller, by the root
    /// of how many there are.
    static let scale: Float = 0.02

    init(characters: Int, context: Int, layers: Int, width: Int, heads: Int) {
        func table(_ count: Int) -> Embedding {
            Embedding(weight: MLXRandom.normal([count, width]) * CharacterDecoder.scale)
        }
        _characters.wrappedValue = table(characters)
        _positions.wrappedValue = table(context)
        blocks = (0..<layers).map { _ in
            DecoderBlock(
                width: width, heads: heads,
                residualScale: CharacterDecoder.scale / Float(2 * layers).squareRoot())
        }
        norm = LayerNorm(dimensions: width)
    }

    /// Scores (N, L, characters) of what follows each character of texts (N, L).
    func callAsFunction(_ x: MLXArray) -> MLXArray {
        var y = characters(x) + positions(MLXArray(0..<x.dim(1)))
        for block in blocks { y = block(y) }
        return characters.asLinear(norm(y))
    }
}

/// Attention to what came before, then two layers on each position alone.
final class DecoderBlock: Module, UnaryLayer {
    let norm1: LayerNorm
    @ModuleInfo var projection: Linear
    @ModuleInfo var attention: Linear
    let norm2: LayerNorm
    @ModuleInfo var up: Linear
    @ModuleInfo var down: Linear
    private let heads: Int

    init(width: Int, heads: Int, residualScale: Float) {
        func linear(_ inputs: Int, _ outputs: Int, _ scale: Float) -> Linear {
            Linear(
                weight: MLXRandom.normal([outputs, inputs]) * scale,
                bias: MLXArray.zeros([outputs]))
        }
        self.heads = heads
        norm1 = LayerNorm(dimensions: width)
        _projection.wrappedValue = linear(width, 3 * width, CharacterDecoder.scale)
        _attention.wrappedValue = linear(width, width, residualScale)
        norm2 = LayerNorm(dimensions: width)
        _up.wrappedValue = linear(width, 4 * width, CharacterDecoder.scale)
        _down.wrappedValue = linear(4 * width, width, residualScale)
    }

    /// (N, L, width) in and out.
    func callAsFunction(_ x: MLXArray) -> MLXArray {
        let (batch, length, width) = (x.dim(0), x.dim(1), x.dim(2))
        // (N, L, 3, heads, size) -> 3 of (N, heads, L, size)
        let parts = projection(norm1(x))
            .reshaped([batch, length, 3, heads, width / heads]).transposed(axes: [2, 0, 3, 1, 4])
        let attended = MLXFast.scaledDotProductAttention(
            queries: parts[0], keys: parts[1], values: parts[2],
            scale: 1 / Float(width / heads).squareRoot(), mask: .causal)
        let merged = attended.transposed(axes: [0, 2, 1, 3]).reshaped([batch, length, width])
        let y = x + attention(merged)
        return y + down(gelu(up(norm2(y))))
    }
}
