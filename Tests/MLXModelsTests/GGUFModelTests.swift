import Foundation
import MLX
import MLXData
import MLXModels
import Testing

/// Language models in GGUF files against transformers, which reads the same files: tiny ones with
/// random weights in several types of blocks, made by Fixtures/gguf/make_gguf_models.py. NUMERICS:
/// scales and decoded blocks are float16 here and float32 there, so scores are within 2e-2.
@Suite("GGUF models") struct GGUFModelTests {
    private static let names = ["llama", "qwen2", "qwen3"]

    private func file(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/gguf/\(name)")
    }

    private func expected(_ name: String) throws -> MLXArray {
        try #require(try loadArrays(url: try file("expected.safetensors"))[name])
    }

    private func scores(_ directory: ModelDirectory) throws -> MLXArray {
        let tokens = MLXArray([3, 17, 44, 200, 5] as [Int32], [1, 5])
        let model = try directory.languageModel()
        return model(tokens, cache: nil)[0].asType(.float32)
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return (abs(a - b).max() / abs(b).max()).item(Float.self)
    }

    private func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("gguf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    @Test("scores are those of transformers", arguments: names)
    func likeTransformers(name: String) throws {
        let directory = try ModelDirectory(try file("\(name).gguf"))
        #expect(try difference(scores(directory), try expected(name)) < 2e-2)
    }

    @Test("token ids are those of transformers", arguments: names)
    func tokens(name: String) throws {
        let tokenizer = try ModelDirectory(try file("\(name).gguf")).tokenizer()
        let data = try Data(contentsOf: try file("expected.json"))
        let all = try JSONDecoder().decode([String: [String: [Int]]].self, from: data)
        for (text, ids) in try #require(all[name]) {
            #expect(tokenizer.encode(text) == ids, "\(text)")
        }
    }

    @Test("SentencePiece's texts begin with a space, also behind a special token")
    func sentencePiece() throws {
        let tokenizer = try Tokenizer(gguf: try file("llama.gguf"))
        func names(_ text: String) -> [String] {
            tokenizer.encode(text).map { tokenizer.token($0) ?? "" }
        }
        #expect(names("the") == ["<s>", "▁the"])
        #expect(names("  the") == ["<s>", "▁▁", "▁the"])
        #expect(names("<s>the</s>of") == ["<s>", "<s>", "▁the", "</s>", "▁of"])
        // What has no piece is spelled in bytes.
        #expect(names("é") == ["<s>", "▁", "<0xC3>", "<0xA9>"])
        for text in ["some words, 12", "é 漢字", "a  b"] {
            #expect(tokenizer.decode(tokenizer.encode(text)) == text)
        }
    }

    @Test("a file becomes a directory with the same model", arguments: names)
    func converting(name: String) throws {
        try withFolder { folder in
            let file = try ModelDirectory(try file("\(name).gguf"))
            let target = folder.appendingPathComponent(name)
            try file.convert(to: target)
            let names = try FileManager.default.contentsOfDirectory(atPath: target.path)
            #expect(
                Set(names) == [
                    "config.json", "model.safetensors", "model.safetensors.index.json",
                    "tokenizer.json", "tokenizer_config.json",
                    "chat_template.jinja", "generation_config.json",
                ])
            let own = try ModelDirectory(target)
            #expect(try difference(scores(own), try scores(file)) == 0)
            for text in ["a text, it's 12", "<s>the end</s>"] {
                #expect(try own.tokenizer().encode(text) == (try file.tokenizer().encode(text)))
            }
            #expect(own.stopTokens() == file.stopTokens() && !own.stopTokens().isEmpty)
            let turns = [ChatMessage("user", "a")]
            #expect(try own.chatTemplate().render(turns) == "<user>a</s>")
            #expect(try file.chatTemplate().render(turns) == "<user>a</s>")
            // Without codes, and quantized anew.
            let plain = folder.appendingPathComponent("plain")
            try file.convert(to: plain, dtype: .float32, dequantize: true)
            let weights = try loadSharded(directory: plain)
            #expect(weights.values.allSatisfy { $0.dtype == .float32 })
            #expect(!weights.keys.contains { $0.hasSuffix(".scales") })
            // NUMERICS: the scales were halves, whose products with activations round differently.
            #expect(try difference(scores(ModelDirectory(plain)), try scores(file)) < 2e-2)
            let format = try ModelQuantization.Format(groupSize: 32, bits: 8)
            let again = folder.appendingPathComponent("again")
            try file.convert(
                to: again, quantization: ModelQuantization(format), dequantize: true)
            #expect(try difference(scores(ModelDirectory(again)), try scores(file)) < 5e-2)
            #expect(throws: ModelError.self) {
                try file.convert(
                    to: folder.appendingPathComponent("twice"),
                    quantization: ModelQuantization(format))
            }
        }
    }

    @Test("text that appears token by token is the text, at the same cost each")
    func decodedText() throws {
        for name in GGUFModelTests.names {
            let tokenizer = try ModelDirectory(try file("\(name).gguf")).tokenizer()
            for source in ["some words, 12", "é 漢字 and 🎉🎉 too", "a  b\n\nthe end"] {
                let ids = tokenizer.encode(source)
                var text = DecodedText(tokenizer)
                var shown = ""
                for id in ids {
                    let new = try text.append(id)
                    // Characters come whole.
                    #expect(!new.contains("\u{FFFD}"))
                    shown += new
                }
                shown += try text.finish()
                #expect(shown == tokenizer.decode(ids) && shown == source, "\(name)")
            }
            // The first byte of a character, and nothing after it.
            let start = try #require(tokenizer.encode("é").dropLast().last)
            var text = DecodedText(tokenizer)
            #expect(try text.append(start) == "")
            #expect(try text.finish() == "\u{FFFD}")
        }
    }

    @Test("perplexity is that of all scores at once") func perplexity() async throws {
        let model = try ModelDirectory(try file("qwen2.gguf")).languageModel()
        let tokens = (0..<150).map { 3 + $0 * 7 % 61 }
        let scores = model(MLXArray(tokens.map(Int32.init), [1, 150]), cache: nil)[0]
        let floats = scores.asType(.float32)
        let shares = floats - logSumExp(floats, axis: -1, keepDims: true)
        let wanted = MLXArray(tokens.dropFirst().map(Int32.init), [149, 1])
        let own = takeAlong(shares[..<149], wanted, axis: 1).mean().item(Float.self)
        let whole = try await Perplexity(model, tokens: tokens, window: 512)
        #expect(whole.tokenCount == 149)
        // NUMERICS: products of one row and of many round halves differently.
        #expect(abs(whole.negativeLogLikelihood + Double(own)) < 2e-3)
        let windows = try await Perplexity(model, tokens: tokens, window: 32, stride: 16)
        #expect(windows.tokenCount == 149 && windows.perplexity.isFinite)
        #expect(windows.negativeLogLikelihood != whole.negativeLogLikelihood)
        for (count, window, stride) in [(1, 32, 16), (150, 1, 1), (150, 32, 0), (150, 32, 33)] {
            await #expect(throws: ModelError.self) {
                try await Perplexity(
                    model, tokens: Array(tokens.prefix(count)), window: window, stride: stride)
            }
        }
    }

    @Test("a long prompt is read in parts, with the same continuation") func longPrompt()
        async throws
    {
        let model = try ModelDirectory(try file("llama.gguf")).languageModel()
        let prompt = (0..<600).map { 3 + $0 * 7 % 61 }
        var made: [Int] = []
        let options = GenerationOptions(maximumTokens: 3)
        for try await token in GeneratedTokens(model, prompt: prompt, options) {
            made.append(token)
        }
        var all = prompt
        for token in made {
            let scores = model(MLXArray(all.map(Int32.init), [1, all.count]), cache: nil)[0, -1]
            // NUMERICS: halves, so the likeliest token is compared by its score.
            let best = scores.max().item(Float.self)
            #expect(scores[token].item(Float.self) >= best - 2e-2 * abs(best))
            all.append(token)
        }
        #expect(made.count == 3)
    }

    @Test("a file that is no model is refused with what is wrong") func refused() throws {
        try withFolder { folder in
            let url = folder.appendingPathComponent("x.gguf")
            func message(_ metadata: [String: GGUFMetadata], _ arrays: [String: MLXArray] = [:])
                throws -> String
            {
                try saveGGUF(arrays: arrays, metadata: metadata, url: url)
                let error = #expect(throws: ModelError.self) { try ModelDirectory(url) }
                return error?.message ?? ""
            }
            #expect(try message(["general.architecture": .string("mamba")]).contains("'mamba'"))
            let named = ["general.architecture": GGUFMetadata.string("llama")]
            #expect(try message(named).contains("llama.attention.head_count"))
            #expect(throws: ModelError.self) {
                try ModelDirectory(folder.appendingPathComponent("none.gguf"))
            }
            for (key, value) in [
                ("tokenizer.ggml.model", GGUFMetadata.string("rwkv")),
                ("tokenizer.ggml.pre", .string("other")),
                ("tokenizer.ggml.merges", .strings(["ab"])),
                ("tokenizer.ggml.merges", .strings(["a x"])),
                ("tokenizer.ggml.tokens", .strings(["a", "a"])),
                ("tokenizer.ggml.tokens", .strings([])),
                ("tokenizer.ggml.token_type", .array(MLXArray([1] as [Int32]))),
            ] {
                var metadata: [String: GGUFMetadata] = [
                    "tokenizer.ggml.model": .string("gpt2"),
                    "tokenizer.ggml.pre": .string("gpt-2"),
                    "tokenizer.ggml.tokens": .strings(["a", "b", "ab"]),
                    "tokenizer.ggml.merges": .strings(["a b"]),
                ]
                try saveGGUF(arrays: [:], metadata: metadata, url: url)
                #expect(try Tokenizer(gguf: url).encode("abb") == [2, 1])
                metadata[key] = value
                try saveGGUF(arrays: [:], metadata: metadata, url: url)
                #expect(throws: TokenizerError.self, "\(key)") { try Tokenizer(gguf: url) }
            }
        }
    }
}
