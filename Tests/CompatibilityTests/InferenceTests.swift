import Foundation
import MLX
import MLXFast
import Testing

/// Parts of language models and of what trains them, as programs for mlx-swift write them: fused
/// attention with a cache, quantized weights, compiled samplers, mapped and custom functions,
/// wired memory.
@Suite("Inference") struct InferenceTests {
    /// Keys and values of the tokens so far.
    private struct Cache {
        var keys: MLXArray?
        var values: MLXArray?
        var offset = 0

        mutating func update(keys: MLXArray, values: MLXArray) -> (MLXArray, MLXArray) {
            self.keys = self.keys.map { concatenated([$0, keys], axis: 2) } ?? keys
            self.values = self.values.map { concatenated([$0, values], axis: 2) } ?? values
            offset += keys.dim(2)
            return (self.keys!, self.values!)
        }
    }

    @Test("attention with a cache, all at once and token by token") func attention() {
        let x = MLXRandom.normal([1, 4, 6, 16], key: MLXRandom.key(1))
        func layer(
            _ x: MLXArray, _ cache: inout Cache, _ mode: MLXFast.ScaledDotProductAttentionMaskMode
        )
            -> MLXArray
        {
            let q = MLXFast.RoPE(
                x, dimensions: 16, traditional: false, base: 10000, scale: 1, offset: cache.offset)
            let k = MLXFast.RoPE(
                x, dimensions: 16, traditional: false, base: 10000, scale: 1, offset: cache.offset)
            let (keys, values) = cache.update(keys: k, values: x)
            return MLXFast.scaledDotProductAttention(
                queries: q, keys: keys, values: values, scale: 1 / sqrt(Float(16)), mask: mode)
        }
        var whole = Cache()
        let all = layer(x, &whole, .causal)
        var cache = Cache()
        var steps: [MLXArray] = []
        for token in 0..<6 {
            steps.append(layer(x[0..., 0..., token..<(token + 1), 0...], &cache, .none))
            eval(steps)
        }
        #expect(allClose(concatenated(steps, axis: 2), all, atol: 1e-4).item())
        let normed = MLXFast.rmsNorm(x, weight: MLXArray.ones([16]), eps: 1e-5)
        #expect(MLXFast.layerNorm(normed, eps: 1e-5).shape == x.shape)
    }

    @Test("a quantized layer stays near the dense one", arguments: [4, 8]) func weights(bits: Int) {
        let w = MLXRandom.normal([32, 128], key: MLXRandom.key(2)) * 0.1
        let x = MLXRandom.normal([3, 128], key: MLXRandom.key(3))
        let (wq, scales, biases) = quantized(w, groupSize: 64, bits: bits)
        let y = quantizedMM(
            x, wq, scales: scales, biases: biases, transpose: true, groupSize: 64, bits: bits)
        let same = matmul(
            x, dequantized(wq, scales: scales, biases: biases, groupSize: 64, bits: bits).T)
        #expect(allClose(y, same, atol: 1e-3).item())
        let error = MLX.abs(y - matmul(x, w.T)).max().item(Float.self)
        #expect(error < (bits == 4 ? 0.5 : 0.05))
    }

    @Test("a compiled sampler with its random state") func sampler() {
        let state = MLXRandom.RandomState(seed: 7)
        let sample = compile(inputs: [state], outputs: [state]) { (logits: MLXArray) -> MLXArray in
            withRandomState(state) { categorical(logits * (1 / 0.7)) }
        }
        let logits = log(MLXArray([0.2, 0.3, 0.5] as [Float]))[.newAxis]
        let tokens = (0..<50).map { _ in sample(logits).item(Int.self) }
        #expect(Set(tokens).count > 1 && tokens.allSatisfy { (0..<3).contains($0) })
        state.seed(7)
        #expect((0..<50).map { _ in sample(logits).item(Int.self) } == tokens)
        let geluApproximate = compile(shapeless: true) { (x: MLXArray) in
            0.5 * x * (1 + tanh(sqrt(2 / Float.pi) * (x + 0.044715 * x ** 3)))
        }
        for count in [2, 5] { #expect(geluApproximate(MLXArray.zeros([count])).shape == [count]) }
    }

    @Test("gradients for each example, and a gradient that is clipped") func transforms() {
        let w = MLXArray([1, -2] as [Float])
        let xs = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [3, 2])
        let slope = { (x: MLXArray) in grad { (w: MLXArray) in (w * x).sum() ** 2 }(w) }
        let each = vmap(slope)(xs)
        #expect(allClose(each, 2 * xs.matmul(w)[0..., .newAxis] * xs).item())
        let clipped = CustomFunction {
            Forward { (arrays: [MLXArray]) in [arrays[0] * 1] }
            VJP { (_, cotangents: [MLXArray]) in [clip(cotangents[0], min: -1, max: 1)] }
        }
        let slopes = grad { (x: MLXArray) in
            (clipped([x])[0] * MLXArray([5, 0.5] as [Float])).sum()
        }
        #expect(slopes(w).asArray(Float.self) == [1, 0.5])
    }

    @Test("a model's memory is wired while it answers") func wired() async {
        let policy = WiredSumPolicy()
        let ticket = policy.ticket(size: 64 << 20)
        let answer = await ticket.withWiredLimit {
            MLXArray.ones([1000]).sum().item(Float.self)
        }
        #expect(answer == 1000)
        let model = policy.ticket(size: 32 << 20, kind: .reservation)
        _ = await model.start()
        _ = await model.end()
    }
}
