import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { createImageProcessor, type ImageProcessor, imageModelTypes } from "../images/index.ts";
import type { LanguageModel } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { isObject } from "./is-object.ts";
import { readJsonObject } from "./read-json.ts";

/** What it needs of a tokenizer. */
type Vocabulary = Pick<Tokenizer, "tokenToId">;

const idOf = (token: string, tokenizer: Vocabulary): number => {
  const id = tokenizer.tokenToId(token);
  if (id !== undefined) return id;
  throw new ConfigError(`The tokenizer has no token ${token}, in whose place features of images go`);
};

/**
 * How the images of a model in a folder are prepared; undefined where it sees none. The model learns the id of its
 * image token where only the tokenizer has it.
 *
 * @throws {ConfigError} when its files say what cannot be done
 */
export const openImageProcessor = (
  model: LanguageModel,
  folder: string,
  config: Readonly<Record<string, unknown>>,
  tokenizer: Vocabulary | undefined,
): ImageProcessor | undefined => {
  if (!(model instanceof VisionLanguageModel) || !imageModelTypes.includes(String(config.model_type))) {
    return undefined;
  }
  const processor = readJsonObject(join(folder, "processor_config.json")) ?? {};
  const { image_processor } = processor;
  const image = isObject(image_processor)
    ? image_processor
    : (readJsonObject(join(folder, "preprocessor_config.json")) ?? {});
  const created = createImageProcessor({ model: config, processor, image });
  if (created.featureToken !== undefined && tokenizer !== undefined) {
    model.imageTokenId = idOf(created.featureToken, tokenizer);
  }
  return created;
};
