import type { Options } from "../../config/option-table.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import { capabilitiesWith } from "../capabilities-with.ts";
import { kindByName, type ModelFacts } from "./model-facts.ts";
import { looksLikeVisionModel } from "./vision.ts";

/** Whether requests have their caches quantized at different times, and cannot run together. */
const quantizesLater = ({ kvBits, quantizedKvStart = 0 }: Options): boolean =>
  kvBits !== undefined && quantizedKvStart > 0;

/** What a model that writes no text has not. */
const NO_WRITER: Partial<Capabilities> = {
  [ModelCapability.STREAMING]: false,
  [ModelCapability.SYSTEM_PROMPT]: false,
  [ModelCapability.FUNCTION_CALLING]: false,
  [ModelCapability.TOOL_USE]: false,
  [ModelCapability.VISION]: false,
  [ModelCapability.MULTI_TURN]: false,
  [ModelCapability.JSON_MODE]: false,
  [ModelCapability.LOGPROBS]: false,
};

/**
 * What the MLX provider can do with these settings.
 *
 * @param facts - what is known of the model; its name says the rest
 */
export function mlxCapabilities(options: Options, { sees, makes }: ModelFacts): Capabilities {
  const kind = makes ?? kindByName(options.model ?? "") ?? "text";
  return capabilitiesWith({
    [ModelCapability.MAX_TOKENS]: options.maxTokens ?? 4096,
    [ModelCapability.VISION]: options.vision ?? sees ?? looksLikeVisionModel(options.model ?? ""),
    [ModelCapability.PARALLEL_INFERENCE]: options.maxBatchSize !== 1 && !quantizesLater(options),
    [ModelCapability.EMBEDDINGS]: kind === "vectors",
    [ModelCapability.RERANKING]: kind === "scores",
    [ModelCapability.LOGPROBS]: true,
    ...(kind === "text" ? {} : NO_WRITER),
  });
}
