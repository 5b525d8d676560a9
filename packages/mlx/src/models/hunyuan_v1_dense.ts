/** Llama with norms on queries and keys after they turn, and a base grown by alpha. @see mlx-lm 0.32.2 models/hunyuan_v1_dense.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { AttentionParts } from "../blocks/mixer-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { ntkAlphaRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, parseConfig, record, string } from "./config.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  max_position_embeddings: int.default(32768),
  attention_bias: bool.default(false),
  use_qk_norm: bool.default(true),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
  mlp_bias: oneOf(false).optional(),
  norm_type: oneOf("rms").optional(),
  attention_head_dim: int.optional(), // head_dim under another name
  // what its siblings have and this one does not
  use_cla: oneOf(false).optional(),
  cla_share_factor: int.optional(),
  add_classification_head: oneOf(false).optional(),
  class_num: int.optional(),
  pool_type: string.optional(),
  dense_list: list(int.required()).optional(),
  // the tokenizer's
  org_vocab_size: int.optional(),
  eod_token_id: int.optional(),
  im_start_id: int.optional(),
  im_end_id: int.optional(),
  im_newline_id: int.optional(),
  mask_init_id: int.optional(),
  pad_id: int.optional(),
  text_start_id: int.optional(),
  text_end_id: int.optional(),
};
type Config = Infer<typeof config>;

/** How many times the trained context the rotary base is for. */
const ropeAlpha = ({ rope_scaling }: Config): number => {
  if (rope_scaling === undefined) return 1;
  if (rope_scaling.factor === undefined || (rope_scaling.type ?? rope_scaling.rope_type) === undefined) {
    throw new ConfigError("config.json: rope_scaling needs alpha, factor and type");
  }
  return parseConfig({ alpha: number.required() }, rope_scaling).config.alpha;
};

class Attention extends SelfAttention {
  declare query_layernorm?: RMSNorm;
  declare key_layernorm?: RMSNorm;

  constructor(c: Config) {
    const D = headDim(c);
    super(c, { rope: ntkAlphaRope(D, c.rope_theta, ropeAlpha(c)), bias: c.attention_bias });
    if (!c.use_qk_norm) return;
    this.query_layernorm = new RMSNorm(D, c.rms_norm_eps);
    this.key_layernorm = new RMSNorm(D, c.rms_norm_eps);
  }

  override get parts(): AttentionParts | undefined {
    if (!this.makesStepsOf(Attention.prototype)) return undefined;
    return this.partsWith(this.query_layernorm, this.key_layernorm, { areHeadsNormedLast: true });
  }

  protected override turn(q: MxArray, k: MxArray, offset: LayerCache["offset"]): [MxArray, MxArray] {
    const [queries, keys] = super.turn(q, k, offset);
    return [this.query_layernorm?.forward(queries) ?? queries, this.key_layernorm?.forward(keys) ?? keys];
  }
}

const makeBlock = (c: Config): PreNormBlock =>
  new PreNormBlock(new Attention(c), new GatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropTiedHead],
});
