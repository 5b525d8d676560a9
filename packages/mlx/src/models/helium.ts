/** Llama whose rotary embedding turns neighbours, with an output layer even where it is tied. @see mlx-lm 0.32.2 models/helium.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import type { MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(), // hidden_size / num_attention_heads, whatever this says, as in mlx-lm
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  attention_bias: bool.required(),
  mlp_bias: bool.required(),
  rope_theta: number.required(),
  tie_word_embeddings: bool.required(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const D = Math.floor(c.hidden_size / c.num_attention_heads);
  const rope = createRope({ dims: D, base: c.rope_theta, traditional: true });
  return new PreNormBlock(
    new SelfAttention({ ...c, head_dim: D }, { rope, bias: c.attention_bias, outputBias: false }),
    new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }),
    () => rmsNorm(c),
  );
};

class HeliumModel extends CausalLM {
  readonly #isTied: boolean;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: false }, new Decoder(c, () => makeBlock(c), rmsNorm(c)));
    this.#isTied = c.tie_word_embeddings;
  }

  protected override logits(h: MxArray): MxArray {
    return this.#isTied ? this.model.embed_tokens.asLinear(h) : super.logits(h);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new HeliumModel(c),
  sanitize: [dropRotaryTables],
});
