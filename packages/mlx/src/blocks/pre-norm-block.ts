import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

/** Anything that mixes positions. */
export interface Mixer extends Module {
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray;
}

/** Anything that works on each position alone. */
export interface FeedForward extends Module {
  forward(x: MxArray): MxArray;
}

/** Llama's block: `x + attn(norm(x))`, then `x + mlp(norm(x))`. */
export class PreNormBlock extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.self_attn = self_attn;
    this.mlp = mlp;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === PreNormBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.self_attn.forward(this.input_layernorm.forward(x), mask, cache),
        feed: (h) => this.mlp.forward(this.post_attention_layernorm.forward(h)),
      },
    );
  }
}
