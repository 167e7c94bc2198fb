import COpenBLAS
import Foundation
import MLX
import MLXKernels

/// The matrix product on `.cpu` against OpenBLAS called directly with threads of its own. The
/// direct calls run in a process of their own, because the number of OpenBLAS's threads is global;
/// the two alternate, so that both see the same machine.
enum MatmulBenchmark {
    static let size = 1024

    static func ratio() throws -> [Figure] {
        var ratios: [Double] = []
        var ours: [Double] = []
        for _ in 0..<7 {
            let direct = try directNanoseconds()
            let own = try ownNanoseconds()
            ratios.append(direct / own)
            ours.append(2 * pow(Double(size), 3) / own)
        }
        return [
            Figure(
                workload: "spine_matmul_ratio", value: ratios.sorted()[3], unit: "of OpenBLAS",
                count: 7),
            Figure(workload: "spine_matmul", value: ours.sorted()[3], unit: "GFLOP/s", count: 7),
        ]
    }

    private static func ownNanoseconds() throws -> Double {
        let a = MLXArray.ones([size, size])
        let b = MLXArray.ones([size, size])
        eval(a, b)
        return try Timing.median(15) { try checkedEval(matmul(a, b, stream: .cpu)) }
    }

    /// The median time of `cblas_sgemm` with two threads, measured in a child process.
    private static func directNanoseconds() throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["bench-direct-sgemm"]
        var environment = ProcessInfo.processInfo.environment
        environment["OPENBLAS_NUM_THREADS"] = "2"
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard let time = Double(String(decoding: output, as: UTF8.self).trimmed) else {
            throw BenchError("the direct measurement failed")
        }
        return time
    }

    /// What the child process does.
    static func measureDirectly() -> Double {
        let n = size
        let a = [Float](repeating: 0.5, count: n * n)
        let b = [Float](repeating: 0.25, count: n * n)
        var c = [Float](repeating: 0, count: n * n)
        prepareOpenBLAS()
        openblas_set_num_threads(2)
        return Timing.median(15) {
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(n), Int32(n), Int32(n), 1, a,
                Int32(n), b, Int32(n), 0, &c, Int32(n))
        }
    }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
