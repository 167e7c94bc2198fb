// The names that MLXLMCommon declares. Written by Scripts/consumer-names.

public struct ATEMToolCallParser {}
public final class AbstractModelRegistry {}
public protocol AdditionalWeightFilesProviding {}
public struct AffineKVCacheConfiguration {}
public struct ArgMaxSampler {}
public final class ArraysCache {}
public struct BaseConfiguration {}
public final class BaseKVCache {}
public protocol BaseLanguageModel {}
public protocol BatchPositionedKVCache {}
public typealias CGFloat = Int8
public struct CGSize {}
public struct CMTime {}
public enum CacheLayerKind {}
public final class CacheList {}
public struct CategoricalSampler {}
public struct ChainedLogitProcessor {}
public enum Chat {}
public protocol ChatConventionsProviding {}
public final class ChatConventionsRegistry {}
public protocol ChatConventionsResolving {}
public final class ChatSession {}
public enum ChatSessionError {}
public final class ChunkedKVCache {}
public enum ContinuationStateError {}
public struct DeepSeekR1ConventionsResolver {}
public struct DefaultMessageGenerator {}
public final class DoRALinear {}
public protocol Downloader {}
public final class DynamicNTKAlphaRoPE {}
public struct FrequencyPenaltyContext {}
public final class FusedGateUpSwitchGLU {}
public struct GLM4ToolCallParser {}
public enum Gemma {}
public enum Gemma4SharedKVState {}
public struct GemmaFunctionParser {}
public struct GenerateCompletionInfo {}
public enum GenerateDisposition {}
public struct GenerateParameters {}
public struct GenerateResult {}
public enum GenerateStopReason {}
public enum Generation {}
public struct GenerationComponents {}
public struct GenerationConfigFile {}
public protocol GenericModelFactory {}
public struct IntOrIntArray {}
public struct JSONToolCallParser {}
public enum JSONValue {}
public protocol KVCache {}
public struct KVCacheApplicationResult {}
public struct KVCacheConfiguration {}
public enum KVCacheConfigurationError {}
public protocol KVCacheDimensionProvider {}
public struct KVCacheLayerStatus {}
public struct KVCacheRuntimeReport {}
public final class KVCacheSimple {}
public struct KVCacheStatus {}
public struct KVCacheStrategyIdentifier {}
public struct KimiK2ToolCallParser {}
public struct LMInput {}
public struct LMOutput {}
public protocol LanguageModel {}
public final class Llama3RoPE {}
public struct Llama3ToolCallParser {}
public struct LoRAConfiguration {}
public struct LoRAContainer {}
public protocol LoRALayer {}
public final class LoRALinear {}
public protocol LoRAModel {}
public protocol LogitProcessor {}
public protocol LogitSampler {}
public final class MTPDrafterContainer {}
public struct MTPDrafterContext {}
public protocol MTPDrafterModel {}
public final class MTPDrafterModelFactory {}
public final class MTPDrafterRegistry {}
public struct MTPDrafterState {}
public enum MTPDrafterTypeRegistry {}
public struct MTPSpeculativeTokenIterator {}
public protocol MTPStatsCollecting {}
public final class MambaCache {}
public typealias Message = Int8
public protocol MessageGenerator {}
public struct MessageGeneratorUserInputProcessor {}
public struct MiniMaxM2ToolCallParser {}
public struct MistralToolCallParser {}
public protocol ModelAdapter {}
public enum ModelAdapterError {}
public final class ModelAdapterFactory {}
public final class ModelAdapterTypeRegistry {}
public struct ModelConfiguration {}
public protocol ModelConfigurationValidating {}
public final class ModelContainer {}
public struct ModelContext {}
public enum ModelConversionError {}
public protocol ModelConversionMetadataProvider {}
public struct ModelConversionOptions {}
public struct ModelConversionProgress {}
public struct ModelConversionQuantization {}
public enum ModelConversionQuantizationCalibration {}
public enum ModelConversionQuantizationDecision {}
public typealias ModelConversionQuantizationPredicate = Int8
public struct ModelConversionResult {}
public enum ModelConversionStage {}
public typealias ModelFactory = Int8
public enum ModelFactoryError {}
public final class ModelFactoryRegistry {}
public protocol ModelFactoryTrampoline {}
public actor ModelTypeRegistry {}
public struct NaiveStreamingDetokenizer {}
public struct NoSystemMessageGenerator {}
public struct PEFTAdapterConfiguration {}
public enum ParoQuantError {}
public struct PenaltyProcessor {}
public struct PrefillParameters {}
public enum PrepareResult {}
public struct PresencePenaltyContext {}
public actor ProcessorTypeRegistry {}
public struct PromptCacheSnapshot {}
public final class ProportionalRoPE {}
public struct PythonicToolCallParser {}
public final class QDoRALinear {}
public final class QLoRALinear {}
public final class QuantizedKVCache {}
public protocol QuantizedKVCacheProtocol {}
public final class QuantizedSwitchLinear {}
public struct Qwen35ToolCallParser {}
public enum QwenReasoningProtocol {}
public struct ReasoningBudgetTransition {}
public struct ReasoningConfig {}
public enum ReasoningError {}
public struct ReasoningEventEmitter {}
public enum ReasoningHeuristics {}
public enum ReasoningPromptStrategy {}
public struct ReasoningTokenCollector {}
public struct RejectedToolCall {}
public struct RejectedToolCallError {}
public struct RepetitionContext {}
public struct RerankDocument {}
public struct RerankDocumentsResponse {}
public struct RerankExecutionOptions {}
public struct RerankRequest {}
public struct RerankResponse {}
public struct RerankResult {}
public enum RerankScoreKind {}
public enum RerankTruncationPolicy {}
public struct RerankedDocument {}
public protocol Reranker {}
public final class RerankerContainer {}
public enum RerankerError {}
public struct ResolvedModelConfiguration {}
public typealias RoPELayer = Int8
public enum RoPEOffset {}
public final class RotateQuantizedLinear {}
public final class RotatingKVCache {}
public typealias SendableModelAdapter = Int8
public protocol SpeculativeCacheRewindModel {}
public struct SpeculativeDecodingConfig {}
public enum SpeculativeDecodingMemoryAction {}
public struct SpeculativeDecodingMemoryError {}
public struct SpeculativeDecodingMemoryEvaluation {}
public struct SpeculativeDecodingMemoryPolicy {}
public struct SpeculativeDecodingTelemetry {}
public struct SpeculativeTokenIterator {}
public struct StandInUserInputProcessor {}
public typealias StandardKVCache = Int8
public protocol StatefulMTPDrafterModel {}
public protocol StreamingDetokenizer {}
public enum StringOrNumber {}
public final class SuScaledRoPE {}
public typealias SuScaledRotaryEmbedding = Int8
public final class SwitchGLU {}
public final class SwitchLinear {}
public struct THW {}
public struct ThinkingBudgetConfiguration {}
public enum ThinkingBudgetDiagnostic {}
public enum ThinkingBudgetError {}
public struct ThinkingBudgetProcessor {}
public enum TokenGeneration {}
public struct TokenIterator {}
public protocol TokenIteratorProtocol {}
public protocol Tokenizer {}
public enum TokenizerError {}
public protocol TokenizerLoader {}
public enum TokenizerSource {}
public struct Tool {}
public struct ToolCall {}
public enum ToolCallFormat {}
public protocol ToolCallParser {}
public final class ToolCallProcessor {}
public enum ToolError {}
public struct ToolParameter {}
public enum ToolParameterType {}
public protocol ToolProtocol {}
public typealias ToolSpec = Int8
public struct TopPSampler {}
public final class TurboQuantKVCache {}
public struct TurboQuantKVCacheConfiguration {}
public struct UserInput {}
public protocol UserInputProcessor {}
public enum WeightFileSelection {}
public struct WiredBudgetPolicy {}
public struct WiredFixedPolicy {}
public struct WiredMaxPolicy {}
public struct WiredMemoryMeasurement {}
public enum WiredMemoryUtils {}
public struct WiredSumPolicy {}
public struct XMLFunctionParser {}
public final class YarnRoPE {}
public func applyKVCacheConfiguration() {}
public func applyRotaryPosition() {}
public func attentionCacheKind() {}
public func attentionWithCacheUpdate() {}
public func autoreleasepool() {}
public func bicubicInterpolate() {}
public func canTrimPromptCache() {}
public let compiledSiluProduct = 0
public func convert() {}
public func createAttentionMask() {}
public func createBidirectionalMask() {}
public func createBidirectionalSlidingWindowMask() {}
public func createCausalMask() {}
public func createSSMMask() {}
public func gatedDeltaUpdate() {}
public func gatherSort() {}
public func generate() {}
public func generateTask() {}
public func generateTokenTask() {}
public func generateTokens() {}
public func generateTokensTask() {}
public func hybridAttentionCacheKind() {}
public func initializeRope() {}
public func isParoQuantModel() {}
public func kvCacheRuntimeReport() {}
public func loadModel() {}
public func loadModelContainer() {}
public func loadParoQuantModel() {}
public func loadPromptCache() {}
public func loadPromptCacheSnapshot() {}
public func loadWeights() {}
public func makeAttentionKVCache() {}
public func makeAttentionMask() {}
public func makeHybridAttentionKVCache() {}
public func makePromptCache() {}
public func makePromptCacheWithLayerCount() {}
public func makeSlidingWindowKVCache() {}
public func maybeQuantizeKVCache() {}
public func maybeTurboQuantizeKVCache() {}
public let mtpCacheCheckpointIndexKey = 0
public let mtpEmitFlagKey = 0
public let mtpLastHiddenStatesKey = 0
public let mtpPositionDeltasKey = 0
public let mtpSharedKVOffsetsKey = 0
public let mtpSharedKVSourceIndicesKey = 0
public let mtpSharedKVStatesKey = 0
public func nearestInterpolate() {}
public func quantizedScaledDotProductAttention() {}
public func resolve() {}
public func resolveAffineScheme() {}
public func resolveTurboScheme() {}
public func savePromptCache() {}
public func scatterUnsort() {}
public func slidingWindowCacheKind() {}
public func trimPromptCache() {}
public func validateKVCacheCompatibility() {}
public func validateMROPESection() {}
public func validateRoPEConfiguration() {}
public let weightedExpertSum = 0
public func withPreparedCache() {}
