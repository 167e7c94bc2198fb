// Each name beside ours: one that both declare would be ambiguous.

import MLX
import MLXVLMNames
import MLXNN
import MLXOptimizers

public func useNamesFrom0() {
    _ = BaseProcessorConfiguration.self
    _ = FastVLM.self
    _ = FastVLMConfiguration.self
    _ = FastVLMMessageGenerator.self
    _ = FastVLMProcessor.self
    _ = FastVLMProcessorConfiguration.self
    _ = Gemma3.self
    _ = Gemma3Configuration.self
    _ = Gemma3Processor.self
    _ = Gemma3ProcessorConfiguration.self
    _ = Gemma3TextConfiguration.self
    _ = Gemma3VisionConfiguration.self
    _ = Gemma4.self
    _ = Gemma4AssistantConfiguration.self
    _ = Gemma4AssistantDraftInner.self
    _ = Gemma4AssistantDraftModel.self
    _ = Gemma4AssistantMaskedEmbedder.self
    _ = Gemma4AssistantRegistration.self
    _ = Gemma4Configuration.self
    _ = Gemma4MessageGenerator.self
    _ = Gemma4Processor.self
    _ = Gemma4ProcessorConfiguration.self
    _ = Gemma4TextConfiguration.self
    _ = Gemma4Unified.self
    _ = Gemma4UnifiedAudioConfiguration.self
    _ = Gemma4UnifiedConfiguration.self
    _ = Gemma4UnifiedProcessor.self
    _ = Gemma4UnifiedProcessorConfiguration.self
    _ = Gemma4UnifiedVisionConfiguration.self
    _ = Gemma4VisionConfiguration.self
    _ = GlmOcr.self
    _ = GlmOcrConfiguration.self
    _ = GlmOcrMessageGenerator.self
    _ = GlmOcrProcessor.self
    _ = GlmOcrProcessorConfiguration.self
    _ = Idefics3.self
    _ = Idefics3Configuration.self
    _ = Idefics3Processor.self
    _ = Idefics3ProcessorConfiguration.self
    _ = LFM2VL.self
    _ = LFM2VLConfiguration.self
    _ = LFM2VLProcessor.self
    _ = LFM2VLProcessorConfiguration.self
    _ = MediaProcessing.self
    _ = Mistral3MessageGenerator.self
    _ = Mistral3VLM.self
    _ = Mistral3VLMConfiguration.self
    _ = Mistral3VLMProcessor.self
    _ = Mistral3VLMProcessorConfiguration.self
    _ = Mistral3VLMTextConfiguration.self
}

public func useNamesFrom50() {
    _ = Mistral3VisionConfiguration.self
    _ = ModelRegistry.self
    _ = MuseGlimmer.self
    _ = MuseGlimmerConfiguration.self
    _ = MuseGlimmerProcessor.self
    _ = MuseGlimmerProcessorConfiguration.self
    _ = MuseGlimmerTextConfiguration.self
    _ = MuseGlimmerVisionConfiguration.self
    _ = PaliGemma.self
    _ = PaliGemmaConfiguration.self
    _ = PaliGemmaProcessor.self
    _ = PaliGemmaProcessorConfiguration.self
    _ = PixtralConfiguration.self
    _ = PixtralProcessor.self
    _ = PixtralProcessorConfiguration.self
    _ = PixtralTextConfiguration.self
    _ = PixtralVLM.self
    _ = PixtralVisionConfiguration.self
    _ = ProcessedFrames.self
    _ = Qwen25VL.self
    _ = Qwen25VLConfiguration.self
    _ = Qwen25VLProcessor.self
    _ = Qwen25VLProcessorConfiguration.self
    _ = Qwen2VL.self
    _ = Qwen2VLConfiguration.self
    _ = Qwen2VLMessageGenerator.self
    _ = Qwen2VLProcessor.self
    _ = Qwen2VLProcessorConfiguration.self
    _ = Qwen35.self
    _ = Qwen35Configuration.self
    _ = Qwen35MoE.self
    _ = Qwen35VLMMTPRegistration.self
    _ = Qwen35VLMNextNDraftModel.self
    _ = Qwen3VL.self
    _ = Qwen3VLConfiguration.self
    _ = Qwen3VLMessageGenerator.self
    _ = Qwen3VLMoE.self
    _ = Qwen3VLMoEConfiguration.self
    _ = Qwen3VLProcessor.self
    _ = Qwen3VLProcessorConfiguration.self
    _ = QwenVL.self
    _ = SmolVLMProcessor.self
    _ = SmolVLMProcessorConfiguration.self
    _ = TrampolineModelFactory.self
    _ = VLMError.self
    _ = (any VLMModel).self
    _ = VLMModelFactory.self
    _ = VLMProcessorTypeRegistry.self
    _ = VLMRegistry.self
    _ = VLMTypeRegistry.self
}

public func useNamesFrom100() {
    _ = VideoFrame.self
    _ = VideoProcessing.self
}
