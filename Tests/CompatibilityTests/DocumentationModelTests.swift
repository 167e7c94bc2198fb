import Foundation
import MLX
import MLXData
import MLXModels
import Testing

/// The code of the page on models, as it stands there, on a decoder and encoder of a few numbers;
/// see `DocumentationTests`.
@Suite("Documentation: models") struct DocumentationModelTests {
    private let url: URL
    private let encoderURL: URL

    init() throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("models-\(UUID().uuidString)")
        url = place.appendingPathComponent("decoder")
        encoderURL = place.appendingPathComponent("encoder")
        try write(
            url,
            """
            {"model_type": "llama", "vocab_size": 4, "hidden_size": 4, "intermediate_size": 4,
             "num_hidden_layers": 1, "num_attention_heads": 1, "eos_token_id": 3,
             "tie_word_embeddings": true}
            """,
            shapes: [
                "model.embed_tokens.weight": [4, 4], "model.norm.weight": [4],
                "model.layers.0.input_layernorm.weight": [4],
                "model.layers.0.post_attention_layernorm.weight": [4],
            ].merging(
                ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up"]
                    .map { ("model.layers.0.\($0)_proj.weight", [4, 4]) } + [
                        ("model.layers.0.mlp.down_proj.weight", [4, 4])
                    ]
            ) { $1 })
        let prefix = "encoder.layer.0."
        var shapes = [
            "embeddings.word_embeddings.weight": [4, 4],
            "embeddings.position_embeddings.weight": [8, 4],
            "embeddings.token_type_embeddings.weight": [2, 4],
            "embeddings.LayerNorm.weight": [4], "embeddings.LayerNorm.bias": [4],
        ]
        for layer in [
            "attention.self.query", "attention.self.key", "attention.self.value",
            "attention.output.dense", "intermediate.dense", "output.dense",
        ] {
            shapes["\(prefix)\(layer).weight"] = [4, 4]
            shapes["\(prefix)\(layer).bias"] = [4]
        }
        for layer in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes["\(prefix)\(layer).weight"] = [4]
            shapes["\(prefix)\(layer).bias"] = [4]
        }
        try write(
            encoderURL,
            """
            {"model_type": "bert", "vocab_size": 4, "hidden_size": 4, "intermediate_size": 4,
             "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 8}
            """, shapes: shapes)
    }

    private func write(_ place: URL, _ configuration: String, shapes: [String: [Int]]) throws {
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        func put(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: place.appendingPathComponent(name))
        }
        try put(configuration, "config.json")
        try put(
            """
            {"model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "end": 3},
             "unk_token": "[UNK]"}, "pre_tokenizer": {"type": "Whitespace"}}
            """, "tokenizer.json")
        try put("{% for m in messages %}{{ m.content }} end {% endfor %}", "chat_template.jinja")
        var weights: [String: MLXArray] = [:]
        for (index, name) in shapes.keys.sorted().enumerated() {
            let key = MLXRandom.key(UInt64(index))
            weights[name] = MLXRandom.uniform(-1..<1, shapes[name] ?? [], key: key)
        }
        try save(arrays: weights, url: place.appendingPathComponent("model.safetensors"))
    }

    @Test("Text") func text() async throws {
        let files = try ModelDirectory(url)
        let (tokenizer, model) = (try files.tokenizer(), try files.languageModel())
        var options = try files.generationOptions()
        options.maximumTokens = 20
        var made: [Int] = []
        for try await token in GeneratedTokens(model, prompt: tokenizer.encode("a b"), options) {
            made.append(token)
        }
        print(tokenizer.decode(made))
        #expect(!made.isEmpty && made.count <= 20)

        let template = try ChatTemplate(directory: url)
        let turns = [ChatMessage("system", "Be brief."), ChatMessage("user", "a b")]
        let prompt = try template.render(turns)
        let ids = tokenizer.encode(prompt, addSpecialTokens: false)
        #expect(prompt == "Be brief. end a b end ")
        #expect(ids.suffix(3) == [1, 2, 3])

        let cache = (0..<model.layerCount).map { _ in KeyValueCache() }
        var scores = model(MLXArray([1, 2], [1, 2]), cache: cache)[0, -1]
        let next = argMax(scores).item(Int.self)
        scores = model(MLXArray([Int32(next)], [1, 1]), cache: cache)[0, -1]
        #expect(next == made[0])
        #expect(scores.shape == [4])
    }

    @Test("Vectors") func vectors() throws {
        let embedder = try SentenceEmbedder(directory: encoderURL)
        let vectors = try embedder.embed(["a b", "b"])
        let likeness = matmul(vectors, vectors.T)
        let lengths = diag(likeness).asArray(Float.self)
        #expect(lengths.allSatisfy { abs($0 - 1) < 1e-5 })
    }
}
