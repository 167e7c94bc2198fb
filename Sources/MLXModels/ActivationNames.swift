import MLX
import MLXNN

/// The activations of Hugging Face's configurations, by name.
enum ActivationNames {
    typealias Function = @Sendable (MLXArray) -> MLXArray

    private static let functions: [String: Function] = [
        "gelu": { gelu($0) }, "gelu_python": { gelu($0) },
        "gelu_new": { geluApproximate($0) }, "gelu_pytorch_tanh": { geluApproximate($0) },
        "gelu_python_tanh": { geluApproximate($0) }, "gelu_fast": { geluApproximate($0) },
        "gelu_accurate": { geluApproximate($0) }, "quick_gelu": { geluFastApproximate($0) },
        "gelu_10": { clip(gelu($0), min: -10, max: 10) },
        "relu": { relu($0) }, "relu2": { reluSquared($0) }, "relu6": { relu6($0) },
        "leaky_relu": { leakyRelu($0) }, "silu": { silu($0) }, "swish": { silu($0) },
        "mish": { mish($0) }, "hardswish": { hardSwish($0) }, "tanh": { tanh($0) },
        "sigmoid": { MLX.sigmoid($0) }, "linear": { $0 },
    ]

    /// The function that a configuration names.
    /// - Throws: `ModelError` with the names that there are.
    static func function(
        _ configuration: ModelConfiguration, _ keys: String..., default fallback: String
    ) throws -> Function {
        let name = keys.compactMap { configuration[$0]?.string }.first ?? fallback
        guard let function = functions[name] else {
            let known = functions.keys.sorted().joined(separator: ", ")
            throw ModelError("the activation '\(name)' is not known: \(known)")
        }
        return function
    }
}
