/** Gemma 2 with norms on queries and keys and windows instead of soft caps. @see mlx-lm 0.32.2 models/gemma3_text.py */
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { offsetRmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { createRope } from "../blocks/rope.ts";
import { SandwichBlock } from "../blocks/sandwich-block.ts";
import { SelfTyingLM } from "../blocks/self-tying-lm.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { add, array, bfloat16, clip, finfo, float16, float32, type MxArray } from "../core/index.ts";
import { geluApprox, OffsetRMSNorm, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { type Infer, int, list, number, oneOf, record, string } from "./config.ts";

const layerType = oneOf("full_attention", "sliding_attention");

const config = {
  hidden_size: int.default(1152),
  num_hidden_layers: int.default(26),
  intermediate_size: int.default(6912),
  num_attention_heads: int.default(4),
  num_key_value_heads: int.default(1),
  head_dim: int.default(256),
  rms_norm_eps: number.default(1e-6),
  vocab_size: int.default(262144),
  rope_theta: number.default(1000000),
  rope_local_base_freq: number.default(10000),
  rope_scaling: record.optional(),
  query_pre_attn_scalar: number.default(256),
  sliding_window: int.default(512),
  /** The last of every so many layers attends to everything. */
  sliding_window_pattern: int.default(6),
  _sliding_window_pattern: int.optional(), // what newer configs call it, beside layer_types
  layer_types: list(layerType.required()).optional(),
  max_position_embeddings: int.default(32768),
  attention_bias: oneOf(false).optional(),
  use_bidirectional_attention: oneOf(false).optional(),
  cache_implementation: string.optional(),
  mm_tokens_per_image: int.optional(), // read where there are images
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
  tie_word_embeddings: oneOf(true, false).optional(), // the weights say it
};
type Config = Infer<typeof config>;

class Attention extends NormedAttention {
  constructor(c: Config, rope: PositionEmbedding) {
    super(c, { rope, scale: c.query_pre_attn_scalar ** -0.5 });
    this.q_norm = new OffsetRMSNorm(c.head_dim, c.rms_norm_eps);
    this.k_norm = new OffsetRMSNorm(c.head_dim, c.rms_norm_eps);
  }
}

/** The residual stream of Gemma 3 outgrows float16: clip it there. */
const addClipped = (x: MxArray, y: MxArray): MxArray => {
  if (x.dtype !== float16) return add(x, y);
  const { min, max } = finfo(float16);
  return clip(add(x.astype(float32), y.astype(float32)), min, max).astype(float16);
};

const makeBlock = (c: Config, slides: boolean): SandwichBlock => {
  const local = { dims: c.head_dim, base: c.rope_local_base_freq };
  const global = {
    dims: c.head_dim,
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  };
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { activation: geluApprox });
  const attention = new Attention(c, createRope(slides ? local : global));
  return new SandwichBlock(attention, mlp, () => offsetRmsNorm(c), addClipped);
};

class Gemma3Decoder extends SlidingDecoder {
  readonly #scale: number;

  constructor(c: Config) {
    const window = slidingWindow(c);
    super(c, (i) => makeBlock(c, window.layers[i] === true), offsetRmsNorm(c), window);
    // trained with this factor rounded to bfloat16
    this.#scale = array(c.hidden_size ** 0.5, bfloat16).item();
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#scale);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new SelfTyingLM(c, new Gemma3Decoder(c)),
  sanitize: [dropRotaryTables],
});
