import MLX

/// Products: square ones, few rows with a large matrix as it lies and transposed, half types, and
/// rows with weights that come from memory.
extension PeerWorkloads {
    static let products: [PeerWorkload] =
        [64, 256, 512, 1024, 2048].map(square) + [1, 16, 32].flatMap(fewRows)
        + [half(.float16, "f16", .f32), half(.bfloat16, "bf16", .bf16)]
        + [DType.float16, .bfloat16].map(halfRow)
        + [cold(.float32, "f32"), cold(.float16, "f16"), cold(.bfloat16, "bf16")]

    private static func square(_ n: Int) -> PeerWorkload {
        let side = Double(n)
        return PeerWorkload(
            name: "matmul_f32_\(n)", metric: .gigaflops, work: 2 * side * side * side,
            flops: 2 * side * side * side, bytes: 12 * side * side
        ) { _ in
            let (a, b) = (try Inputs.normal(n, n), try Inputs.normal(n, n))
            return { try checkedEval(matmul(a, b)) }
        }
    }

    private static let width = 4096
    private static let weightCount = Double(width * width)

    private static func fewRows(_ m: Int) -> [PeerWorkload] {
        [false, true].map { isTransposed in
            PeerWorkload(
                name: "gemm_m\(m)_4096" + (isTransposed ? "_wT" : ""), metric: .gigabytes,
                work: 4 * weightCount, flops: 2 * Double(m) * weightCount,
                bytes: 4 * weightCount + 8 * Double(m * width)
            ) { _ in
                let (x, w) = (try Inputs.normal(m, width), try Inputs.normal(width, width))
                return { try checkedEval(matmul(x, isTransposed ? w.T : w)) }
            }
        }
    }

    private static func half(
        _ dtype: DType, _ text: String, _ arithmetic: MachineLimits.Arithmetic
    ) -> PeerWorkload {
        PeerWorkload(
            name: "matmul_\(text)_1024", metric: .gigaflops, work: Double(2 << 30),
            flops: Double(2 << 30), bytes: Double(6 << 20), arithmetic: arithmetic
        ) { _ in
            let a = try Inputs.normal(1024, 1024, dtype: dtype)
            let b = try Inputs.normal(1024, 1024, dtype: dtype)
            return { try checkedEval(matmul(a, b)) }
        }
    }

    private static func halfRow(_ dtype: DType) -> PeerWorkload {
        let text = dtype == .float16 ? "f16" : "bf16"
        return PeerWorkload(
            name: "gemm_m1_4096_\(text)_wT", metric: .gigabytes, work: 2 * weightCount,
            flops: 2 * weightCount, bytes: 2 * weightCount,
            arithmetic: dtype == .float16 ? .f32 : .bf16
        ) { _ in
            let x = try Inputs.normal(1, width, dtype: dtype)
            let w = try Inputs.normal(width, width, dtype: dtype)
            return { try checkedEval(matmul(x, w.T)) }
        }
    }

    /// One row with matrices in turn, more of them than the caches hold. Figures are of one
    /// product.
    private static func cold(_ dtype: DType, _ text: String) -> PeerWorkload {
        let bytes = Double(dtype.size) * weightCount
        return PeerWorkload(
            name: "decode_cold_\(text)_m1", metric: .microseconds, work: 1, flops: 2 * weightCount,
            bytes: bytes, arithmetic: dtype == .bfloat16 ? .bf16 : .f32, leastColdCount: 8
        ) { settings in
            let x = try Inputs.normal(1, width, dtype: dtype)
            let weights = try (0..<settings.coldCount(bytes, atLeast: 8)).map { _ in
                try Inputs.normal(width, width, dtype: dtype)
            }
            return Inputs.inTurn(weights) { try checkedEval(matmul(x, $0.T)) }
        }
    }
}
