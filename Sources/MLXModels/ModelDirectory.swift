import Foundation
import MLX
import MLXData
import MLXFormats
import MLXNN

/// A model directory as Hugging Face lays it out: `config.json`, weights in one or several
/// safetensors files, `tokenizer.json`, `generation_config.json`.
public struct ModelDirectory: Sendable {
    /// Where it is.
    public let url: URL
    let configuration: ModelConfiguration

    /// Reads the configuration of a directory.
    /// - Throws: `ModelError` when there is none.
    public init(_ url: URL) throws {
        self.url = url
        configuration = try ModelConfiguration(directory: url)
    }

    /// The tokenizer of the model.
    public func tokenizer() throws -> Tokenizer { try Tokenizer(directory: url) }

    /// The decoder that the configuration names, with its weights.
    /// - Throws: `ModelError` for a family that is not known, and for weights that are missing, too
    ///   many, or of another shape: all of them by name, and nothing is half-loaded.
    public func languageModel() throws -> any LanguageModel {
        let model: any LanguageModel
        switch configuration.modelType {
        case "llama", "mistral", "qwen2", "qwen3": model = try LlamaModel(configuration)
        case "gpt2": model = try GPT2Model(configuration)
        case let type:
            throw ModelError(
                "models of type '\(type)' are not known: llama, mistral, qwen2, qwen3, gpt2, bert")
        }
        var weights = try loadWeights()
        if configuration.modelType == "gpt2" {
            weights = ModelDirectory.gpt2(
                weights, isTied: configuration.flag("tie_word_embeddings", default: true))
        } else if configuration.flag("tie_word_embeddings", default: false) {
            weights["lm_head.weight"] = nil
        }
        try ModelDirectory.assign(weights, to: model)
        return model
    }

    /// The BERT encoder of the directory, with its weights.
    /// - Throws: as ``languageModel()``.
    public func encoder() throws -> BERTModel {
        guard configuration.modelType == "bert" else {
            throw ModelError("'\(configuration.modelType)' is no encoder that is known: bert")
        }
        let weights = ModelDirectory.bert(try loadWeights())
        let model = try BERTModel(
            configuration, hasPooler: weights["pooler.dense.weight"] != nil)
        try ModelDirectory.assign(weights, to: model)
        return model
    }

    // MARK: - Weights

    /// All tensors, by name, from one file or from the shards that the index names.
    private func loadWeights() throws -> [String: MLXArray] {
        let index = url.appendingPathComponent("model.safetensors.index.json")
        guard FileManager.default.fileExists(atPath: index.path) else {
            return try loadArrays(url: url.appendingPathComponent("model.safetensors"))
        }
        let tree = try ModelConfiguration.json(index)
        guard let map = tree["weight_map"]?.members else {
            throw ModelError("\(index.path) has no weight_map")
        }
        let files = Set(map.compactMap(\.value.string))
        guard files.allSatisfy({ !$0.contains("/") && !$0.hasPrefix(".") }) else {
            throw ModelError("\(index.path) names files outside of the directory")
        }
        var result: [String: MLXArray] = [:]
        for file in files.sorted() {
            result.merge(try loadArrays(url: url.appendingPathComponent(file))) { $1 }
        }
        let missing = map.map(\.key).filter { result[$0] == nil }
        guard missing.isEmpty else {
            throw ModelError("the shards lack \(missing.prefix(8).joined(separator: ", "))")
        }
        return result
    }

    /// Puts weights into a model, all or none.
    static func assign(_ weights: [String: MLXArray], to model: some Module) throws {
        do {
            try model.setWeights(weights)
        } catch let error as WeightsError {
            throw ModelError("the weights do not fit: \(summary(of: error))")
        }
        model.train(false)
    }

    /// A few keys of each fault: a model of another size lists hundreds.
    private static func summary(of error: WeightsError) -> String {
        func list(_ name: String, _ keys: [String]) -> String? {
            if keys.isEmpty { return nil }
            let more = keys.count > 8 ? " and \(keys.count - 8) more" : ""
            return "\(name) \(keys.prefix(8).joined(separator: ", "))\(more)"
        }
        let shapes = error.mismatched.map { "\($0.key) \($0.found), not \($0.expected)" }
        return [
            list("missing", error.missing), list("not known", error.unexpected),
            list("misshaped", shapes),
        ].compactMap { $0 }.joined(separator: "; ")
    }

    /// GPT-2's weights are (in, out), and masks are stored with them.
    private static func gpt2(_ weights: [String: MLXArray], isTied: Bool) -> [String: MLXArray] {
        var result: [String: MLXArray] = [:]
        for (name, array) in weights {
            let key = name.hasPrefix("transformer.") ? String(name.dropFirst(12)) : name
            if key.hasSuffix(".attn.bias") || key.hasSuffix(".attn.masked_bias") { continue }
            if key == "lm_head.weight" && isTied { continue }
            let isTurned = ["c_attn.weight", "c_proj.weight", "c_fc.weight"].contains {
                key.hasSuffix($0)
            }
            result[key] = isTurned ? array.T : array
        }
        return result
    }

    /// Files of models with heads have the encoder under its name, and position numbers.
    private static func bert(_ weights: [String: MLXArray]) -> [String: MLXArray] {
        let isNested = weights.keys.contains { $0.hasPrefix("bert.") }
        var result: [String: MLXArray] = [:]
        for (name, array) in weights {
            if isNested && !name.hasPrefix("bert.") { continue }
            var key = isNested ? String(name.dropFirst(5)) : name
            if key.hasSuffix("position_ids") { continue }
            key = key.replacing("LayerNorm.gamma", with: "LayerNorm.weight")
                .replacing("LayerNorm.beta", with: "LayerNorm.bias")
            result[key] = array
        }
        return result
    }
}
