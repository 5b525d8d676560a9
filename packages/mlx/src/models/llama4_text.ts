/** Llama 4's dense sibling: weightless norms on heads, layers without positions. @see mlx-lm 0.32.2 models/llama4_text.py */
import { Decoder, HeadedLM } from "../blocks/causal-lm.ts";
import { FeedForwardBlock } from "../blocks/feed-forward-block.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { fast, type MxArray } from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, either, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_attention_heads: int.required(),
  num_hidden_layers: int.required(),
  vocab_size: int.required(),
  intermediate_size: int.required(), // of experts, which this model has not
  intermediate_size_mlp: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  head_dim: int.required(),
  tie_word_embeddings: bool.required(),
  /** Per layer, whether positions turn. */
  no_rope_layers: list(either(int.required(), bool.required()).required()).required(),
  use_qk_norm: bool.required(),
  attention_bias: oneOf(false).optional(),
  attn_temperature_tuning: oneOf(false).optional(),
  attn_scale: number.optional(),
  floor_scale: number.optional(),
  attention_chunk_size: int.optional(), // mlx-lm attends fully: exact up to the chunk
  interleave_moe_layer_step: int.optional(),
  moe_layers: list(int.required()).optional(),
  no_rope_layer_interval: int.optional(),
  num_experts_per_tok: int.optional(),
  num_local_experts: int.optional(),
  for_llm_compressor: bool.optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class Attention extends SelfAttention {
  readonly #eps: number | undefined;

  constructor(c: Config, layer: number) {
    const turns = Boolean(c.no_rope_layers[layer]);
    const rope = turns ? createRope({ dims: c.head_dim, base: c.rope_theta, traditional: true }) : noRope;
    super(c, { rope });
    this.#eps = c.use_qk_norm ? c.rms_norm_eps : undefined;
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return this.#normed(super.queries(x, B, L)); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return this.#normed(super.keys(x, B, L)); // [B, L, K, D]
  }

  #normed(x: MxArray): MxArray {
    return this.#eps === undefined ? x : fast.rmsNorm(x, undefined, this.#eps);
  }
}

class Llama4TextModel extends HeadedLM<Decoder> {
  model: Decoder;
  declare output?: Linear;

  constructor(c: Config) {
    super();
    const makeBlock = (layer: number) => {
      const mlp = new GatedMLP(c.hidden_size, c.intermediate_size_mlp);
      return new FeedForwardBlock(new Attention(c, layer), mlp, () => rmsNorm(c));
    };
    this.model = new Decoder(c, makeBlock, rmsNorm(c));
    if (!c.tie_word_embeddings) this.output = new Linear(c.hidden_size, c.vocab_size, false);
  }

  protected get body(): Decoder {
    return this.model;
  }

  protected override logits(h: MxArray): MxArray {
    return this.output?.forward(h) ?? super.logits(h);
  }
}

export const architecture = defineArchitecture({ config, create: (c) => new Llama4TextModel(c) });
