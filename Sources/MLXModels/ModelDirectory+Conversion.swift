import Foundation
import MLX
import MLXFormats
import MLXNN
import MLXQuantization

// A model directory as another one: in another dtype, quantized, in shards of another size. The
// layout is Hugging Face's with MLX's additions, so that MLX's own tools read it too.

extension ModelDirectory {
    /// Writes the model into another directory, with its configuration and its tokenizer.
    ///
    /// Weights are read, converted and written shard by shard. The directory changes as a whole, or
    /// not at all; it may be the one that is read.
    /// ```swift
    /// let format = try ModelQuantization.Format(groupSize: 64, bits: 4)
    /// try ModelDirectory(url).convert(to: other, quantization: ModelQuantization(format))
    /// ```
    /// - Parameters:
    ///   - quantization: of the layers whose inputs are whole groups; nil leaves weights as they
    ///     are.
    ///   - dequantize: decode weights that are quantized, before anything else.
    ///   - dtype: of all floating-point weights, and of what quantized ones are decoded in; nil
    ///     leaves each as it is.
    ///   - rounding: how codes are chosen.
    ///   - maximumShardBytes: of the arrays in one file.
    /// - Returns: what became of each layer that was rounded with data.
    /// - Throws: `ModelError` for a model of an unknown family that is to be quantized, or one that
    ///   is quantized already; what ``languageModel()``, `quantizeWeights` and `saveSharded` throw.
    @discardableResult public func convert(
        to directory: URL, quantization: ModelQuantization? = nil, dtype: DType? = nil,
        dequantize: Bool = false, rounding: ModelRounding = .nearest,
        maximumShardBytes: Int = 5 << 30
    ) throws -> [RoundedLayer] {
        try convert(
            to: directory, { _ in quantization }, dtype, dequantize, rounding, maximumShardBytes)
    }

    /// Writes the model into another directory, quantized by a recipe; else as
    /// ``convert(to:quantization:dtype:dequantize:rounding:maximumShardBytes:)``.
    @discardableResult public func convert(
        to directory: URL, recipe: QuantizationRecipe, dtype: DType? = nil,
        dequantize: Bool = false, rounding: ModelRounding = .nearest,
        maximumShardBytes: Int = 5 << 30
    ) throws -> [RoundedLayer] {
        try convert(
            to: directory, { recipe.quantization(of: try $0()) }, dtype, dequantize, rounding,
            maximumShardBytes)
    }

    private func convert(
        to directory: URL, _ choose: (() throws -> Module) throws -> ModelQuantization?,
        _ dtype: DType?, _ dequantize: Bool, _ rounding: ModelRounding, _ maximumShardBytes: Int
    ) throws -> [RoundedLayer] {
        var files = self
        files.dequantizes = dequantize
        files.decodingDType = dtype
        let staged = try StagedDirectory(path: directory.path)
        let quantization = try choose { try files.model() }
        var rows: [RoundedLayer] = []
        var weights =
            try quantization.map { try files.quantized($0, dtype, rounding, &rows) }
            ?? files.converted(dtype)
        try files.write(&weights, quantization, dtype, to: staged, maximumShardBytes)
        return rows
    }

    /// Writes weights, configuration and all other files.
    private func write(
        _ weights: inout [String: MLXArray], _ quantization: ModelQuantization?, _ dtype: DType?,
        to staged: StagedDirectory, _ maximumShardBytes: Int
    ) throws {
        let text = JSONWriter.bytes(of: try configuration(quantization, dtype))
        try Data(text + [0x0A]).write(to: URL(fileURLWithPath: staged.path(of: "config.json")))
        for (name, contents) in try gguf?.otherFiles() ?? [] {
            try Data(contents).write(to: URL(fileURLWithPath: staged.path(of: name)))
        }
        for name in gguf == nil ? try otherFiles() : [] {
            let contents = try FileSource(path: url.appendingPathComponent(name).path).contents()
            try Data(contents).write(to: URL(fileURLWithPath: staged.path(of: name)))
        }
        try writeShards(
            taking: &weights, to: staged, maximumShardBytes: maximumShardBytes,
            metadata: ["format": "mlx"])
        try commitShards(staged)
    }

    /// The weights under the names of the files.
    private func converted(_ dtype: DType?) throws -> [String: MLXArray] {
        let weights = try storedWeights()
        guard let dtype else { return weights }
        return weights.mapValues { ModelDirectory.cast($0, dtype) }
    }

    /// The model, for what has to be known of its layers.
    private func model() throws -> Module {
        configuration.modelType == "bert" ? try encoder() : try languageModel()
    }

    /// The weights under the names of the models here.
    private func quantized(
        _ quantization: ModelQuantization, _ dtype: DType?, _ rounding: ModelRounding,
        _ rows: inout [RoundedLayer]
    ) throws -> [String: MLXArray] {
        guard try dequantizes || ModelQuantization(configuration) == nil else {
            throw ModelError("the model is quantized already; it can be dequantized first")
        }
        let model = try model()
        if let dtype {
            let parameters = Dictionary(model.parameters().flattened()) { first, _ in first }
            try model.setWeights(parameters.mapValues { ModelDirectory.cast($0, dtype) })
        }
        rows = try rounding.apply(model, quantization)
        quantization.quantize(model)
        guard model.leafModules().flattened().contains(where: { $0.1 is any Quantized }) else {
            throw ModelError(
                "no layer's inputs are whole groups of \(quantization.format.groupSize)")
        }
        var weights = Dictionary(model.parameters().flattened()) { first, _ in first }
        if configuration.modelType == "gpt2" {
            // What stays in floating point keeps the files' own layout.
            for (key, array) in weights
            where ModelDirectory.isTurned(key) && array.dtype.isFloatingPoint {
                weights[key] = array.T
            }
        }
        return weights
    }

    private static func cast(_ array: MLXArray, _ dtype: DType) -> MLXArray {
        array.dtype.isFloatingPoint && array.dtype != .complex64 ? array.asType(dtype) : array
    }

    private func configuration(
        _ quantization: ModelQuantization?, _ dtype: DType?
    ) throws -> JSONValue {
        var members = configuration.members
        func set(_ key: String, _ value: JSONValue) {
            members.removeAll { $0.key == key }
            members.append(.init(key, value))
        }
        // What AutoGPTQ and AutoAWQ pack is written in MLX's form, or decoded.
        let isPacked = try PackedCheckpoint(self.configuration) != nil
        let kept =
            isPacked && !dequantizes ? try ModelQuantization(self.configuration) : nil
        if dequantizes || isPacked {
            members.removeAll { ["quantization", "quantization_config"].contains($0.key) }
        }
        if let quantization = quantization ?? kept {
            // MLX's tools read the first, Hugging Face's the second.
            set("quantization", quantization.json)
            set("quantization_config", quantization.json)
        }
        if let dtype {
            for key in ["dtype", "torch_dtype"] where members.contains(where: { $0.key == key }) {
                set(key, .string("\(dtype)"))
            }
        }
        return .object(members)
    }

    /// Everything but the weights: names relative to the directory.
    private func otherFiles() throws -> [String] {
        let weights: Set = [
            "safetensors", "bin", "pt", "pth", "gguf", "npz", "h5", "msgpack", "onnx", "ot",
        ]
        let files = FileManager.default
        var names: [String] = []
        for name in try files.contentsOfDirectory(atPath: url.path).sorted()
        where !name.hasPrefix(".") && name != "config.json" {
            var isFolder: ObjCBool = false
            let place = url.appendingPathComponent(name)
            guard files.fileExists(atPath: place.path, isDirectory: &isFolder) else { continue }
            if isFolder.boolValue {
                // The parts of a sentence-transformers model have folders of their own, some with
                // small weights, which stay as they are.
                for part in ["config.json", "model.safetensors"] {
                    let inner = place.appendingPathComponent(part)
                    if files.fileExists(atPath: inner.path) { names.append("\(name)/\(part)") }
                }
            } else if !weights.contains(place.pathExtension),
                !name.hasSuffix(SafetensorsIndex.suffix), !name.hasSuffix(".bin.index.json")
            {
                names.append(name)
            }
        }
        return names
    }
}
