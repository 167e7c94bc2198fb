import MLX
import MLXNN

/// GPT-2 (Radford et al. 2019): learned positions, layer norms before each block, GELU by its tanh
/// formula, the embedding as output layer, unless the configuration says otherwise.
public final class GPT2Model: Module, LanguageModel {
    @ModuleInfo(key: "wte") var tokenEmbedding: Embedding
    @ModuleInfo(key: "wpe") var positionEmbedding: Embedding
    @ModuleInfo(key: "h") var layers: [GPT2Layer]
    @ModuleInfo(key: "ln_f") var norm: LayerNorm
    @ModuleInfo(key: "lm_head") var head: Linear?

    init(_ configuration: ModelConfiguration) throws {
        let width = try configuration.size("n_embd", "hidden_size")
        let heads = try configuration.size("n_head", "num_attention_heads")
        let count = try configuration.count("n_layer", "num_hidden_layers", atMost: 4096)
        let inner = try configuration.size("n_inner", default: 4 * width)
        let epsilon = try configuration.epsilon("layer_norm_epsilon", default: 1e-5)
        guard width % heads == 0 else { throw ModelError("\(heads) heads of a width of \(width)") }
        _tokenEmbedding.wrappedValue = Embedding(
            embeddingCount: try configuration.size("vocab_size"), dimensions: width)
        _positionEmbedding.wrappedValue = Embedding(
            embeddingCount: try configuration.size("n_positions", "max_position_embeddings"),
            dimensions: width)
        let activation = try ActivationNames.function(
            configuration, "activation_function", default: "gelu_new")
        _layers.wrappedValue = (0..<count).map { number in
            let scale = GPT2Model.scale(configuration, headWidth: width / heads, layer: number)
            return GPT2Layer(width, heads, inner, epsilon, activation, scale)
        }
        _norm.wrappedValue = LayerNorm(dimensions: width, eps: epsilon)
        _head.wrappedValue =
            configuration.flag("tie_word_embeddings", default: true)
            ? nil
            : Linear(width, try configuration.size("vocab_size"), bias: false)
    }

    /// What the products of queries and keys are multiplied with.
    private static func scale(
        _ configuration: ModelConfiguration, headWidth: Int, layer: Int
    ) -> Float {
        var scale: Float = 1
        if configuration.flag("scale_attn_weights", default: true) {
            scale /= Float(headWidth).squareRoot()
        }
        if configuration.flag("scale_attn_by_inverse_layer_idx", default: false) {
            scale /= Float(layer + 1)
        }
        return scale
    }

    /// The scores of every token after each position; (batch, length) to
    /// (batch, length, vocabulary).
    public func callAsFunction(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray {
        let states = hiddenStates(tokens, cache)
        return head.map { $0(states) } ?? tokenEmbedding.asLinear(states)
    }

    /// The scores of every token after the last position; (batch, length) to
    /// (batch, vocabulary).
    public func nextScores(_ tokens: MLXArray, cache: [KeyValueCache]?) -> MLXArray {
        let last = hiddenStates(tokens, cache)[0..., -1]
        return head.map { $0(last) } ?? tokenEmbedding.asLinear(last)
    }

    public var layerCount: Int { layers.count }

    /// The states after the last norm; (batch, length) to (batch, length, width).
    public func hiddenStates(_ tokens: MLXArray, _ cache: [KeyValueCache]? = nil) -> MLXArray {
        let start = cache?.first?.count ?? 0
        var x = tokenEmbedding(tokens) + positionEmbedding(arange(start, start + tokens.dim(1)))
        for (number, layer) in layers.enumerated() { x = layer(x, cache?[number]) }
        return norm(x)
    }
}

final class GPT2Layer: Module {
    @ModuleInfo(key: "ln_1") var attentionNorm: LayerNorm
    @ModuleInfo(key: "attn") var attention: GPT2Attention
    @ModuleInfo(key: "ln_2") var feedForwardNorm: LayerNorm
    let mlp: GPT2FeedForward

    init(
        _ width: Int, _ heads: Int, _ inner: Int, _ epsilon: Float,
        _ activation: @escaping ActivationNames.Function, _ scale: Float
    ) {
        _attentionNorm.wrappedValue = LayerNorm(dimensions: width, eps: epsilon)
        _attention.wrappedValue = GPT2Attention(width, heads, scale)
        _feedForwardNorm.wrappedValue = LayerNorm(dimensions: width, eps: epsilon)
        mlp = GPT2FeedForward(width, inner, activation)
    }

    func callAsFunction(_ x: MLXArray, _ cache: KeyValueCache?) -> MLXArray {
        let middle = x + attention(attentionNorm(x), cache)
        return middle + mlp(feedForwardNorm(middle))
    }
}

final class GPT2Attention: Module {
    @ModuleInfo(key: "c_attn") var joint: Linear
    @ModuleInfo(key: "c_proj") var output: Linear
    private let _heads: Int
    private let _scale: Float

    init(_ width: Int, _ heads: Int, _ scale: Float) {
        _joint.wrappedValue = Linear(width, 3 * width)
        _output.wrappedValue = Linear(width, width)
        _heads = heads
        _scale = scale
    }

    func callAsFunction(_ x: MLXArray, _ cache: KeyValueCache?) -> MLXArray {
        let parts = split(joint(x), parts: 3, axis: -1).map { splitHeads($0, _heads) }
        let mixed = attention(
            queries: parts[0], keys: parts[1], values: parts[2], cache: cache,
            scale: _scale, mask: x.dim(1) > 1 ? .causal : .none)
        return output(joinHeads(mixed))
    }
}

final class GPT2FeedForward: Module {
    @ModuleInfo(key: "c_fc") var first: Linear
    @ModuleInfo(key: "c_proj") var second: Linear
    private let _activation: ActivationNames.Function

    init(_ width: Int, _ inner: Int, _ activation: @escaping ActivationNames.Function) {
        _first.wrappedValue = Linear(width, inner)
        _second.wrappedValue = Linear(inner, width)
        _activation = activation
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray { second(_activation(first(x))) }
}
