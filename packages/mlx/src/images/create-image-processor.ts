import { MlxError } from "../errors.ts";
import { deepseekOcr } from "./families/deepseek-ocr.ts";
import { fastvlm } from "./families/fastvlm.ts";
import { florence2 } from "./families/florence2.ts";
import { gemma3 } from "./families/gemma3.ts";
import { gemma3n } from "./families/gemma3n.ts";
import { gemma4 } from "./families/gemma4.ts";
import { glm4v, glmOcr } from "./families/glm.ts";
import { idefics2 } from "./families/idefics2.ts";
import { idefics3 } from "./families/idefics3.ts";
import { internvl } from "./families/internvl.ts";
import { kimiK25 } from "./families/kimi-k25.ts";
import { kimiVl } from "./families/kimi-vl.ts";
import { lfm2Vl } from "./families/lfm2-vl.ts";
import { llava } from "./families/llava.ts";
import { llavaNext, llavaOnevision } from "./families/llava-next.ts";
import { mllama } from "./families/mllama.ts";
import { molmo } from "./families/molmo.ts";
import { paligemma } from "./families/paligemma.ts";
import { phi3V } from "./families/phi3-v.ts";
import { pixtral } from "./families/pixtral.ts";
import { qwen2Vl, qwen3Vl } from "./families/qwen-vl.ts";
import type { ImageProcessor } from "./image-processor.ts";
import type { ProcessorFiles } from "./settings.ts";

/** How each family prepares images, by `model_type`. */
const FAMILIES: Readonly<Record<string, (files: ProcessorFiles) => ImageProcessor>> = {
  deepseek_vl_v2: deepseekOcr, // so its publisher calls it
  deepseekocr: deepseekOcr,
  fastvlm,
  florence2,
  gemma3,
  gemma3n,
  gemma4,
  gemma4_unified: gemma4,
  glm4v,
  glm4v_moe: glm4v,
  glm_ocr: glmOcr,
  idefics2,
  idefics3,
  internvl_chat: internvl,
  kimi_k25: kimiK25,
  kimi_vl: kimiVl,
  "lfm2-vl": lfm2Vl,
  lfm2_vl: lfm2Vl,
  llava,
  llava_next: llavaNext,
  llava_onevision: llavaOnevision,
  llava_qwen2: fastvlm,
  mistral3: pixtral,
  mllama,
  molmo,
  paligemma,
  phi3_v: phi3V,
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
