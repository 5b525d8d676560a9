import { MlxError } from "../errors.ts";
import type { DraftModel } from "../generation/index.ts";
import { type LoadedModel, type LoadModelOptions, loadModel } from "../load/load-model.ts";
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
  readonly draft: DraftModel;
  readonly info: { modelType: string; weightBytes: number };
  readonly warnings: readonly string[];
}

/**
 * Loads the model that drafts for another.
 *
 * @param target - its model; it and its tokenizer are the caller's
 * @throws {MlxError} as `loadModel`; `unsupported-feature` where the two do not go together
 */
export const openDraftModel = async (
  path: string,
  target: LoadedModel,
  options: LoadModelOptions,
): Promise<OpenedDraft> => {
  if (target.model.promptEncoder !== undefined)
    throw refuse("A model whose prompt an encoder reads has no draft model; leave draftModel out");
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
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
};
