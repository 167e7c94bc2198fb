import MLX
import MLXNN
import Testing

/// Attention, transformers and quantized layers against MLX's outputs and gradients.
@Suite("Attention and quantized layers") struct AttentionTests {
    private let golden: GradientGolden
    private let sequence = GradientGolden.wave(2, 5, 8)
    private let other = GradientGolden.wave(2, 3, 8) * 0.5
    private let causal = MultiHeadAttention.createAdditiveCausalMask(5)

    init() throws { golden = try GradientGolden() }

    @Test("attention") func attention() throws {
        typealias Attention = MultiHeadAttention
        try golden.check("attention", { Attention(dimensions: 8, numHeads: 2) }, [sequence]) {
            [$0($1[0], keys: $1[0], values: $1[0])]
        }
        let causal = causal
        try golden.check(
            "attention causal", { Attention(dimensions: 8, numHeads: 4, bias: true) }, [sequence]
        ) { [$0($1[0], keys: $1[0], values: $1[0], mask: causal)] }
        let allowed = tri(5, dtype: .bool)
        try golden.check(
            "attention bool", { Attention(dimensions: 8, numHeads: 4) }, [sequence]
        ) { [$0($1[0], keys: $1[0], values: $1[0], mask: allowed)] }
        try golden.check(
            "attention sizes",
            {
                Attention(
                    dimensions: 4, numHeads: 2, queryInputDimensions: 8, keyInputDimensions: 6,
                    valueInputDimensions: 5, valueDimensions: 6, valueOutputDimensions: 3)
            }, [sequence, GradientGolden.wave(2, 3, 6), GradientGolden.wave(2, 3, 5)]
        ) { [$0($1[0], keys: $1[1], values: $1[2])] }
        #expect(Attention.createAdditiveCausalMask(3, dtype: .float16).dtype == .float16)
    }

    @Test("transformers", arguments: [true, false]) func transformers(first: Bool) throws {
        let (kind, causal) = (first ? "first" : "last", causal)
        try golden.check(
            "encoder layer \(kind)",
            {
                TransformerEncoderLayer(
                    dimensions: 8, numHeads: 2, mlpDimensions: 6, normFirst: first)
            }, [sequence]
        ) { [$0($1[0], mask: causal)] }
        try golden.check(
            "decoder layer \(kind)",
            {
                TransformerDecoderLayer(
                    dimensions: 8, numHeads: 2, mlpDimensions: 6, normFirst: first)
            }, [sequence, other]
        ) { [$0($1[0], memory: $1[1], mask: causal)] }
        try golden.check(
            "transformer \(kind)",
            {
                Transformer(
                    dimensions: 8, numHeads: 2, encoderLayerCount: 1, decoderLayerCount: 1,
                    mlpDimensions: 6, activation: GELU(), normFirst: first)
            }, [other, sequence]
        ) { [$0(source: $1[0], target: $1[1], targetMask: causal)] }
    }

    @Test("masks that let everything pass change nothing") func openMasks() {
        let model = seeded {
            Transformer(dimensions: 8, numHeads: 2, encoderLayerCount: 2, decoderLayerCount: 2)
        }
        let none = MLXArray.zeros([1, 1])
        let masked = model(
            source: other, target: sequence, sourceMask: none, targetMask: none,
            memoryMask: none)
        #expect(allClose(masked, model(source: other, target: sequence), atol: 1e-6).item())
    }

    @Test("quantized layers") func quantizedLayers() throws {
        let wide = GradientGolden.wave(3, 64)
        let numbers = MLXArray([0, 5, 3, 3] as [Int32], [2, 2])
        let formats: [(QuantizationMode, Int, Int)] = [
            (.affine, 32, 4), (.affine, 64, 8), (.mxfp4, 32, 4), (.mxfp8, 32, 8), (.nvfp4, 16, 4),
        ]
        for (mode, group, bits) in formats {
            try golden.check(
                "quantized linear \(mode) \(bits)",
                QuantizedLinear(Linear(64, 32), groupSize: group, bits: bits, mode: mode), wide)
            func table() -> QuantizedEmbedding {
                QuantizedEmbedding(
                    embeddingCount: 6, dimensions: 64, groupSize: group, bits: bits, mode: mode)
            }
            try golden.check("quantized embedding \(mode) \(bits)", table, [numbers]) {
                [$0($1[0]).asType(.float32)]
            }
            try golden.check("quantized as linear \(mode) \(bits)", table, [wide]) {
                [$0.asLinear($1[0])]
            }
            #expect(table().shape == (6, 64))
        }
    }

    @Test("a global scale is undone") func globalScale() {
        let weight = seeded { MLXRandom.normal([32, 64]) }
        let largest = abs(weight).max()
        let x = GradientGolden.wave(3, 64)
        let linear = QuantizedLinear(
            weight: weight, bias: nil, groupSize: 16, bits: 4, mode: .nvfp4, globalScale: largest)
        let exact = matmul(x, weight.T)
        let error = (abs(linear(x) - exact).max() / abs(exact).max()).item(Float.self)
        #expect(error < 0.15, "\(error)")
        let table = QuantizedEmbedding(
            weight: weight, groupSize: 16, bits: 4, mode: .nvfp4, globalScale: largest)
        let rows = table(MLXArray([1, 30] as [Int32]))
        let picked = take(weight, MLXArray([1, 30] as [Int32]), axis: 0)
        #expect((abs(rows.asType(.float32) - picked).max() / largest).item(Float.self) < 0.15)
    }

    @Test("a layer that quantizes inputs too is trained in floats") func quantizedInputs() throws {
        let layer = seeded { QQLinear(64, 32) }
        let x = GradientGolden.wave(3, 64)
        let (training, weight) = (layer(x), layer.weight)
        #expect(layer.trainableParameters().flattened().map(\.0) == ["weight"])
        let (_, gradients) = valueAndGrad(model: layer) { (layer: QQLinear, x: [MLXArray]) in
            [sum(layer(x[0]))]
        }(layer, [x])
        let gradient = try #require(gradients[unwrapping: "weight"])
        #expect(gradient.shape == [32, 64])
        // The cotangent is all ones: each row is the sum of the rounded inputs.
        let codes = quantized(x, groupSize: 16, bits: 4, mode: .nvfp4)
        let rounded = dequantized(
            codes.wq, scales: codes.scales, biases: nil, groupSize: 16, bits: 4, mode: .nvfp4,
            dtype: .float32)
        #expect(allClose(gradient[0], sum(rounded, axis: 0), atol: 1e-5).item())
        layer.train(false)
        #expect(layer.weight.dtype == .uint32 && layer.scales != nil)
        #expect(layer.trainableParameters().isEmpty)
        #expect(allClose(layer(x), training, atol: 1e-4).item())
        layer.train(true)
        #expect(layer.scales == nil && layer.weight.shape == weight.shape)
        #expect(allClose(layer(x), training, atol: 1e-4).item())
    }
}
