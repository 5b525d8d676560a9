import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";

/** Llama's block, whose branches are multiplied by `scale` before they join: `x + scale * attn(norm(x))`. */
export class ScaledResidualBlock extends PreNormBlock {
  readonly #scale: number;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm, scale: number) {
    super(self_attn, mlp, makeNorm);
    this.#scale = scale;
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const h = add(x, attended.multiply(this.#scale));
    const fed = this.mlp.forward(this.post_attention_layernorm.forward(h)); // [B, L, E]
    return add(h, fed.multiply(this.#scale));
  }
}
