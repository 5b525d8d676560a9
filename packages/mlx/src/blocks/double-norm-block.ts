import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import type { BlockCall, BlockParts } from "./block-parts.ts";
import { fusedBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import { type FeedForward, type Mixer, PreNormBlock } from "./pre-norm-block.ts";

/** Its norms as blocks with norms on both sides mostly call them. */
const underCommonNames = (block: DoubleNormBlock): BlockParts => ({
  get self_attn() {
    return block.self_attn;
  },
  get mlp() {
    return block.mlp;
  },
  get input_layernorm() {
    return block.input_layernorm;
  },
  get post_attention_layernorm() {
    return block.post_self_attn_layernorm;
  },
  get pre_feedforward_layernorm() {
    return block.post_attention_layernorm;
  },
  get post_feedforward_layernorm() {
    return block.post_mlp_layernorm;
  },
});

/** GLM 4's block, norms on both sides: `x + norm(attn(norm(x)))`, then `x + norm(mlp(norm(x)))`. */
export class DoubleNormBlock extends PreNormBlock {
  post_self_attn_layernorm: Norm;
  post_mlp_layernorm: Norm;
  readonly #parts: BlockParts;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm) {
    super(self_attn, mlp, makeNorm);
    this.post_self_attn_layernorm = makeNorm();
    this.post_mlp_layernorm = makeNorm();
    this.#parts = underCommonNames(this);
  }

  override call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this.#parts, mask, cache };
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const made = fusedBlock(x, this.call(mask, cache));
    if (made?.isWhole === true) return made.h;
    const h = made?.h ?? this.#attend(x, mask, cache);
    const fed = this.mlp.forward(this.post_attention_layernorm.forward(h)); // [B, L, E]
    return add(this.post_mlp_layernorm.forward(fed), h);
  }

  #attend(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    return add(x, this.post_self_attn_layernorm.forward(attended));
  }
}
