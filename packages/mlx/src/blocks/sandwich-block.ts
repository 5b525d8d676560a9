import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { fusedBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** Gemma 2's block, norms on both sides: `x + norm(attn(norm(x)))`, then `x + norm(mlp(norm(x)))`. */
export class SandwichBlock extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  pre_feedforward_layernorm: Norm;
  post_feedforward_layernorm: Norm;
  readonly isSumInFloat32Alone: boolean;
  readonly #addResidual: (x: MxArray, y: MxArray) => MxArray;

  /** @param addResidual - how a branch joins a residual stream that is not float32, where it is a sum; by default one too */
  constructor(
    self_attn: Mixer,
    mlp: FeedForward,
    makeNorm: () => Norm,
    addResidual: (x: MxArray, y: MxArray) => MxArray = add,
  ) {
    super();
    this.self_attn = self_attn;
    this.mlp = mlp;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
    this.pre_feedforward_layernorm = makeNorm();
    this.post_feedforward_layernorm = makeNorm();
    this.isSumInFloat32Alone = addResidual !== add;
    this.#addResidual = addResidual;
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === SandwichBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const made = fusedBlock(x, { block: this, mask, cache });
    if (made?.isWhole === true) return made.h;
    const h = made?.h ?? this.#attend(x, mask, cache); // [B, L, E]
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h)); // [B, L, E]
    return this.#addResidual(h, this.post_feedforward_layernorm.forward(fed));
  }

  #attend(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    return this.#addResidual(x, this.post_attention_layernorm.forward(attended));
  }
}
