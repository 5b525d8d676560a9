/** What decoder blocks are made of, for operations over several of their parts. */
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import type { Module } from "../nn/index.ts";
import type { LayerInputGate } from "./layer-inputs.ts";
import type { Mask } from "./mask.ts";
import type { KnownMixer, MixerParts } from "./mixer-parts.ts";
import type { BesideParts, MixtureParts } from "./mixture-parts.ts";

/**
 * What a block is made of: `x + self_attn(norm(x))`, then `h + mlp(norm(h))`. With norms around the MLP, or none before
 * attention, that after attention norms what it gives, as those after the MLP do. It has both, or one of them.
 */
export interface BlockParts {
  readonly self_attn?: Module;
  /** Instead of `self_attn`. */
  readonly linear_attn?: Module;
  /** Likewise. */
  readonly mamba?: Module;
  /** Likewise. */
  readonly conv?: Module;
  readonly mlp?: Module;
  /** Instead of `mlp`. */
  readonly mixture?: MixtureParts | undefined;
  readonly input_layernorm?: Module;
  readonly post_attention_layernorm?: Module;
  readonly pre_feedforward_layernorm?: Module;
  readonly post_feedforward_layernorm?: Module;
  /** Multiplies what both give. Default 1. */
  readonly residualScale?: number;
  /** Experts that answer beside the MLP. */
  readonly beside?: BesideParts | undefined;
  /** How a layer takes an input of its own, after all. */
  readonly layerInput?: LayerInputGate | undefined;
  /** `[1]`, multiplies the result. */
  readonly factor?: MxArray;
  /** Whether they are added up in float32 alone, and joined in another way in other types. Default false. */
  readonly isSumInFloat32Alone?: boolean;
}

/** A block, and what it is given beside its input. */
export interface BlockCall {
  readonly block: BlockParts;
  readonly mask: Mask;
  readonly cache: LayerCache;
}

/** The mixer of a block. */
const mixerOf = ({ self_attn, linear_attn, mamba, conv }: BlockParts): Module | undefined =>
  self_attn ?? linear_attn ?? mamba ?? conv;

const hasParts = (mixer: Module | undefined): mixer is Module & KnownMixer =>
  mixer !== undefined && "parts" in mixer;

export const hasMlp = ({ mlp, mixture }: BlockParts): boolean => mlp !== undefined || mixture !== undefined;

export const hasMixer = (block: BlockParts): boolean => mixerOf(block) !== undefined;

/** What the mixer of a block is made of; undefined where there is no operation for its kind. */
export const partsOf = (block: BlockParts): MixerParts | undefined => {
  const mixer = mixerOf(block);
  return hasParts(mixer) ? mixer.parts : undefined;
};
