import type { Options } from "../../config/option-table.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import { looksLikeVisionModel } from "./vision.ts";

/** What the MLX provider can do with these settings. */
export function mlxCapabilities(options: Options): Capabilities {
  return {
    [ModelCapability.STREAMING]: true,
    [ModelCapability.MAX_TOKENS]: options.maxTokens ?? 4096,
    [ModelCapability.SYSTEM_PROMPT]: true,
    [ModelCapability.ASYNC]: true,
    [ModelCapability.FUNCTION_CALLING]: true,
    [ModelCapability.TOOL_USE]: true,
    [ModelCapability.VISION]: options.vision ?? looksLikeVisionModel(options.model ?? ""),
    [ModelCapability.FINE_TUNING]: false,
    [ModelCapability.EMBEDDINGS]: false,
    [ModelCapability.MULTILINGUAL]: true,
    [ModelCapability.RAG]: false,
    [ModelCapability.MULTI_TURN]: true,
    [ModelCapability.PARALLEL_INFERENCE]: options.maxBatchSize !== 1,
    [ModelCapability.IMAGE_GENERATION]: false,
    [ModelCapability.AUDIO_PROCESSING]: false,
    [ModelCapability.JSON_MODE]: true,
  };
}
