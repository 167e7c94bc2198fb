import Foundation
import MLX
import MLXModels
import Testing

/// Models from Hugging Face directories against PyTorch: tiny ones with random weights, made by
/// Scripts/model-fixtures. NUMERICS: scores within 1e-4, greedy continuations token for token.
@Suite("Models") struct ModelTests {
    private func folder(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)")
    }

    private func tokens(_ name: String) throws -> [Int] {
        let data = try Data(contentsOf: try folder("expected.json"))
        return try #require(try JSONDecoder().decode([String: [Int]].self, from: data)[name])
    }

    private func expected(_ name: String) throws -> MLXArray {
        try #require(try loadArrays(url: try folder("expected.safetensors"))[name])
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return abs(a - b).max().item(Float.self)
    }

    @Test("decoders agree with PyTorch", arguments: ["gpt2", "llama", "qwen2", "mistral", "qwen3"])
    func decoders(name: String) async throws {
        let directory = try ModelDirectory(try folder(name))
        let model = try directory.languageModel()
        let ids = try tokens("ids")
        let input = MLXArray(ids.map(Int32.init), [1, ids.count])
        #expect(try difference(model(input, cache: nil)[0], try expected(name)) <= 1e-4)
        // Position by position, with a cache, the scores are the same.
        let cache = (0..<model.layerCount).map { _ in KeyValueCache() }
        let first = model(input[0..., 0..<4], cache: cache)
        var rows = [first[0]]
        for position in 4..<ids.count {
            rows.append(model(input[0..., position..<position + 1], cache: cache)[0])
        }
        #expect(try difference(concatenated(rows), try expected(name)) <= 1e-4)
        var made: [Int] = []
        let wanted = try tokens(name)
        let options = GenerationOptions(
            maximumTokens: wanted.count, stopTokens: directory.stopTokens())
        for try await token in GeneratedTokens(model, prompt: ids, options) { made.append(token) }
        #expect(made == wanted)
    }

    @Test("BERT agrees with PyTorch") func encoder() throws {
        let model = try ModelDirectory(try folder("bert")).encoder()
        let ids = try tokens("ids")
        let input = MLXArray(ids.map(Int32.init), [1, ids.count])
        #expect(try difference(model(input)[0], try expected("bert")) <= 1e-4)
        // Padding that the mask hides changes nothing.
        let padded = MLXArray((ids + [9, 9]).map(Int32.init), [1, ids.count + 2])
        let mask = MLXArray((0..<ids.count + 2).map { $0 < ids.count }, [1, ids.count + 2])
        let states = model(padded, mask: mask)[0, 0..<ids.count]
        #expect(try difference(states, try expected("bert")) <= 1e-4)
    }

    @Test("draws depend on the seed alone, and top-k and top-p keep the likeliest")
    func sampling() async throws {
        let model = try ModelDirectory(try folder("llama")).languageModel()
        func draw(_ options: GenerationOptions) async throws -> [Int] {
            var made: [Int] = []
            for try await token in GeneratedTokens(model, prompt: [3, 17], options) {
                made.append(token)
            }
            return made
        }
        let hot = GenerationOptions(maximumTokens: 12, temperature: 1, seed: 4)
        #expect(try await draw(hot) == draw(hot))
        var other = hot
        other.seed = 5
        #expect(try await draw(hot) != draw(other))
        let greedy = try await draw(GenerationOptions(maximumTokens: 12))
        #expect(try await draw(.init(maximumTokens: 12, temperature: 1, topK: 1)) == greedy)
        #expect(try await draw(.init(maximumTokens: 12, temperature: 1, topP: 1e-6)) == greedy)
    }

    @Test("options of generation come from the model's files, and senseless ones are errors")
    func generationOptions() async throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("model-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(at: try folder("qwen2"), to: place)
        func options(_ json: String) throws -> GenerationOptions {
            try Data(json.utf8).write(to: place.appendingPathComponent("generation_config.json"))
            return try ModelDirectory(place).generationOptions()
        }
        let drawn = try options(
            """
            {"do_sample": true, "temperature": 0.7, "top_k": 20, "top_p": 0.8, "min_p": 0.1,
             "repetition_penalty": 1.1, "max_new_tokens": 9, "eos_token_id": [5, 7]}
            """)
        #expect(drawn.temperature == 0.7 && drawn.topK == 20 && drawn.topP == 0.8)
        #expect(drawn.minP == 0.1 && drawn.repetitionPenalty == 1.1)
        #expect(drawn.maximumTokens == 9 && drawn.stopTokens == [5, 7])
        // Temperatures say nothing where nothing is drawn.
        #expect(try options("{\"temperature\": 0.7}").temperature == 0)
        for json in [
            "{\"do_sample\": true, \"temperature\": -1}", "{\"repetition_penalty\": 0}",
            "{\"do_sample\": true, \"top_p\": 2}", "{\"do_sample\": true, \"top_k\": -3}",
            "{\"do_sample\": true, \"top_k\": \"x\"}", "{\"max_new_tokens\": 0}", "[", "{",
            "{\"do_sample\": true, \"temperature\": 1e999}",
            "{\"do_sample\": true, \"top_k\": 1e300}",
        ] {
            #expect(throws: ModelError.self, "\(json)") { try options(json) }
        }
    }

    @Test("a repetition penalty keeps what was said from being said again")
    func repetitionPenalty() async throws {
        let model = try ModelDirectory(try folder("llama")).languageModel()
        var made: [Int] = [3, 17]
        let options = GenerationOptions(maximumTokens: 40, repetitionPenalty: 1e6)
        for try await token in GeneratedTokens(model, prompt: made, options) { made.append(token) }
        #expect(Set(made).count == made.count)
        await #expect(throws: ModelError.self) {
            for try await _ in GeneratedTokens(
                model, prompt: [3], GenerationOptions(temperature: .nan))
            {}
        }
    }

    /// The step after a token is started before the token is known.
    @Test("tokens that are made ahead are seen by nobody") func ahead() async throws {
        let model = try ModelDirectory(try folder("llama")).languageModel()
        func made(_ options: GenerationOptions) async throws -> [Int] {
            var made: [Int] = []
            for try await token in GeneratedTokens(model, prompt: [3, 17], options) {
                made.append(token)
            }
            return made
        }
        let greedy = try await made(GenerationOptions(maximumTokens: 12))
        #expect(greedy.count == 12)
        // One after the other, as a penalty needs it: with a penalty that changes nothing.
        let known = GenerationOptions(maximumTokens: 12, repetitionPenalty: 1.0000001)
        #expect(known.repetitionPenalty != 1)
        #expect(try await made(known) == greedy)
        let end = try #require(greedy.dropFirst(4).first)
        let until = Array(greedy[...(try #require(greedy.firstIndex(of: end)))])
        #expect(try await made(.init(maximumTokens: 12, stopTokens: [end])) == until)
        #expect(try await made(.init(maximumTokens: 1)) == Array(greedy.prefix(1)))
        // Two at once, in turns, and the second is left before its end.
        var first = GeneratedTokens(
            model, prompt: [3, 17], .init(maximumTokens: 12)).makeAsyncIterator()
        var second = GeneratedTokens(
            model, prompt: [3, 17], .init(maximumTokens: 12)).makeAsyncIterator()
        var both: ([Int], [Int]) = ([], [])
        while let token = try await first.next() {
            both.0.append(token)
            if both.1.count < 5, let other = try await second.next() { both.1.append(other) }
        }
        #expect(both.0 == greedy && both.1 == Array(greedy.prefix(5)))
        #expect(try await first.next() == nil)
        let place = try folder("llama")
        let task = Task {
            let model = try ModelDirectory(place).languageModel()
            for try await _ in GeneratedTokens(model, prompt: [3], .init(maximumTokens: 1 << 40)) {}
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await #expect(throws: ModelError.self) {
            for try await _ in GeneratedTokens(model, prompt: [3], .init(maximumTokens: 0)) {}
        }
        await #expect(throws: ModelError.self) {
            for try await _ in GeneratedTokens(model, prompt: [], .init()) {}
        }
    }

    @Test("weights that do not fit are listed, and nothing is loaded") func misfits() throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("model-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.copyItem(at: try folder("qwen2"), to: place)
        let file = place.appendingPathComponent("model.safetensors")
        var weights = try loadArrays(url: file)
        weights["model.norm.weight"] = MLXArray.ones([7])
        weights["model.layers.0.mlp.up_proj.weight"] = nil
        weights["model.extra"] = MLXArray(1)
        try save(arrays: weights, url: file)
        let error = #expect(throws: ModelError.self) {
            _ = try ModelDirectory(place).languageModel()
        }
        let message = error?.message ?? ""
        #expect(message.contains("missing model.layers.0.mlp.up_proj.weight"))
        #expect(message.contains("not known model.extra"))
        #expect(message.contains("model.norm.weight [7], not [32]"))
        #expect(throws: (any Error).self) {
            try Data("{\"model_type\": \"llama\"}".utf8).write(
                to: place.appendingPathComponent("config.json"))
            _ = try ModelDirectory(place).languageModel()
        }
    }
}
