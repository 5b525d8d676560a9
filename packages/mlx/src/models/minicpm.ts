/** Llama with multipliers on embeddings and residuals, and a divisor before the output layer. @see mlx-lm 0.32.2 models/minicpm.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { ScaledResidualBlock } from "../blocks/scaled-residual-block.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { derive } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  dim_model_base: number.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  scale_depth: number.required(),
  scale_emb: number.required(),
  max_position_embeddings: int.optional(),
  rope_theta: number.default(1000000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): ScaledResidualBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new ScaledResidualBlock(
    new SelfAttention(c, { rope }),
    new GatedMLP(c.hidden_size, c.intermediate_size),
    () => rmsNorm(c),
    c.scale_depth / c.num_hidden_layers ** 0.5,
  );
};

class MiniCPMModel extends CausalLM {
  readonly #divisor: number;

  constructor(c: Config) {
    super(c, new ScaledDecoder(c, () => makeBlock(c), rmsNorm(c), c.scale_emb));
    this.#divisor = c.tie_word_embeddings ? 1 : c.hidden_size / c.dim_model_base;
  }

  protected override logits(h: MxArray): MxArray {
    return super.logits(h.divide(this.#divisor));
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new MiniCPMModel(c),
  sanitize: [derive(/^model\.embed_tokens\./, "lm_head.", []), dropTiedHead],
});
