import Foundation
import MLX
import MLXModels
import Testing

/// Checkpoints of AutoGPTQ and AutoAWQ against transformers on the weights that they stand for:
/// tiny ones, made by Fixtures/packed/make_packed_models.py. NUMERICS: scales are halves, and so
/// are products with them here, so scores are within 2e-2.
@Suite("Packed checkpoints") struct PackedCheckpointTests {
    private func place(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/packed/\(name)")
    }

    private func scores(_ directory: ModelDirectory) throws -> MLXArray {
        let model = try directory.languageModel()
        let tokens = MLXArray([3, 17, 44, 60, 5] as [Int32], [1, 5])
        return model(tokens, cache: nil)[0].asType(.float32)
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return (abs(a - b).max() / abs(b).max()).item(Float.self)
    }

    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("packed-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    @Test("scores and conversions", arguments: ["gptq", "gptq-order", "awq"])
    func reading(name: String) throws {
        let expected = try #require(
            try loadArrays(url: try place("expected.safetensors"))[name])
        let directory = try ModelDirectory(try place(name))
        #expect(try difference(scores(directory), expected) < 2e-2)
        try withFolder { folder in
            // MLX's own form; inputs in another order have none, and are decoded.
            let own = folder.appendingPathComponent("own")
            try directory.convert(to: own)
            let names = try loadSharded(directory: own).keys
            #expect(names.contains { $0.hasSuffix(".scales") } == (name != "gptq-order"))
            #expect(!names.contains { $0.hasSuffix("qweight") || $0.hasSuffix("g_idx") })
            #expect(try difference(scores(ModelDirectory(own)), scores(directory)) == 0)
            let plain = folder.appendingPathComponent("plain")
            try directory.convert(to: plain, dtype: .float32, dequantize: true)
            #expect(try loadSharded(directory: plain).values.allSatisfy { $0.dtype == .float32 })
            #expect(try difference(scores(ModelDirectory(plain)), expected) < 2e-2)
        }
    }

    @Test("what does not fit is refused with the layer's name") func refused() throws {
        let path = "model.layers.0.self_attn.q_proj"
        try withFolder { folder in
            let source = try place("gptq")
            let configuration = try String(
                contentsOf: source.appendingPathComponent("config.json"), encoding: .utf8)
            let weights = try loadSharded(directory: source)
            func message(
                _ text: String, _ changes: [String: MLXArray], without missing: String = ""
            ) throws -> String {
                var left = weights.merging(changes) { $1 }
                left[missing] = nil
                try Data(text.utf8).write(to: folder.appendingPathComponent("config.json"))
                try save(
                    arrays: left, url: folder.appendingPathComponent("model.safetensors"))
                let error = #expect(throws: ModelError.self) {
                    try ModelDirectory(folder).languageModel()
                }
                return error?.message ?? ""
            }
            #expect(try message(configuration, [:], without: "\(path).scales").contains(path))
            let short = MLXArray.zeros([1, 64], dtype: .float16)
            #expect(try message(configuration, ["\(path).scales": short]).contains(path))
            let order = MLXArray.zeros([3], dtype: .int32)
            #expect(try message(configuration, ["\(path).g_idx": order]).contains("g_idx"))
            let bits = configuration.replacing("\"bits\": 4", with: "\"bits\": 3")
            #expect(try message(bits, [:]).contains("3 bits"))
        }
    }
}
