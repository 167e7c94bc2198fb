import MLX

/// Products with weights of 4096 by 4096 in few bits. Affine rows have float activations, as MLX
/// defines them; rows of mode int8 round activations to bytes as well and are named for it, because
/// other libraries' figures are of one or the other.
extension PeerWorkloads {
    static let quantized: [PeerWorkload] =
        [8, 4].flatMap { bits in [1, 32].map { affine(bits, $0) } } + [1, 32].map(int8)
        + [8, 4].map(coldAffine) + [coldInt8]

    private static let width = 4096
    private static let group = 64
    private static let weightCount = Double(width * width)

    /// Codes, and a scale and an offset in float32 for each group.
    private static func affineBytes(_ bits: Int) -> Double {
        weightCount * (Double(bits) / 8 + 8 / Double(group))
    }

    private static let int8Bytes = weightCount + 4 * Double(width)

    private typealias Codes = (wq: MLXArray, scales: MLXArray, biases: MLXArray?)

    private static func affineWeights(_ bits: Int) throws -> Codes {
        let codes = MLX.quantized(try Inputs.normal(width, width), groupSize: group, bits: bits)
        try checkedEval(codes.wq, codes.scales, codes.biases!)
        return codes
    }

    private static func product(_ x: MLXArray, _ w: Codes, _ bits: Int) throws {
        try checkedEval(
            quantizedMM(
                x, w.wq, scales: w.scales, biases: w.biases, transpose: true, groupSize: group,
                bits: bits))
    }

    private static func affine(_ bits: Int, _ m: Int) -> PeerWorkload {
        PeerWorkload(
            name: "qmm_int\(bits)_m\(m)", metric: .microseconds, work: 1,
            flops: 2 * Double(m) * weightCount,
            bytes: affineBytes(bits) + 8 * Double(m * width),
            note: "affine, float activations, group 64"
        ) { _ in
            let (x, w) = (try Inputs.normal(m, width), try affineWeights(bits))
            return { try product(x, w, bits) }
        }
    }

    private static func coldAffine(_ bits: Int) -> PeerWorkload {
        PeerWorkload(
            name: "decode_cold_int\(bits)_m1", metric: .microseconds, work: 1,
            flops: 2 * weightCount, bytes: affineBytes(bits), leastColdCount: 16,
            note: "affine, float activations, group 64"
        ) { settings in
            let x = try Inputs.normal(1, width)
            let weights = try (0..<settings.coldCount(affineBytes(bits), atLeast: 16)).map { _ in
                try affineWeights(bits)
            }
            return Inputs.inTurn(weights) { try product(x, $0, bits) }
        }
    }

    private typealias Bytes = (quantized: MLXArray, scales: MLXArray)

    private static func int8Weights() throws -> Bytes {
        let weights = int8Quantized(try Inputs.normal(width, width))
        try checkedEval(weights.quantized, weights.scales)
        return weights
    }

    private static func product(_ x: MLXArray, _ w: Bytes) throws {
        try checkedEval(int8Matmul(x, w.quantized, scales: w.scales, stream: .npu))
    }

    private static func int8(_ m: Int) -> PeerWorkload {
        PeerWorkload(
            name: "qmm_int8_int8act_m\(m)", metric: .microseconds, work: 1,
            flops: 2 * Double(m) * weightCount, bytes: int8Bytes + 8 * Double(m * width),
            arithmetic: .i8, note: "mode int8: activations rounded to int8, a scale each output"
        ) { _ in
            let (x, w) = (try Inputs.normal(m, width), try int8Weights())
            return { try product(x, w) }
        }
    }

    private static let coldInt8 = PeerWorkload(
        name: "decode_cold_int8_int8act_m1", metric: .microseconds, work: 1,
        flops: 2 * weightCount, bytes: int8Bytes, arithmetic: .i8, leastColdCount: 16,
        note: "mode int8: activations rounded to int8, a scale each output"
    ) { settings in
        let x = try Inputs.normal(1, width)
        let weights = try (0..<settings.coldCount(int8Bytes, atLeast: 16)).map { _ in
            try int8Weights()
        }
        return Inputs.inTurn(weights) { try product(x, $0) }
    }
}
