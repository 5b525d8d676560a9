import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** Llama's block under Mixtral's names: the mixture is `block_sparse_moe`. */
export class SparseBlock extends Module {
  self_attn: Mixer;
  block_sparse_moe: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(self_attn: Mixer, block_sparse_moe: FeedForward, makeNorm: () => Norm) {
    super();
    this.self_attn = self_attn;
    this.block_sparse_moe = block_sparse_moe;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
  }

  get mlp(): FeedForward {
    return this.block_sparse_moe;
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === SparseBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.self_attn.forward(this.input_layernorm.forward(x), mask, cache),
        feed: (h) => this.block_sparse_moe.forward(this.post_attention_layernorm.forward(h)),
      },
    );
  }
}
