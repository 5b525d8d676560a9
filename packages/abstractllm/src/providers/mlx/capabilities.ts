import type { Options } from "../../config/option-table.ts";
import { type Capabilities, ModelCapability } from "../../interface/model-capability.ts";
import { capabilitiesWith } from "../capabilities-with.ts";
import { looksLikeVisionModel } from "./vision.ts";

/** What the MLX provider can do with these settings. */
export function mlxCapabilities(options: Options): Capabilities {
  return capabilitiesWith({
    [ModelCapability.MAX_TOKENS]: options.maxTokens ?? 4096,
    [ModelCapability.VISION]: options.vision ?? looksLikeVisionModel(options.model ?? ""),
    [ModelCapability.PARALLEL_INFERENCE]: options.maxBatchSize !== 1,
  });
}
