import MLX

// A scheduling policy of one's own. A policy is a value: it sees the steps of a plan as columns
// and names a device for each. The scheduler asks it once for each plan, and keeps the plan.

/// Steps with much arithmetic for each byte go to the cpu, which has the library of products; all
/// others go to the gpu, whose kernels are fused.
struct IntensityPolicy: SchedulingPolicy {
    var name: String { "intensity \(flopsPerByte)" }
    /// From here on a step counts as heavy.
    var flopsPerByte: Double

    func place(_ graph: PlacementGraph) -> [DeviceType] {
        (0..<graph.count).map { step in
            let isHeavy = graph.flops[step] > flopsPerByte * graph.bytes[step]
            let wanted: DeviceType = isHeavy ? .cpu : .gpu
            let candidates = graph.candidates[step]
            return candidates.contains(wanted) ? wanted : graph.cheapestDevice(for: step)
        }
    }
}

/// Something with a product, a softmax and elementwise steps between them.
func attend(_ x: MLXArray, _ w: MLXArray) -> MLXArray {
    let scores = softmax(matmul(x, w) * 0.125, axis: -1)
    return tanh(matmul(scores, x) + x).sum()
}

@main enum OwnPolicy {
    static func main() async throws {
        let x = MLXRandom.normal([256, 256], key: MLXRandom.key(1))
        let w = MLXRandom.normal([256, 256], key: MLXRandom.key(2))
        try await evaluate(x, w)

        print("By cost:")
        print(try explain(attend(x, w)))
        let usual = try await attend(x, w).value(Float.self)

        for limit in [1.0, 1000] {
            try await withPolicy(IntensityPolicy(flopsPerByte: limit)) {
                print("Heavy means more than \(limit) operations a byte:")
                print(try explain(attend(x, w)))
                let value = try await attend(x, w).value(Float.self)
                print("the result is \(value), by cost it is \(usual)\n")
            }
        }
    }
}
