import { type KVQuantization, quantizedCaches } from "../cache/index.ts";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { DraftModel, OwnPredictor } from "../generation/index.ts";
import { type LoadedModel, type LoadModelOptions, loadModel } from "../load/load-model.ts";
import {
  holdsPredictor,
  type LoadedPredictor,
  loadOwnPredictor,
  loadPredictor,
} from "../load/load-predictor.ts";
import type { Predictor } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { vocabSize } from "./model-settings.ts";

const refuse = (message: string): MlxError =>
  new MlxError("unsupported-feature", message, { details: { feature: "draftModel" } });

/** The first token of a vocabulary that is another one in `other`; undefined where there is none. */
const firstDifference = (own: Tokenizer, other: Tokenizer): number | undefined => {
  for (let id = 0; id < own.vocabSize; id++) if (own.idToToken(id) !== other.idToToken(id)) return id;
  return undefined;
};

const named = (token: string | undefined): string => (token === undefined ? "none" : JSON.stringify(token));

/** @throws {MlxError} `unsupported-feature` unless the draft model knows every token of the other one by the same id */
const requireSameTokens = (path: string, tokenizer: Tokenizer, draft: Tokenizer): void => {
  const id = firstDifference(tokenizer, draft);
  if (id === undefined) return;
  throw refuse(
    `The draft model at ${path} has other tokens: ${id} is ${named(draft.idToToken(id))} there and ` +
      `${named(tokenizer.idToToken(id))} in the model it drafts for. Take a smaller model of the same family`,
  );
};

/** A draft model, and what is known of it. */
export interface OpenedDraft {
  readonly draft: DraftModel | OwnPredictor;
  readonly info: { modelType: string; weightBytes: number };
  readonly warnings: readonly string[];
  dispose(): void;
}

/** The model that is drafted for; it and its tokenizer are the caller's. */
export interface DraftTarget {
  readonly path: string;
  readonly loaded: LoadedModel;
  /** How its caches are quantized; undefined: not at all. */
  readonly kv: KVQuantization | undefined;
}

/** Predicts a token behind another one, and so finds out whether a predictor goes with a model. */
const tryPrediction = (predictor: Predictor, { loaded: { model }, kv }: DraftTarget): void => {
  const modelCache = kv === undefined ? model.makeCache() : quantizedCaches(model.makeCache(), kv);
  const cache = predictor.makeCache();
  try {
    mx.tidy(() => {
      const tokens = mx.array([[0]], mx.int32);
      const told: mx.MxArray[] = [];
      const logits = model.forward(tokens, {
        cache: modelCache,
        onFeatures: (features) => void told.push(features),
      });
      mx.evaluate(
        logits,
        modelCache.map((layer) => layer.state()),
      );
      const [features] = told;
      if (features === undefined) throw refuse("nothing is known of what its output layer reads");
      const [width, V] = [features.dim(-1), logits.dim(-1)];
      if (width !== predictor.width)
        throw refuse(`it has ${width} features, which are ${predictor.width} there`);
      if (V !== predictor.vocabSize)
        throw refuse(`it has ${V} tokens, which are ${predictor.vocabSize} there`);
      mx.evaluate(predictor.predict({ model, modelCache, tokens, features, cache }).logits);
    });
  } finally {
    for (const layer of [...modelCache, ...cache]) layer.dispose();
  }
};

const openPredictor = async (
  { predictor, config, weightBytes, warnings }: LoadedPredictor,
  name: string,
  target: DraftTarget,
): Promise<OpenedDraft> => {
  try {
    tryPrediction(predictor, target);
  } catch (error) {
    predictor.dispose();
    const reason = error instanceof Error ? error.message : String(error);
    throw refuse(`${name} cannot draft for the model at ${target.path}: ${reason}`);
  }
  return {
    draft: { predictor },
    info: { modelType: String(config.model_type), weightBytes },
    warnings: warnings.map((warning) => `Draft model: ${warning}`),
    dispose: () => predictor.dispose(),
  };
};

const openWholeModel = async (
  path: string,
  target: LoadedModel,
  options: LoadModelOptions,
): Promise<OpenedDraft> => {
  const loaded = await loadModel(path, options);
  const { model, tokenizer } = loaded;
  try {
    if (tokenizer === undefined || target.tokenizer === undefined)
      throw refuse(`The model at ${path} has no tokenizer to compare with`);
    if (model.promptEncoder !== undefined)
      throw refuse(`The model at ${path} reads prompts with an encoder, so it cannot draft; take another`);
    requireSameTokens(path, target.tokenizer, tokenizer);
    return {
      draft: { model, vocabSize: vocabSize(loaded, tokenizer) },
      info: { modelType: String(loaded.config.model_type), weightBytes: loaded.weightBytes },
      warnings: loaded.warnings.map((warning) => `Draft model: ${warning}`),
      dispose: () => model.dispose(),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
};

/**
 * Loads what drafts for a model: a smaller one, or a predictor.
 *
 * @param path - of its files; undefined: it is among the model's own weights
 * @throws {MlxError} as `loadModel`; `unsupported-feature` where the two do not go together
 */
export const openDraftModel = async (
  path: string | undefined,
  target: DraftTarget,
  options: LoadModelOptions,
): Promise<OpenedDraft> => {
  if (target.loaded.model.promptEncoder !== undefined)
    throw refuse("A model whose prompt an encoder reads has no draft model; leave draftModel out");
  if (path === undefined) {
    const name = "What predicts tokens among its weights";
    return openPredictor(await loadOwnPredictor(target.path, options), name, target);
  }
  if (!holdsPredictor(path)) return openWholeModel(path, target.loaded, options);
  return openPredictor(await loadPredictor(path, options), `The draft model at ${path}`, target);
};
