import ArgumentParser

/// The child process of `spine_matmul_ratio`.
struct DirectSGEMMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-direct-sgemm",
        abstract: "Time cblas_sgemm with two threads of OpenBLAS's own.", shouldDisplay: false)

    func run() { print(MatmulBenchmark.measureDirectly()) }
}
