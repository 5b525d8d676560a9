import { join } from "node:path";
import { createImageProcessor, type ImageProcessor, imageModelTypes } from "../images/index.ts";
import type { LanguageModel } from "../models/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { isObject } from "./is-object.ts";
import { readJsonObject } from "./read-json.ts";

/**
 * How the images of a model in a folder are prepared; undefined where it sees none.
 *
 * @throws {ConfigError} when its files say what cannot be done
 */
export const openImageProcessor = (
  model: LanguageModel,
  folder: string,
  config: Readonly<Record<string, unknown>>,
): ImageProcessor | undefined => {
  if (!(model instanceof VisionLanguageModel) || !imageModelTypes.includes(String(config.model_type))) {
    return undefined;
  }
  const processor = readJsonObject(join(folder, "processor_config.json")) ?? {};
  const { image_processor } = processor;
  const image = isObject(image_processor)
    ? image_processor
    : (readJsonObject(join(folder, "preprocessor_config.json")) ?? {});
  return createImageProcessor({ model: config, processor, image });
};
