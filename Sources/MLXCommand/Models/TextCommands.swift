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

    @Argument(help: "A directory with a tokenizer.json.") var directory: String
    @Argument(help: "The text.") var text: String
    @Flag(help: "A JSON object: text, ids, tokens.") var json = false

    func run() throws {
        let tokenizer = try Tokenizer(directory: URL(fileURLWithPath: directory))
        let ids = tokenizer.encode(text)
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
        let vectors = embedder.embed(texts)
        try checkedEval(vectors)
        for (number, text) in texts.enumerated() {
            let values = vectors[number].asArray(Float.self)
            if json {
                let list = values.map { JSONValue.number(Double($0)) }
                print(Line([.init("text", .string(text)), .init("embedding", .array(list))]).text)
            } else {
                print(values.map { String(format: "%.6g", $0) }.joined(separator: " "))
            }
        }
    }
}

/// `mlx logits`: the scores of the token after the given ones.
struct LogitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits", abstract: "Print the scores of every token after the given ones.")

    @Argument(help: "The model's directory.") var directory: String
    @Option(help: "Token ids, separated by commas.") var ids: String

    func run() throws {
        let parts = ids.split(separator: ",").map { Int32($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0 != nil }) else {
            throw ValidationError("--ids takes integers separated by commas")
        }
        let model = try ModelDirectory(URL(fileURLWithPath: directory)).languageModel()
        let tokens = MLXArray(parts.compactMap { $0 }, [1, parts.count])
        let scores = model(tokens, cache: nil)[0, -1].asType(.float32)
        try checkedEval(scores)
        print(scores.asArray(Float.self).map { String(format: "%.6g", $0) }.joined(separator: " "))
    }
}

/// `mlx generate`: what a decoder makes of a prompt.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a text.")

    @Argument(help: "The model's directory.") var directory: String
    @Argument(help: "The beginning.") var prompt: String
    @Option(help: "The most tokens to make.") var maxTokens = 128
    @Option(help: "0 takes the likeliest token.") var temperature: Float = 0
    @Option(help: "Only so many of the likeliest tokens; 0 for all.") var topK = 0
    @Option(help: "Only the likeliest tokens that make up this share.") var topP: Float = 1
    @Option(help: "The seed of the draws.") var seed: UInt64 = 0
    @Flag(help: "A JSON object: text, tokens, tokens_per_second.") var json = false

    func validate() throws {
        guard maxTokens > 0, temperature >= 0, temperature.isFinite, topK >= 0, topP > 0 else {
            throw ValidationError("the numbers of tokens, temperature and shares must be positive")
        }
    }

    func run() async throws {
        let files = try ModelDirectory(URL(fileURLWithPath: directory))
        let (tokenizer, model) = (try files.tokenizer(), try files.languageModel())
        let options = GenerationOptions(
            maximumTokens: maxTokens, temperature: temperature, topK: topK, topP: topP,
            seed: seed, stopTokens: files.stopTokens())
        var made: [Int] = []
        var shown = ""
        let start = ContinuousClock.now
        for try await token in GeneratedTokens(
            model, prompt: tokenizer.encode(prompt), options)
        {
            made.append(token)
            if !json { shown = show(tokenizer.decode(made), after: shown) }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        guard json else { return print("") }
        print(
            Line([
                .init("text", .string(tokenizer.decode(made))),
                .init("tokens", .array(made.map { .integer($0) })),
                .init("tokens_per_second", .number(Double(made.count) / max(seconds, 1e-9))),
            ]).text)
    }

    /// Prints what is new; a character that is not complete waits.
    private func show(_ text: String, after shown: String) -> String {
        guard text.utf8.starts(with: shown.utf8), !text.hasSuffix("\u{FFFD}") else { return shown }
        let new = text.utf8.dropFirst(shown.utf8.count)
        FileHandle.standardOutput.write(Data(new))
        return text
    }
}

/// One JSON object on a line.
struct Line {
    let text: String

    init(_ members: [JSONValue.Member]) {
        text = JSONWriter.text(of: .object(members))
    }
}
