/** OLMo 2's blocks with norms per head; windows by a pattern of letters, positions in windows alone. @see mlx-lm 0.32.2 models/exaone4.py */
import { BranchNormBlock } from "../blocks/branch-norm-block.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SlidingDecoder, type SlidingWindow } from "../blocks/sliding-decoder.ts";
import { ConfigError } from "../errors.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record, string } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  sliding_window: int.optional(),
  /** Repeats over the layers: L slides, G attends to everything. */
  sliding_window_pattern: string.optional(),
  layer_types: list(string.required()).optional(), // the pattern says it
  tie_word_embeddings: bool.required(),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const patternWindow = (c: Config): SlidingWindow | undefined => {
  const pattern = c.sliding_window_pattern;
  if (pattern === undefined || pattern === "") return undefined;
  if (c.sliding_window === undefined) {
    throw new ConfigError("config.json: sliding_window_pattern needs sliding_window");
  }
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => pattern[i % pattern.length] === "L");
  return { size: c.sliding_window, layers };
};

const makeBlock = (c: Config, hasRope: boolean): BranchNormBlock => {
  const rope = createRope({
    dims: c.head_dim,
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const attention = new NormedAttention(c, { rope: hasRope ? rope : noRope });
  return new BranchNormBlock(attention, new GatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));
};

const create = (c: Config): CausalLM => {
  const pattern = patternWindow(c);
  const window = pattern ?? { size: 1, layers: Array.from({ length: c.num_hidden_layers }, () => false) };
  const block = (layer: number) => makeBlock(c, pattern === undefined || window.layers[layer] === true);
  return new CausalLM(c, new SlidingDecoder(c, block, rmsNorm(c), window));
};

export const architecture = defineArchitecture({ config, create, sanitize: [dropTiedHead] });
