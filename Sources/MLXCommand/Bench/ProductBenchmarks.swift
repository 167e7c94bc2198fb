import Foundation
import MLX

/// Products as plain code runs them: square ones, few rows with a large matrix as it lies and
/// transposed, and half types. Names, work and units are those that other libraries are measured
/// under. The figure is that of the shortest of many runs.
enum ProductBenchmarks {
    static let all: [Workload] = square + fewRows + halves

    private static var square: [Workload] {
        [64, 256, 512, 1024, 2048].map { (n: Int) -> Workload in
            let name = "matmul_f32_\(n)"
            return Workload(name: name) {
                try figure(
                    name, random(n, n, .float32), random(n, n, .float32), Double(2 * n * n * n),
                    "GFLOP/s")
            }
        }
    }

    private static var fewRows: [Workload] {
        [1, 16, 32].flatMap { (m: Int) -> [Workload] in
            [false, true].map { isTransposed -> Workload in
                let name = "gemm_m\(m)_4096" + (isTransposed ? "_wT" : "")
                return Workload(name: name) {
                    let matrix = random(4096, 4096, .float32)
                    return try figure(
                        name, random(m, 4096, .float32), isTransposed ? matrix.T : matrix,
                        Double(4 << 24), "GB/s")
                }
            }
        }
    }

    private static var halves: [Workload] {
        [DType.float16, .bfloat16].flatMap { dtype -> [Workload] in
            let text = dtype == .float16 ? "f16" : "bf16"
            let (square, row) = ("matmul_\(text)_1024", "gemm_m1_4096_\(text)_wT")
            return [
                Workload(name: square) {
                    try figure(
                        square, random(1024, 1024, dtype), random(1024, 1024, dtype),
                        Double(2 << 30), "GFLOP/s")
                },
                Workload(name: row) {
                    try figure(
                        row, random(1, 4096, dtype), random(4096, 4096, dtype).T,
                        Double(2 << 24), "GB/s")
                },
            ]
        }
    }

    private static func random(_ rows: Int, _ columns: Int, _ dtype: DType) -> MLXArray {
        let x = MLXRandom.normal([rows, columns]).asType(dtype)
        eval(x)
        return x
    }

    /// - Parameter work: operations or bytes of one product.
    private static func figure(
        _ name: String, _ a: MLXArray, _ b: MLXArray, _ work: Double, _ unit: String
    ) throws -> [Figure] {
        let start = Timing.nanoseconds()
        var (shortest, count) = (UInt64.max, 0)
        // The first run is part of it: the shortest is never the first.
        while count < 5 || (Timing.nanoseconds() - start < 700_000_000 && count < 100_000) {
            let before = Timing.nanoseconds()
            try checkedEval(matmul(a, b))
            shortest = Swift.min(shortest, Timing.nanoseconds() - before)
            count += 1
        }
        return [Figure(workload: name, value: work / Double(shortest), unit: unit, count: count)]
    }
}
