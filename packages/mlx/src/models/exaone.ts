/** Llama under GPT-2's names. @see mlx-lm 0.32.2 models/exaone.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { GptBlock, GptDecoder } from "../blocks/gpt-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  layer_norm_epsilon: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.required(),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  activation_function: oneOf("silu").optional(),
  // what training drops
  embed_dropout: number.optional(),
};
type Config = Infer<typeof config>;

class InnerAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = headDim(c);
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({
      dims: D,
      base: c.rope_theta,
      traditional: c.rope_traditional,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    this.q_proj = new Linear(c.hidden_size, this.#H * D, c.attention_bias);
    this.k_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
    this.v_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
    this.out_proj = new Linear(this.#H * D, c.hidden_size, c.attention_bias);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = splitHeads(this.q_proj.forward(x), B, L, this.#H); // [B, H, L, D]
    const k = splitHeads(this.k_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.out_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

/** Checkpoints have the attention one level down, at `attn.attention`. */
class Attention extends Module {
  attention: InnerAttention;

  constructor(c: Config) {
    super();
    this.attention = new InnerAttention(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return this.attention.forward(x, mask, cache);
  }
}

class MLP extends Module {
  c_fc_0: Linear;
  c_fc_1: Linear;
  c_proj: Linear;

  constructor(c: Config) {
    super();
    this.c_fc_0 = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.c_fc_1 = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.c_proj = new Linear(c.intermediate_size, c.hidden_size, c.mlp_bias);
  }

  forward(x: MxArray): MxArray {
    return this.c_proj.forward(swiglu(this.c_fc_0.forward(x), this.c_fc_1.forward(x))); // [B, L, E]
  }
}

const rmsNorm = (c: Config): RMSNorm => new RMSNorm(c.hidden_size, c.layer_norm_epsilon);

const create = (c: Config): TransformerLM<GptDecoder> => {
  const sizes = { vocab_size: c.vocab_size, n_embd: c.hidden_size, n_layer: c.num_layers };
  const makeBlock = () => new GptBlock(new Attention(c), new MLP(c), () => rmsNorm(c));
  return new TransformerLM(c, new GptDecoder(sizes, makeBlock, rmsNorm(c)));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [drop(/^transformer\.rotary\.inv_freq$/), dropTiedHead],
});
