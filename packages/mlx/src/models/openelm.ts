/** Llama with head counts and MLP widths of their own in each layer. @see mlx-lm 0.32.2 models/openelm.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, split } from "../core/index.ts";
import { Embedding, Linear, Module, type PositionEmbedding, RMSNorm, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, ofLayer, oneOf, string } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  head_dim: int.required(),
  num_transformer_layers: int.required(),
  model_dim: int.required(),
  vocab_size: int.required(),
  ffn_dim_divisor: int.required(),
  num_query_heads: list(int.required()).required(),
  num_kv_heads: list(int.required()).required(),
  ffn_multipliers: list(number.required()).required(),
  ffn_with_glu: oneOf(true).default(true),
  normalize_qk_projections: bool.default(true),
  share_input_output_layers: bool.default(true),
  rms_norm_eps: number.default(1e-6),
  rope_freq_constant: number.default(10000),
  rope_max_length: int.optional(),
  max_context_length: int.optional(),
  activation_fn_name: oneOf("swish", "silu").optional(),
  normalization_layer_name: oneOf("rms_norm").optional(),
  // what the lists per layer were made from
  num_gqa_groups: int.optional(),
  qkv_multipliers: list(number.required()).optional(),
  model_class: string.optional(),
};
type Config = Infer<typeof config>;

const rmsNorm = (c: Config, dims = c.model_dim): RMSNorm => new RMSNorm(dims, c.rms_norm_eps);

class Attention extends Module {
  qkv_proj: Linear;
  out_proj: Linear;
  declare q_norm?: RMSNorm;
  declare k_norm?: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config, layer: number) {
    super();
    const D = c.head_dim;
    this.#H = ofLayer(c.num_query_heads, layer);
    this.#K = ofLayer(c.num_kv_heads, layer);
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: c.rope_freq_constant });
    this.qkv_proj = new Linear(c.model_dim, (this.#H + 2 * this.#K) * D, false);
    this.out_proj = new Linear(this.#H * D, c.model_dim, false);
    if (!c.normalize_qk_projections) return;
    this.q_norm = rmsNorm(c, D);
    this.k_norm = rmsNorm(c, D);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.qkv_proj.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const queries = this.q_norm?.forward(q) ?? q;
    const keys = this.k_norm?.forward(k) ?? k;
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.out_proj.forward(cachedAttention(queries, keys, v, options)); // [B, L, E]
  }
}

/** The multiple of the divisor near the width asked for, and not below 90 % of it. */
const hiddenDims = (c: Config, layer: number): number => {
  const asked = ofLayer(c.ffn_multipliers, layer) * c.model_dim;
  const divisor = c.ffn_dim_divisor;
  const near = Math.max(divisor, Math.floor(Math.trunc(asked + divisor / 2) / divisor) * divisor);
  return near < 0.9 * asked ? near + divisor : near;
};

class MLP extends Module {
  proj_1: Linear;
  proj_2: Linear;

  constructor(c: Config, layer: number) {
    super();
    const F = hiddenDims(c, layer);
    this.proj_1 = new Linear(c.model_dim, 2 * F, false);
    this.proj_2 = new Linear(F, c.model_dim, false);
  }

  forward(x: MxArray): MxArray {
    const [gate = x, up = x] = split(this.proj_1.forward(x), 2, -1); // [B, L, F]
    return this.proj_2.forward(swiglu(gate, up)); // [B, L, E]
  }
}

class Block extends Module {
  attn: Attention;
  ffn: MLP;
  ffn_norm: RMSNorm;
  attn_norm: RMSNorm;

  constructor(c: Config, layer: number) {
    super();
    this.attn = new Attention(c, layer);
    this.ffn = new MLP(c, layer);
    this.ffn_norm = rmsNorm(c);
    this.attn_norm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attn.forward(this.attn_norm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.ffn.forward(this.ffn_norm.forward(h)));
  }
}

class OpenElmDecoder extends DecoderFrame<Block> {
  token_embeddings: Embedding;
  layers: Block[];
  norm: RMSNorm;

  constructor(c: Config) {
    super();
    this.token_embeddings = new Embedding(c.vocab_size, c.model_dim);
    this.layers = Array.from({ length: c.num_transformer_layers }, (_, i) => new Block(c, i));
    this.norm = rmsNorm(c);
  }

  get embedding(): Embedding {
    return this.token_embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): RMSNorm {
    return this.norm;
  }
}

const create = (c: Config): TransformerLM<OpenElmDecoder> =>
  new TransformerLM(
    { ...c, hidden_size: c.model_dim, tie_word_embeddings: c.share_input_output_layers },
    new OpenElmDecoder(c),
  );

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [drop<Config>(/^lm_head\./, (c) => c.share_input_output_layers)],
});
