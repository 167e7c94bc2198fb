import Foundation
import MLX

/// Products as plain code runs them: square ones, few rows with a large matrix as it lies and
/// transposed, and half types. Names, work and units are those that other libraries are measured
/// under. The figure is that of the shortest of many runs.
enum ProductBenchmarks {
    static let all: [Workload] =
        [64, 256, 512, 1024, 2048].map { n in
            Workload(name: "matmul_f32_\(n)") {
                let operands = (random(n, n, .float32), random(n, n, .float32))
                return try figure("matmul_f32_\(n)", operands, 2 * pow(Double(n), 3), "GFLOP/s")
            }
        }
        + [1, 16, 32].flatMap { m in
            [false, true].map { isTransposed in
                let name = "gemm_m\(m)_4096" + (isTransposed ? "_wT" : "")
                return Workload(name: name) {
                    let matrix = random(4096, 4096, .float32)
                    let operands = (random(m, 4096, .float32), isTransposed ? matrix.T : matrix)
                    return try figure(name, operands, 4 * 4096 * 4096, "GB/s")
                }
            }
        }
        + [("f16", DType.float16), ("bf16", .bfloat16)].flatMap { (text, dtype) in
            [
                Workload(name: "matmul_\(text)_1024") {
                    let operands = (random(1024, 1024, dtype), random(1024, 1024, dtype))
                    return try figure(
                        "matmul_\(text)_1024", operands, 2 * pow(1024, 3), "GFLOP/s")
                },
                Workload(name: "gemm_m1_4096_\(text)_wT") {
                    let operands = (random(1, 4096, dtype), random(4096, 4096, dtype).T)
                    return try figure(
                        "gemm_m1_4096_\(text)_wT", operands, 2 * 4096 * 4096, "GB/s")
                },
            ]
        }

    private static func random(_ rows: Int, _ columns: Int, _ dtype: DType) -> MLXArray {
        let x = MLXRandom.normal([rows, columns]).asType(dtype)
        eval(x)
        return x
    }

    /// - Parameter work: operations or bytes of one product.
    private static func figure(
        _ name: String, _ operands: (MLXArray, MLXArray), _ work: Double, _ unit: String
    ) throws -> [Figure] {
        let start = Timing.nanoseconds()
        var (shortest, count) = (UInt64.max, 0)
        // The first run is part of it: the shortest is never the first.
        while count < 5 || (Timing.nanoseconds() - start < 700_000_000 && count < 100_000) {
            let before = Timing.nanoseconds()
            try checkedEval(matmul(operands.0, operands.1))
            shortest = min(shortest, Timing.nanoseconds() - before)
            count += 1
        }
        return [Figure(workload: name, value: work / Double(shortest), unit: unit, count: count)]
    }
}
