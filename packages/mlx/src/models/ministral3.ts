/** Llama whose queries grow with the position past the trained context. @see mlx-lm 0.32.2 models/ministral3.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { AttentionParts } from "../blocks/mixer-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { type PositionScale, positionScale } from "../blocks/position-scale.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { type MxArray, multiply } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, liftedRopeKeys, list, number, oneOf, parseConfig, record } from "./config.ts";

const config = {
  ...liftedRopeKeys,
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  rope_parameters: record.required(),
  tie_word_embeddings: bool.default(true),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  sliding_window: int.optional(),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const ropeSchema = {
  rope_theta: number.required(),
  llama_4_scaling_beta: number.required(),
  original_max_position_embeddings: int.required(),
};

class Attention extends SelfAttention {
  readonly #growth: PositionScale;

  constructor(c: Config) {
    const settings = parseConfig(ropeSchema, c.rope_parameters).config;
    const rope = createRope({
      dims: headDim(c),
      base: settings.rope_theta,
      scaling: c.rope_parameters,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    super(c, { rope });
    this.#growth = {
      beta: settings.llama_4_scaling_beta,
      trained: settings.original_max_position_embeddings,
    };
  }

  override get parts(): AttentionParts | undefined {
    const isPlain = this.makesStepsOf(Attention.prototype);
    return isPlain ? this.partsWith(undefined, undefined, { queryGrowth: this.#growth }) : undefined;
  }

  protected override turn(q: MxArray, k: MxArray, offset: LayerCache["offset"]): [MxArray, MxArray] {
    const [queries, keys] = super.turn(q, k, offset);
    const growth = positionScale(offset, q.dim(2), this.#growth)?.astype(q.dtype);
    return [growth === undefined ? queries : multiply(queries, growth), keys];
  }
}

const makeBlock = (c: Config): PreNormBlock =>
  new PreNormBlock(new Attention(c), new GatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));

const create = (c: Config): CausalLM => {
  const layer_types = c.layer_types ?? Array.from({ length: c.num_hidden_layers }, () => "full_attention");
  if (layer_types.includes("sliding_attention") && c.sliding_window === undefined) {
    throw new ConfigError("config.json: sliding_attention layers need sliding_window");
  }
  const sliding_window = c.sliding_window ?? 1; // of no layer
  const window = slidingWindow({ ...c, layer_types, sliding_window, sliding_window_pattern: 1 });
  return new CausalLM(c, new SlidingDecoder(c, () => makeBlock(c), rmsNorm(c), window));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropRotaryTables, dropTiedHead],
});
