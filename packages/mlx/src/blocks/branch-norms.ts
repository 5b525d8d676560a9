import type { Module, RMSNorm } from "../nn/index.ts";
import type { BlockParts } from "./block-parts.ts";
import { rmsNormOr } from "./plain-norm.ts";

/** Norms of what a branch of a block reads, and of what it gives: at least one of them. */
export interface BranchNorms {
  readonly before: RMSNorm | undefined;
  readonly after: RMSNorm | undefined;
}

/** Undefined where one is of another kind. */
const branchNorms = (beforeIt: Module | undefined, afterIt: Module | undefined): BranchNorms | undefined => {
  const [before, after] = [rmsNormOr(beforeIt), rmsNormOr(afterIt)];
  if (before === false || after === false) return undefined;
  return before === undefined && after === undefined ? undefined : { before, after };
};

export const mixerNorms = (block: BlockParts): BranchNorms | undefined => {
  const { input_layernorm: before, post_attention_layernorm: next } = block;
  const isOfMixer = before === undefined || block.pre_feedforward_layernorm !== undefined;
  return branchNorms(before, isOfMixer ? next : undefined);
};

export const mlpNorms = (block: BlockParts): BranchNorms | undefined => {
  const {
    input_layernorm: ofMixer,
    pre_feedforward_layernorm: ofMlp,
    post_attention_layernorm: between,
  } = block;
  const before = ofMlp ?? (ofMixer === undefined ? undefined : between);
  return branchNorms(before, block.post_feedforward_layernorm);
};
