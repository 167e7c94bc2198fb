// swift-tools-version: 6.1
import PackageDescription

// A package of its own, so that nobody who depends on the library builds the harness. The traits
// of the harness are off: its memory interposer is a C library of its own.
let package = Package(
    name: "mlx-actors-benchmarks",
    products: [.executable(name: "parity-times", targets: ["Parity"])],
    dependencies: [
        .package(name: "mlx-actors", path: "../"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Arrays",
            dependencies: [
                .product(name: "MLX", package: "mlx-actors"),
                .product(name: "MLXNN", package: "mlx-actors"),
                .product(name: "MLXOptimizers", package: "mlx-actors"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Arrays",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        // What Benchmarks/parity runs; without the harness.
        .executableTarget(
            name: "Parity",
            dependencies: [
                .product(name: "MLX", package: "mlx-actors"),
                .product(name: "MLXNN", package: "mlx-actors"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Parity"),
    ]
)
