import MLX
import MLXNN

/// A transformer's layer as GPT-2 has it, without dropout.
final class TransformerBlock: Module, UnaryLayer {
    private let heads: Int
    let ln1: LayerNorm
    let ln2: LayerNorm
    let qkv: Linear
    let o: Linear
    let f1: Linear
    let f2: Linear

    init(_ width: Int, heads: Int) {
        self.heads = heads
        ln1 = LayerNorm(dimensions: width)
        ln2 = LayerNorm(dimensions: width)
        qkv = Linear(width, 3 * width)
        o = Linear(width, width)
        f1 = Linear(width, 4 * width)
        f2 = Linear(4 * width, width)
    }

    /// (batch, length, width) to the same.
    func callAsFunction(_ x: MLXArray) -> MLXArray {
        let (batch, length, width) = (x.dim(0), x.dim(1), x.dim(2))
        let parts = split(qkv(ln1(x)), parts: 3, axis: -1).map {
            $0.reshaped(batch, length, heads, -1).transposed(0, 2, 1, 3)
        }
        let attention = MLXFast.scaledDotProductAttention(
            queries: parts[0], keys: parts[1], values: parts[2],
            scale: 1 / Float(width / heads).squareRoot(), mask: .causal)
        let y = x + o(attention.transposed(0, 2, 1, 3).reshaped(batch, length, width))
        return y + f2(geluApproximate(f1(ln2(y))))
    }

    /// Multiplications and additions of products and of causal attention, for each token.
    static func flopsEachToken(_ width: Int, length: Int) -> Double {
        2 * Double(12 * width * width) + 2 * Double(length * width)
    }
}

/// A GPT of a few layers with learned positions.
final class SmallGPT: Module {
    struct Size {
        var length: Int
        var width: Int
        var heads: Int
        var layers: Int
        var vocabulary: Int

        var flopsEachToken: Double {
            Double(layers) * TransformerBlock.flopsEachToken(width, length: length)
                + 2 * Double(width * vocabulary)
        }

        var parameterCount: Double {
            Double(layers * 12 * width * width + (2 * vocabulary + length) * width)
        }
    }

    static let benchmark = Size(length: 128, width: 256, heads: 8, layers: 4, vocabulary: 96)

    let te: Embedding
    let pe: Embedding
    let blocks: [TransformerBlock]
    let ln: LayerNorm
    let head: Linear

    init(_ size: Size) {
        te = Embedding(embeddingCount: size.vocabulary, dimensions: size.width)
        pe = Embedding(embeddingCount: size.length, dimensions: size.width)
        blocks = (0..<size.layers).map { _ in TransformerBlock(size.width, heads: size.heads) }
        ln = LayerNorm(dimensions: size.width)
        head = Linear(size.width, size.vocabulary)
    }

    /// Tokens (batch, length) to logits (batch, length, vocabulary).
    func callAsFunction(_ tokens: MLXArray) -> MLXArray {
        var x = te(tokens) + pe(MLXArray(0..<tokens.dim(1)))
        for block in blocks { x = block(x) }
        return head(ln(x))
    }
}
