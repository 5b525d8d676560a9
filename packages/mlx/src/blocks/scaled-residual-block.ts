import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";

/** Adds what a branch gives times a factor. */
export const joinScaled =
  (scale: number) =>
  (x: MxArray, branch: MxArray): MxArray =>
    add(x, branch.multiply(scale));

/** Llama's block, whose branches are multiplied by `residualScale` before they join: `x + residualScale * attn(norm(x))`. */
export class ScaledResidualBlock extends PreNormBlock {
  readonly residualScale: number;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm, residualScale: number) {
    super(self_attn, mlp, makeNorm);
    this.residualScale = residualScale;
  }

  override call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === ScaledResidualBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.self_attn.forward(this.input_layernorm.forward(x), mask, cache),
        feed: (h) => this.mlp.forward(this.post_attention_layernorm.forward(h)),
        join: joinScaled(this.residualScale),
      },
    );
  }
}
