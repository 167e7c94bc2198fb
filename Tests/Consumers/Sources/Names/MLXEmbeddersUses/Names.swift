// Each name beside ours: one that both declare would be ambiguous.

import MLX
import MLXEmbeddersNames
import MLXNN
import MLXOptimizers

public func useNamesFrom0() {
    _ = BertConfiguration.self
    _ = BertModel.self
    _ = BertRerankerModel.self
    _ = BertSequenceClassificationRerankerModel.self
    _ = DistilBertModel.self
    _ = EmbedderModelContainer.self
    _ = EmbedderModelContext.self
    _ = EmbedderModelFactory.self
    _ = EmbedderRegistry.self
    _ = EmbedderTypeRegistry.self
    _ = EmbeddingGemma.self
    _ = (any EmbeddingModel).self
    _ = EmbeddingModelOutput.self
    _ = Gemma3Configuration.self
    _ = Gemma3ModelBackbone.self
    _ = LFM2BidirectionalConfiguration.self
    _ = LFM2BidirectionalModel.self
    _ = NomicBertConfiguration.self
    _ = NomicBertModel.self
    _ = Pooling.self
    _ = PoolingConfiguration.self
    _ = Qwen3Configuration.self
    _ = Qwen3Model.self
}
