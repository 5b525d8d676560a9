import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** Llama's block under Llama 4's names: the MLP is `feed_forward`. */
export class FeedForwardBlock extends Module {
  self_attn: Mixer;
  feed_forward: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(self_attn: Mixer, feed_forward: FeedForward, makeNorm: () => Norm) {
    super();
    this.self_attn = self_attn;
    this.feed_forward = feed_forward;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.self_attn.forward(this.input_layernorm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.feed_forward.forward(this.post_attention_layernorm.forward(h))); // [B, L, E]
  }
}
