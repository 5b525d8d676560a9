/** Llama-family decoder; Mistral and many others are this. @see mlx-lm 0.32.2 models/llama.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder, type SlidingWindow, slidingCaches } from "../blocks/sliding-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { ConfigError } from "../errors.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { dropRotaryTables, dropTiedHead } from "./sanitize.ts";

export const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  sliding_window: int.optional(),
  hidden_act: oneOf("silu").optional(),
};
export type Config = Infer<typeof config>;

export const llamaRope = (c: Config): PositionEmbedding =>
  createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });

/** The layers that see only a window, if any. */
const slidingWindow = (c: Config): SlidingWindow | undefined => {
  if (c.layer_types?.includes("sliding_attention") !== true) return undefined;
  if (c.sliding_window === undefined) {
    throw new ConfigError("config.json: sliding_attention layers need sliding_window");
  }
  const layers = Array.from(
    { length: c.num_hidden_layers },
    (_, i) => c.layer_types?.[i] === "sliding_attention",
  );
  return { size: c.sliding_window, layers };
};

const makeBlock = (c: Config, rope: PositionEmbedding): PreNormBlock =>
  new PreNormBlock(
    new SelfAttention(c, { rope, bias: c.attention_bias }),
    new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }),
    () => rmsNorm(c),
  );

export class LlamaModel extends CausalLM {
  readonly #window: SlidingWindow | undefined;

  /** @param ropeOf - the position embedding of a layer; by default all have the config's */
  constructor(c: Config, ropeOf: (layer: number) => PositionEmbedding = () => llamaRope(c)) {
    const window = slidingWindow(c);
    const block = (layer: number) => makeBlock(c, ropeOf(layer));
    const norm = rmsNorm(c);
    super(c, window === undefined ? new Decoder(c, block, norm) : new SlidingDecoder(c, block, norm, window));
    this.#window = window;
  }

  override makeCache(): LayerCache[] {
    return this.#window === undefined ? super.makeCache() : slidingCaches(this.#window);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel(c),
  sanitize: [dropRotaryTables, dropTiedHead],
});
