import { MlxError } from "../errors.ts";
import { gemma3 } from "./families/gemma3.ts";
import { idefics3 } from "./families/idefics3.ts";
import { llava } from "./families/llava.ts";
import { paligemma } from "./families/paligemma.ts";
import { pixtral } from "./families/pixtral.ts";
import { qwen2Vl, qwen3Vl } from "./families/qwen-vl.ts";
import type { ImageProcessor } from "./image-processor.ts";
import type { ProcessorFiles } from "./settings.ts";

/** How each family prepares images, by `model_type`. */
const FAMILIES: Readonly<Record<string, (files: ProcessorFiles) => ImageProcessor>> = {
  gemma3,
  idefics3,
  llava,
  mistral3: pixtral,
  paligemma,
  pixtral,
  qwen2_5_vl: qwen2Vl,
  qwen2_vl: qwen2Vl,
  qwen3_5: qwen3Vl,
  qwen3_5_moe: qwen3Vl,
  qwen3_vl: qwen3Vl,
  qwen3_vl_moe: qwen3Vl,
  smolvlm: idefics3,
};

/** The model types whose images can be prepared. */
export const imageModelTypes: readonly string[] = Object.keys(FAMILIES);

/**
 * The image processor of a model.
 *
 * @throws {MlxError} `unsupported-architecture` for a `model_type` without one
 * @throws {ConfigError} for settings that cannot be honoured
 */
export function createImageProcessor(files: ProcessorFiles): ImageProcessor {
  const type = String(files.model.model_type);
  const create = Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (create === undefined) {
    throw new MlxError("unsupported-architecture", `Images of the model type ${type} cannot be prepared`, {
      details: { modelType: type },
    });
  }
  return create(files);
}
