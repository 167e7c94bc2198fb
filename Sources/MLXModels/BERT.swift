import MLX
import MLXNN

/// The encoder of BERT (Devlin et al. 2019): learned positions and segments, layer norms after each
/// block, GELU.
public final class BERTModel: Module {
    let embeddings: BERTEmbeddings
    let encoder: BERTEncoder
    let pooler: BERTPooler?

    init(_ configuration: ModelConfiguration, hasPooler: Bool) throws {
        let width = try configuration.size("hidden_size")
        let heads = try configuration.size("num_attention_heads")
        let epsilon = try configuration.epsilon("layer_norm_eps", default: 1e-12)
        guard width % heads == 0 else { throw ModelError("\(heads) heads of a width of \(width)") }
        let activation = try ActivationNames.function(
            configuration, "hidden_act", default: "gelu")
        let positions = configuration["position_embedding_type"]?.string ?? "absolute"
        guard positions == "absolute" else {
            throw ModelError("position embeddings of type '\(positions)' are not known: absolute")
        }
        embeddings = try BERTEmbeddings(configuration, width, epsilon)
        let inner = try configuration.size("intermediate_size")
        encoder = BERTEncoder(
            try configuration.count("num_hidden_layers", atMost: 4096), width, heads, inner,
            epsilon, activation)
        pooler = hasPooler ? BERTPooler(width) : nil
    }

    /// The states of all positions.
    /// - Parameters:
    ///   - tokens: ids, (batch, length).
    ///   - mask: true at positions that are text, (batch, length); nil when all are.
    ///   - segments: 0 for the first text of a pair and 1 for the second, (batch, length); nil when
    ///     all is the first.
    /// - Returns: (batch, length, width).
    public func callAsFunction(
        _ tokens: MLXArray, mask: MLXArray? = nil, segments: MLXArray? = nil
    ) -> MLXArray {
        let wide = mask.map { $0.asType(.bool).expandedDimensions(axes: [1, 2]) }
        return encoder(embeddings(tokens, segments), wide)
    }

    /// What the pooling layer makes of the first position's state, (batch, width); nil for a model
    /// without that layer.
    public func pooled(_ states: MLXArray) -> MLXArray? {
        pooler.map { tanh($0.dense(states[0..., 0])) }
    }
}

final class BERTEmbeddings: Module {
    @ModuleInfo(key: "word_embeddings") var words: Embedding
    @ModuleInfo(key: "position_embeddings") var positions: Embedding
    @ModuleInfo(key: "token_type_embeddings") var segments: Embedding
    @ModuleInfo(key: "LayerNorm") var norm: LayerNorm

    init(_ configuration: ModelConfiguration, _ width: Int, _ epsilon: Float) throws {
        func table(_ count: Int) -> Embedding {
            Embedding(embeddingCount: count, dimensions: width)
        }
        _words.wrappedValue = table(try configuration.size("vocab_size"))
        _positions.wrappedValue = table(try configuration.size("max_position_embeddings"))
        _segments.wrappedValue = table(try configuration.size("type_vocab_size", default: 2))
        _norm.wrappedValue = LayerNorm(dimensions: width, eps: epsilon)
    }

    func callAsFunction(_ tokens: MLXArray, _ kinds: MLXArray?) -> MLXArray {
        let kind = kinds.map { segments($0) } ?? segments(MLXArray(0))
        return norm(words(tokens) + kind + positions(arange(tokens.dim(1))))
    }
}

final class BERTEncoder: Module {
    @ModuleInfo(key: "layer") var layers: [BERTLayer]

    init(
        _ count: Int, _ width: Int, _ heads: Int, _ inner: Int, _ epsilon: Float,
        _ activation: @escaping ActivationNames.Function
    ) {
        _layers.wrappedValue = (0..<count).map { _ in
            BERTLayer(width, heads, inner, epsilon, activation)
        }
    }

    func callAsFunction(_ x: MLXArray, _ mask: MLXArray?) -> MLXArray {
        layers.reduce(x) { $1($0, mask) }
    }
}

final class BERTLayer: Module {
    let attention: BERTAttention
    let intermediate: BERTDense
    let output: BERTOutput
    private let _activation: ActivationNames.Function

    init(
        _ width: Int, _ heads: Int, _ inner: Int, _ epsilon: Float,
        _ activation: @escaping ActivationNames.Function
    ) {
        attention = BERTAttention(width, heads, epsilon)
        intermediate = BERTDense(width, inner)
        output = BERTOutput(inner, width, epsilon)
        _activation = activation
    }

    func callAsFunction(_ x: MLXArray, _ mask: MLXArray?) -> MLXArray {
        let middle = attention(x, mask)
        return output(_activation(intermediate.dense(middle)), middle)
    }
}

final class BERTAttention: Module {
    @ModuleInfo(key: "self") var heads: BERTHeads
    let output: BERTOutput

    init(_ width: Int, _ count: Int, _ epsilon: Float) {
        _heads.wrappedValue = BERTHeads(width, count)
        output = BERTOutput(width, width, epsilon)
    }

    func callAsFunction(_ x: MLXArray, _ mask: MLXArray?) -> MLXArray {
        output(heads(x, mask), x)
    }
}

final class BERTHeads: Module {
    @ModuleInfo(key: "query") var query: Linear
    @ModuleInfo(key: "key") var key: Linear
    @ModuleInfo(key: "value") var value: Linear
    private let _count: Int

    init(_ width: Int, _ count: Int) {
        _query.wrappedValue = Linear(width, width)
        _key.wrappedValue = Linear(width, width)
        _value.wrappedValue = Linear(width, width)
        _count = count
    }

    func callAsFunction(_ x: MLXArray, _ mask: MLXArray?) -> MLXArray {
        let queries = splitHeads(query(x), _count)
        return joinHeads(
            MLXFast.scaledDotProductAttention(
                queries: queries, keys: splitHeads(key(x), _count),
                values: splitHeads(value(x), _count),
                scale: 1 / Float(queries.dim(3)).squareRoot(),
                mask: mask.map { .array($0) } ?? .none))
    }
}

final class BERTDense: Module {
    @ModuleInfo(key: "dense") var dense: Linear

    init(_ width: Int, _ inner: Int) { _dense.wrappedValue = Linear(width, inner) }
}

final class BERTPooler: Module {
    @ModuleInfo(key: "dense") var dense: Linear

    init(_ width: Int) { _dense.wrappedValue = Linear(width, width) }
}

final class BERTOutput: Module {
    @ModuleInfo(key: "dense") var dense: Linear
    @ModuleInfo(key: "LayerNorm") var norm: LayerNorm

    init(_ inner: Int, _ width: Int, _ epsilon: Float) {
        _dense.wrappedValue = Linear(inner, width)
        _norm.wrappedValue = LayerNorm(dimensions: width, eps: epsilon)
    }

    func callAsFunction(_ x: MLXArray, _ residual: MLXArray) -> MLXArray {
        norm(dense(x) + residual)
    }
}
