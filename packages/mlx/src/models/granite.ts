/** Llama with multipliers on embeddings, scores, residuals and logits. @see mlx-lm 0.32.2 models/granite.py */
import { CausalLM, type DecoderBlock } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import type { Quantization } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { dropTiedHead } from "./sanitize.ts";

const config = {
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
  mlp_bias: bool.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class Block extends PreNormBlock {
  readonly #scale: number;

  constructor(c: Config) {
    const rope = createRope({
      dims: headDim(c),
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    super(
      new SelfAttention(c, { rope, scale: c.attention_multiplier, bias: c.attention_bias }),
      new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }),
      () => rmsNorm(c),
    );
    this.#scale = c.residual_multiplier;
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const h = add(x, attended.multiply(this.#scale));
    const fed = this.mlp.forward(this.post_attention_layernorm.forward(h)); // [B, L, E]
    return add(h, fed.multiply(this.#scale));
  }
}

type GraniteConfig = Omit<Config, "intermediate_size" | "mlp_bias">;

export class GraniteModel extends CausalLM {
  readonly #divisor: number;

  constructor(c: GraniteConfig, makeBlock: () => DecoderBlock) {
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
  create: (c) => new GraniteModel(c, () => new Block(c)),
  sanitize: [dropTiedHead],
});
