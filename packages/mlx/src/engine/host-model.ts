/** A model inside an engine. */

import { quantizedCaches } from "../cache/index.ts";
import { compiledKernelsFolder, hasCompiledKernels } from "../core/compiled-kernels.ts";
import { backend, type Device } from "../core/index.ts";
import { MlxError, TokenizerError } from "../errors.ts";
import {
  checkMaxBatchSize,
  checkPromptBits,
  checkPromptCache,
  ImageStore,
  kvQuantization,
  PromptMaker,
  preparePrefixFolder,
  reasoningFormat,
  type TextModel,
  TextScheduler,
} from "../generation/index.ts";
import { requireConstraints } from "../grammar/index.ts";
import { type LoadedModel, type LoadModelOptions, loadModel } from "../load/load-model.ts";
import { answerFormat, type Tokenizer, templateSwitches } from "../tokenizer/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { countParameters } from "./count-parameters.ts";
import { generationSetting, textSetting, vocabSize } from "./model-settings.ts";
import { checkAdapters, openAdapters } from "./open-adapters.ts";
import { type DraftTarget, type OpenedDraft, openDraftModel } from "./open-draft-model.ts";
import { openPrefixes } from "./open-prefixes.ts";
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

/** What is asked for in vain. */
const prefixWarnings = ({ promptCachePath }: LoadRequest, { model }: LoadedModel): string[] =>
  promptCachePath === undefined || model.promptEncoder === undefined
    ? []
    : ["Nothing is kept of prompts that an encoder reads as a whole: promptCachePath stays empty"];

/** What takes the first requests of this user long. */
const kernelWarnings = (device: Device): string[] => {
  if (device === "cpu" || backend() !== "cuda" || hasCompiledKernels()) return [];
  return [
    `The first requests on this GPU wait a minute or more for kernels to be compiled; they are kept in ${compiledKernelsFolder()}`,
  ];
};

const describe = (
  loaded: LoadedModel,
  { tokenizer, contextLength, vocabSize, device, adapters }: TextModel,
  draft: OpenedDraft | undefined,
  { maxBatchSize, loadMs, warnings }: Pick<ModelInfo, "maxBatchSize" | "loadMs" | "warnings">,
): ModelInfo => {
  const { default: template, named } = tokenizer.chatTemplates;
  const problem = constraintProblem(tokenizer);
  return {
    modelType: String(loaded.config.model_type),
    parameterCount: countParameters(loaded.model),
    weightBytes: loaded.weightBytes,
    ...(contextLength === undefined ? {} : { contextLength }),
    vocabSize,
    ...(loaded.quantization === undefined ? {} : { quantization: { ...loaded.quantization } }),
    vision: loaded.imageProcessor !== undefined,
    hasChatTemplate: template !== undefined || named.size > 0,
    templateSwitches: templateSwitches(tokenizer),
    ...answerFormat(tokenizer),
    ...(problem === undefined ? {} : { constraintProblem: problem }),
    ...(draft === undefined ? {} : { draftModel: draft.info }),
    ...(adapters === undefined ? {} : { adapters: adapters.names }),
    device,
    maxBatchSize,
    loadMs,
    warnings: [...loaded.warnings, ...beamWarnings(loaded), ...(draft?.warnings ?? []), ...warnings],
  };
};

/**
 * The draft model of a request.
 *
 * @param free - frees the model that it would have drafted for; called when it cannot be had
 */
const openDraft = async (
  { draftModel }: LoadRequest,
  target: DraftTarget,
  options: LoadModelOptions,
  free: () => void,
): Promise<OpenedDraft | undefined> => {
  if (draftModel === undefined) return undefined;
  const { quantize = false } = draftModel;
  const path = "path" in draftModel ? draftModel.path : undefined;
  try {
    return await openDraftModel(path, target, { ...options, quantize });
  } catch (error) {
    free();
    throw error;
  }
};

/** Loads a model for an engine. @throws {MlxError} as `loadModel`, on a bad option, and for caches that cannot be quantized */
export const openHostModel = async (request: LoadRequest, device: "cpu" | "gpu"): Promise<HostModel> => {
  const start = performance.now();
  checkMaxBatchSize(request.maxBatchSize);
  checkPromptCache(request);
  checkPromptBits(request.promptBits);
  checkAdapters(request);
  if (request.promptCachePath !== undefined) preparePrefixFolder(request.promptCachePath);
  const kv = kvQuantization(request);
  const warnings = kernelWarnings(device); // before loading compiles the first
  const options = { device, quantize: request.quantize ?? false, exact: request.exact ?? false };
  const loaded = await loadModel(request.path, options);
  const { model, tokenizer } = loaded;
  if (tokenizer === undefined) throw new TokenizerError(`The model at ${request.path} has no tokenizer`);
  if (kv !== undefined) quantizedCaches(model.makeCache(), kv); // refused now, not at the first request
  const adapters = openAdapters(request, loaded);
  const free = (): void => {
    adapters.dispose();
    model.dispose();
  };
  const draft = await openDraft(request, { path: request.path, loaded, kv }, options, free);
  const text: TextModel = {
    model,
    tokenizer,
    eosTokenIds: loaded.eosTokenIds,
    vocabSize: vocabSize(loaded, tokenizer),
    reasoning: await reasoningFormat(tokenizer),
    contextLength: textSetting(loaded, "max_position_embeddings"),
    device,
    noRepeatedRuns: model.promptEncoder && generationSetting(loaded, "no_repeat_ngram_size"),
    kvQuantization: kv,
    adapters: adapters.named,
    draft: draft?.draft,
    roundsPrompts: request.exact !== true && request.promptBits !== 16,
  };
  const images = openImages(loaded);
  const freeAll = (): void => {
    images?.dispose();
    draft?.dispose();
    free();
  };
  const prefixes = openPrefixes(request, text, freeAll);
  const scheduler = new TextScheduler(text, request.maxBatchSize, prefixes);
  const { maxBatchSize } = scheduler;
  const info = describe(loaded, text, draft, {
    maxBatchSize,
    loadMs: performance.now() - start,
    warnings: [...warnings, ...prefixWarnings(request, loaded)],
  });
  const forgetPrefixes = (): boolean => {
    const held = prefixes.bytes > 0;
    prefixes.clear();
    return held;
  };
  const dispose = (): void => {
    prefixes.store(true); // most is there: nobody is left to hear of what fails
    prefixes.clear();
    scheduler.dispose();
    freeAll();
  };
  return { text, prompts: new PromptMaker(text, images), scheduler, info, forgetPrefixes, dispose };
};
