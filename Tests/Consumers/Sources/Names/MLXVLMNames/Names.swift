// The names that MLXVLM declares. Written by Scripts/consumer-names.

public struct BaseProcessorConfiguration {}
public final class FastVLM {}
public struct FastVLMConfiguration {}
public struct FastVLMMessageGenerator {}
public struct FastVLMProcessor {}
public struct FastVLMProcessorConfiguration {}
public final class Gemma3 {}
public struct Gemma3Configuration {}
public struct Gemma3Processor {}
public struct Gemma3ProcessorConfiguration {}
public struct Gemma3TextConfiguration {}
public struct Gemma3VisionConfiguration {}
public final class Gemma4 {}
public struct Gemma4AssistantConfiguration {}
public final class Gemma4AssistantDraftInner {}
public final class Gemma4AssistantDraftModel {}
public final class Gemma4AssistantMaskedEmbedder {}
public enum Gemma4AssistantRegistration {}
public struct Gemma4Configuration {}
public struct Gemma4MessageGenerator {}
public struct Gemma4Processor {}
public struct Gemma4ProcessorConfiguration {}
public struct Gemma4TextConfiguration {}
public final class Gemma4Unified {}
public struct Gemma4UnifiedAudioConfiguration {}
public struct Gemma4UnifiedConfiguration {}
public struct Gemma4UnifiedProcessor {}
public struct Gemma4UnifiedProcessorConfiguration {}
public struct Gemma4UnifiedVisionConfiguration {}
public struct Gemma4VisionConfiguration {}
public final class GlmOcr {}
public struct GlmOcrConfiguration {}
public struct GlmOcrMessageGenerator {}
public struct GlmOcrProcessor {}
public struct GlmOcrProcessorConfiguration {}
public final class Idefics3 {}
public struct Idefics3Configuration {}
public struct Idefics3Processor {}
public struct Idefics3ProcessorConfiguration {}
public final class LFM2VL {}
public struct LFM2VLConfiguration {}
public struct LFM2VLProcessor {}
public struct LFM2VLProcessorConfiguration {}
public enum MediaProcessing {}
public struct Mistral3MessageGenerator {}
public final class Mistral3VLM {}
public struct Mistral3VLMConfiguration {}
public struct Mistral3VLMProcessor {}
public struct Mistral3VLMProcessorConfiguration {}
public struct Mistral3VLMTextConfiguration {}
public typealias Mistral3VisionConfiguration = Int8
public typealias ModelRegistry = Int8
public final class MuseGlimmer {}
public struct MuseGlimmerConfiguration {}
public struct MuseGlimmerProcessor {}
public struct MuseGlimmerProcessorConfiguration {}
public struct MuseGlimmerTextConfiguration {}
public struct MuseGlimmerVisionConfiguration {}
public final class PaliGemma {}
public struct PaliGemmaConfiguration {}
public struct PaliGemmaProcessor {}
public struct PaliGemmaProcessorConfiguration {}
public struct PixtralConfiguration {}
public struct PixtralProcessor {}
public struct PixtralProcessorConfiguration {}
public struct PixtralTextConfiguration {}
public final class PixtralVLM {}
public struct PixtralVisionConfiguration {}
public struct ProcessedFrames {}
public final class Qwen25VL {}
public struct Qwen25VLConfiguration {}
public struct Qwen25VLProcessor {}
public struct Qwen25VLProcessorConfiguration {}
public final class Qwen2VL {}
public struct Qwen2VLConfiguration {}
public struct Qwen2VLMessageGenerator {}
public struct Qwen2VLProcessor {}
public struct Qwen2VLProcessorConfiguration {}
public final class Qwen35 {}
public struct Qwen35Configuration {}
public final class Qwen35MoE {}
public enum Qwen35VLMMTPRegistration {}
public final class Qwen35VLMNextNDraftModel {}
public final class Qwen3VL {}
public struct Qwen3VLConfiguration {}
public struct Qwen3VLMessageGenerator {}
public final class Qwen3VLMoE {}
public struct Qwen3VLMoEConfiguration {}
public struct Qwen3VLProcessor {}
public struct Qwen3VLProcessorConfiguration {}
public struct QwenVL {}
public struct SmolVLMProcessor {}
public struct SmolVLMProcessorConfiguration {}
public final class TrampolineModelFactory {}
public enum VLMError {}
public protocol VLMModel {}
public final class VLMModelFactory {}
public enum VLMProcessorTypeRegistry {}
public final class VLMRegistry {}
public enum VLMTypeRegistry {}
public typealias VideoFrame = Int8
public typealias VideoProcessing = Int8
