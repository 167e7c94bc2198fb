import Foundation
import MLX
import MLXModels
import MLXNN
import Testing

/// Checkpoints that MLX quantized, against PyTorch with the dequantized weights (made by
/// Scripts/quantized-fixtures), half precision, and what happens when configuration and weights
/// disagree. NUMERICS: the products see the same weights, so scores agree within 1e-4.
@Suite("Quantized models") struct QuantizedModelTests {
    private func folder(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)")
    }

    private func input() throws -> MLXArray {
        let data = try Data(contentsOf: try folder("expected.json"))
        let lists = try JSONDecoder().decode([String: [Int]].self, from: data)
        let ids = try #require(lists["ids"])
        return MLXArray(ids.map(Int32.init), [1, ids.count])
    }

    private func scores(_ directory: URL) throws -> MLXArray {
        let model = try ModelDirectory(directory).languageModel()
        return model(try input(), cache: nil)[0].asType(.float32)
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return abs(a - b).max().item(Float.self)
    }

    /// A copy of a fixture, changed.
    private func withCopy<R>(_ name: String, _ body: (URL) throws -> R) throws -> R {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("model-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(at: try folder(name), to: place)
        return try body(place)
    }

    @Test(
        "checkpoints of MLX agree with PyTorch",
        arguments: ["quantized-affine", "quantized-mxfp4", "quantized-nvfp4"])
    func checkpoints(name: String) throws {
        let expected = try #require(
            try loadArrays(url: try folder("quantized.safetensors"))[name])
        #expect(try difference(scores(try folder(name)), expected) <= 1e-4)
        let model = try ModelDirectory(try folder(name)).languageModel()
        let kinds = model.leafModules().flattened().map { "\(type(of: $0.1))" }
        #expect(kinds.contains("QuantizedLinear"))
        // 48 inputs are a whole number of groups of 16, and not of 32.
        #expect(kinds.contains("Linear") == (name != "quantized-nvfp4"))
    }

    @Test("half precision loads as it is stored", arguments: [DType.bfloat16, .float16])
    func halves(dtype: DType) throws {
        for name in ["llama", "gpt2", "qwen2"] {
            try withCopy(name) { place in
                let weights = try loadSharded(directory: place).mapValues { $0.asType(dtype) }
                try saveSharded(
                    arrays: weights, directory: place, maximumShardBytes: 20_000,
                    metadata: ["format": "pt"])
                let model = try ModelDirectory(place).languageModel()
                #expect(model.parameters().flattened().allSatisfy { $0.1.dtype == dtype })
                let expected = try #require(
                    try loadArrays(url: try folder("expected.safetensors"))[name])
                let scale = abs(expected).max().item(Float.self)
                // NUMERICS: some twenty roundings of 8 (bfloat16) or 11 bits on the way.
                let bound = dtype == .bfloat16 ? 0.06 * scale : 0.008 * scale
                #expect(try difference(scores(place), expected) <= bound, "\(name)")
            }
        }
    }

    /// Replaces a text of config.json.
    private func edit(_ place: URL, _ old: String, _ new: String) throws {
        let file = place.appendingPathComponent("config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains(old), "\(old)")
        try text.replacingOccurrences(of: old, with: new).write(
            to: file, atomically: true, encoding: .utf8)
    }

    private func failure(_ place: URL) -> String {
        do {
            _ = try ModelDirectory(place).languageModel()
            return "nothing was wrong"
        } catch let error as ModelError {
            return error.message
        } catch {
            return "untyped: \(error)"
        }
    }

    @Test("D.2 row 22: settings that do not fit the weights are errors that say which layer")
    func misfits() throws {
        let cases: [(old: String, new: String, message: String)] = [
            ("\"group_size\": 32", "\"group_size\": 64", "cannot be divided into groups of 64"),
            ("\"group_size\": 32", "\"group_size\": -32", "groups of 32, 64 or 128"),
            ("\"group_size\": 32", "\"group_size\": 0", "groups of 32, 64 or 128"),
            ("\"group_size\": 32", "\"group_size\": \"32\"", "'group_size' must be an integer"),
            ("\"group_size\": 32", "\"group_size\": 32.5", "'group_size' must be an integer"),
            ("\"bits\": 4", "\"bits\": 8", "misshaped"),
            ("\"bits\": 4", "\"bits\": 7", "2, 3, 4, 5, 6 or 8 bits"),
            ("\"bits\": 4", "\"bits\": 99999999999999999999", "'bits' must be an integer"),
            ("\"mode\": \"affine\"", "\"mode\": \"mxfp4\"", "mxfp4 has groups of 32 and 4 bits"),
            ("\"mode\": \"affine\"", "\"mode\": \"gptq\"", "the mode is not known"),
            ("\"mode\": \"affine\"", "\"mode\": 4", "the mode is not known"),
            ("\"bits\": 3", "\"bits\": 5", "model.layers.1.mlp.gate_proj.weight"),
            (
                "\"model.layers.1.mlp.gate_proj\": {", "\"model.layers.0.mlp.up_proj\": {",
                "model.layers.0.mlp.up_proj.weight"
            ),
            (
                "\"model.layers.0.self_attn.q_proj\"", "\"model.layers.0.self_attn.k_proj\"",
                "model.layers.0.self_attn.k_proj has scales"
            ),
            ("\"quantization", "\"none", "config.json does not say how"),
        ]
        for (old, new, message) in cases {
            try withCopy("quantized-affine") { place in
                try edit(place, old, new)
                let found = failure(place)
                #expect(found.contains(message), "\(old) -> \(new): \(found)")
            }
        }
        try withCopy("quantized-mxfp4") { place in
            try edit(place, "\"mode\": \"mxfp4\"", "\"mode\": \"affine\"")
            #expect(failure(place).contains("has no biases"))
        }
    }

    @Test("D.2 row 22: scales, biases and codes that disagree are errors that say which")
    func wrongArrays() throws {
        let layer = "model.layers.0.mlp.up_proj"
        let changes: [(String, MLXArray?, String)] = [
            ("biases", nil, "\(layer) has no biases"),
            ("weight", nil, "\(layer) has scales and no weight"),
            ("weight", MLXArray.zeros([48, 4], dtype: .int32), "\(layer) is int32"),
            ("weight", MLXArray.zeros([48, 32]), "\(layer) is float32"),
            ("weight", MLXArray.zeros([48, 3], dtype: .uint32), "misshaped \(layer).weight"),
            ("scales", MLXArray.zeros([48, 2]), "misshaped \(layer).scales"),
            ("scales", MLXArray.zeros([48, 1], dtype: .uint8), "\(layer) has scales in uint8"),
            ("biases", MLXArray.zeros([1, 48]), "misshaped \(layer).biases"),
            ("scales", nil, "not known \(layer).biases"),
        ]
        for (part, array, message) in changes {
            try withCopy("quantized-affine") { place in
                let file = place.appendingPathComponent("model.safetensors")
                var weights = try loadArrays(url: file)
                weights["\(layer).\(part)"] = array
                try save(arrays: weights, url: file)
                let found = failure(place)
                #expect(found.contains(message), "\(part): \(found)")
            }
        }
    }
}
