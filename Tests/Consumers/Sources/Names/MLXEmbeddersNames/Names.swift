// The names that MLXEmbedders declares. Written by Scripts/consumer-names.

public struct BertConfiguration {}
public final class BertModel {}
public final class BertRerankerModel {}
public final class BertSequenceClassificationRerankerModel {}
public final class DistilBertModel {}
public final class EmbedderModelContainer {}
public struct EmbedderModelContext {}
public final class EmbedderModelFactory {}
public final class EmbedderRegistry {}
public enum EmbedderTypeRegistry {}
public final class EmbeddingGemma {}
public protocol EmbeddingModel {}
public struct EmbeddingModelOutput {}
public struct Gemma3Configuration {}
public final class Gemma3ModelBackbone {}
public struct LFM2BidirectionalConfiguration {}
public final class LFM2BidirectionalModel {}
public struct NomicBertConfiguration {}
public final class NomicBertModel {}
public final class Pooling {}
public struct PoolingConfiguration {}
public struct Qwen3Configuration {}
public final class Qwen3Model {}
