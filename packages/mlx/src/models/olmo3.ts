/** OLMo 2 with windows in most layers, which alone keep the unscaled rotary embedding. @see mlx-lm 0.32.2 models/olmo3.py */

import { BranchNormBlock } from "../blocks/branch-norm-block.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { RowNormedAttention } from "../blocks/row-normed-attention.ts";
import { headDim } from "../blocks/self-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  sliding_window: int.required(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  attention_bias: bool.default(false),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config, slides: boolean): BranchNormBlock => {
  const plain = { dims: headDim(c), base: c.rope_theta };
  const scaled = { ...plain, scaling: c.rope_scaling, maxPositionEmbeddings: c.max_position_embeddings };
  const attention = new RowNormedAttention(c, createRope(slides ? plain : scaled));
  return new BranchNormBlock(attention, new GatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));
};

const create = (c: Config): CausalLM => {
  const window = slidingWindow({ ...c, sliding_window_pattern: 4 });
  const block = (layer: number) => makeBlock(c, window.layers[layer] === true);
  return new CausalLM(c, new SlidingDecoder(c, block, rmsNorm(c), window));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropRotaryTables, dropTiedHead],
});
