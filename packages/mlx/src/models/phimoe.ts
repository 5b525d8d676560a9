/** Mixtral with layer norms, biases and a gate that takes one expert at a time. @see mlx-lm 0.32.2 models/phimoe.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { type Choice, weighAnswers } from "../blocks/experts.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SparseBlock } from "../blocks/sparse-block.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackMixtralExperts } from "./common-rules.ts";
import { type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  vocab_size: int.default(32064),
  hidden_size: int.default(4096),
  intermediate_size: int.default(6400),
  num_hidden_layers: int.default(32),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(8),
  head_dim: int.optional(),
  max_position_embeddings: int.default(131072),
  original_max_position_embeddings: int.default(4096),
  rms_norm_eps: number.default(1e-6),
  rope_scaling: record.optional(),
  num_local_experts: int.default(16),
  num_experts_per_tok: int.default(2),
  rope_theta: number.default(10000),
  router_jitter_noise: number.default(0.01),
  attention_bias: oneOf(true).optional(),
  lm_head_bias: oneOf(true).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  sliding_window: int.optional(), // mlx-lm attends fully: exact up to the window
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const phimoeRope = (c: Config): PositionEmbedding =>
  createRope({
    dims: headDim(c),
    base: c.rope_theta,
    scaling: c.rope_scaling && {
      ...c.rope_scaling,
      type: "longrope",
      original_max_position_embeddings: c.original_max_position_embeddings,
    },
    maxPositionEmbeddings: c.max_position_embeddings,
  });

/** The best expert, weighed against those not far behind it, then the next best without it, `k` times. */
const sparseMixer = (gates: MxArray, k: number, jitter: number): Choice => {
  let left = gates; // [B, L, X]
  const picks = Array.from({ length: k }, () => {
    const top = mx.max(left, -1, true); // [B, L, 1]
    const expert = mx.argmax(left, -1, true);
    const distance = mx.divide(mx.subtract(top, gates), mx.maximum(mx.abs(gates), top));
    const near = mx.where(mx.greater(distance, 2 * jitter), Number.NEGATIVE_INFINITY, left);
    const score = mx.takeAlongAxis(mx.softmax(near, -1, true), expert, -1);
    left = mx.putAlongAxis(left, expert, Number.NEGATIVE_INFINITY, -1);
    return { expert, score };
  });
  const experts = mx.concatenate(
    picks.map(({ expert }) => expert),
    -1,
  );
  const scores = mx.concatenate(
    picks.map(({ score }) => score),
    -1,
  );
  return [experts, scores]; // [B, L, k]
};

class SparseMoe extends Module {
  gate: Linear;
  switch_mlp: SwitchGLU;
  readonly #k: number;
  readonly #jitter: number;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_local_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.#k = c.num_experts_per_tok;
    this.#jitter = c.router_jitter_noise;
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = sparseMixer(this.gate.forward(x), this.#k, this.#jitter); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), scores); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.rms_norm_eps });

const makeBlock = (c: Config): SparseBlock => {
  const attention = new SelfAttention(c, { rope: phimoeRope(c), bias: true });
  return new SparseBlock(attention, new SparseMoe(c), () => layerNorm(c));
};

const create = (c: Config): CausalLM => {
  const model = new Decoder(c, () => makeBlock(c), layerNorm(c));
  return new CausalLM({ ...c, tie_word_embeddings: false }, model, { headBias: true });
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: stackMixtralExperts,
});
