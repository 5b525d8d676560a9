/** Llama with parallel branches, LayerNorm and scaled logits. @see mlx-lm 0.32.2 models/cohere.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { ParallelBlock } from "../blocks/parallel-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { fast, type MxArray, multiply, zeros } from "../core/index.ts";
import { LayerNorm, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.default(8192),
  num_hidden_layers: int.default(40),
  intermediate_size: int.default(22528),
  num_attention_heads: int.default(64),
  num_key_value_heads: int.default(64),
  rope_theta: number.default(8000000),
  vocab_size: int.default(256000),
  layer_norm_eps: number.default(1e-5),
  logit_scale: number.default(0.0625),
  attention_bias: bool.default(false),
  layer_norm_bias: bool.default(false),
  use_qk_norm: bool.default(false),
  tie_word_embeddings: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
  model_max_length: int.optional(),
};
type Config = Infer<typeof config>;

/** LayerNorm over each head, with weights of its own. Parameter: `weight [H, D]`. */
class HeadNorm extends Module {
  weight: MxArray;
  readonly #eps: number;

  constructor(heads: number, dims: number, eps: number) {
    super();
    this.weight = zeros([heads, dims]);
    this.#eps = eps;
  }

  /** `[B, L, H, D] -> [B, L, H, D]` */
  forward(x: MxArray): MxArray {
    return multiply(this.weight, fast.layerNorm(x, undefined, undefined, this.#eps));
  }
}

class Attention extends SelfAttention {
  declare q_norm?: HeadNorm;
  declare k_norm?: HeadNorm;

  constructor(c: Config) {
    const D = headDim(c);
    const rope = createRope({ dims: D, base: c.rope_theta, traditional: true });
    super(c, { rope, bias: c.attention_bias });
    if (!c.use_qk_norm) return;
    this.q_norm = new HeadNorm(this.H, D, c.layer_norm_eps);
    this.k_norm = new HeadNorm(this.K, D, c.layer_norm_eps);
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    const q = super.queries(x, B, L); // [B, L, H, D]
    return this.q_norm?.forward(q) ?? q;
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    const k = super.keys(x, B, L); // [B, L, K, D]
    return this.k_norm?.forward(k) ?? k;
  }
}

/** Cohere's norm over the model dimension. */
export const layerNorm = (c: {
  hidden_size: number;
  layer_norm_eps: number;
  layer_norm_bias: boolean;
}): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps, bias: c.layer_norm_bias });

const makeBlock = (c: Config): ParallelBlock =>
  new ParallelBlock(new Attention(c), new GatedMLP(c.hidden_size, c.intermediate_size), layerNorm(c));

/** Ties the output layer and multiplies the logits. */
export class CohereModel extends CausalLM {
  readonly #scale: number;

  constructor(c: { hidden_size: number; vocab_size: number; logit_scale: number }, model: Decoder) {
    super({ ...c, tie_word_embeddings: true }, model);
    this.#scale = c.logit_scale;
  }

  protected override logits(h: MxArray): MxArray {
    return super.logits(h).multiply(this.#scale);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CohereModel(c, new Decoder(c, () => makeBlock(c), layerNorm(c))),
  sanitize: [dropHead],
});
