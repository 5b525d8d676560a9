/** What a model's files say about it, wherever they say it. */
import { isObject } from "../load/is-object.ts";
import type { LoadedModel } from "../load/load-model.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;

/** A setting of the language model, which a multimodal config has under `text_config`. */
export const textSetting = ({ config }: LoadedModel, key: string): number | undefined => {
  const { text_config } = config;
  return wholeNumber(config[key]) ?? (isObject(text_config) ? wholeNumber(text_config[key]) : undefined);
};

/** How many logits the model gives. */
export const vocabSize = (loaded: LoadedModel, tokenizer: Tokenizer): number =>
  textSetting(loaded, "vocab_size") ?? tokenizer.vocabSize;

/** A default of generation, which older configs have among the settings of the language model. */
export const generationSetting = (loaded: LoadedModel, key: string): number | undefined =>
  wholeNumber(loaded.generationConfig[key]) ?? textSetting(loaded, key);
