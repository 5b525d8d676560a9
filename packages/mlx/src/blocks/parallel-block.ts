import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** GPT-J's block, one norm for both: `x + attn(norm(x)) + mlp(norm(x))`. */
export class ParallelBlock extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  input_layernorm: Norm;

  constructor(self_attn: Mixer, mlp: FeedForward, norm: Norm) {
    super();
    this.self_attn = self_attn;
    this.mlp = mlp;
    this.input_layernorm = norm;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const normed = this.input_layernorm.forward(x); // [B, L, E]
    const attended = this.self_attn.forward(normed, mask, cache); // [B, L, E]
    return add(add(attended, this.mlp.forward(normed)), x);
  }
}
