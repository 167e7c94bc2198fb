// swift-tools-version: 6.1
import PackageDescription

// A package of its own that depends on the library as a user's does.
func example(_ name: String, _ products: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: products.map { .product(name: $0, package: "mlx-actors") },
        path: name, swiftSettings: [.swiftLanguageMode(.v6)])
}

let package = Package(
    name: "mlx-actors-examples",
    dependencies: [.package(name: "mlx-actors", path: "../")],
    targets: [
        example("InferenceService", ["MLX", "MLXNN", "MLXOptimizers", "MLXData"]),
        example("LowRankTuning", ["MLX", "MLXNN", "MLXLoRA", "MLXOptimizers", "MLXData"]),
        example("OwnPolicy", ["MLX"]),
    ]
)
