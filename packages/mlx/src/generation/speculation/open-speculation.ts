import { CacheTrial } from "../../cache/index.ts";
import type { GenerateRequest } from "../../engine/types.ts";
import { InvalidArgumentError, MlxError } from "../../errors.ts";
import type { LanguageModel } from "../../models/index.ts";
import type { PrefixCache } from "../prefix-cache.ts";
import type { Prompt } from "../prompt.ts";
import type { TextModel } from "../text-model.ts";
import type { Drafter } from "./drafter.ts";
import { ModelDrafter } from "./model-drafter.ts";
import { PredictingDrafter } from "./predicting-drafter.ts";
import { PromptLookup } from "./prompt-lookup.ts";
import { Speculation } from "./speculation.ts";

type Models = Pick<TextModel, "model" | "vocabSize" | "draft">;

/** How a request wants drafts. */
type DraftOptions = Pick<GenerateRequest, "promptLookup" | "numDraftTokens">;

/** Whether steps of a model can be tried. */
const takesTrials = (model: LanguageModel): boolean => {
  const caches = model.makeCache();
  const trial = CacheTrial.begin(caches);
  trial?.abandon();
  for (const cache of caches) cache.dispose();
  return trial !== undefined;
};

/**
 * Checks that drafts of a request can be made and tried.
 *
 * @throws {InvalidArgumentError} for a number of drafts that nobody makes
 * @throws {MlxError} `unsupported-feature` for caches that can neither go back nor be forked
 */
export const checkDrafts = (
  { promptLookup = false, numDraftTokens }: DraftOptions,
  { model, draft }: Models,
): void => {
  const hasDrafter = promptLookup || draft !== undefined;
  if (numDraftTokens === 0 || (numDraftTokens === undefined && !hasDrafter)) return;
  if (!hasDrafter) {
    throw new InvalidArgumentError("numDraftTokens means nothing without promptLookup or a draft model");
  }
  if (takesTrials(model)) return;
  const feature = promptLookup ? "promptLookup" : "draftModel";
  throw new MlxError(
    "unsupported-feature",
    `What this model remembers can neither be taken back nor be forked, so no drafts can be tried: leave ${feature} out`,
    { details: { feature } },
  );
};

/**
 * The guesses of one request; undefined where nobody makes any.
 *
 * @param stepSize - prompt tokens evaluated at once
 */
export const openSpeculation = (
  { model, vocabSize, draft }: Models,
  prompt: Prompt,
  { promptLookup = false, numDraftTokens }: DraftOptions,
  { stepSize, prefixes }: { stepSize: number; prefixes: PrefixCache | undefined },
): Speculation | undefined => {
  if (numDraftTokens === 0) return undefined;
  const { inputs, tokens } = prompt;
  const drafters: Drafter[] = [];
  if (promptLookup) drafters.push(new PromptLookup(inputs));
  // a draft model reads what the model reads, and sees no images
  const isReadable = model.promptEncoder === undefined && !inputs.some((id) => prompt.standsForImage(id));
  if (draft !== undefined && "predictor" in draft) {
    const { predictor } = draft;
    if (isReadable || !predictor.seesTokens)
      drafters.push(new PredictingDrafter(predictor, { model, vocabSize, prompt: inputs, prefixes }));
  } else if (draft !== undefined && isReadable) {
    const promptLength = tokens.length;
    drafters.push(new ModelDrafter(draft, { vocabSize, promptLength, stepSize, prefixes }));
  }
  if (drafters.length === 0) return undefined;
  const isWord = (token: number): boolean => token >= 0 && token < vocabSize && !prompt.standsForImage(token);
  return new Speculation(drafters, { prompt: inputs, numDraftTokens, isWord });
};
