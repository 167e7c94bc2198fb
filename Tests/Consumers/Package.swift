// swift-tools-version: 6.1
import PackageDescription

// A package as others write it: it depends on mlx-swift by its address and by a range of its
// versions. `./run` has the address lead to a copy of this repository.

let mlx: [Target.Dependency] = ["MLX", "MLXNN", "MLXOptimizers"].map {
    .product(name: $0, package: "mlx-swift")
}

/// The names that a module of mlx-swift-lm declares, and each of them used beside ours.
func names(_ module: String) -> [Target] {
    [
        .target(name: "\(module)Names", path: "Sources/Names/\(module)Names"),
        .target(
            name: "\(module)Uses", dependencies: mlx + [.target(name: "\(module)Names")],
            path: "Sources/Names/\(module)Uses"),
    ]
}

let package = Package(
    name: "consumers",
    platforms: [.macOS(.v14)],
    dependencies: [
        .package(
            url: "https://github.com/ml-explore/mlx-swift", .upToNextMinor(from: "0.31.1"))
    ],
    targets: ["MLXEmbedders", "MLXLLM", "MLXLMCommon", "MLXVLM"].flatMap(names) + [
        .executableTarget(
            name: "LanguageModel",
            dependencies: mlx
                + ["MLXFast", "MLXRandom"].map { .product(name: $0, package: "mlx-swift") }
                + ["MLXEmbedders", "MLXLLM", "MLXLMCommon", "MLXVLM"].map {
                    .target(name: "\($0)Uses")
                })
    ]
)
