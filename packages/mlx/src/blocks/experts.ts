/** Choosing experts, and joining what they answer. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { softplus } from "../nn/index.ts";

/** The experts each position asks and how much each answer counts, `[..., k]` both. */
export type Choice = [experts: MxArray, scores: MxArray];

const scoresOf = {
  softmax: (gates: MxArray): MxArray => mx.softmax(gates, -1),
  sigmoid: mx.sigmoid,
  sqrtsoftplus: (gates: MxArray): MxArray => mx.sqrt(softplus(gates)),
};

/** How gates become a choice. */
export interface Routing {
  /** Experts that each position asks. */
  readonly k: number;
  /** Whether a gate's score is its share among all, or its own, and by which function. */
  readonly score: keyof typeof scoresOf;
  /** Added to the scores for the choice alone, `[X]`. */
  readonly bias?: MxArray | undefined;
  /** Cuts the experts into `count` groups, of which only the best `kept` are asked; others score `left`, by default 0. */
  readonly groups?: { readonly count: number; readonly kept: number; readonly left?: number } | undefined;
  /** Whether the chosen scores are divided by their sum. */
  readonly isNormed: boolean;
  /** Multiplies the chosen scores. Default 1. */
  readonly scale?: number;
}

/** Keeps a sum of scores that all underflow from dividing by zero; too small to change any other. */
const TINY = 1e-20;

/** The `k` experts with the largest gates, in no order, and those gates: `[..., X] -> [..., k]` twice. */
export const topExperts = (gates: MxArray, k: number): Choice => {
  const experts = mx.index(mx.argpartition(mx.negative(gates), k - 1), "...", [0, k]);
  return [experts, mx.takeAlongAxis(gates, experts, -1)];
};

/** Scores divided by their sum over the last axis, to which `eps` is added. */
export const normScores = (scores: MxArray, eps = TINY): MxArray =>
  mx.divide(scores, mx.sum(scores, -1, true).add(eps));

/** The scores `[..., X]`, `left` in all but the groups whose two best sum highest. */
const onlyBestGroups = (
  scores: MxArray,
  { count, kept, left = 0 }: NonNullable<Routing["groups"]>,
): MxArray => {
  const grouped = mx.unflatten(scores, -1, [count, -1]); // [..., G, X / G]
  const best = mx.sum(mx.topk(grouped, 2), -1, true); // [..., G, 1]
  const dropped = count - kept;
  const worst = mx.index(mx.argpartition(best, dropped - 1, -2), "...", [0, dropped], [0, 1]);
  return mx.flatten(mx.putAlongAxis(grouped, worst, left, -2), -2, -1);
};

/** The experts that gates `[..., X]` choose, with float32 scores. */
export const routeExperts = (gates: MxArray, routing: Routing): Choice => {
  const { k, bias, groups, isNormed, scale = 1 } = routing;
  const wide = gates.astype(mx.float32);
  const scores = scoresOf[routing.score](wide);
  const biased = bias === undefined ? scores : mx.add(scores, bias);
  const isLimited = groups !== undefined && groups.kept < groups.count;
  const eligible = isLimited ? onlyBestGroups(biased, groups) : biased;
  const [experts] = topExperts(eligible, k); // [..., k]
  const chosen = mx.takeAlongAxis(scores, experts, -1);
  return [experts, (isNormed ? normScores(chosen) : chosen).multiply(scale)];
};

/** Answers `[..., k, E]` summed by their scores `[..., k]`: `[..., E]`, dtype of the answers. */
export const weighAnswers = (answers: MxArray, scores: MxArray): MxArray =>
  mx.fast.weightedSum(answers, scores);
