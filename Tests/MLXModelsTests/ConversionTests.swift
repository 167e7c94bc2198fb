import Foundation
import MLX
import MLXModels
import Testing

/// Model directories written in another form, and read again.
@Suite("Model conversion") struct ConversionTests {
    private func fixture(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)")
    }

    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("convert-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    private func scores(_ directory: URL) throws -> MLXArray {
        let tokens = MLXArray([3, 17, 44, 200, 5] as [Int32], [1, 5])
        let files = try ModelDirectory(directory)
        if directory.path.contains("bert") { return try files.encoder()(tokens) }
        let model = try files.languageModel()
        return model(tokens, cache: nil).asType(.float32)
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return (abs(a - b).max() / abs(b).max()).item(Float.self)
    }

    @Test("every family quantizes and loads again", arguments: ["llama", "gpt2", "qwen2", "bert"])
    func quantizing(name: String) throws {
        try withFolder { folder in
            let target = folder.appendingPathComponent(name)
            let format = try ModelQuantization.Format(groupSize: 32, bits: 8)
            try ModelDirectory(try fixture(name)).convert(
                to: target, quantization: ModelQuantization(format), maximumShardBytes: 20_000)
            #expect(try names(target).contains { $0.hasPrefix("model-00002-of-0000") })
            // NUMERICS: 8 bits over the range of a group are half a percent of a weight, and
            // errors of single weights average out.
            #expect(try difference(scores(target), scores(try fixture(name))) < 0.05)
            // Quantizing twice is refused, and so is a format that fits nothing.
            #expect(throws: ModelError.self) {
                try ModelDirectory(target).convert(
                    to: folder.appendingPathComponent("again"),
                    quantization: ModelQuantization(format))
            }
            #expect(throws: ModelError.self) {
                let wide = try ModelQuantization.Format(groupSize: 128, bits: 4)
                try ModelDirectory(try fixture("llama")).convert(
                    to: folder.appendingPathComponent("again"),
                    quantization: ModelQuantization(wide))
            }
            #expect(try names(folder) == [name])
        }
    }

    @Test("modes with products of int8 give nearly the scores", arguments: ["llama", "qwen2"])
    func integers(name: String) throws {
        try withFolder { folder in
            for (mode, groupSize) in [(QuantizationMode.int8, nil), (.affineInt8, 32)] {
                let target = folder.appendingPathComponent(mode.rawValue)
                let format = try ModelQuantization.Format(
                    groupSize: groupSize, bits: 8, mode: mode)
                try ModelDirectory(try fixture(name)).convert(
                    to: target, quantization: ModelQuantization(format))
                #expect(try difference(scores(target), scores(try fixture(name))) < 0.05)
            }
            #expect(throws: ArrayError.self) {
                try ModelQuantization.Format(groupSize: 32, bits: 6, mode: .affineInt8)
            }
        }
    }

    @Test("files of all kinds go along, weights of the former model do not stay")
    func files() throws {
        try withFolder { folder in
            let source = folder.appendingPathComponent("source")
            try FileManager.default.copyItem(at: try fixture("llama"), to: source)
            let pooling = source.appendingPathComponent("1_Pooling")
            try FileManager.default.createDirectory(at: pooling, withIntermediateDirectories: true)
            try Data("{}".utf8).write(to: pooling.appendingPathComponent("config.json"))
            for name in ["tokenizer.json", "README.md", "pytorch_model.bin"] {
                try Data(name.utf8).write(to: source.appendingPathComponent(name))
            }
            let before = try scores(source)
            let target = folder.appendingPathComponent("target")
            try ModelDirectory(source).convert(to: target, dtype: .float16)
            let kept = [
                "1_Pooling", "README.md", "config.json", "generation_config.json",
                "model.safetensors", "model.safetensors.index.json", "tokenizer.json",
            ]
            #expect(try names(target) == kept)
            #expect(try names(target.appendingPathComponent("1_Pooling")) == ["config.json"])
            let text = try String(
                contentsOf: target.appendingPathComponent("config.json"), encoding: .utf8)
            #expect(text.contains("\"dtype\":\"float16\""))
            #expect(try difference(scores(target), before) < 0.01)
            // Onto itself: the arrays are still read from the files that were there.
            try ModelDirectory(source).convert(to: source, maximumShardBytes: 90_000)
            #expect(try difference(scores(source), before) == 0)
            #expect(
                try names(source).filter { $0.hasSuffix(".safetensors") } == [
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                ])
            #expect(try names(source).contains("pytorch_model.bin"))
        }
    }

    @Test("a conversion that fails changes nothing") func failing() throws {
        try withFolder { folder in
            let source = folder.appendingPathComponent("source")
            try FileManager.default.copyItem(at: try fixture("qwen2"), to: source)
            let file = source.appendingPathComponent("model.safetensors")
            let target = folder.appendingPathComponent("target")
            try ModelDirectory(source).convert(to: target)
            let before = try names(target)
            let old = try Data(contentsOf: target.appendingPathComponent("model.safetensors"))
            // Opened, then cut short: the header is fine, the data is not there.
            var bytes = try Data(contentsOf: file)
            bytes.removeLast(100)
            try bytes.write(to: file)
            #expect(throws: (any Error).self) { try ModelDirectory(source).convert(to: target) }
            #expect(throws: (any Error).self) {
                try ModelDirectory(source).convert(to: folder.appendingPathComponent("new"))
            }
            #expect(try names(target) == before)
            #expect(
                try Data(contentsOf: target.appendingPathComponent("model.safetensors")) == old)
            #expect(try names(folder) == ["source", "target"])
        }
    }
}
