import MLX

/// Long vectors and large matrices: elementwise chains, reductions, softmax, norms, transposition.
extension PeerWorkloads {
    static let elementwise: [PeerWorkload] = [
        streaming("gelu_chain", flopsEach: 9, bytesEach: 8) {
            let x = try Inputs.normal(Inputs.length)
            return { try checkedEval(gelu(x)) }
        },
        streaming("muladd_16M", flopsEach: 2, bytesEach: 16) {
            let a = try Inputs.normal(Inputs.length)
            let b = try Inputs.normal(Inputs.length)
            let c = try Inputs.normal(Inputs.length)
            return { try checkedEval(a * b + c) }
        },
        streaming("exp_16M", flopsEach: 1, bytesEach: 8) {
            let a = try Inputs.normal(Inputs.length)
            return { try checkedEval(exp(a)) }
        },
        streaming("sum_16M", flopsEach: 1, bytesEach: 4) {
            let a = try Inputs.normal(Inputs.length)
            return { try checkedEval(a.sum()) }
        },
        streaming("softmax_4096x4096", flopsEach: 5, bytesEach: 8) {
            let a = try Inputs.normal(4096, 4096)
            return { try checkedEval(softmax(a, axis: -1)) }
        },
        streaming("layernorm_4096x1024", count: 4096 * 1024, flopsEach: 8, bytesEach: 8) {
            let a = try Inputs.normal(4096, 1024)
            let (w, b) = (try Inputs.normal(1024), try Inputs.normal(1024))
            return { try checkedEval(MLXFast.layerNorm(a, weight: w, bias: b, eps: 1e-5)) }
        },
        streaming("transpose_copy_4096", flopsEach: 0, bytesEach: 8) {
            let a = try Inputs.normal(4096, 4096)
            return { try checkedEval(contiguous(a.T)) }
        },
    ]

    private static func streaming(
        _ name: String, count: Int = Inputs.length, flopsEach: Double, bytesEach: Double,
        _ make: @escaping @Sendable () throws -> PeerWorkload.Call
    ) -> PeerWorkload {
        PeerWorkload(
            name: name, metric: .gigabytes, work: bytesEach * Double(count),
            flops: flopsEach * Double(count), bytes: bytesEach * Double(count)
        ) { _ in try make() }
    }

    /// The approximation by tanh, in primitives.
    private static func gelu(_ x: MLXArray) -> MLXArray {
        0.5 * x * (1 + tanh(0.79788456 * (x + 0.044715 * (x * x * x))))
    }
}
