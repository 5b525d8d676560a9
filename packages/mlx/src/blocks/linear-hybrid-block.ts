import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward, Mixer } from "./pre-norm-block.ts";

/** Options of `LinearHybridBlock`. */
export interface LinearHybridOptions {
  isLinear: boolean;
  makeNorm: () => Norm;
}

/** Llama's block, whose mixer is called `linear_attn` where it is recurrent. */
export class LinearHybridBlock extends Module {
  declare linear_attn?: Mixer;
  declare self_attn?: Mixer;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  readonly #mixer: Mixer;

  constructor(mixer: Mixer, mlp: FeedForward, { isLinear, makeNorm }: LinearHybridOptions) {
    super();
    this[isLinear ? "linear_attn" : "self_attn"] = mixer;
    this.#mixer = mixer;
    this.mlp = mlp;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === LinearHybridBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.#mixer.forward(this.input_layernorm.forward(x), mask, cache),
        feed: (h) => this.mlp.forward(this.post_attention_layernorm.forward(h)),
      },
    );
  }
}
