/** Llama under names of its own; heads of one group side by side in one projection. @see mlx-lm 0.32.2 models/internlm2.py */
import { cachedAttention, splitGroupedHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { TokDecoder } from "../blocks/tok-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  bias: bool.default(true),
  max_position_embeddings: int.default(32768),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  wqkv: Linear;
  wo: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads ?? this.#H;
    this.#D = Math.floor(c.hidden_size / this.#H);
    this.#rope = createRope({
      dims: this.#D,
      base: c.rope_theta,
      traditional: c.rope_traditional,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    this.wqkv = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * this.#D, c.bias);
    this.wo = new Linear(this.#H * this.#D, c.hidden_size, c.bias);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitGroupedHeads(this.wqkv.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    return this.wo.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

class MLP extends Module {
  w1: Linear;
  w2: Linear;
  w3: Linear;

  constructor(c: Config) {
    super();
    this.w1 = new Linear(c.hidden_size, c.intermediate_size, false);
    this.w2 = new Linear(c.intermediate_size, c.hidden_size, false);
    this.w3 = new Linear(c.hidden_size, c.intermediate_size, false);
  }

  forward(x: MxArray): MxArray {
    return this.w2.forward(swiglu(this.w1.forward(x), this.w3.forward(x))); // [B, L, E]
  }
}

class Block extends Module {
  attention: Attention;
  feed_forward: MLP;
  attention_norm: Norm;
  ffn_norm: Norm;

  constructor(c: Config) {
    super();
    this.attention = new Attention(c);
    this.feed_forward = new MLP(c);
    this.attention_norm = rmsNorm(c);
    this.ffn_norm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attention.forward(this.attention_norm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.feed_forward.forward(this.ffn_norm.forward(h)));
  }
}

/** Its output layer is called `output`. */
class InternLM2Model extends CausalLM<TokDecoder> {
  declare output?: Linear;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: true }, new TokDecoder(c, () => new Block(c), rmsNorm(c)));
    if (!c.tie_word_embeddings) this.output = new Linear(c.hidden_size, c.vocab_size, false);
  }

  protected override logits(h: MxArray): MxArray {
    return this.output?.forward(h) ?? super.logits(h);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new InternLM2Model(c),
  sanitize: [
    drop(/attention\.(rope|rotary_emb)\.inv_freq/),
    drop<Config>(/^output\./, (c) => c.tie_word_embeddings),
  ],
});
