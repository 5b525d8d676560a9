/** Llama with multipliers on embeddings, scores, residuals and logits. @see mlx-lm 0.32.2 models/granite.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBlock } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { ScaledResidualBlock } from "../blocks/scaled-residual-block.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { MxArray } from "../core/index.ts";
import type { Quantization } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

/** What the configs of Granite with and without experts say. */
export const granite = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  logits_scaling: number.required(),
  attention_multiplier: number.required(),
  embedding_multiplier: number.required(),
  residual_multiplier: number.required(),
  max_position_embeddings: int.required(),
  attention_bias: bool.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
};
type GraniteConfig = Infer<typeof granite>;

const config = { ...granite, mlp_bias: bool.required() };
type Config = Infer<typeof config>;

const makeBlock = (c: Config): ScaledResidualBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new ScaledResidualBlock(
    new SelfAttention(c, { rope, scale: c.attention_multiplier, bias: c.attention_bias }),
    new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }),
    () => rmsNorm(c),
    c.residual_multiplier,
  );
};

export class GraniteModel extends CausalLM {
  readonly #divisor: number;

  constructor(c: Omit<GraniteConfig, "intermediate_size">, makeBlock: () => DecoderBlock) {
    super(c, new ScaledDecoder(c, makeBlock, rmsNorm(c), c.embedding_multiplier));
    this.#divisor = c.logits_scaling;
  }

  protected override logits(h: MxArray): MxArray {
    return super.logits(h).divide(this.#divisor);
  }

  /** These layers' weights are so small that 4-bit scales underflow; a router decides which experts answer. */
  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return /self_attn\.o_proj$|mlp\.down_proj$|router\.layer$|^lm_head$/.test(path)
      ? { groupSize: 64, bits: 8, mode: "affine" }
      : true;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GraniteModel(c, () => makeBlock(c)),
  sanitize: [dropTiedHead],
});
