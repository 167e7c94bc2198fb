import Foundation
import MLX
import MLXData
import MLXFormats

/// A language model in one GGUF file, seen as Hugging Face's directory: a configuration made of the
/// metadata, and weights under Hugging Face's names. Families are Llama (with Mistral), Qwen 2 and
/// Qwen 3. Blocks that are MLX's affine groups stay quantized; nothing is read before it is used.
struct GGUFModel: Sendable {
    let file: GGUF
    let name: String
    let architecture: String

    /// Opens the file and reads its header.
    init(_ url: URL) throws {
        name = url.lastPathComponent
        do { file = try GGUF.open(path: url.path) } catch { throw ModelError(error.message) }
        architecture = file.metadata["general.architecture"]?.text ?? ""
        guard GGUFModel.families[architecture] != nil else {
            throw ModelError(
                "\(name): models of architecture '\(architecture.prefix(64))' are not known:"
                    + " \(GGUFModel.families.keys.sorted().joined(separator: ", "))")
        }
    }

    /// Hugging Face's class of each architecture.
    private static let families = [
        "llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
    ]

    // MARK: - Metadata

    private func value(_ key: String) -> GGUFValue? { file.metadata["\(architecture).\(key)"] }

    /// A positive integer that fits what configurations allow.
    private func integer(_ key: String) throws -> Int? {
        guard let value = value(key) else { return nil }
        if case .array = value, let list = value.json.array, let first = list.first?.integer,
            list.allSatisfy({ $0.integer == first })
        {
            return first
        }
        guard let number = value.integer else {
            throw ModelError("\(name): '\(architecture).\(key)' must be one integer")
        }
        return number
    }

    private func needed(_ key: String) throws -> JSONValue {
        guard let number = try integer(key) else {
            throw ModelError("\(name) has no '\(architecture).\(key)'")
        }
        return .integer(number)
    }

    private func number(_ key: String) throws -> Double? {
        guard let value = value(key) else { return nil }
        guard let number = value.json.double else {
            throw ModelError("\(name): '\(architecture).\(key)' must be a number")
        }
        // The shortest decimal of the float that the file has.
        if case .scalar(.float32, _) = value { return Double("\(Float(number))") }
        return number
    }

    private func shape(_ tensor: String) -> [Int]? {
        file.tensors.first { $0.description.name == tensor }?.description.shape
    }

    // MARK: - Configuration

    /// As `config.json` has it.
    func configuration() throws -> JSONValue {
        if try integer("expert_count") ?? 0 > 0 {
            throw ModelError("\(name): mixtures of experts are not known")
        }
        let window = try integer("attention.sliding_window")
        let type = architecture == "llama" && window != nil ? "mistral" : architecture
        let kind = type == "mistral" ? "MistralForCausalLM" : GGUFModel.families[architecture]
        let heads = try needed("attention.head_count")
        var members: [JSONValue.Member] = [
            .init("architectures", .array([.string(kind ?? "")])),
            .init("model_type", .string(type)),
            .init("hidden_size", try needed("embedding_length")),
            .init("intermediate_size", try needed("feed_forward_length")),
            .init("num_hidden_layers", try needed("block_count")),
            .init("num_attention_heads", heads),
            .init(
                "num_key_value_heads",
                try integer("attention.head_count_kv").map { .integer($0) } ?? heads),
            .init("hidden_act", .string("silu")), .init("torch_dtype", .string("float16")),
            .init("vocab_size", .integer(try vocabularySize())),
            .init("tie_word_embeddings", .boolean(shape("output.weight") == nil)),
            .init(
                "rms_norm_eps",
                .number(try number("attention.layer_norm_rms_epsilon") ?? 1e-6)),
            .init("rope_theta", .number(try number("rope.freq_base") ?? 10_000)),
            .init("attention_bias", .boolean(shape("blk.0.attn_q.bias") != nil)),
            .init("mlp_bias", .boolean(shape("blk.0.ffn_up.bias") != nil)),
        ]
        let width = try integer("attention.key_length") ?? integer("rope.dimension_count")
        if let width { members.append(.init("head_dim", .integer(width))) }
        if let window { members.append(.init("sliding_window", .integer(window))) }
        if let length = try integer("context_length") {
            members.append(.init("max_position_embeddings", .integer(length)))
        }
        if let scaling = try scaling() { members.append(.init("rope_scaling", scaling)) }
        members += specialTokens()
        if let quantization = try quantization() {
            members += [
                .init("quantization", quantization.json),
                .init("quantization_config", quantization.json),
            ]
        }
        return .object(members)
    }

    private func vocabularySize() throws -> Int {
        guard let rows = shape("token_embd.weight")?.first else {
            throw ModelError("\(name) has no tensor 'token_embd.weight'")
        }
        return rows
    }

    /// Where texts begin and end; chat models have one end for texts and one for turns.
    private func specialTokens() -> [JSONValue.Member] {
        func id(_ key: String) -> Int? {
            file.metadata["tokenizer.ggml.\(key)_token_id"]?.integer
        }
        let ends = Set([id("eos"), id("eot"), id("eom")].compactMap { $0 }).sorted()
        var members: [JSONValue.Member] = []
        if let start = id("bos") { members.append(.init("bos_token_id", .integer(start))) }
        if let padding = id("padding") { members.append(.init("pad_token_id", .integer(padding))) }
        if ends.count == 1 { members.append(.init("eos_token_id", .integer(ends[0]))) }
        if ends.count > 1 {
            members.append(.init("eos_token_id", .array(ends.map { .integer($0) })))
        }
        return members
    }

    private func scaling() throws -> JSONValue? {
        if let factors = file.tensors.first(where: { $0.description.name == "rope_freqs.weight" }) {
            return try GGUFRope.scaling(factors, self)
        }
        let kind = value("rope.scaling.type")?.text ?? "none"
        guard kind != "none" else { return nil }
        guard kind == "linear" || kind == "yarn" else {
            throw ModelError("\(name): rope scaling '\(kind.prefix(64))' is not known")
        }
        var members: [JSONValue.Member] = [
            .init("rope_type", .string(kind)),
            .init("factor", .number(try number("rope.scaling.factor") ?? 1)),
        ]
        if let length = try integer("rope.scaling.original_context_length") {
            members.append(.init("original_max_position_embeddings", .integer(length)))
        }
        return .object(members)
    }

    /// What the rotary positions of the file are made of.
    func rotary() throws -> (dimensions: Int, base: Double) {
        let heads = max(try integer("attention.head_count") ?? 1, 1)
        let width =
            try integer("rope.dimension_count") ?? integer("attention.key_length")
            ?? (integer("embedding_length") ?? 0) / heads
        return (width, try number("rope.freq_base") ?? 10_000)
    }

    // MARK: - Other files

    /// What stands beside `config.json` and the weights in a directory.
    func otherFiles() throws -> [(name: String, bytes: [UInt8])] {
        let tokenizer = try GGUFTokenizer(file.metadata)
        var files = [("tokenizer.json", JSONWriter.bytes(of: try tokenizer.tree()))]
        var members: [JSONValue.Member] = tokenizer.specialTokens.sorted { $0.key < $1.key }.map {
            .init($0.key, .string($0.value))
        }
        members.append(.init("tokenizer_class", .string("PreTrainedTokenizerFast")))
        if let length = try integer("context_length") {
            members.append(.init("model_max_length", .integer(length)))
        }
        if let template = template {
            members.append(.init("chat_template", .string(template)))
            files.append(("chat_template.jinja", Array(template.utf8)))
        }
        files.append(("tokenizer_config.json", JSONWriter.bytes(of: .object(members))))
        files.append(
            ("generation_config.json", JSONWriter.bytes(of: .object(specialTokens()))))
        return files
    }

    private var template: String? { file.metadata["tokenizer.chat_template"]?.text }

    /// The template of conversations.
    func chatTemplate() throws -> ChatTemplate {
        guard let template else { throw ModelError("\(name) has no chat template") }
        return try ChatTemplate(
            template, specialTokens: try GGUFTokenizer(file.metadata).specialTokens)
    }
}

/// Llama 3 changes the periods of rotary positions by parts. A GGUF file has the factors that this
/// makes, and Hugging Face's configuration the parameters that make them: those that all published
/// models have, which are checked against the factors.
enum GGUFRope {
    private static let (low, high, length) = (1.0, 4.0, 8192.0)

    static func scaling(_ tensor: StoredTensor, _ model: GGUFModel) throws -> JSONValue {
        let (dimensions, base) = try model.rotary()
        let fault = ModelError(
            "\(model.name): tensor 'rope_freqs.weight' has factors that are not Llama 3's")
        guard tensor.description.dtype == .float32, dimensions > 0,
            tensor.description.shape == [dimensions / 2]
        else { throw fault }
        let bytes = try tensor.bytes()
        let factors = stride(from: 0, to: bytes.count, by: 4).map { place in
            Double(
                Float(
                    bitPattern: bytes[place..<place + 4].reversed().reduce(UInt32(0)) {
                        $0 << 8 | UInt32($1)
                    }))
        }
        guard let factor = factors.max(), factor >= 1, factor.isFinite else { throw fault }
        for (number, own) in factors.enumerated() {
            let period = 2 * Double.pi * pow(base, Double(2 * number) / Double(dimensions))
            var expected = 1.0
            if period > length / low {
                expected = factor
            } else if period > length / high {
                let share = (length / period - low) / (high - low)
                expected = 1 / ((1 - share) / factor + share)
            }
            guard abs(own - expected) <= 1e-3 * expected else { throw fault }
        }
        return .object([
            .init("rope_type", .string("llama3")), .init("factor", .number(factor)),
            .init("low_freq_factor", .number(low)), .init("high_freq_factor", .number(high)),
            .init("original_max_position_embeddings", .integer(Int(length))),
        ])
    }
}
