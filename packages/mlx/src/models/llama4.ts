/** Llama 4: attention within chunks but in every fourth layer, one expert a token. @see mlx-lm 0.32.2 models/llama4.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { topExperts } from "../blocks/experts.ts";
import { FeedForwardBlock } from "../blocks/feed-forward-block.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { positionsFrom } from "../blocks/positions.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { ChunkedKVCache, KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, either, type Infer, int, list, number, oneOf, record, string } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { map, rename, splitInto } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  attention_bias: bool.required(),
  attention_chunk_size: int.required(),
  head_dim: int.optional(),
  hidden_size: int.required(),
  interleave_moe_layer_step: int.required(),
  intermediate_size: int.required(),
  intermediate_size_mlp: int.required(),
  max_position_embeddings: int.required(),
  num_attention_heads: int.required(),
  num_experts_per_tok: int.required(),
  num_hidden_layers: int.required(),
  num_key_value_heads: int.required(),
  num_local_experts: int.required(),
  rms_norm_eps: number.required(),
  rope_scaling: record.optional(),
  rope_theta: number.required(),
  use_qk_norm: bool.required(),
  vocab_size: int.required(),
  attn_temperature_tuning: either(int.required(), bool.required()).default(4),
  floor_scale: number.default(8192),
  attn_scale: number.default(0.1),
  no_rope_layers: list(int.required()).optional(), // every fourth
  moe_layers: list(int.required()).optional(), // every interleave_moe_layer_step-th
  for_llm_compressor: bool.optional(),
  cache_implementation: string.optional(),
  hidden_act: oneOf("silu").optional(),
  tie_word_embeddings: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

/** Every fourth layer knows no positions and attends to everything. */
const isGlobal = (layer: number): boolean => (layer + 1) % 4 === 0;

/** Turns, then norms each head. */
const normedRope = (rope: PositionEmbedding): PositionEmbedding => ({
  forward: (x, offset) => mx.fast.rmsNorm(rope.forward(x, offset), undefined, 1e-6),
});

const makeRope = (c: Config, D: number): PositionEmbedding => {
  const rope = createRope({
    dims: D,
    base: c.rope_theta,
    traditional: true,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return c.use_qk_norm ? normedRope(rope) : rope;
};

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #c: Config;
  readonly #rope: PositionEmbedding;
  readonly #isTempered: boolean;
  readonly #scale: number;

  constructor(c: Config, layer: number) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K } = c;
    const D = c.head_dim ?? E / H;
    this.q_proj = new Linear(E, H * D, c.attention_bias);
    this.k_proj = new Linear(E, K * D, c.attention_bias);
    this.v_proj = new Linear(E, K * D, c.attention_bias);
    this.o_proj = new Linear(H * D, E, c.attention_bias);
    this.#c = c;
    this.#rope = isGlobal(layer) ? noRope : makeRope(c, D);
    this.#isTempered = isGlobal(layer) && Boolean(c.attn_temperature_tuning);
    this.#scale = D ** -0.5;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { num_attention_heads: H, num_key_value_heads: K } = this.#c;
    const queries = splitHeads(this.q_proj.forward(x), B, L, H); // [B, H, L, D]
    const q = this.#isTempered ? this.#tempered(queries, cache.offset) : queries;
    const k = splitHeads(this.k_proj.forward(x), B, L, K); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, K); // [B, K, L, D]
    const found = cachedAttention(q, k, v, { rope: this.#rope, cache, scale: this.#scale, mask });
    return this.o_proj.forward(found); // [B, L, E]
  }

  /** Queries far from the start grow, so that attention over many keys stays sharp. */
  #tempered(q: MxArray, offset: number | MxArray): MxArray {
    const { floor_scale, attn_scale } = this.#c;
    const counts = mx.reshape(positionsFrom(offset, q.dim(2)), [-1, 1, q.dim(2), 1]).add(1); // [B or 1, 1, L, 1]
    const growth = mx.log(mx.floor(counts.divide(floor_scale)).add(1));
    return mx.multiply(q, growth.multiply(attn_scale).add(1)).astype(q.dtype);
  }
}

class SparseMoe extends Module {
  experts: SwitchGLU;
  router: Linear;
  shared_expert: GatedMLP;

  constructor(c: Config) {
    super();
    this.experts = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.router = new Linear(c.hidden_size, c.num_local_experts, false);
    this.shared_expert = new GatedMLP(c.hidden_size, c.intermediate_size);
  }

  /** `[B, L, E] -> [B, L, E]`; the score weighs the question, not the answer. */
  forward(x: MxArray): MxArray {
    const [experts, gates] = topExperts(this.router.forward(x), 1); // [B, L, 1]
    const scores = mx.sigmoid(gates.astype(mx.float32)).astype(x.dtype);
    const answers = this.experts.forward(mx.multiply(x, scores), experts); // [B, L, 1, E]
    return mx.add(mx.squeeze(answers, 2), this.shared_expert.forward(x));
  }
}

class ChunkedDecoder extends Decoder {
  readonly #chunk: number;

  constructor(c: Config) {
    if (c.num_experts_per_tok !== 1) {
      throw new ConfigError("config.json: num_experts_per_tok is not 1, the only number Llama 4 has");
    }
    super(c, (layer) => makeBlock(c, layer), rmsNorm(c));
    this.#chunk = c.attention_chunk_size;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const chunked = layerCache(cache, 0).makeMask(L, { chunk: this.#chunk });
    const global = layerCache(cache, 3).makeMask(L);
    return (layer) => (isGlobal(layer) ? global : chunked);
  }

  override makeCache(): LayerCache[] {
    return this.layers.map((_, layer) => (isGlobal(layer) ? new KVCache() : new ChunkedKVCache(this.#chunk)));
  }
}

const makeBlock = (c: Config, layer: number): FeedForwardBlock => {
  const step = c.interleave_moe_layer_step;
  const isSparse = layer % step === step - 1;
  const mlp = isSparse ? new SparseMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size_mlp);
  return new FeedForwardBlock(new Attention(c, layer), mlp, () => rmsNorm(c));
};

const text = defineArchitecture({
  config,
  create: (c) => new CausalLM({ ...c, tie_word_embeddings: false }, new ChunkedDecoder(c)),
  sanitize: [
    map(/experts\.(gate_up|down)_proj$/, [transposed(0, 2, 1)]),
    splitInto(/experts\.gate_up_proj$/, ["experts.gate_proj.weight", "experts.up_proj.weight"], { axis: 1 }),
    rename(/(?<=experts\.down_proj)$/, ".weight"),
  ],
});

export const architecture = wrapText(text, /vision_model|multi_modal_projector/);
