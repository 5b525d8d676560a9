/** Llama with fused projections and LongRoPE over a part of the head. @see mlx-lm 0.32.2 models/phi3.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { type MxArray, split } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { dropRotaryTables, dropTiedHead } from "./sanitize.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  partial_rotary_factor: number.default(1),
  max_position_embeddings: int.default(131072),
  original_max_position_embeddings: int.default(4096),
  tie_word_embeddings: bool.default(false),
  sliding_window: int.optional(), // mlx-lm attends fully: exact up to the window
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const phi3Rope = (c: Config, D: number): PositionEmbedding =>
  createRope({
    dims: Math.trunc(D * c.partial_rotary_factor),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling && {
      ...c.rope_scaling,
      original_max_position_embeddings: c.original_max_position_embeddings,
    },
    maxPositionEmbeddings: c.max_position_embeddings,
  });

class Attention extends Module {
  qkv_proj: Linear;
  o_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads ?? this.#H;
    this.#D = Math.floor(c.hidden_size / this.#H);
    this.qkv_proj = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * this.#D, false);
    this.o_proj = new Linear(this.#H * this.#D, c.hidden_size, false);
    this.#rope = phi3Rope(c, this.#D);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const cuts = [this.#H * this.#D, (this.#H + this.#K) * this.#D];
    const [q = x, k = x, v = x] = split(this.qkv_proj.forward(x), cuts, -1);
    const queries = this.#rope.forward(splitHeads(q, B, L, this.#H), cache.offset); // [B, H, L, D]
    const newKeys = this.#rope.forward(splitHeads(k, B, L, this.#K), cache.offset); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(newKeys, splitHeads(v, B, L, this.#K)); // [B, K, S, D]
    const out = attention(queries, keys, values, { scale: this.#D ** -0.5, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

class MLP extends Module {
  gate_up_proj: Linear;
  down_proj: Linear;

  constructor(c: Config) {
    super();
    this.gate_up_proj = new Linear(c.hidden_size, 2 * c.intermediate_size, false);
    this.down_proj = new Linear(c.intermediate_size, c.hidden_size, false);
  }

  forward(x: MxArray): MxArray {
    const [gate = x, up = x] = split(this.gate_up_proj.forward(x), 2, -1);
    return this.down_proj.forward(swiglu(gate, up));
  }
}

const makeBlock = (c: Config) => new PreNormBlock(new Attention(c), new MLP(c), () => rmsNorm(c));

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
