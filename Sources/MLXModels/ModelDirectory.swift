import Foundation
import MLX
import MLXData
import MLXFormats
import MLXNN

/// A model directory as Hugging Face lays it out: `config.json`, weights in one or several
/// safetensors files, `tokenizer.json`, `generation_config.json`. Weights are those of the family's
/// own tools or of MLX's, in any floating dtype or quantized (see ``ModelQuantization``), also as
/// AutoGPTQ and AutoAWQ write them, which become MLX's affine form or are decoded. A GGUF
/// file of a Llama, Qwen 2 or Qwen 3 model stands for such a directory.
public struct ModelDirectory: Sendable {
    /// Where it is.
    public let url: URL
    let configuration: ModelConfiguration
    /// The file, where the model is one.
    let gguf: GGUFModel?
    /// Quantized weights are decoded when they are loaded.
    var dequantizes = false
    /// What quantized weights are decoded in; nil for the dtype of their scales.
    var decodingDType: DType?

    /// Reads the configuration of a directory, or the header of a GGUF file.
    /// - Throws: `ModelError` when there is none.
    public init(_ url: URL) throws {
        self.url = url
        gguf = ModelDirectory.isGGUF(url) ? try GGUFModel(url) : nil
        configuration =
            try gguf.map { ModelConfiguration(try $0.configuration()) }
            ?? ModelConfiguration(directory: url)
    }

    /// Whether a path is that of a GGUF file.
    package static func isGGUF(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return url.pathExtension == "gguf"
            && FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            && !isFolder.boolValue
    }

    /// The tokenizer of the model.
    public func tokenizer() throws -> Tokenizer {
        try gguf.map { try Tokenizer(ggufMetadata: $0.file.metadata) } ?? Tokenizer(directory: url)
    }

    /// How the model wants conversations written down.
    public func chatTemplate() throws -> ChatTemplate {
        try gguf.map { try $0.chatTemplate() } ?? ChatTemplate(directory: url)
    }

    /// The decoder that the configuration names, with its weights.
    ///
    /// Weights are read from the files when they are first used; `try checkedEval(model)` reads all
    /// of them.
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
        try load(weights(of: configuration.modelType), into: model)
        return model
    }

    /// The BERT encoder of the directory, with its weights.
    /// - Throws: as ``languageModel()``.
    public func encoder() throws -> BERTModel {
        guard configuration.modelType == "bert" else {
            throw ModelError("'\(configuration.modelType)' is no encoder that is known: bert")
        }
        let weights = try weights(of: "bert")
        let model = try BERTModel(
            configuration, hasPooler: weights["pooler.dense.weight"] != nil)
        try load(weights, into: model)
        return model
    }

    // MARK: - Weights

    /// All arrays under the names that the files have, or that they would have in a directory.
    func storedWeights() throws -> [String: MLXArray] {
        var weights = try gguf.map { try $0.weights() } ?? loadSharded(directory: url)
        if let packed = try PackedCheckpoint(configuration) {
            weights = try packed.unpacked(weights)
        }
        guard dequantizes, let quantization = try ModelQuantization(configuration) else {
            return weights
        }
        return quantization.decoded(weights, dtype: decodingDType)
    }

    /// All arrays under the names that the models here have. None is read yet.
    private func weights(of type: String) throws -> [String: MLXArray] {
        var weights = try storedWeights()
        switch type {
        case "gpt2": weights = ModelDirectory.gpt2(weights)
        case "bert": weights = ModelDirectory.bert(weights)
        default: break
        }
        // GPT-2's configurations do not say that they tie.
        if configuration.flag("tie_word_embeddings", default: type == "gpt2") {
            for part in ["weight", "scales", "biases"] { weights["lm_head.\(part)"] = nil }
        }
        return weights
    }

    /// Puts weights into a model, all or none; layers whose weights are quantized become quantized
    /// layers first.
    private func load(_ weights: [String: MLXArray], into model: some Module) throws {
        try ModelQuantization.prepare(model, for: weights, ModelQuantization(configuration))
        try ModelDirectory.assign(weights, to: model)
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

    private static func summary(of error: WeightsError) -> String {
        func list(_ name: String, _ keys: [String]) -> String? {
            keys.isEmpty ? nil : "\(name) \(WeightsError.listing(keys))"
        }
        let shapes = error.mismatched.map { "\($0.key) \($0.found), not \($0.expected)" }
        return [
            list("missing", error.missing), list("not known", error.unexpected),
            list("misshaped", shapes),
        ].compactMap { $0 }.joined(separator: "; ")
    }

    /// GPT-2's weights are (in, out), and masks are stored with them.
    private static func gpt2(_ weights: [String: MLXArray]) -> [String: MLXArray] {
        var result: [String: MLXArray] = [:]
        for (name, array) in weights {
            let key = name.hasPrefix("transformer.") ? String(name.dropFirst(12)) : name
            if key.hasSuffix(".attn.bias") || key.hasSuffix(".attn.masked_bias") { continue }
            // Codes are always of (out, in).
            let isQuantized = weights[name.dropLast(6) + "scales"] != nil
            result[key] = isTurned(key) && !isQuantized ? array.T : array
        }
        return result
    }

    /// Whether Hugging Face has the transpose of GPT-2's weight.
    static func isTurned(_ key: String) -> Bool {
        ["c_attn.weight", "c_proj.weight", "c_fc.weight"].contains { key.hasSuffix($0) }
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
