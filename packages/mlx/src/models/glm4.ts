/** GLM with norms on both sides of a branch and a partly turned head. @see mlx-lm 0.32.2 models/glm4.py */
import type { BlockCall, BlockParts } from "../blocks/block-parts.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { fusedBlock } from "../blocks/fused-block.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { dropLayersFrom } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  attention_bias: bool.required(),
  partial_rotary_factor: number.required(),
  rope_theta: number.required(),
  rope_traditional: bool.default(true),
  rope_scaling: record.optional(), // of models with vision
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const attention = (c: Config): SelfAttention => {
  const rope = createRope({
    dims: Math.trunc(c.head_dim * c.partial_rotary_factor),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
  });
  return new SelfAttention(c, { rope, bias: c.attention_bias, outputBias: false });
};

/** Its norms as blocks with norms on both sides mostly call them. */
const underCommonNames = (block: Block): BlockParts => ({
  get self_attn() {
    return block.self_attn;
  },
  get mlp() {
    return block.mlp;
  },
  get input_layernorm() {
    return block.input_layernorm;
  },
  get post_attention_layernorm() {
    return block.post_self_attn_layernorm;
  },
  get pre_feedforward_layernorm() {
    return block.post_attention_layernorm;
  },
  get post_feedforward_layernorm() {
    return block.post_mlp_layernorm;
  },
});

/** `x + norm(attn(norm(x)))`, then `x + norm(mlp(norm(x)))`. */
class Block extends PreNormBlock {
  post_self_attn_layernorm: Norm;
  post_mlp_layernorm: Norm;
  readonly #parts: BlockParts;

  constructor(c: Config) {
    super(attention(c), new FusedGatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));
    this.post_self_attn_layernorm = rmsNorm(c);
    this.post_mlp_layernorm = rmsNorm(c);
    this.#parts = underCommonNames(this);
  }

  override call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this.#parts, mask, cache };
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const made = fusedBlock(x, this.call(mask, cache));
    if (made?.isWhole === true) return made.h;
    const h = made?.h ?? this.#attend(x, mask, cache);
    const fed = this.mlp.forward(this.post_attention_layernorm.forward(h)); // [B, L, E]
    return add(this.post_mlp_layernorm.forward(fed), h);
  }

  #attend(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    return add(x, this.post_self_attn_layernorm.forward(attended));
  }
}

const create = (c: Config): CausalLM =>
  new CausalLM({ ...c, tie_word_embeddings: false }, new Decoder(c, () => new Block(c), rmsNorm(c)));

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropLayersFrom((c: Config) => c.num_hidden_layers), dropRotaryTables],
});
