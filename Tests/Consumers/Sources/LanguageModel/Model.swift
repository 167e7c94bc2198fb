import MLX
import MLXFast
import MLXNN

/// The sizes of a decoder in the manner of Llama: rotary positions, fewer heads of keys than of
/// queries, gated layers, weights of the embedding used again at the end.
struct Configuration {
    var width = 64
    var heads = 4
    var keyHeads = 2
    var hidden = 128
    var layers = 2
    var vocabulary = 96
}

final class Attention: Module {
    @ModuleInfo(key: "q_proj") var q: Linear
    @ModuleInfo(key: "k_proj") var k: Linear
    @ModuleInfo(key: "v_proj") var v: Linear
    @ModuleInfo(key: "o_proj") var o: Linear
    let rope: RoPE
    let heads: Int
    let keyHeads: Int
    let scale: Float

    init(_ c: Configuration) {
        let size = c.width / c.heads
        heads = c.heads
        keyHeads = c.keyHeads
        scale = 1 / Float(size).squareRoot()
        _q.wrappedValue = Linear(c.width, c.heads * size, bias: false)
        _k.wrappedValue = Linear(c.width, c.keyHeads * size, bias: false)
        _v.wrappedValue = Linear(c.width, c.keyHeads * size, bias: false)
        _o.wrappedValue = Linear(c.heads * size, c.width, bias: false)
        rope = RoPE(dimensions: size, traditional: false, base: 10_000)
    }

    func callAsFunction(_ x: MLXArray, cache: KVCache?) -> MLXArray {
        let (b, l) = (x.dim(0), x.dim(1))
        var queries = q(x).reshaped(b, l, heads, -1).transposed(0, 2, 1, 3)
        var keys = k(x).reshaped(b, l, keyHeads, -1).transposed(0, 2, 1, 3)
        var values = v(x).reshaped(b, l, keyHeads, -1).transposed(0, 2, 1, 3)
        let offset = cache?.offset ?? 0
        queries = rope(queries, offset: offset)
        keys = rope(keys, offset: offset)
        if let cache { (keys, values) = cache.update(keys: keys, values: values) }
        let out = MLXFast.scaledDotProductAttention(
            queries: queries, keys: keys, values: values, scale: scale,
            mask: l > 1 ? .causal : .none)
        return o(out.transposed(0, 2, 1, 3).reshaped(b, l, -1))
    }
}

final class MLP: Module, UnaryLayer {
    @ModuleInfo(key: "gate_proj") var gate: Linear
    @ModuleInfo(key: "down_proj") var down: Linear
    @ModuleInfo(key: "up_proj") var up: Linear

    init(_ c: Configuration) {
        _gate.wrappedValue = Linear(c.width, c.hidden, bias: false)
        _down.wrappedValue = Linear(c.hidden, c.width, bias: false)
        _up.wrappedValue = Linear(c.width, c.hidden, bias: false)
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray { down(silu(gate(x)) * up(x)) }
}

final class Block: Module {
    @ModuleInfo(key: "self_attn") var attention: Attention
    let mlp: MLP
    @ModuleInfo(key: "input_layernorm") var before: RMSNorm
    @ModuleInfo(key: "post_attention_layernorm") var between: RMSNorm

    init(_ c: Configuration) {
        _attention.wrappedValue = Attention(c)
        mlp = MLP(c)
        _before.wrappedValue = RMSNorm(dimensions: c.width, eps: 1e-5)
        _between.wrappedValue = RMSNorm(dimensions: c.width, eps: 1e-5)
    }

    func callAsFunction(_ x: MLXArray, cache: KVCache?) -> MLXArray {
        let h = x + attention(before(x), cache: cache)
        return h + mlp(between(h))
    }
}

final class LanguageModel: Module {
    @ModuleInfo(key: "embed_tokens") var embedding: Embedding
    let layers: [Block]
    let norm: RMSNorm

    init(_ c: Configuration) {
        _embedding.wrappedValue = Embedding(embeddingCount: c.vocabulary, dimensions: c.width)
        layers = (0..<c.layers).map { _ in Block(c) }
        norm = RMSNorm(dimensions: c.width, eps: 1e-5)
    }

    func callAsFunction(_ tokens: MLXArray, caches: [KVCache]? = nil) -> MLXArray {
        var h = embedding(tokens)
        for (index, layer) in layers.enumerated() { h = layer(h, cache: caches?[index]) }
        return embedding.asLinear(norm(h))
    }

    func makeCaches() -> [KVCache] { layers.map { _ in KVCache() } }

    /// Greedy tokens, each step begun before the token of the last one is read.
    func generate(_ prompt: [Int32], count: Int) -> [Int32] {
        let caches = makeCaches()
        var token = argMax(self(MLXArray(prompt)[.newAxis], caches: caches)[0..., -1], axis: -1)
        asyncEval(token)
        var tokens: [Int32] = []
        for _ in 0..<count {
            let next = argMax(self(token[0..., .newAxis], caches: caches)[0..., -1], axis: -1)
            asyncEval(next)
            tokens.append(token.item(Int32.self))
            token = next
        }
        return tokens
    }
}
