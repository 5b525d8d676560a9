/** Choosing experts, and joining what they answer. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** The `k` experts with the largest gates, in no order, and those gates: `[..., X] -> [..., k]` twice. */
export const topExperts = (gates: MxArray, k: number): [experts: MxArray, gates: MxArray] => {
  const experts = mx.index(mx.argpartition(mx.negative(gates), k - 1), "...", [0, k]);
  return [experts, mx.takeAlongAxis(gates, experts, -1)];
};

/** Answers `[..., k, E]` summed by their scores `[..., k]`: `[..., E]`, dtype of the answers. */
export const weighAnswers = (answers: MxArray, scores: MxArray): MxArray =>
  mx.sum(answers.multiply(mx.expandDims(scores, -1)), -2).astype(answers.dtype);
