/** Llama with windows, rotary settings by kind of layer, and a gate per head on what attention found. @see mlx-lm 0.32.2 models/spark2_5.py */
import { attention, mergeHeads, splitFusedHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { expandDims, float32, type MxArray, multiply, sigmoid, swapaxes } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, gelu, Linear, Module, type PositionEmbedding, type Quantization } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, liftedRopeKeys, list, number, oneOf, parseConfig, record } from "./config.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  ...liftedRopeKeys,
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  vocab_size: int.required(),
  sliding_window: int.required(),
  /** By kind of layer: rope_theta, partial_rotary_factor. */
  rope_parameters: record.required(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  rms_norm_eps: number.default(1e-6),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  hidden_act: oneOf("gelu").default("gelu"),
  gate_attn_act_mode: oneOf("sigmoid").default("sigmoid"),
  headwise_attn_output_gate: oneOf(true).default(true),
  tie_word_embeddings: bool.default(true),
};
type Config = Infer<typeof config>;

const ropeOf = (c: Config, kind: "full_attention" | "sliding_attention"): PositionEmbedding => {
  const all = parseConfig({ [kind]: record.required() }, c.rope_parameters).config;
  const schema = { rope_theta: number.default(10000), partial_rotary_factor: number.default(1) };
  const { rope_theta, partial_rotary_factor } = parseConfig(schema, all[kind] ?? {}).config;
  const dims = Math.trunc(c.head_dim * partial_rotary_factor);
  if (dims <= 0 || dims > c.head_dim || dims % 2 === 1) {
    throw new ConfigError(`config.json: ${dims} of ${c.head_dim} features of a head cannot turn`);
  }
  return createRope({ dims, base: rope_theta });
};

class Attention extends Module {
  q_k_v_proj: Linear;
  g_proj: Linear;
  out_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config, slides: boolean) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#scale = c.head_dim ** -0.5;
    this.#rope = ropeOf(c, slides ? "sliding_attention" : "full_attention");
    const { hidden_size: E, head_dim: D, attention_bias } = c;
    this.q_k_v_proj = new Linear(E, (this.#H + 2 * this.#K) * D, attention_bias);
    this.g_proj = new Linear(E, this.#H, attention_bias);
    this.out_proj = new Linear(this.#H * D, E, attention_bias);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = splitFusedHeads(this.q_k_v_proj.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const turned = this.#rope.forward(q, cache.offset); // [B, H, L, D]
    const [keys, values] = cache.updateAndFetch(this.#rope.forward(k, cache.offset), v); // [B, K, S, D]
    const found = attention(turned, keys, values, { scale: this.#scale, mask }); // [B, H, L, D]
    const gate = sigmoid(this.g_proj.forward(x).astype(float32)).astype(found.dtype); // [B, L, H]
    const gated = multiply(found, expandDims(swapaxes(gate, 1, 2), -1)); // [B, H, L, D]
    return this.out_proj.forward(mergeHeads(gated, B, L)); // [B, L, E]
  }
}

const makeBlock = (c: Config, slides: boolean): PreNormBlock => {
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias, activation: gelu });
  return new PreNormBlock(new Attention(c, slides), mlp, () => rmsNorm(c));
};

class SparkDecoder extends DecoderFrame<PreNormBlock> {
  embedding: Embedding;
  layers: PreNormBlock[];
  norm: Norm;
  readonly #window: SlidingWindow;

  constructor(c: Config) {
    super();
    this.#window = slidingWindow({ ...c, sliding_window_pattern: 4 });
    this.embedding = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = this.#window.layers.map((slides) => makeBlock(c, slides));
    this.norm = rmsNorm(c);
  }

  get blocks(): readonly PreNormBlock[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return slidingMasks(this.#window, L, cache);
  }

  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window);
  }
}

class SparkModel extends CausalLM<SparkDecoder> {
  constructor(c: Config) {
    super(c, new SparkDecoder(c));
  }

  /** The gates of heads are small and decide much. */
  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return !path.endsWith("self_attn.g_proj");
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new SparkModel(c),
  sanitize: [
    rename(/^model\.embed_tokens\./, "model.embedding."),
    dropTiedHead,
    drop(/rotary_emb\.inv_freq/),
  ],
});
