import type { Options } from "../../config/option-table.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import { looksLikeVisionModel } from "./vision.ts";

/**
 * What the MLX provider can do with these settings.
 *
 * @param sees - whether the model takes images, where that is known; its name says it otherwise
 */
export function mlxCapabilities(options: Options, sees: boolean | undefined): Capabilities {
  return {
    [ModelCapability.STREAMING]: true,
    [ModelCapability.MAX_TOKENS]: options.maxTokens ?? 4096,
    [ModelCapability.SYSTEM_PROMPT]: true,
    [ModelCapability.ASYNC]: true,
    [ModelCapability.FUNCTION_CALLING]: true,
    [ModelCapability.TOOL_USE]: true,
    [ModelCapability.VISION]: options.vision ?? sees ?? looksLikeVisionModel(options.model ?? ""),
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
