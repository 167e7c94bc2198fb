import MLX
import MLXNN

/// Decoders of the Llama family (Touvron et al. 2023): Llama, Mistral, Qwen 2 (biases on queries,
/// keys and values) and Qwen 3 (norms of queries and keys). RMS norms before each block, rotary
/// positions, grouped heads, SwiGLU.
public final class LlamaModel: Module, LanguageModel {
    @ModuleInfo(key: "model") var model: LlamaStack
    @ModuleInfo(key: "lm_head") var head: Linear?

    init(_ configuration: ModelConfiguration) throws {
        let shape = try LlamaShape(configuration)
        _model.wrappedValue = try LlamaStack(configuration, shape)
        _head.wrappedValue =
            shape.tiesEmbeddings
            ? nil : Linear(shape.width, shape.vocabulary, bias: false)
    }

    /// The scores of every token after each position; (batch, length) to
    /// (batch, length, vocabulary).
    public func callAsFunction(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray {
        let states = model(tokens, cache)
        return head.map { $0(states) } ?? model.embedding.asLinear(states)
    }

    /// The scores of every token after the last position; (batch, length) to
    /// (batch, vocabulary).
    public func nextScores(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray {
        let last = model(tokens, cache)[0..., -1]
        return head.map { $0(last) } ?? model.embedding.asLinear(last)
    }

    public var layerCount: Int { model.layers.count }

    /// The states after the last norm; (batch, length) to (batch, length, width).
    public func hiddenStates(_ tokens: MLXArray) -> MLXArray { model(tokens, nil) }
}

/// The sizes of a decoder of the Llama family.
struct LlamaShape {
    let width: Int
    let inner: Int
    let layers: Int
    let heads: Int
    let groups: Int
    let headWidth: Int
    let vocabulary: Int
    let epsilon: Float
    let tiesEmbeddings: Bool
    let hasQueryBias: Bool
    let hasOutputBias: Bool
    let normsQueries: Bool
    let hasFeedForwardBias: Bool
    let activation: ActivationNames.Function
    /// How many positions a layer looks back on, itself included; nil for all.
    let windows: [Int?]

    init(_ configuration: ModelConfiguration) throws {
        width = try configuration.size("hidden_size")
        inner = try configuration.size("intermediate_size")
        layers = try configuration.count("num_hidden_layers", atMost: 4096)
        heads = try configuration.size("num_attention_heads")
        groups = try configuration.size("num_key_value_heads", default: heads)
        headWidth = try configuration.size("head_dim", default: max(width / heads, 1))
        vocabulary = try configuration.size("vocab_size")
        epsilon = try configuration.epsilon("rms_norm_eps", default: 1e-6)
        let type = configuration.modelType
        tiesEmbeddings = configuration.flag("tie_word_embeddings", default: false)
        let hasBias = configuration.flag("attention_bias", default: false)
        hasQueryBias = type == "qwen2" || hasBias
        hasOutputBias = type != "qwen2" && hasBias
        normsQueries = type == "qwen3"
        guard heads % groups == 0, headWidth % 2 == 0 else {
            throw ModelError("\(heads) heads of width \(headWidth) in \(groups) groups")
        }
        hasFeedForwardBias = configuration.flag("mlp_bias", default: false)
        activation = try ActivationNames.function(configuration, "hidden_act", default: "silu")
        windows = try LlamaShape.windows(configuration, layers)
    }

    /// Mistral's layers have a window unless it is null; Qwen's upper ones have one if asked for.
    private static func windows(_ configuration: ModelConfiguration, _ layers: Int) throws
        -> [Int?]
    {
        let none = [Int?](repeating: nil, count: layers)
        switch configuration.modelType {
        case "mistral":
            if configuration["sliding_window"] == .null { return none }
            let window = try configuration.size("sliding_window", default: 4096)
            return [Int?](repeating: window, count: layers)
        case "qwen2", "qwen3":
            guard configuration.flag("use_sliding_window", default: false),
                configuration["sliding_window"] != .null
            else { return none }
            let window = try configuration.size("sliding_window", default: 4096)
            if let kinds = configuration["layer_types"]?.array {
                guard kinds.count == layers else {
                    throw ModelError("config.json: \(kinds.count) layer_types for \(layers) layers")
                }
                return kinds.map { $0.string == "sliding_attention" ? window : nil }
            }
            let first = configuration["max_window_layers"]?.integer ?? 28
            return (0..<layers).map { $0 >= first ? window : nil }
        default: return none
        }
    }
}

final class LlamaStack: Module {
    @ModuleInfo(key: "embed_tokens") var embedding: Embedding
    let layers: [LlamaLayer]
    let norm: RMSNorm

    init(_ configuration: ModelConfiguration, _ shape: LlamaShape) throws {
        _embedding.wrappedValue = Embedding(
            embeddingCount: shape.vocabulary, dimensions: shape.width)
        let positions = try RotaryPositions(configuration, dimensions: shape.headWidth)
        layers = (0..<shape.layers).map { LlamaLayer(shape, positions, number: $0) }
        norm = RMSNorm(dimensions: shape.width, eps: shape.epsilon)
    }

    func callAsFunction(_ tokens: MLXArray, _ cache: [KeyValueCache]?) -> MLXArray {
        var x = embedding(tokens)
        for (number, layer) in layers.enumerated() { x = layer(x, cache?[number]) }
        return norm(x)
    }
}

final class LlamaLayer: Module {
    @ModuleInfo(key: "self_attn") var attention: LlamaAttention
    let mlp: LlamaFeedForward
    @ModuleInfo(key: "input_layernorm") var inputNorm: RMSNorm
    @ModuleInfo(key: "post_attention_layernorm") var middleNorm: RMSNorm

    init(_ shape: LlamaShape, _ positions: RotaryPositions, number: Int) {
        _attention.wrappedValue = LlamaAttention(
            shape, positions, window: shape.windows[number])
        mlp = LlamaFeedForward(shape)
        _inputNorm.wrappedValue = RMSNorm(dimensions: shape.width, eps: shape.epsilon)
        _middleNorm.wrappedValue = RMSNorm(dimensions: shape.width, eps: shape.epsilon)
    }

    func callAsFunction(_ x: MLXArray, _ cache: KeyValueCache?) -> MLXArray {
        let middle = x + attention(inputNorm(x), cache)
        return middle + mlp(middleNorm(middle))
    }
}

final class LlamaAttention: Module {
    @ModuleInfo(key: "q_proj") var query: Linear
    @ModuleInfo(key: "k_proj") var key: Linear
    @ModuleInfo(key: "v_proj") var value: Linear
    @ModuleInfo(key: "o_proj") var output: Linear
    @ModuleInfo(key: "q_norm") var queryNorm: RMSNorm?
    @ModuleInfo(key: "k_norm") var keyNorm: RMSNorm?
    private let _heads: (all: Int, groups: Int, width: Int)
    private let _positions: RotaryPositions
    private let _window: Int?

    init(_ shape: LlamaShape, _ positions: RotaryPositions, window: Int?) {
        let (width, own) = (shape.width, shape.headWidth)
        _query.wrappedValue = Linear(width, shape.heads * own, bias: shape.hasQueryBias)
        _key.wrappedValue = Linear(width, shape.groups * own, bias: shape.hasQueryBias)
        _value.wrappedValue = Linear(width, shape.groups * own, bias: shape.hasQueryBias)
        _output.wrappedValue = Linear(shape.heads * own, width, bias: shape.hasOutputBias)
        _queryNorm.wrappedValue =
            shape.normsQueries ? RMSNorm(dimensions: own, eps: shape.epsilon) : nil
        _keyNorm.wrappedValue =
            shape.normsQueries ? RMSNorm(dimensions: own, eps: shape.epsilon) : nil
        _heads = (shape.heads, shape.groups, own)
        _positions = positions
        _window = window
    }

    func callAsFunction(_ x: MLXArray, _ cache: KeyValueCache?) -> MLXArray {
        var queries = splitHeads(query(x), _heads.all)
        var keys = splitHeads(key(x), _heads.groups)
        let values = splitHeads(value(x), _heads.groups)
        if let queryNorm, let keyNorm { (queries, keys) = (queryNorm(queries), keyNorm(keys)) }
        let offset = cache?.count ?? 0
        queries = _positions(queries, offset: offset)
        keys = _positions(keys, offset: offset)
        let mixed = attention(
            queries: queries, keys: keys, values: values, cache: cache,
            scale: 1 / Float(_heads.width).squareRoot(), mask: mask(offset, x.dim(1)))
        return output(joinHeads(mixed))
    }

    private func mask(_ offset: Int, _ length: Int)
        -> MLXFast.ScaledDotProductAttentionMaskMode
    {
        guard let _window, offset + length > _window else {
            return length > 1 ? .causal : .none
        }
        let queries = arange(offset, offset + length).expandedDimensions(axis: 1)
        let keys = arange(offset + length).expandedDimensions(axis: 0)
        return .array(logicalAnd(keys .<= queries, keys .> queries - _window))
    }
}

final class LlamaFeedForward: Module {
    @ModuleInfo(key: "gate_proj") var gate: Linear
    @ModuleInfo(key: "up_proj") var up: Linear
    @ModuleInfo(key: "down_proj") var down: Linear

    private let _activation: ActivationNames.Function

    init(_ shape: LlamaShape) {
        let hasBias = shape.hasFeedForwardBias
        _gate.wrappedValue = Linear(shape.width, shape.inner, bias: hasBias)
        _up.wrappedValue = Linear(shape.width, shape.inner, bias: hasBias)
        _down.wrappedValue = Linear(shape.inner, shape.width, bias: hasBias)
        _activation = shape.activation
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray { down(_activation(gate(x)) * up(x)) }
}
