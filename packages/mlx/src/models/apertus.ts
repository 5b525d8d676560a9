/** Llama with norms per head and xIELU, an activation with learned slopes, in a plain MLP. @see mlx-lm 0.32.2 models/apertus.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import {
  add,
  array,
  expm1,
  float32,
  greater,
  type MxArray,
  minimum,
  multiply,
  square,
  subtract,
  where,
} from "../core/index.ts";
import { Linear, Module, softplus } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { map } from "./sanitize-rules.ts";
import { reshaped } from "./tensor-change.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  mlp_bias: bool.required(),
  num_attention_heads: int.required(),
  attention_bias: bool.required(), // none whatever this says, as in mlx-lm
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.required(),
  max_position_embeddings: int.required(),
  rope_theta: number.required(),
  post_norm: bool.required(), // no such norm whatever this says, as in mlx-lm
  qk_norm: bool.required(), // norms whatever this says, as in mlx-lm
  tie_word_embeddings: bool.required(),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  hidden_act: oneOf("xielu").optional(),
};
type Config = Infer<typeof config>;

/** A parabola right of 0, an exponential left of it. Parameters: `alpha_p`, `alpha_n`, `beta`, `eps`, scalars. */
class XieLU extends Module {
  alpha_p: MxArray = array(0, float32);
  alpha_n: MxArray = array(0, float32);
  beta: MxArray = array(0.5, float32);
  eps: MxArray = array(-1e-6, float32);

  forward(x: MxArray): MxArray {
    const linear = multiply(this.beta, x);
    const right = add(multiply(softplus(this.alpha_p), square(x)), linear);
    const curve = subtract(expm1(minimum(x, this.eps)), x);
    const left = add(multiply(curve, add(this.beta, softplus(this.alpha_n))), linear);
    return where(greater(x, 0), right, left);
  }
}

class MLP extends Module {
  up_proj: Linear;
  down_proj: Linear;
  act_fn: XieLU;

  constructor(c: Config) {
    super();
    this.up_proj = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.down_proj = new Linear(c.intermediate_size, c.hidden_size, c.mlp_bias);
    this.act_fn = new XieLU();
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(this.act_fn.forward(this.up_proj.forward(x))); // [B, L, E]
  }
}

const attention = (c: Config): NormedAttention => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new NormedAttention(c, { rope });
};

/** Llama's block with other names for the norms. */
class Block extends Module {
  self_attn: NormedAttention;
  mlp: MLP;
  attention_layernorm: Norm;
  feedforward_layernorm: Norm;

  constructor(c: Config) {
    super();
    this.self_attn = attention(c);
    this.mlp = new MLP(c);
    this.attention_layernorm = rmsNorm(c);
    this.feedforward_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.self_attn.forward(this.attention_layernorm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.mlp.forward(this.feedforward_layernorm.forward(h)));
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => new Block(c), rmsNorm(c))),
  sanitize: [map(/\.alpha_[pn]$/, [reshaped()]), dropTiedHead],
});
