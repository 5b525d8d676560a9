/** MiniCPM 3: latent attention, scaled embeddings, branches and logits. @see mlx-lm 0.32.2 models/minicpm3.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { ExpandedAttention } from "../blocks/expanded-attention.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { ScaledResidualBlock } from "../blocks/scaled-residual-block.ts";
import type { MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  dim_model_base: number.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.required(), // all heads share one latent
  q_lora_rank: int.required(),
  qk_nope_head_dim: int.required(),
  qk_rope_head_dim: int.required(),
  kv_lora_rank: int.required(),
  scale_depth: number.required(),
  scale_emb: number.required(),
  max_position_embeddings: int.required(),
  attention_bias: bool.default(false),
  rope_theta: number.default(1000000),
  rope_traditional: oneOf(false).optional(),
  rope_scaling: record.required(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const NORM_EPS = 1e-5; // of what was squeezed, whatever rms_norm_eps says

const makeBlock = (c: Config): ScaledResidualBlock => {
  const rope = createRope({
    dims: c.qk_rope_head_dim,
    base: c.rope_theta,
    scaling: { original_max_position_embeddings: 4096, ...c.rope_scaling, type: "longrope" },
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const scale = (c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5;
  const dims = { ...c, v_head_dim: Math.floor(c.hidden_size / c.num_attention_heads) };
  const attention = new ExpandedAttention(dims, { rope, scale, eps: NORM_EPS });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
  return new ScaledResidualBlock(
    attention,
    mlp,
    () => rmsNorm(c),
    c.scale_depth / c.num_hidden_layers ** 0.5,
  );
};

class MiniCPM3Model extends CausalLM {
  readonly #divisor: number;

  constructor(c: Config) {
    super(c, new ScaledDecoder(c, () => makeBlock(c), rmsNorm(c), c.scale_emb));
    this.#divisor = c.tie_word_embeddings ? 1 : c.hidden_size / c.dim_model_base;
  }

  protected override logits(h: MxArray): MxArray {
    return super.logits(h.divide(this.#divisor));
  }
}

export const architecture = defineArchitecture({ config, create: (c) => new MiniCPM3Model(c) });
