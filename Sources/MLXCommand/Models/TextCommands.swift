import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXFormats
import MLXModels

/// `mlx tokenize`: the token ids of a text.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Print the token ids of a text.")

    @Argument(help: "A directory with a tokenizer.json, or a .gguf file.") var directory: String
    @Argument(help: "The text.") var text: String
    @Flag(help: "A JSON object: text, ids, tokens.") var json = false

    func run() throws {
        let url = URL(fileURLWithPath: directory)
        let tokenizer =
            ModelDirectory.isGGUF(url) ? try Tokenizer(gguf: url) : try Tokenizer(directory: url)
        let ids = try tokenizer.checkedEncode(text)
        if json {
            print(
                Line([
                    .init("text", .string(text)),
                    .init("ids", .array(ids.map { .integer($0) })),
                    .init("tokens", .array(ids.map { .string(tokenizer.token($0) ?? "") })),
                ]).text)
        } else {
            print(ids.map(String.init).joined(separator: " "))
        }
    }
}

/// `mlx embed`: a vector for each text.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Print a vector for each text, from a BERT or sentence-transformers directory.")

    @Argument(help: "The model's directory.") var directory: String
    @Argument(help: "The texts.") var texts: [String]
    @Flag(help: "A JSON object a line: text, embedding.") var json = false

    func run() throws {
        let embedder = try SentenceEmbedder(directory: URL(fileURLWithPath: directory))
        let vectors = try embedder.embed(texts)
        try checkedEval(vectors)
        for (number, text) in texts.enumerated() {
            let values = vectors[number].asArray(Float.self)
            if json {
                let list = values.map { JSONValue.number(Double($0)) }
                print(Line([.init("text", .string(text)), .init("embedding", .array(list))]).text)
            } else {
                print(values.map { "\($0)" }.joined(separator: " "))
            }
        }
    }
}

/// `mlx logits`: the scores of the token after each of the given ones.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Print the scores of all tokens, a line for what follows each given token.")

    @Argument(help: "The model's directory or .gguf file.") var directory: String
    @Option(help: "Token ids, separated by commas.") var ids: String
    @Flag(help: "A JSON object: ids, logits.") var json = false

    func run() throws {
        let parts = ids.split(separator: ",").map { Int32($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else {
            throw ValidationError("--ids takes integers separated by commas")
        }
        let model = try ModelDirectory(URL(fileURLWithPath: directory)).languageModel()
        let tokens = MLXArray(parts.compactMap { $0 }, [1, parts.count])
        let scores = model(tokens, cache: nil)[0].asType(.float32)
        try checkedEval(scores)
        let width = scores.dim(1)
        let values = scores.asArray(Float.self)
        let rows = stride(from: 0, to: values.count, by: width).map { values[$0..<$0 + width] }
        guard json else {
            for row in rows { print(row.map { "\($0)" }.joined(separator: " ")) }
            return
        }
        let lists = rows.map { JSONValue.array($0.map { .number(Double($0)) }) }
        print(
            Line([
                .init("ids", .array(parts.compactMap { $0.map { .integer(Int($0)) } })),
                .init("logits", .array(lists)),
            ]).text)
    }
}

/// `mlx generate`: what a decoder makes of a prompt.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a text.")

    @Argument(help: "The model's directory or .gguf file.") var directory: String
    @Argument(help: "The beginning.") var prompt: String
    @Option(help: "The most tokens to make.") var maxTokens = 128
    @Option(help: "0 takes the likeliest token. Default: generation_config.json's, else 0.")
    var temperature: Float?
    @Option(help: "Only so many of the likeliest tokens; 0 for all.") var topK: Int?
    @Option(help: "Only the likeliest tokens that make up this share.") var topP: Float?
    @Option(help: "The seed of the draws.") var seed: UInt64 = 0
    @Flag(help: "The prompt is a user's turn, written down as the chat template says.")
    var chat = false
    @Option(help: "With --chat, what the model is told before.") var system: String?
    @OptionGroup var cache: CacheOptions
    @Flag(help: "A JSON object: text, tokens, tokens_per_second.") var json = false

    func validate() throws {
        guard maxTokens > 0, (temperature ?? 0) >= 0, (temperature ?? 0).isFinite,
            (topK ?? 0) >= 0, (0...1).contains(topP ?? 1), topP != 0
        else {
            throw ValidationError("the numbers of tokens, temperature and shares must be positive")
        }
        if system != nil && !chat { throw ValidationError("--system belongs to --chat") }
    }

    private func options(_ files: ModelDirectory) throws -> GenerationOptions {
        var options = try files.generationOptions()
        options.maximumTokens = maxTokens
        options.temperature = temperature ?? options.temperature
        options.topK = topK ?? options.topK
        options.topP = topP ?? options.topP
        options.seed = seed
        options.cacheBits = cache.kvBits
        options.cacheGroupSize = cache.kvGroupSize
        return options
    }

    private func ids(_ files: ModelDirectory, _ tokenizer: Tokenizer) throws -> [Int] {
        guard chat else { return try tokenizer.checkedEncode(prompt) }
        let turns = system.map { [ChatMessage("system", $0)] } ?? []
        let text = try files.chatTemplate()
            .render(turns + [ChatMessage("user", prompt)])
        return try tokenizer.checkedEncode(text, addSpecialTokens: false)
    }

    func run() async throws {
        let files = try ModelDirectory(URL(fileURLWithPath: directory))
        let (tokenizer, model) = (try files.tokenizer(), try files.languageModel())
        let options = try options(files)
        var made: [Int] = []
        var text = DecodedText(tokenizer)
        let start = ContinuousClock.now
        for try await token in GeneratedTokens(
            model, prompt: try ids(files, tokenizer), options)
        {
            made.append(token)
            if !json { show(try text.append(token)) }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        guard json else {
            show(try text.finish())
            return print("")
        }
        print(
            Line([
                .init("text", .string(try tokenizer.checkedDecode(made))),
                .init("tokens", .array(made.map { .integer($0) })),
                .init("tokens_per_second", .number(Double(made.count) / max(seconds, 1e-9))),
            ]).text)
    }

    private func show(_ text: String) {
        if !text.isEmpty { FileHandle.standardOutput.write(Data(text.utf8)) }
    }
}

/// One JSON object on a line.
struct Line {
    let text: String

    init(_ members: [JSONValue.Member]) {
        text = JSONWriter.text(of: .object(members))
    }
}
