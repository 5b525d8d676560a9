import type { Options } from "../../config/option-table.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import { capabilitiesWith } from "../capabilities-with.ts";
import { looksLikeVisionModel } from "./vision.ts";

/** Whether requests have their caches quantized at different times, and cannot run together. */
const quantizesLater = ({ kvBits, quantizedKvStart = 0 }: Options): boolean =>
  kvBits !== undefined && quantizedKvStart > 0;

/**
 * What the MLX provider can do with these settings.
 *
 * @param sees - whether the model takes images, where that is known; its name says it otherwise
 */
export function mlxCapabilities(options: Options, sees: boolean | undefined): Capabilities {
  return capabilitiesWith({
    [ModelCapability.MAX_TOKENS]: options.maxTokens ?? 4096,
    [ModelCapability.VISION]: options.vision ?? sees ?? looksLikeVisionModel(options.model ?? ""),
    [ModelCapability.PARALLEL_INFERENCE]: options.maxBatchSize !== 1 && !quantizesLater(options),
  });
}
