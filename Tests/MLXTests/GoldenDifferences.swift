/// Where we differ from MLX 0.32.4 on purpose, by the beginnings of case names. The documentation's
/// page on differences says the same in words; a case that differs no more fails the tests.
enum GoldenDifferences {
    static let reasons: [(prefix: String, reason: String)] = [
        ("exp underflow", "MLX gives 0 below -88; exp goes on into the subnormal numbers"),
        ("exp overflow", "MLX gives infinity above 88; float32 goes on to 88.72, float64 to 709"),
        ("softmax of integers", "MLX casts softmax back to integers off the last axis"),
        ("logSumExp of unsigned", "MLX subtracts the maximum in the unsigned dtype, which wraps"),
        ("mean long float16", "MLX sums halves in their own range, which may overflow"),
        (
            "grad hadamardTransform float32 #2",
            "MLX takes its matrix of order 20 for symmetric, which it is not"
        ),
        ("categorical samples one distribution", "MLX inverts a sum there, mlx-swift does not"),
    ]

    static func reason(_ name: String) -> String? {
        reasons.first { name.hasPrefix($0.prefix) }?.reason
    }
}
