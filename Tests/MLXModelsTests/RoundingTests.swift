import Foundation
import MLX
import MLXNN
import MLXQuantization
import Testing

@testable import MLXModels

/// Model directories that are quantized with data and by recipes, and caches in few bits.
@Suite("Rounded models") struct RoundingTests {
    private func fixture(_ name: String) throws -> ModelDirectory {
        try ModelDirectory(
            try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)"))
    }

    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("rounded-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    /// Token ids that every fixture has.
    private let tokens = (0..<96).map { ($0 * 37 + $0 * $0 / 5) % 90 }
    private var text: MLXArray { MLXArray(tokens.reversed().prefix(24).map(Int32.init), [1, 24]) }

    private func result(_ files: ModelDirectory, bert: Bool = false) throws -> MLXArray {
        if bert { return try files.encoder()(text) }
        let model = try files.languageModel()
        return model(text, cache: nil).asType(.float32)
    }

    private func loss(_ a: MLXArray, _ b: MLXArray) -> Float {
        sqrt(square(a - b).sum() / square(b).sum()).item(Float.self)
    }

    @Test(
        "GPTQ and AWQ are better than nearest codes in every family",
        arguments: ["llama", "gpt2", "qwen2", "mistral", "qwen3", "bert"])
    func methods(name: String) throws {
        let files = try fixture(name)
        let expected = try result(files, bert: name == "bert")
        let format = ModelQuantization(try .init(groupSize: 32, bits: 3))
        func loss(_ rounding: ModelRounding) throws -> Float {
            try withFolder { folder in
                let rows = try files.convert(to: folder, quantization: format, rounding: rounding)
                #expect(rows.allSatisfy { $0.error <= $0.errorOfNearest })
                return self.loss(
                    try result(ModelDirectory(folder), bert: name == "bert"), expected)
            }
        }
        let nearest = try loss(.nearest)
        #expect(try loss(ModelRounding(.gptq(), tokens: tokens, window: 32)) < nearest)
        let scaled = WeightRounding.awq(AWQOptions(gptq: GPTQOptions()))
        #expect(try loss(ModelRounding(scaled, tokens: tokens, window: 32)) < nearest)
        #expect(try loss(ModelRounding(.leastSquares)) < 1.1 * nearest)
    }

    @Test("recipes name the layers that lose most") func recipes() throws {
        let model = try fixture("llama").languageModel()
        let recipe = try QuantizationRecipe(named: "mixed_2_6", groupSize: 32)
        let mixed = recipe.quantization(of: model)
        let six = try ModelQuantization.Format(groupSize: 32, bits: 6)
        #expect(mixed.format.bits == 2)
        #expect(mixed.layers.values.allSatisfy { $0 == six })
        let paths = mixed.layers.keys.sorted()
        #expect(
            paths.allSatisfy { path in
                ["v_proj", "down_proj", "lm_head", "embed_tokens"].contains { path.hasSuffix($0) }
            })
        // The last block is among the last eighth of any number.
        #expect(paths.contains { $0.hasSuffix("v_proj") })
        #expect(throws: ModelError.self) { try QuantizationRecipe(named: "mixed_5_6") }
        #expect(throws: ArrayError.self) {
            try QuantizationRecipe(named: "mixed_2_6", groupSize: 48)
        }
    }

    @Test("formats by layer are written and read again") func layers() throws {
        let four = try ModelQuantization.Format(groupSize: 32, bits: 4)
        let eight = try ModelQuantization.Format(groupSize: 32, bits: 8)
        let recipe = QuantizationRecipe(
            four, rules: [("*.o_proj", nil), ("*mlp*", eight), ("*.up_?roj", nil)])
        try withFolder { folder in
            try fixture("llama").convert(to: folder, recipe: recipe)
            let files = try ModelDirectory(folder)
            let model = try files.languageModel()
            for (path, layer) in model.leafModules().flattened() {
                guard let linear = layer as? Linear else { continue }
                let bits = (linear as? QuantizedLinear)?.bits
                let isWhole = try #require(layer as? Linear).shape.1 % 32 == 0
                let isFloat =
                    path.hasSuffix("o_proj") || path.hasSuffix("up_proj") || !isWhole
                #expect(bits == (isFloat ? nil : path.contains("mlp") ? 8 : 4), "\(path)")
            }
            let read = try #require(try ModelQuantization(files.configuration))
            let written = recipe.quantization(of: try fixture("llama").languageModel())
            #expect(read == written)
            #expect(
                loss(try result(files), try result(fixture("llama"))) < 0.2)
        }
    }

    @Test(
        "patterns fit whole paths",
        arguments: [
            ("a.b", "a.b", true), ("a.b", "a", false), ("a.b", "*", true), ("a.b", "a.?", true),
            ("a.b.c", "*.c", true), ("a.b.c", "a*c", true), ("a.b.c", "*b", false),
            ("aab", "*ab", true), ("", "*", true), ("", "?", false), ("abc", "a**c", true),
        ])
    func patterns(text: String, pattern: String, fits: Bool) {
        #expect(matches(text[...], pattern[...]) == fits)
    }

    @Test("roundings that make no sense are refused") func errors() throws {
        #expect(throws: ModelError.self) { try ModelRounding(.gptq()) }
        #expect(throws: ModelError.self) { try ModelRounding(.gptq(), tokens: [1], window: 0) }
        let kept = WeightRounding.awq(AWQOptions(keepsInputScales: true))
        #expect(throws: ModelError.self) { try ModelRounding(kept, tokens: [1]) }
        try withFolder { folder in
            let rounding = try ModelRounding(.gptq(), tokens: [1, 2, 3])
            #expect(throws: ModelError.self) {
                try fixture("llama").convert(
                    to: folder, quantization: ModelQuantization(try .init(mode: .mxfp4)),
                    rounding: rounding)
            }
            #expect(throws: ModelError.self) {
                try fixture("llama").convert(
                    to: folder, quantization: ModelQuantization(try .init(groupSize: 32)),
                    rounding: try ModelRounding(.gptq(), tokens: [1, 1_000_000]))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    /// A fresh model of a fixture's family, with heads as wide as groups.
    private func wideModel(_ name: String) throws -> any LanguageModel {
        try withFolder { folder in
            let place = try fixture(name).url.appendingPathComponent("config.json")
            let text = try String(contentsOf: place, encoding: .utf8)
                .replacing(/"head_dim": *8/, with: "\"head_dim\": 32")
                .replacing(/"n_embd": *32/, with: "\"n_embd\": 128")
            try Data(text.utf8).write(to: folder.appendingPathComponent("config.json"))
            let configuration = try ModelConfiguration(directory: folder)
            return name == "gpt2"
                ? try GPT2Model(configuration) : try LlamaModel(configuration)
        }
    }

    @Test("caches in few bits are close to floats", arguments: ["llama", "gpt2", "mistral"])
    func caches(name: String) throws {
        let model = try wideModel(name)
        func scores(_ bits: Int?, _ groupSize: Int = 32) throws -> MLXArray {
            let cache = (0..<model.layerCount).map { _ in
                KeyValueCache(bits: bits, groupSize: groupSize)
            }
            // A part at once, then one by one, beyond the window of Mistral.
            var rows = [model(tokenArray(tokens[..<10]), cache: cache)]
            for token in tokens[10..<40] { rows.append(model(tokenArray([token]), cache: cache)) }
            let all = concatenated(rows, axis: 1)
            try checkedEval([all])
            #expect(cache.allSatisfy { $0.count == 40 })
            return all
        }
        let expected = try scores(nil)
        #expect(loss(model(tokenArray(tokens[..<40]), cache: nil), expected) < 1e-4)
        let (eight, four) = (try loss(scores(8), expected), try loss(scores(4), expected))
        #expect(eight > 0 && eight < 0.01 && eight < four && four < 0.2)
        #expect(throws: (any Error).self) { try scores(8, 48) }
        #expect(throws: (any Error).self) { try scores(8, 128) }
        #expect(throws: (any Error).self) { try scores(7) }
    }

    @Test("generation and perplexity take caches in few bits") func cachedRuns() async throws {
        let model = try wideModel("llama")
        var options = GenerationOptions(maximumTokens: 12)
        options.cacheBits = 8
        options.cacheGroupSize = 32
        var made: [Int] = []
        for try await token in GeneratedTokens(model, prompt: Array(tokens[..<8]), options) {
            made.append(token)
        }
        #expect(made.count == 12)
        let plain = try await Perplexity(model, tokens: tokens, window: 32, stride: 16)
        let small = try await Perplexity(
            model, tokens: tokens, window: 32, stride: 16, cacheBits: 8, cacheGroupSize: 32)
        #expect(abs(small.negativeLogLikelihood - plain.negativeLogLikelihood) < 0.01)
        #expect(small.negativeLogLikelihood != plain.negativeLogLikelihood)
        options.cacheBits = 7
        await #expect(throws: ModelError.self) {
            for try await _ in GeneratedTokens(model, prompt: [1], options) {}
        }
    }

    @Test("attention on codes is attention on what they stand for") func codedAttention() throws {
        func random(_ shape: [Int], _ seed: UInt64) -> MLXArray {
            MLXRandom.normal(shape, key: MLXRandom.key(seed))
        }
        // Two heads of queries share each head of keys; 300 positions are more than the first room.
        let cache = KeyValueCache(bits: 4, groupSize: 32)
        let (keys, values) = (random([2, 3, 300, 64], 1), random([2, 3, 300, 64], 2))
        let queries = random([2, 6, 300, 64], 3)
        func part(_ x: MLXArray, _ range: Range<Int>) -> MLXArray { x[0..., 0..., range, 0...] }
        let all = 0..<299
        _ = cache.attention(
            queries: part(queries, all), keys: part(keys, all), values: part(values, all),
            scale: 0.125, mask: .causal)
        let last = 299..<300
        let seen = arange(300) .> 40
        func decoded(_ x: MLXArray) -> MLXArray {
            let parts = quantized(x, groupSize: 32, bits: 4)
            return dequantized(
                parts.wq, scales: parts.scales, biases: parts.biases, groupSize: 32, bits: 4)
        }
        let expected = MLXFast.scaledDotProductAttention(
            queries: part(queries, last), keys: decoded(keys), values: decoded(values),
            scale: 0.125, mask: .array(seen))
        let found = cache.attention(
            queries: part(queries, last), keys: part(keys, last), values: part(values, last),
            scale: 0.125, mask: .array(seen))
        #expect(loss(found, expected) < 1e-5)
    }

    @Test("what is decoded is decoded in the dtype that is asked for") func decoding() throws {
        try withFolder { folder in
            let (coded, wide) = (
                folder.appendingPathComponent("coded"), folder.appendingPathComponent("wide")
            )
            let format = ModelQuantization(try .init(groupSize: 32, bits: 8))
            try fixture("llama").convert(to: coded, quantization: format, dtype: .float16)
            try ModelDirectory(coded).convert(to: wide, dtype: .float32, dequantize: true)
            let name = "model.layers.0.mlp.gate_proj"
            let parts = try loadSharded(directory: coded)
            let expected = dequantized(
                try #require(parts["\(name).weight"]),
                scales: try #require(parts["\(name).scales"]).asType(.float32),
                biases: try #require(parts["\(name).biases"]).asType(.float32), groupSize: 32,
                bits: 8)
            let found = try #require(try loadSharded(directory: wide)["\(name).weight"])
            #expect(arrayEqual(found, expected).item(Bool.self))
        }
    }

    @Test("mode int8 computes in the dtype of its scales") func int8Scales() throws {
        try withFolder { folder in
            let (coded, half) = (
                folder.appendingPathComponent("coded"), folder.appendingPathComponent("half")
            )
            try fixture("llama").convert(
                to: coded, quantization: ModelQuantization(try .init(mode: .int8)))
            try ModelDirectory(coded).convert(to: half, dtype: .float16)
            let weights = try loadSharded(directory: half)
            #expect(weights["model.layers.0.mlp.gate_proj.scales"]?.dtype == .float16)
            #expect(weights["model.norm.weight"]?.dtype == .float16)
            // NUMERICS: float16 between the layers.
            let model = try ModelDirectory(half).languageModel()
            let logits = model(text, cache: nil)
            #expect(logits.dtype == .float16)
            #expect(
                loss(logits.asType(.float32), try result(ModelDirectory(coded))) < 0.02)
        }
    }
}
