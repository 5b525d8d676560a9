/** Llama with norms on queries and keys before they turn. @see mlx-lm 0.32.2 models/qwen3.py */
import { attention, mergeHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { type MxArray, reshape, transpose } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, record } from "./config.ts";
import { dropTiedHead } from "./sanitize.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.required(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = c.head_dim;
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.q_proj = new Linear(c.hidden_size, this.#H * D, false);
    this.k_proj = new Linear(c.hidden_size, this.#K * D, false);
    this.v_proj = new Linear(c.hidden_size, this.#K * D, false);
    this.o_proj = new Linear(this.#H * D, c.hidden_size, false);
    this.q_norm = new RMSNorm(D, c.rms_norm_eps);
    this.k_norm = new RMSNorm(D, c.rms_norm_eps);
    this.#scale = D ** -0.5;
    this.#rope = createRope({
      dims: D,
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = (y: MxArray, H: number) => reshape(y, [B, L, H, -1]); // [B, L, H, D]
    const swapped = (y: MxArray) => transpose(y, [0, 2, 1, 3]); // [B, H, L, D]
    const q = swapped(this.q_norm.forward(heads(this.q_proj.forward(x), this.#H))); // [B, H, L, D]
    const k = swapped(this.k_norm.forward(heads(this.k_proj.forward(x), this.#K))); // [B, K, L, D]
    const v = swapped(heads(this.v_proj.forward(x), this.#K)); // [B, K, L, D]
    const turnedQ = this.#rope.forward(q, cache.offset);
    const [keys, values] = cache.updateAndFetch(this.#rope.forward(k, cache.offset), v); // [B, K, S, D]
    const out = attention(turnedQ, keys, values, { scale: this.#scale, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

const makeBlock = (c: Config) =>
  new PreNormBlock(new Attention(c), new GatedMLP(c.hidden_size, c.intermediate_size), c);

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c))),
  sanitize: [dropTiedHead],
});
