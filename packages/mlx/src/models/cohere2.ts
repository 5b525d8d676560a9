/** Cohere with windows in most layers, which alone have position embedding. @see mlx-lm 0.32.2 models/cohere2.py */
import { attention } from "../blocks/attention.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { ParallelBlock } from "../blocks/parallel-block.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { float16, float32, type MxArray } from "../core/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { CohereModel, layerNorm } from "./cohere.ts";
import { dropHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.default(4096),
  head_dim: int.default(128),
  num_hidden_layers: int.default(32),
  intermediate_size: int.default(14336),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(8),
  rope_theta: number.default(50000),
  vocab_size: int.default(256000),
  layer_norm_eps: number.default(1e-5),
  logit_scale: number.default(0.0625),
  attention_bias: bool.default(false),
  layer_norm_bias: bool.default(false),
  sliding_window: int.default(4096),
  sliding_window_pattern: int.default(4),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  use_qk_norm: oneOf(false).optional(),
  tie_word_embeddings: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
  cache_implementation: oneOf("hybrid").optional(),
  // how an earlier release of transformers described the same blocks
  layer_switch: int.optional(), // sliding_window_pattern is read
  order_of_interleaved_layers: oneOf("local_attn_first").optional(),
  position_embedding_type: oneOf("rope_gptj").optional(),
  rotary_pct: oneOf(1).optional(),
  use_embedding_sharing: oneOf(true).optional(),
  use_gated_activation: oneOf(true).optional(),
  use_parallel_block: oneOf(true).optional(),
  use_parallel_embedding: bool.optional(),
};
type Config = Infer<typeof config>;

class Attention extends SelfAttention {
  /** In float32 where a model is float16: its scores overflow. */
  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const wide = q.dtype === float16 ? q.astype(float32) : q;
    return attention(wide, k, v, { scale: this.scale, mask }).astype(q.dtype); // [B, H, L, D]
  }
}

const makeBlock = (c: Config, slides: boolean): ParallelBlock => {
  const rope = slides ? createRope({ dims: c.head_dim, base: c.rope_theta, traditional: true }) : noRope;
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
  return new ParallelBlock(new Attention(c, { rope, bias: c.attention_bias }), mlp, layerNorm(c));
};

const create = (c: Config): CohereModel => {
  const window = slidingWindow(c);
  const block = (layer: number) => makeBlock(c, window.layers[layer] === true);
  return new CohereModel(c, new SlidingDecoder(c, block, layerNorm(c), window));
};

export const architecture = defineArchitecture({ config, create, sanitize: [dropHead] });
