import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXFormats
import MLXModels

/// `mlx perplexity`: how well a model predicts a text.
struct PerplexityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perplexity",
        abstract: "Print how well a model predicts a text: lower is better.",
        discussion: """
            The text is read in windows that overlap. Prints the number of tokens that were \
            predicted, the mean of their negative logarithms (nll, in nats) and its exponential.
            """)

    @Argument(help: "The model's directory or .gguf file.") var model: String
    @Argument(help: "A file of text in UTF-8.") var text: String
    @Option(help: "The most tokens that a prediction sees.") var window = 512
    @Option(help: "How far windows are apart.") var stride = 256
    @Option(help: "Only the first tokens of the text, so many.") var limit: Int?
    @OptionGroup var cache: CacheOptions
    @Flag(help: "A JSON object: tokens, nll, perplexity.") var json = false

    func validate() throws {
        guard window > 1, (1...max(window, 1)).contains(stride), limit ?? 2 > 1 else {
            throw ValidationError("--window and --limit are 2 at least, --stride is in the window")
        }
    }

    func run() async throws {
        let files = try ModelDirectory(URL(fileURLWithPath: model))
        let bytes = try FileSource(path: text).contents()
        guard let contents = String(validating: bytes, as: UTF8.self) else {
            throw ArrayError(.file, "perplexity", "'\(text)' is not UTF-8")
        }
        var ids = try files.tokenizer().checkedEncode(contents)
        if let limit { ids = Array(ids.prefix(limit)) }
        let result = try await Perplexity(
            files.languageModel(), tokens: ids, window: window, stride: stride,
            cacheBits: cache.kvBits, cacheGroupSize: cache.kvGroupSize)
        guard json else {
            print("tokens      \(result.tokenCount)")
            print("nll         \(String(format: "%.6f", result.negativeLogLikelihood))")
            print("perplexity  \(String(format: "%.4f", result.perplexity))")
            return
        }
        print(
            Line([
                .init("tokens", .integer(result.tokenCount)),
                .init("nll", .number(result.negativeLogLikelihood)),
                .init("perplexity", .number(result.perplexity)),
            ]).text)
    }
}

/// How commands that run decoders store keys and values.
struct CacheOptions: ParsableArguments {
    @Option(help: "Bits of a number of the caches of keys and values; floats by default.")
    var kvBits: Int?
    @Option(help: "Numbers of a cache that share a scale, with --kv-bits.") var kvGroupSize = 64

    func validate() throws {
        guard let kvBits else { return }
        do {
            _ = try ModelQuantization.Format(groupSize: kvGroupSize, bits: kvBits)
        } catch let error as ArrayError {
            throw ValidationError("--kv-bits and --kv-group-size: \(error.message)")
        }
    }
}
