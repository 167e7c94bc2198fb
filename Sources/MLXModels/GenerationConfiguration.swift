import Foundation
import MLXFormats

extension ModelDirectory {
    /// How the model's makers want text to be made, from `generation_config.json`, else from
    /// `config.json`: whether tokens are drawn, and from which; where a text ends.
    ///
    /// What the files do not say keeps the default of ``GenerationOptions``. Values that make no
    /// sense are an error.
    /// - Throws: `ModelError`.
    public func generationOptions() throws -> GenerationOptions {
        let place = url.appendingPathComponent("generation_config.json")
        let own =
            FileManager.default.fileExists(atPath: place.path)
            ? ModelConfiguration(try ModelConfiguration.json(place)) : configuration
        var options = GenerationOptions(stopTokens: stopTokens())
        if own.flag("do_sample", default: false) {
            options.temperature = Float(try own.number("temperature", default: 1))
            options.topK = try own.count("top_k", default: 50)
            options.topP = Float(try own.number("top_p", default: 1))
            options.minP = Float(try own.number("min_p", default: 0))
        }
        options.repetitionPenalty = Float(try own.number("repetition_penalty", default: 1))
        options.maximumTokens = try own.count("max_new_tokens", default: options.maximumTokens)
        try options.check()
        return options
    }

    /// The tokens at which generation stops, from `generation_config.json` or `config.json`.
    public func stopTokens() -> Set<Int> {
        let own = try? ModelConfiguration.json(
            url.appendingPathComponent("generation_config.json"))
        let named = ModelConfiguration.tokens(own?["eos_token_id"])
        return Set(
            named.isEmpty ? ModelConfiguration.tokens(configuration["eos_token_id"]) : named)
    }
}
