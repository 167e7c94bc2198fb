// swift-tools-version: 6.1
import PackageDescription

// Imports point strictly downward; every layer of the house is a target of its own, so the
// compiler enforces it. ARCHITECTURE.md has a paragraph for each of them.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
]

func layer(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func simulation(
    _ name: String, _ path: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Simulations/\(path)", exclude: exclude,
        swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

let numerics: Target.Dependency = .product(name: "Numerics", package: "swift-numerics")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "mlx-actors",
    products: [
        .library(name: "MLX", targets: ["MLX"]),
        .library(name: "MLXRandom", targets: ["MLXRandom"]),
        .library(name: "MLXFFT", targets: ["MLXFFT"]),
        .library(name: "MLXLinalg", targets: ["MLXLinalg"]),
        .library(name: "MLXFast", targets: ["MLXFast"]),
        .library(name: "MLXNN", targets: ["MLXNN"]),
        .library(name: "MLXOptimizers", targets: ["MLXOptimizers"]),
        .library(name: "MLXLoRA", targets: ["MLXLoRA"]),
        .library(name: "MLXQuantization", targets: ["MLXQuantization"]),
        .library(name: "MLXData", targets: ["MLXData"]),
        .library(name: "MLXModels", targets: ["MLXModels"]),
        .library(name: "MLXTrain", targets: ["MLXTrain"]),
        .library(name: "CMLX", type: .dynamic, targets: ["CMLX"]),
        .executable(name: "mlx", targets: ["MLXCommand"]),
        .executable(name: "fault-simulator", targets: ["FaultSimulator"]),
        .executable(name: "stress", targets: ["Stress"]),
        .executable(name: "fuzzers", targets: ["Fuzzers"]),
        .executable(name: "scheduling-lab", targets: ["SchedulingLab"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    ],
    targets: [
        // L0: C inner loops and system libraries.
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CNUMA", pkgConfig: "numa", providers: [.apt(["libnuma-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CMLXInterface"),
        .target(name: "CMLXKernels"),
        // L1
        layer("MLXBase", ["CMLXKernels"]),
        // L2
        layer("MLXGraph", ["MLXBase", "MLXMemory", "CMLXKernels"]),
        layer("MLXKernels", ["MLXBase", "CMLXKernels", "COpenBLAS"]),
        layer("MLXMemory", ["MLXBase", "CMLXKernels", "CNUMA"]),
        layer("MLXFormats", ["MLXBase", "CZlib"]),
        // L3
        layer("MLXOps", ["MLXBase", "MLXGraph", "MLXKernels", "CMLXKernels"]),
        // L4
        layer("MLXPlanner", ["MLXBase", "MLXGraph", "MLXKernels", "MLXOps", "CMLXKernels"]),
        layer(
            "MLXTransforms", ["MLXBase", "MLXGraph", "MLXMemory", "MLXOps"]),
        // L5
        layer(
            "MLXRuntime",
            [
                "MLXBase", "MLXGraph", "MLXKernels", "MLXMemory", "MLXFormats", "MLXOps",
                "MLXPlanner", "CMLXKernels", collections,
            ]),
        // L6
        layer(
            "MLX",
            [
                "MLXBase", "MLXGraph", "MLXMemory", "MLXFormats", "MLXOps", "MLXPlanner",
                "MLXTransforms", "MLXRuntime", "MLXKernels", "CMLXKernels", numerics, logging,
            ]),
        layer("MLXRandom", ["MLX"]),
        layer("MLXFFT", ["MLX"]),
        layer("MLXLinalg", ["MLX"]),
        layer("MLXFast", ["MLX"]),
        // L7
        layer("MLXNN", ["MLX"]),
        layer("MLXOptimizers", ["MLX", "MLXNN"]),
        layer("MLXLoRA", ["MLX", "MLXNN"]),
        layer("MLXQuantization", ["MLX", "MLXNN"]),
        layer(
            "CMLX",
            [
                "MLX", "MLXFormats", "MLXRuntime", "MLXTransforms", "MLXOps", "MLXGraph",
                "MLXMemory", "MLXBase", "CMLXKernels", "CMLXInterface",
            ]),
        layer(
            "MLXData", ["MLX", "MLXFormats"],
            resources: [
                .embedInCode("Resources/digits.npz"), .embedInCode("Resources/documentation.npz"),
            ]),
        layer(
            "MLXModels",
            ["MLX", "MLXNN", "MLXQuantization", "MLXData", "MLXFormats", "MLXBase"]),
        layer(
            "MLXTrain",
            [
                "MLX", "MLXNN", "MLXOptimizers", "MLXData", "MLXFormats", "MLXGraph", "MLXBase",
            ]),
        layer(
            "MLXFuzz",
            [
                "MLX", "MLXFormats", "MLXRuntime", "MLXPlanner", "MLXOps", "MLXGraph",
                "MLXMemory", "MLXBase",
            ]),
        // L8
        .executableTarget(
            name: "MLXCommand",
            dependencies: [
                "MLX", "MLXNN", "MLXOptimizers", "MLXQuantization", "MLXData", "MLXModels",
                "MLXTrain", "MLXFuzz",
                "MLXFormats", "MLXRuntime",
                "MLXPlanner", "MLXOps", "MLXKernels", "MLXMemory", "MLXGraph", "MLXBase",
                "COpenBLAS", "CMLXKernels", arguments,
            ],
            swiftSettings: settings),
        // Simulations.
        .target(
            name: "SimulationSupport",
            dependencies: ["MLXBase", "MLXGraph", "MLXMemory", "MLXOps", "MLXRuntime"],
            path: "Simulations/support", swiftSettings: settings),
        simulation(
            "FaultSimulator", "fault-simulator",
            [
                "SimulationSupport", "MLX", "MLXNN", "MLXOptimizers", "MLXRuntime", "MLXPlanner",
                "MLXTransforms", "MLXOps", "MLXMemory", "MLXGraph", "MLXBase", arguments,
            ]),
        simulation(
            "Stress", "stress",
            [
                "SimulationSupport", "MLX", "MLXFormats", "MLXRuntime", "MLXPlanner",
                "MLXTransforms", "MLXOps", "MLXMemory", "MLXGraph", "MLXBase", "CMLXKernels",
                arguments,
            ]),
        simulation(
            "SchedulingLab", "scheduling-lab",
            [
                "SimulationSupport", "MLX", "MLXFormats", "MLXRuntime", "MLXPlanner", "MLXOps",
                "MLXMemory", "MLXGraph", "MLXBase", arguments,
            ], exclude: ["FINDINGS.md", "Platforms"]),
        simulation(
            "Fuzzers", "fuzzers",
            [
                "MLX", "MLXData", "MLXModels", "MLXFuzz", "MLXFormats", "MLXRuntime", "MLXMemory",
                "MLXBase", "CZlib", arguments,
            ]),
        // Tests.
        tests("TidyTests", []),
        tests("MLXTrainTests", ["MLX", "MLXNN", "MLXOptimizers", "MLXData", "MLXTrain"]),
        tests("MLXBaseTests", ["MLXBase"]),
        tests(
            "MLXFormatsTests", ["MLXFormats", "MLXBase", "CZlib"], resources: [.copy("Fixtures")]),
        tests("MLXKernelsTests", ["MLXKernels", "MLXBase", "CMLXKernels"]),
        tests("MLXMemoryTests", ["MLXMemory", "MLXBase"]),
        tests("MLXTeamTests", ["MLXRuntime", "MLXPlanner", "MLXMemory", "MLXBase"]),
        tests(
            "MLXPlannerTests",
            ["MLX", "MLXFuzz", "MLXPlanner", "MLXRuntime", "MLXOps", "MLXGraph", "MLXBase"],
            resources: [.copy("Fixtures")]),
        tests(
            "MLXRuntimeTests",
            [
                "SimulationSupport", "MLXRuntime", "MLXTransforms", "MLXPlanner", "MLXOps",
                "MLXMemory", "MLXGraph", "MLXBase", "CMLXKernels",
            ]),
        tests(
            "MLXTests", ["MLX", "MLXOps", "MLXGraph", "MLXMemory", "MLXBase"],
            resources: [.copy("Fixtures")]),
        tests("MLXGraphTests", ["MLXGraph", "MLXMemory", "MLXBase"]),
        // As users of mlx-swift have it: Swift 6 mode and no upcoming features.
        .testTarget(
            name: "CompatibilityTests",
            dependencies: [
                "MLX", "MLXRandom", "MLXFFT", "MLXLinalg", "MLXFast", "MLXNN", "MLXOptimizers",
                "MLXQuantization", "MLXData", "MLXModels", "MLXTrain",
            ],
            exclude: ["mlx-swift-api.tsv", "mlx-swift-omitted.tsv"],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        tests("MLXDataTests", ["MLX", "MLXData", "MLXFormats"], resources: [.copy("Fixtures")]),
        tests(
            "MLXModelsTests", ["MLX", "MLXNN", "MLXQuantization", "MLXData", "MLXModels"],
            resources: [.copy("Fixtures")]),
        tests(
            "MLXOpsTests",
            ["MLX", "MLXFuzz", "MLXOps", "MLXGraph", "MLXKernels", "MLXBase", "CMLXKernels"]),
        tests("MLXNNTests", ["MLX", "MLXNN", "MLXLoRA"], resources: [.copy("Fixtures")]),
        tests("MLXQuantizationTests", ["MLX", "MLXNN", "MLXOptimizers", "MLXQuantization"]),
        tests(
            "MLXOptimizersTests", ["MLX", "MLXNN", "MLXOptimizers", "MLXRuntime"],
            resources: [.copy("Fixtures")]),
        tests("MLXCommandTests", ["MLX", "MLXCommand", "MLXPlanner"]),
        tests(
            "SimulationTests",
            [
                "Stress", "FaultSimulator", "SimulationSupport", "MLX", "MLXRuntime", "MLXMemory",
                "MLXBase",
            ]),
        tests("SchedulingLabTests", ["SchedulingLab", "MLX", "MLXPlanner", "MLXOps", "MLXBase"]),
    ]
)
