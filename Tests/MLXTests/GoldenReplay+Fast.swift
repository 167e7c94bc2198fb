import MLX

/// Quantization and the fused functions of MLXFast, as the manifest names them.
extension GoldenReplay {
    private static func mode(_ golden: GoldenCase) -> QuantizationMode {
        QuantizationMode(rawValue: golden.args.mode!)!
    }

    static let quantization: [String: Call] = [
        "quantized": { i, g in
            let q = quantized(
                a(i[0]), groupSize: g.args.groupSize, bits: g.args.bits, mode: mode(g),
                globalScale: i.count > 1 ? a(i[1]) : nil)
            return [q.wq, q.scales] + (q.biases.map { [$0] } ?? [])
        },
        "dequantized": { i, g in
            [
                dequantized(
                    a(i[0]), scales: a(i[1]), biases: i.count > 2 ? a(i[2]) : nil,
                    groupSize: g.args.groupSize, bits: g.args.bits, mode: mode(g),
                    dtype: g.args.dtype == nil ? nil : dtype(g))
            ]
        },
        "quantizedMM": { i, g in
            [
                quantizedMM(
                    a(i[0]), a(i[1]), scales: a(i[2]), biases: i.count > 3 ? a(i[3]) : nil,
                    transpose: g.args.transpose!, groupSize: g.args.groupSize,
                    bits: g.args.bits, mode: mode(g))
            ]
        },
        "gatherQuantizedMM": { i, g in
            [
                gatherQuantizedMM(
                    a(i[0]), a(i[1]), scales: a(i[2]), biases: i.count > 5 ? a(i[3]) : nil,
                    lhsIndices: a(i[i.count - 2]), rhsIndices: a(i[i.count - 1]),
                    transpose: g.args.transpose!, groupSize: g.args.groupSize,
                    bits: g.args.bits, mode: mode(g))
            ]
        },
        "toFP8": { i, _ in [toFP8(a(i[0]))] },
        "fromFP8": { i, g in [fromFP8(a(i[0]), dtype: dtype(g))] },
    ]
}

extension GoldenReplay {
    static let fused: [String: Call] = [
        "rmsNorm": { i, g in [MLXFast.rmsNorm(a(i[0]), weight: a(i[1]), eps: g.args.eps!)] },
        "layerNorm": { i, g in
            let hasBias = g.args.mode!.contains("bias")
            let hasWeight = g.args.mode!.contains("weight")
            return [
                MLXFast.layerNorm(
                    a(i[0]), weight: hasWeight ? a(i[1]) : nil,
                    bias: hasBias ? a(i.last!) : nil, eps: g.args.eps!)
            ]
        },
        "RoPE": { i, g in
            let offset = g.args.offset.map { MLXArray($0) } ?? a(i[1])
            return [
                MLXFast.RoPE(
                    a(i[0]), dimensions: g.args.dimensions!, traditional: g.args.traditional!,
                    base: g.args.base, scale: g.args.scale!, offset: offset,
                    freqs: g.args.hasFrequencies! ? a(i.last!) : nil)
            ]
        },
        "scaledDotProductAttention": { i, g in
            let mask: MLXFast.ScaledDotProductAttentionMaskMode
            switch g.args.mode {
            case "causal": mask = .causal
            case "array": mask = .array(a(i[3]))
            default: mask = .none
            }
            return [
                MLXFast.scaledDotProductAttention(
                    queries: a(i[0]), keys: a(i[1]), values: a(i[2]), scale: g.args.scale!,
                    mask: mask, sinks: g.args.hasSinks! ? a(i.last!) : nil)
            ]
        },
    ]
}
