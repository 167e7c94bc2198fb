// The names that MLXLLM declares. Written by Scripts/consumer-names.

public struct AfMoEConfiguration {}
public final class AfMoEModel {}
public struct ApertusConfiguration {}
public final class ApertusModel {}
public struct BaichuanM1Configuration {}
public final class BaichuanM1Model {}
public final class BaichuanM1ModelInner {}
public struct BailingMoeConfiguration {}
public final class BailingMoeModel {}
public final class BailingMoeModelInner {}
public struct BitnetConfiguration {}
public final class BitnetModel {}
public final class BitnetModelInner {}
public struct CohereConfiguration {}
public final class CohereModel {}
public final class CohereModelInner {}
public struct DeepseekV2Configuration {}
public final class DeepseekV2Model {}
public final class DeepseekV2ModelInner {}
public struct DeepseekV3Configuration {}
public final class DeepseekV3Model {}
public final class DeepseekV3ModelInner {}
public struct Ernie45Configuration {}
public final class Ernie45Model {}
public final class Ernie45ModelInner {}
public struct Exaone4Configuration {}
public final class Exaone4Model {}
public final class Exaone4ModelInner {}
public struct FalconH1Configuration {}
public final class FalconH1Model {}
public final class FalconH1ModelInner {}
public struct GLM4Configuration {}
public struct GLM4MoEConfiguration {}
public struct GLM4MoELiteConfiguration {}
public final class GLM4MoELiteModel {}
public final class GLM4MoELiteModelInner {}
public final class GLM4MoEModel {}
public final class GLM4MoEModelInner {}
public final class GLM4Model {}
public final class GLM4ModelInner {}
public struct GPTOSSConfiguration {}
public final class GPTOSSModel {}
public final class GPTOSSModelInner {}
public struct Gemma2Configuration {}
public final class Gemma2Model {}
public final class Gemma2ModelInner {}
public final class Gemma3Model {}
public struct Gemma3TextConfiguration {}
public final class Gemma3TextModel {}
public final class Gemma3TransformerBlock {}
public final class Gemma3nLanguageModel {}
public struct Gemma3nTextConfiguration {}
public final class Gemma3nTextModel {}
public struct Gemma4Configuration {}
public final class Gemma4DecoderLayer {}
public final class Gemma4Model {}
public struct Gemma4TextConfiguration {}
public final class Gemma4TextModel {}
public final class Gemma4TextModelInner {}
public struct GemmaConfiguration {}
public final class GemmaModel {}
public final class GemmaModelInner {}
public struct GraniteConfiguration {}
public final class GraniteModel {}
public final class GraniteModelInner {}
public struct GraniteMoeHybridConfiguration {}
public final class GraniteMoeHybridModel {}
public final class GraniteMoeHybridModelInner {}
public struct HeliumConfiguration {}
public final class HeliumModel {}
public final class HeliumModelInner {}
public struct HunyuanConfiguration {}
public final class HunyuanModel {}
public final class HunyuanModelInner {}
public struct InternLM2Configuration {}
public final class InternLM2Model {}
public final class InternLM2ModelInner {}
public struct JambaConfiguration {}
public final class JambaModel {}
public final class JambaModelInner {}
public final class JinaRerankerModel {}
public struct LFM2Configuration {}
public struct LFM2MoEConfiguration {}
public final class LFM2MoEModel {}
public final class LFM2MoEModelInner {}
public final class LFM2Model {}
public final class LFM2ModelInner {}
public protocol LLMModel {}
public final class LLMModelFactory {}
public final class LLMRegistry {}
public enum LLMTypeRegistry {}
public struct Lille130mConfiguration {}
public final class Lille130mModel {}
public final class Lille130mModelInner {}
public struct LlamaConfiguration {}
public final class LlamaModel {}
public final class LlamaModelInner {}
public enum LoRATrain {}
public final class Mamba2Backbone {}
public struct Mamba2Configuration {}
public final class Mamba2Model {}
public struct MiMoConfiguration {}
public final class MiMoModel {}
public final class MiMoModelInner {}
public struct MiMoV2FlashConfiguration {}
public final class MiMoV2FlashModel {}
public final class MiMoV2FlashModelInner {}
public struct MiniCPMConfiguration {}
public final class MiniCPMModel {}
public final class MiniCPMModelInner {}
public struct MiniMaxConfiguration {}
public final class MiniMaxModel {}
public final class MiniMaxModelInner {}
public struct Mistral3TextConfiguration {}
public final class Mistral3TextModel {}
public final class Mistral3TextModelInner {}
public struct MixtralConfiguration {}
public final class MixtralModel {}
public final class MixtralModelInner {}
public typealias ModelRegistry = Int8
public struct NanbeigeConfiguration {}
public final class NanbeigeModel {}
public final class NanbeigeModelInner {}
public struct NanoChatConfiguration {}
public final class NanoChatModel {}
public final class NanoChatModelInner {}
public struct NemotronHConfiguration {}
public final class NemotronHModel {}
public struct NemotronLabsDiffusionConfiguration {}
public final class NemotronLabsDiffusionEncoder {}
public final class NemotronLabsDiffusionModel {}
public struct Olmo2Configuration {}
public final class Olmo2Model {}
public final class Olmo2ModelInner {}
public struct Olmo3Configuration {}
public final class Olmo3Model {}
public final class Olmo3ModelInner {}
public struct OlmoEConfiguration {}
public final class OlmoEModel {}
public final class OlmoEModelInner {}
public final class OpenELMModel {}
public final class OpenELMModelInner {}
public struct OpenElmConfiguration {}
public struct Phi3Configuration {}
public final class Phi3Model {}
public final class Phi3ModelInner {}
public struct PhiConfiguration {}
public struct PhiMoEConfiguration {}
public final class PhiMoEModel {}
public final class PhiMoEModelInner {}
public final class PhiModel {}
public final class PhiModelInner {}
public struct Qwen2Configuration {}
public final class Qwen2Model {}
public final class Qwen2ModelInner {}
public struct Qwen35Configuration {}
public final class Qwen35MTPDraftModel {}
public final class Qwen35MoEModel {}
public final class Qwen35Model {}
public struct Qwen35TextConfiguration {}
public enum Qwen35TextMTPRegistration {}
public final class Qwen35TextModel {}
public final class Qwen35TextModelInner {}
public struct Qwen3Configuration {}
public struct Qwen3MoEConfiguration {}
public final class Qwen3MoEModel {}
public final class Qwen3MoEModelInner {}
public final class Qwen3Model {}
public final class Qwen3ModelInner {}
public final class Qwen3NextAttention {}
public struct Qwen3NextConfiguration {}
public final class Qwen3NextGatedDeltaNet {}
public final class Qwen3NextModel {}
public final class Qwen3NextModelInner {}
public struct SmolLM3Configuration {}
public final class SmolLM3Model {}
public final class SmolLM3ModelInner {}
public struct Starcoder2Configuration {}
public final class Starcoder2Model {}
public final class Starcoder2ModelInner {}
public final class TrampolineModelFactory {}
public struct TranslateGemma3MessageGenerator {}
public func computeDt() {}
public func loadLoRAData() {}
public func segsum() {}
public func ssmAttn() {}
public func ssmUpdate() {}
