import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";

/**
 * Logits of a drafter as those of the model that it drafts for: one may have more tokens than its vocabulary needs.
 *
 * @param logits - `[1, V']`
 * @returns `[1, V]`; tokens that the drafter does not know never come next
 */
export const fittedLogits = (logits: MxArray, vocabSize: number): MxArray => {
  const missing = vocabSize - logits.dim(-1);
  if (missing <= 0) return mx.slice(logits, [0, 0], [1, vocabSize]);
  const none = mx.full([1, missing], Number.NEGATIVE_INFINITY, logits.dtype);
  return mx.concatenate([logits, none], -1);
};
