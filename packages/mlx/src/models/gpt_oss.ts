/** GPT-OSS: attention with sinks, every second layer sliding, and biased experts. @see mlx-lm 0.32.2 models/gpt_oss.py */
import { BiasedMoe } from "../blocks/biased-moe.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SinkAttention } from "../blocks/sink-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { uint32 } from "../core/index.ts";
import { gptOssSwiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, list, number, oneOf, record } from "./config.ts";
import { deinterleave, map, rename } from "./sanitize-rules.ts";
import { reshaped, viewed } from "./tensor-change.ts";

const config = {
  num_hidden_layers: int.default(36),
  num_local_experts: int.default(128),
  num_experts_per_tok: int.default(4),
  experts_per_token: int.optional(), // the same again
  vocab_size: int.default(201088),
  rms_norm_eps: number.default(1e-5),
  hidden_size: int.default(2880),
  intermediate_size: int.default(2880),
  head_dim: int.default(64),
  num_attention_heads: int.default(64),
  num_key_value_heads: int.default(8),
  sliding_window: int.default(128),
  rope_theta: number.default(150000),
  rope_scaling: record.optional(),
  initial_context_length: int.optional(), // the same as in rope_scaling
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  attention_bias: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
  swiglu_limit: number.optional(), // 7 in mlx-lm
  tie_word_embeddings: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

const create = (c: Config): GatedCausalLM => {
  const makeAttention = () => {
    const rope = createRope({ dims: c.head_dim, base: c.rope_theta, scaling: c.rope_scaling });
    return new SinkAttention(c, { rope, bias: true });
  };
  const makeBlock = () => new PreNormBlock(makeAttention(), new BiasedMoe(c, gptOssSwiglu), () => rmsNorm(c));
  const window = slidingWindow({ ...c, sliding_window_pattern: 2 });
  const model = new SlidingDecoder(c, makeBlock, rmsNorm(c), window);
  return new GatedCausalLM({ ...c, tie_word_embeddings: false }, model, "router");
};

const GATE_AND_UP = /experts\.gate_up_proj\b/;

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    map<Config>(/gate_up_proj_blocks$/, (c) => [
      viewed(uint32),
      reshaped(c.num_local_experts, 2 * c.intermediate_size, -1),
    ]),
    map<Config>(/down_proj_blocks$/, (c) => [
      viewed(uint32),
      reshaped(c.num_local_experts, c.hidden_size, -1),
    ]),
    rename(/(?<=experts\.\w+_proj)_blocks$/, ".weight"),
    rename(/(?<=experts\.\w+_proj)_(?=scales$|bias$)/, "."),
    deinterleave(GATE_AND_UP, ["experts.gate_proj", "experts.up_proj"], 1),
  ],
});
