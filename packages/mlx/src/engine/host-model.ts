/** A model inside an engine. */

import { quantizedCaches } from "../cache/index.ts";
import { MlxError, TokenizerError } from "../errors.ts";
import {
  checkMaxBatchSize,
  checkPromptBits,
  checkPromptCacheBytes,
  ImageStore,
  kvQuantization,
  PrefixCache,
  PromptMaker,
  type TextModel,
  TextScheduler,
} from "../generation/index.ts";
import { requireConstraints } from "../grammar/index.ts";
import { isObject } from "../load/is-object.ts";
import { type LoadedModel, loadModel } from "../load/load-model.ts";
import { MatrixLayer } from "../nn/index.ts";
import { answerFormat, type Tokenizer, templateSwitches } from "../tokenizer/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import type { LoadRequest, ModelInfo } from "./types.ts";

export interface HostModel {
  readonly text: TextModel;
  readonly prompts: PromptMaker;
  readonly scheduler: TextScheduler;
  readonly info: ModelInfo;
  /** Forgets what earlier requests left behind; gives back whether that was anything. */
  forgetPrefixes(): boolean;
  dispose(): void;
}

const countParameters = ({ model }: LoadedModel): number => {
  let count = 0;
  for (const [, module] of model.namedModules()) {
    for (const [name, array] of module.ownParameters()) {
      const isPacked = module instanceof MatrixLayer && module.quantization !== undefined;
      if (!isPacked || name === "bias") count += array.size;
    }
    if (module instanceof MatrixLayer && module.quantization !== undefined) {
      count += module.matrixShape.reduce((a, b) => a * b, 1);
    }
  }
  return count;
};

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;

/** A setting of the language model, which a multimodal config has under `text_config`. */
const textSetting = ({ config }: LoadedModel, key: string): number | undefined => {
  const { text_config } = config;
  return wholeNumber(config[key]) ?? (isObject(text_config) ? wholeNumber(text_config[key]) : undefined);
};

const vocabSize = (loaded: LoadedModel, tokenizer: Tokenizer): number =>
  textSetting(loaded, "vocab_size") ?? tokenizer.vocabSize;

/** A default of generation, which older configs have among the settings of the language model. */
const generationSetting = (loaded: LoadedModel, key: string): number | undefined =>
  wholeNumber(loaded.generationConfig[key]) ?? textSetting(loaded, key);

/** What else than beams answers of encoder-decoders come of. */
const beamWarnings = (loaded: LoadedModel): string[] => {
  const beams = generationSetting(loaded, "num_beams") ?? 1;
  if (loaded.model.promptEncoder === undefined || beams === 1) return [];
  return [`The model asks for ${beams} beams; its answers are made of one, token by token`];
};

const openImages = ({ model, imageProcessor }: LoadedModel): ImageStore | undefined =>
  model instanceof VisionLanguageModel && imageProcessor !== undefined
    ? new ImageStore(model, imageProcessor)
    : undefined;

const constraintProblem = (tokenizer: Tokenizer): string | undefined => {
  try {
    requireConstraints(tokenizer);
    return undefined;
  } catch (error) {
    if (!MlxError.isInstance(error)) throw error;
    return error.message;
  }
};

const describe = (
  loaded: LoadedModel,
  { tokenizer, contextLength, vocabSize, device }: TextModel,
  maxBatchSize: number,
  loadMs: number,
): ModelInfo => {
  const { default: template, named } = tokenizer.chatTemplates;
  const problem = constraintProblem(tokenizer);
  return {
    modelType: String(loaded.config.model_type),
    parameterCount: countParameters(loaded),
    weightBytes: loaded.weightBytes,
    ...(contextLength === undefined ? {} : { contextLength }),
    vocabSize,
    ...(loaded.quantization === undefined ? {} : { quantization: { ...loaded.quantization } }),
    vision: loaded.imageProcessor !== undefined,
    hasChatTemplate: template !== undefined || named.size > 0,
    templateSwitches: templateSwitches(tokenizer),
    ...answerFormat(tokenizer),
    ...(problem === undefined ? {} : { constraintProblem: problem }),
    device,
    maxBatchSize,
    loadMs,
    warnings: [...loaded.warnings, ...beamWarnings(loaded)],
  };
};

/** Loads a model for an engine. @throws {MlxError} as `loadModel`, on a bad option, and for caches that cannot be quantized */
export const openHostModel = async (request: LoadRequest, device: "cpu" | "gpu"): Promise<HostModel> => {
  const start = performance.now();
  checkMaxBatchSize(request.maxBatchSize);
  checkPromptCacheBytes(request.promptCacheBytes);
  checkPromptBits(request.promptBits);
  const kv = kvQuantization(request);
  const loaded = await loadModel(request.path, {
    device,
    quantize: request.quantize ?? false,
    exact: request.exact ?? false,
  });
  const { model, tokenizer } = loaded;
  if (tokenizer === undefined) throw new TokenizerError(`The model at ${request.path} has no tokenizer`);
  if (kv !== undefined) quantizedCaches(model.makeCache(), kv); // refused now, not at the first request
  const text: TextModel = {
    model,
    tokenizer,
    eosTokenIds: loaded.eosTokenIds,
    vocabSize: vocabSize(loaded, tokenizer),
    contextLength: textSetting(loaded, "max_position_embeddings"),
    device,
    noRepeatedRuns: model.promptEncoder && generationSetting(loaded, "no_repeat_ngram_size"),
    kvQuantization: kv,
    roundsPrompts: request.exact !== true && request.promptBits !== 16,
  };
  const prefixes = new PrefixCache(request.promptCacheBytes);
  const scheduler = new TextScheduler(text, request.maxBatchSize, prefixes);
  const info = describe(loaded, text, scheduler.maxBatchSize, performance.now() - start);
  const images = openImages(loaded);
  const forgetPrefixes = (): boolean => {
    const held = prefixes.bytes > 0;
    prefixes.clear();
    return held;
  };
  const dispose = (): void => {
    prefixes.clear();
    images?.dispose();
    model.dispose();
  };
  return { text, prompts: new PromptMaker(text, images), scheduler, info, forgetPrefixes, dispose };
};
