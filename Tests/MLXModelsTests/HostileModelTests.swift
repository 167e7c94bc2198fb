import Foundation
import MLX
import MLXData
import MLXModels
import Testing

/// Model directories that lie: weights cut or changed (rows 7 to 15 of the catalogue of bad
/// inputs), configurations with sizes of no sense, tokenizers and generation settings. Each is a
/// typed error, and nothing is made of them.
@Suite("Hostile models") struct HostileModelTests {
    private func withCopy<R>(_ name: String, _ body: (URL) throws -> R) throws -> R {
        let source = try #require(Bundle.module.resourceURL)
            .appendingPathComponent("Fixtures/\(name)")
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("hostile-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(at: source, to: place)
        return try body(place)
    }

    private func open(_ place: URL, _ name: String) throws {
        let files = try ModelDirectory(place)
        if name == "bert" { _ = try files.encoder() } else { _ = try files.languageModel() }
    }

    /// The message of the typed error that opening ends with.
    private func refusal(
        _ place: URL, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        do {
            try open(place, name)
            Issue.record("was not refused", sourceLocation: sourceLocation)
            return ""
        } catch let error as ModelError {
            return error.message
        } catch let error as ArrayError {
            #expect(error.kind == .file, sourceLocation: sourceLocation)
            return error.message
        } catch {
            Issue.record("untyped \(error)", sourceLocation: sourceLocation)
            return ""
        }
    }

    @Test("D.2 rows 7 to 9: weights cut short or changed are errors that name the file")
    func weights() throws {
        try withCopy("qwen2") { place in
            let file = place.appendingPathComponent("model.safetensors")
            let good = try Data(contentsOf: file)
            for count in [0, 7, 8, 100, 2000, good.count - 1] {
                try good.prefix(count).write(to: file)
                #expect(refusal(place, "qwen2").contains("model.safetensors"))
            }
            let text = String(decoding: good.prefix(4000), as: UTF8.self)
            let header = try #require(text.range(of: "[32,48]"))
            #expect(!header.isEmpty)
            for (old, new, word) in [
                ("[32,48]", "[48,32]", "misshaped"), ("\"F32\"", "\"F64\"", "spans"),
                ("\"F32\"", "\"U32\"", ""), ("layers.1.", "layers.9.", "missing"),
                ("[32,48]", "[99,99]", "spans"),
            ] {
                var bad = good
                guard let range = bad.range(of: Data(old.utf8)) else { continue }
                bad.replaceSubrange(range, with: Data(new.utf8))
                try bad.write(to: file)
                if word.isEmpty { continue }
                #expect(refusal(place, "qwen2").contains(word), "\(old) -> \(new)")
            }
            try FileManager.default.removeItem(at: file)
            #expect(refusal(place, "qwen2").contains("model.safetensors"))
        }
        try withCopy("llama") { place in
            let shard = place.appendingPathComponent("model-00003-of-00006.safetensors")
            try Data(try Data(contentsOf: shard).dropLast()).write(to: shard)
            #expect(refusal(place, "llama").contains("model-00003-of-00006.safetensors"))
            try FileManager.default.removeItem(at: shard)
            #expect(refusal(place, "llama").contains("model-00003-of-00006.safetensors"))
        }
    }

    @Test("D.2 row 10: a file cut short after opening is an error of the evaluation")
    func truncatedLater() throws {
        try withCopy("qwen2") { place in
            let model = try ModelDirectory(place).languageModel()
            let file = place.appendingPathComponent("model.safetensors")
            let handle = try FileHandle(forUpdating: file)
            try handle.truncate(atOffset: 3000)
            try handle.close()
            let error = #expect(throws: ArrayError.self) { try checkedEval(model) }
            #expect(error?.kind == .file)
            #expect(error?.message.contains("tensor '") == true)
            let scores = model(MLXArray([1, 2] as [Int32], [1, 2]), cache: nil)
            #expect(throws: ArrayError.self) { try checkedEval(scores) }
        }
    }

    @Test(
        "configurations with numbers of no sense are errors",
        arguments: ["llama", "gpt2", "qwen2", "bert"])
    func configurations(name: String) throws {
        try withCopy(name) { place in
            let file = place.appendingPathComponent("config.json")
            let tree = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            let sizes = [
                "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                "num_key_value_heads", "vocab_size", "head_dim", "n_embd", "n_layer", "n_head",
                "n_positions", "max_position_embeddings", "type_vocab_size",
            ].filter { tree[$0] != nil }
            // Llama and Qwen need no number of positions.
            let free = name == "llama" || name == "qwen2" ? ["max_position_embeddings"] : []
            let values: [Any] = [
                0, -1, -(1 << 40), 1 << 40, Int.max, 1.5, "32", true, [32], ["a": 1], 9e99, 7,
            ]
            for key in sizes where !free.contains(key) {
                for value in values {
                    var changed = tree
                    changed[key] = value
                    try JSONSerialization.data(withJSONObject: changed).write(to: file)
                    #expect(!refusal(place, name).isEmpty, "\(key) = \(value)")
                }
            }
            for text in ["", "[]", "null", "{", "{\"model_type\": 7}", "{}"] {
                try Data(text.utf8).write(to: file)
                #expect(!refusal(place, name).isEmpty, "\(text)")
            }
            let source = String(
                decoding: try JSONSerialization.data(withJSONObject: tree), as: UTF8.self)
            for word in ["NaN", "Infinity", "1e999", "-", "0x10", "\"\\ud800\""] {
                let key = try #require(sizes.first)
                let changed = source.replacing(
                    "\"\(key)\":\(try #require(tree[key] as? Int))", with: "\"\(key)\":\(word)")
                try #require(changed != source)
                try Data(changed.utf8).write(to: file)
                #expect(!refusal(place, name).isEmpty, "\(word)")
            }
            try FileManager.default.removeItem(at: file)
            #expect(refusal(place, name).contains("config.json"))
            try FileManager.default.createSymbolicLink(
                atPath: file.path, withDestinationPath: "/dev/zero")
            #expect(refusal(place, name).contains("is not a regular file"))
        }
    }

    @Test("epsilons, rotary settings and activations of no sense are errors") func details() throws
    {
        try withCopy("llama") { place in
            let file = place.appendingPathComponent("config.json")
            let good = try String(contentsOf: file, encoding: .utf8)
            let changes = [
                ("\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": -1"),
                ("\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e300"),
                ("\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": \"small\""),
                ("\"rope_theta\": 500000.0", "\"rope_theta\": 0"),
                ("\"rope_theta\": 500000.0", "\"rope_theta\": -5"),
                ("\"factor\": 8.0", "\"factor\": 0"), ("\"factor\": 8.0", "\"factor\": -8"),
                ("\"rope_type\": \"llama3\"", "\"rope_type\": \"unheard\""),
                ("\"hidden_act\": \"silu\"", "\"hidden_act\": \"unheard\""),
                ("\"model_type\": \"llama\"", "\"model_type\": \"unheard\""),
            ]
            for (old, new) in changes {
                try #require(good.contains(old), "\(old)")
                try good.replacing(old, with: new).write(
                    to: file, atomically: true, encoding: .utf8)
                #expect(!refusal(place, "llama").isEmpty, "\(new)")
            }
            // Others make positions of no sense, and neither a trap nor an endless loop.
            for key in [
                "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
            ] {
                for value in ["0", "-1", "1e308", "\"x\"", "null"] {
                    let expression = try Regex("\"\(key)\": [0-9.]+")
                    try good.replacing(expression, with: "\"\(key)\": \(value)").write(
                        to: file, atomically: true, encoding: .utf8)
                    do { try open(place, "llama") } catch is ModelError {}
                }
            }
        }
    }

    @Test("stop tokens of no sense are left out or refused") func generation() throws {
        try withCopy("llama") { place in
            let file = place.appendingPathComponent("generation_config.json")
            for text in [
                "", "[]", "{\"eos_token_id\": -1}", "{\"eos_token_id\": 99999999999999999999}",
                "{\"eos_token_id\": [1, \"2\", null, 1.5, -7]}", "{\"eos_token_id\": {}}",
                "{\"temperature\": \"hot\", \"top_k\": -1, \"top_p\": 1e308}",
            ] {
                try Data(text.utf8).write(to: file)
                let stops = try? ModelDirectory(place).stopTokens()
                #expect(stops?.allSatisfy { $0 >= -7 && $0 < 1 << 32 } ?? true, "\(text)")
            }
        }
    }

    @Test("a prompt of ids without a token is an error") func prompts() async throws {
        let folder = try #require(Bundle.module.resourceURL)
            .appendingPathComponent("Fixtures/llama")
        let model = try ModelDirectory(folder).languageModel()
        for prompt in [[], [256], [-1_000], [1 << 31 - 1]] {
            await #expect(throws: (any Error).self) {
                for try await _ in GeneratedTokens(
                    model, prompt: prompt, GenerationOptions(maximumTokens: 2))
                {}
            }
        }
    }
}
