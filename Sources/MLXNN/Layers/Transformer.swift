import MLX

/// The encoder and decoder of Vaswani et al. (2017), their layers, and both together. Layers
/// normalize before attention and the two linear maps, or after adding their results.

/// Self-attention and a network of two linear maps, each added to its input.
/// ```swift
/// let layer = TransformerEncoderLayer(dimensions: 64, numHeads: 4)
/// let y = layer(x, mask: mask)  // (N, L, 64)
/// ```
open class TransformerEncoderLayer: Module {
    @ModuleInfo(key: "attention") var attention: MultiHeadAttention
    @ModuleInfo(key: "ln1") var norm1: LayerNorm
    @ModuleInfo(key: "ln2") var norm2: LayerNorm
    @ModuleInfo var linear1: Linear
    @ModuleInfo var linear2: Linear
    @ModuleInfo var dropout1: Dropout
    @ModuleInfo var dropout2: Dropout
    @ModuleInfo var activation: any UnaryLayer
    /// Whether inputs are normalized first, rather than sums.
    public let normFirst: Bool

    /// A layer for features of the size `dimensions`.
    /// - Parameters:
    ///   - mlpDimensions: the size between the linear maps; 4 dimensions if nil.
    ///   - dropout: the probability to zero, after attention and after the activation.
    public init(
        dimensions: Int, numHeads: Int, mlpDimensions: Int? = nil, dropout: Float = 0,
        activation: any UnaryLayer = ReLU(), normFirst: Bool = false
    ) {
        let inner = mlpDimensions ?? 4 * dimensions
        _attention = ModuleInfo(
            wrappedValue: MultiHeadAttention(dimensions: dimensions, numHeads: numHeads),
            key: "attention")
        _norm1 = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln1")
        _norm2 = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln2")
        linear1 = Linear(dimensions, inner)
        linear2 = Linear(inner, dimensions)
        dropout1 = Dropout(p: dropout)
        dropout2 = Dropout(p: dropout)
        self.activation = activation
        self.normFirst = normFirst
        super.init()
    }

    /// Applies the layer.
    /// - Parameters:
    ///   - x: (N, L, dimensions).
    ///   - mask: which positions see which, as for ``MultiHeadAttention``.
    /// - Returns: (N, L, dimensions).
    open func callAsFunction(_ x: MLXArray, mask: MLXArray? = nil) -> MLXArray {
        func attend(_ y: MLXArray) -> MLXArray {
            dropout1(attention(y, keys: y, values: y, mask: mask))
        }
        func network(_ y: MLXArray) -> MLXArray { linear2(dropout2(activation(linear1(y)))) }
        if normFirst {
            let sum = x + attend(norm1(x))
            return noted(sum + network(norm2(sum)), from: x)
        }
        let y = norm1(x + attend(x))
        return noted(norm2(y + network(y)), from: x)
    }
}

/// Self-attention, attention to the encoder's output and a network of two linear maps, each added
/// to its input.
/// ```swift
/// let layer = TransformerDecoderLayer(dimensions: 64, numHeads: 4)
/// let y = layer(x, memory: memory, mask: causalMask)
/// ```
open class TransformerDecoderLayer: Module {
    @ModuleInfo(key: "self_attention") var selfAttention: MultiHeadAttention
    @ModuleInfo(key: "cross_attention") var crossAttention: MultiHeadAttention
    @ModuleInfo(key: "ln1") var norm1: LayerNorm
    @ModuleInfo(key: "ln2") var norm2: LayerNorm
    @ModuleInfo(key: "ln3") var norm3: LayerNorm
    @ModuleInfo var linear1: Linear
    @ModuleInfo var linear2: Linear
    @ModuleInfo var dropout1: Dropout
    @ModuleInfo var dropout2: Dropout
    @ModuleInfo var dropout3: Dropout
    @ModuleInfo var activation: any UnaryLayer
    /// Whether inputs are normalized first, rather than sums.
    public let normFirst: Bool

    /// A layer for features of the size `dimensions`.
    /// - Parameters:
    ///   - mlpDimensions: the size between the linear maps; 4 dimensions if nil.
    ///   - dropout: the probability to zero, after both attentions and after the activation.
    public init(
        dimensions: Int, numHeads: Int, mlpDimensions: Int? = nil, dropout: Float = 0,
        activation: any UnaryLayer = ReLU(), normFirst: Bool = false
    ) {
        let inner = mlpDimensions ?? 4 * dimensions
        _selfAttention = ModuleInfo(
            wrappedValue: MultiHeadAttention(dimensions: dimensions, numHeads: numHeads),
            key: "self_attention")
        _crossAttention = ModuleInfo(
            wrappedValue: MultiHeadAttention(dimensions: dimensions, numHeads: numHeads),
            key: "cross_attention")
        _norm1 = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln1")
        _norm2 = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln2")
        _norm3 = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln3")
        linear1 = Linear(dimensions, inner)
        linear2 = Linear(inner, dimensions)
        dropout1 = Dropout(p: dropout)
        dropout2 = Dropout(p: dropout)
        dropout3 = Dropout(p: dropout)
        self.activation = activation
        self.normFirst = normFirst
        super.init()
    }

    /// Applies the layer.
    /// - Parameters:
    ///   - x: (N, L, dimensions).
    ///   - memory: what the encoder made, (N, S, dimensions).
    ///   - mask: which positions of x see which of x, as for ``MultiHeadAttention``.
    ///   - memoryMask: which positions of x see which of the memory.
    /// - Returns: (N, L, dimensions).
    open func callAsFunction(
        _ x: MLXArray, memory: MLXArray, mask: MLXArray? = nil, memoryMask: MLXArray? = nil
    ) -> MLXArray {
        func attend(_ y: MLXArray) -> MLXArray {
            dropout1(selfAttention(y, keys: y, values: y, mask: mask))
        }
        func attendMemory(_ y: MLXArray) -> MLXArray {
            dropout2(crossAttention(y, keys: memory, values: memory, mask: memoryMask))
        }
        func network(_ y: MLXArray) -> MLXArray { linear2(dropout3(activation(linear1(y)))) }
        if normFirst {
            let first = x + attend(norm1(x))
            let second = first + attendMemory(norm2(first))
            return noted(second + network(norm3(second)), from: x, memory)
        }
        let first = norm1(x + attend(x))
        let second = norm2(first + attendMemory(first))
        return noted(norm3(second + network(second)), from: x, memory)
    }
}

/// Encoder layers one after the other, and a last normalization.
/// ```swift
/// let encoder = TransformerEncoder(layerCount: 2, dimensions: 64, numHeads: 4)
/// let memory = encoder(x)  // (N, L, 64)
/// ```
open class TransformerEncoder: Module {
    /// The layers in their order.
    @ModuleInfo public var layers: [TransformerEncoderLayer]
    @ModuleInfo(key: "ln") var norm: LayerNorm

    /// An encoder of `layerCount` layers; for the others see ``TransformerEncoderLayer``.
    public init(
        layerCount: Int, dimensions: Int, numHeads: Int, mlpDimensions: Int? = nil,
        dropout: Float = 0, activation: any UnaryLayer = ReLU(), normFirst: Bool = false
    ) {
        layers = (0..<max(layerCount, 0)).map { _ in
            TransformerEncoderLayer(
                dimensions: dimensions, numHeads: numHeads, mlpDimensions: mlpDimensions,
                dropout: dropout, activation: activation, normFirst: normFirst)
        }
        _norm = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln")
        super.init()
    }

    /// Applies all layers to x, (N, L, dimensions), each with the mask.
    open func callAsFunction(_ x: MLXArray, mask: MLXArray? = nil) -> MLXArray {
        noted(norm(layers.reduce(x) { $1($0, mask: mask) }), from: x)
    }
}

/// Decoder layers one after the other, and a last normalization.
/// ```swift
/// let decoder = TransformerDecoder(layerCount: 2, dimensions: 64, numHeads: 4)
/// let y = decoder(x, memory: memory, mask: causalMask)
/// ```
open class TransformerDecoder: Module {
    /// The layers in their order.
    @ModuleInfo public var layers: [TransformerDecoderLayer]
    @ModuleInfo(key: "ln") var norm: LayerNorm

    /// A decoder of `layerCount` layers; for the others see ``TransformerDecoderLayer``.
    public init(
        layerCount: Int, dimensions: Int, numHeads: Int, mlpDimensions: Int? = nil,
        dropout: Float = 0, activation: any UnaryLayer = ReLU(), normFirst: Bool = false
    ) {
        layers = (0..<max(layerCount, 0)).map { _ in
            TransformerDecoderLayer(
                dimensions: dimensions, numHeads: numHeads, mlpDimensions: mlpDimensions,
                dropout: dropout, activation: activation, normFirst: normFirst)
        }
        _norm = ModuleInfo(wrappedValue: LayerNorm(dimensions: dimensions), key: "ln")
        super.init()
    }

    /// Applies all layers to x, (N, L, dimensions), each with the memory and both masks.
    open func callAsFunction(
        _ x: MLXArray, memory: MLXArray, mask: MLXArray? = nil, memoryMask: MLXArray? = nil
    ) -> MLXArray {
        let y = layers.reduce(x) { $1($0, memory: memory, mask: mask, memoryMask: memoryMask) }
        return noted(norm(y), from: x, memory)
    }
}

/// An encoder and a decoder that attends to what the encoder made.
/// ```swift
/// let model = Transformer(dimensions: 64, numHeads: 4, encoderLayerCount: 2, decoderLayerCount: 2)
/// let mask = MultiHeadAttention.createAdditiveCausalMask(target.dim(1))
/// let y = model(source: source, target: target, targetMask: mask)
/// ```
open class Transformer: Module {
    @ModuleInfo var encoder: TransformerEncoder
    @ModuleInfo var decoder: TransformerDecoder

    /// A model for features of the size `dimensions`; for the others see
    /// ``TransformerEncoderLayer``.
    public init(
        dimensions: Int = 512, numHeads: Int = 8, encoderLayerCount: Int = 6,
        decoderLayerCount: Int = 6, mlpDimensions: Int? = nil, dropout: Float = 0.0,
        activation: any UnaryLayer = ReLU(), normFirst: Bool = false
    ) {
        encoder = TransformerEncoder(
            layerCount: encoderLayerCount, dimensions: dimensions, numHeads: numHeads,
            mlpDimensions: mlpDimensions, dropout: dropout, activation: activation,
            normFirst: normFirst)
        decoder = TransformerDecoder(
            layerCount: decoderLayerCount, dimensions: dimensions, numHeads: numHeads,
            mlpDimensions: mlpDimensions, dropout: dropout, activation: activation,
            normFirst: normFirst)
        super.init()
    }

    /// Encodes `source`, (N, S, dimensions), and decodes `target`, (N, L, dimensions).
    /// - Parameters:
    ///   - sourceMask: for the encoder, as for ``MultiHeadAttention``.
    ///   - targetMask: for the decoder's attention to itself, usually a causal one.
    ///   - memoryMask: for the decoder's attention to the encoder.
    /// - Returns: (N, L, dimensions).
    open func callAsFunction(
        source: MLXArray, target: MLXArray, sourceMask: MLXArray, targetMask: MLXArray,
        memoryMask: MLXArray
    ) -> MLXArray {
        transformed(source, target, sourceMask, targetMask, memoryMask)
    }

    /// The same with masks where they are needed.
    public func callAsFunction(
        source: MLXArray, target: MLXArray, sourceMask: MLXArray? = nil,
        targetMask: MLXArray? = nil, memoryMask: MLXArray? = nil
    ) -> MLXArray {
        transformed(source, target, sourceMask, targetMask, memoryMask)
    }

    private func transformed(
        _ source: MLXArray, _ target: MLXArray, _ sourceMask: MLXArray?, _ targetMask: MLXArray?,
        _ memoryMask: MLXArray?
    ) -> MLXArray {
        let memory = encoder(source, mask: sourceMask)
        let y = decoder(target, memory: memory, mask: targetMask, memoryMask: memoryMask)
        return noted(y, from: source, target)
    }
}
