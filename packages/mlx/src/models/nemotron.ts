/** Llama with squared ReLU, LayerNorm that stores its weight minus one, a partly turned head. @see mlx-lm 0.32.2 models/nemotron.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { fast, type MxArray, zeros } from "../core/index.ts";
import { Linear, Module, relu2 } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  partial_rotary_factor: number.default(0.5),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false), // halves turn whatever this says, as in mlx-lm
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("relu2").required(),
};
type Config = Infer<typeof config>;

/** LayerNorm whose checkpoints store the weight minus one. Parameters: `weight [E]`, `bias [E]`. */
class OffsetLayerNorm extends Module {
  weight: MxArray;
  bias: MxArray;
  readonly #eps: number;

  constructor(dims: number, eps: number) {
    super();
    this.weight = zeros([dims]);
    this.bias = zeros([dims]);
    this.#eps = eps;
  }

  forward(x: MxArray): MxArray {
    return fast.layerNorm(x, this.weight.add(1), this.bias, this.#eps);
  }
}

class MLP extends Module {
  up_proj: Linear;
  down_proj: Linear;

  constructor(c: Config) {
    super();
    this.up_proj = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.down_proj = new Linear(c.intermediate_size, c.hidden_size, c.mlp_bias);
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(relu2(this.up_proj.forward(x))); // [B, L, E]
  }
}

const layerNorm = (c: Config): OffsetLayerNorm => new OffsetLayerNorm(c.hidden_size, c.norm_eps);

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({
    dims: Math.trunc(c.partial_rotary_factor * headDim(c)),
    base: c.rope_theta,
    scaling: c.rope_scaling,
  });
  const attention = new SelfAttention(c, { rope, bias: c.attention_bias });
  return new PreNormBlock(attention, new MLP(c), () => layerNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), layerNorm(c))),
  sanitize: [dropTiedHead],
});
