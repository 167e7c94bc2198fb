import Foundation
import MLX
import MLXFormats
import MLXNN

/// What follows the encoder in a sentence-transformers directory, in the order of its
/// `modules.json`, and where the encoder's files are. A module that is not known is an error: left
/// out, the vectors would be others.
struct SentenceModules {
    private(set) var encoder: URL
    private(set) var steps: [SentenceStep] = []

    init(_ directory: URL) throws {
        encoder = directory
        let list = directory.appendingPathComponent("modules.json")
        guard FileManager.default.fileExists(atPath: list.path) else {
            steps = [.pooling([.mean]), .normalization]
            return
        }
        for module in try ModelConfiguration.json(list).array ?? [] {
            let path = module["path"]?.string ?? ""
            guard !path.split(separator: "/").contains(".."), !path.hasPrefix("/") else {
                throw ModelError("modules.json names files outside of the directory")
            }
            let place = path.isEmpty ? directory : directory.appendingPathComponent(path)
            let type = module["type"]?.string ?? ""
            switch type.split(separator: ".").last ?? "" {
            case "Transformer": encoder = place
            case "Pooling":
                let settings = try ModelConfiguration.json(
                    place.appendingPathComponent("config.json"))
                steps.append(.pooling(try SentenceStep.Pooling.all(settings)))
            case "Dense": steps.append(try SentenceModules.dense(place))
            case "Normalize": steps.append(.normalization)
            // They change training only.
            case "Dropout": break
            default: throw ModelError("modules.json: '\(type)' is not known")
            }
        }
    }

    private static func dense(_ place: URL) throws -> SentenceStep {
        let settings = try ModelConfiguration(directory: place)
        let layer = Linear(
            try settings.size("in_features"), try settings.size("out_features"),
            bias: settings.flag("bias", default: true))
        let weights = try loadArrays(url: place.appendingPathComponent("model.safetensors"))
        var named: [String: MLXArray] = [:]
        for (key, value) in weights { named[key.replacing("linear.", with: "")] = value }
        try ModelDirectory.assign(named, to: layer)
        let activation =
            settings["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
        switch activation.split(separator: ".").last ?? "" {
        case "Tanh": return .dense { tanh(layer($0)) }
        case "Identity": return .dense { layer($0) }
        case "ReLU": return .dense { relu(layer($0)) }
        case "GELU": return .dense { gelu(layer($0)) }
        default: throw ModelError("the activation '\(activation)' of a dense module is not known")
        }
    }
}

/// One of these modules.
enum SentenceStep {
    case pooling([Pooling])
    case dense((MLXArray) -> MLXArray)
    case normalization

    /// How the states of all positions become one vector.
    enum Pooling: String, CaseIterable {
        case firstToken = "cls_token"
        case largest = "max_tokens"
        case mean = "mean_tokens"
        case meanOfRoot = "mean_sqrt_len_tokens"
        case weightedMean = "weightedmean_tokens"
        case lastToken = "lasttoken"

        /// Those that the settings ask for; their vectors are joined. Newer files name one in
        /// `pooling_mode`.
        static func all(_ settings: JSONValue) throws -> [Pooling] {
            if let name = settings["pooling_mode"]?.string {
                let short = [
                    "cls": firstToken, "max": largest, "mean": mean,
                    "mean_sqrt_len_tokens": meanOfRoot, "weightedmean": weightedMean,
                    "lasttoken": lastToken,
                ]
                guard let one = short[name] ?? Pooling(rawValue: name) else {
                    throw ModelError("the pooling '\(name)' is not known")
                }
                return [one]
            }
            let wanted = allCases.filter {
                settings["pooling_mode_\($0.rawValue)"]?.boolean == true
            }
            return wanted.isEmpty ? [.mean] : wanted
        }

        func callAsFunction(_ states: MLXArray, _ isText: MLXArray) -> MLXArray {
            let weights = isText.expandedDimensions(axis: -1).asType(states.dtype)
            switch self {
            case .firstToken: return states[0..., 0]
            case .largest:
                let column = isText.expandedDimensions(axis: -1)
                return which(column, states, MLXArray(-Float.infinity)).max(axis: 1)
            case .mean: return (states * weights).sum(axis: 1) / maximum(weights.sum(axis: 1), 1e-9)
            case .meanOfRoot:
                return (states * weights).sum(axis: 1) / sqrt(maximum(weights.sum(axis: 1), 1e-9))
            case .weightedMean:
                let ramp = arange(1, states.dim(1) + 1).asType(states.dtype)
                let own = weights * ramp.expandedDimensions(axis: 1)
                return (states * own).sum(axis: 1) / maximum(own.sum(axis: 1), 1e-9)
            case .lastToken:
                let last = maximum(isText.asType(.int32).sum(axis: 1) - 1, 0)
                return takeAlong(
                    states, last.reshaped(-1, 1, 1), axis: 1
                ).squeezed(axis: 1)
            }
        }
    }

    func callAsFunction(_ x: MLXArray, _ isText: MLXArray) -> MLXArray {
        switch self {
        case .pooling(let kinds):
            let parts = kinds.map { $0(x, isText) }
            return parts.count == 1 ? parts[0] : concatenated(parts, axis: -1)
        case .dense(let layer): return layer(x)
        case .normalization: return x / maximum(norm(x, axis: -1, keepDims: true), 1e-12)
        }
    }
}
