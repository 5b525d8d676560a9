import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** OLMo 2's block, which norms what a branch gives: `x + norm(attn(x))`, then `x + norm(mlp(x))`. */
export class BranchNormBlock extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  post_attention_layernorm: Norm;
  post_feedforward_layernorm: Norm;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.self_attn = self_attn;
    this.mlp = mlp;
    this.post_attention_layernorm = makeNorm();
    this.post_feedforward_layernorm = makeNorm();
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === BranchNormBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.post_attention_layernorm.forward(this.self_attn.forward(x, mask, cache)),
        feed: (h) => this.post_feedforward_layernorm.forward(this.mlp.forward(h)),
      },
    );
  }
}
