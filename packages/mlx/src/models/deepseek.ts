/** Llama with routed and shared experts in most layers. @see mlx-lm 0.32.2 models/deepseek.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { type Choice, topExperts } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { type FeedForward, PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { RoutedMoe } from "../blocks/routed-moe.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { type MxArray, matmul, softmax, transpose, zeros } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  vocab_size: int.default(102400),
  hidden_size: int.default(4096),
  intermediate_size: int.default(11008),
  moe_intermediate_size: int.default(1407),
  num_hidden_layers: int.default(30),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(32),
  n_shared_experts: int.optional(),
  n_routed_experts: int.optional(),
  num_experts_per_tok: int.optional(),
  moe_layer_freq: int.default(1),
  first_k_dense_replace: int.default(0),
  max_position_embeddings: int.default(2048),
  rms_norm_eps: number.default(1e-6),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  attention_bias: bool.default(false),
  norm_topk_prob: oneOf(false).optional(),
  scoring_func: oneOf("softmax").optional(),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** A softmax over all experts, then the best of them. Not a linear layer, so it is never quantized. */
class Gate extends Module {
  weight: MxArray;
  readonly #k: number;

  constructor(dims: number, experts: number, k: number) {
    super();
    this.weight = zeros([experts, dims]);
    this.#k = k;
  }

  route(x: MxArray): Choice {
    return topExperts(softmax(matmul(x, transpose(this.weight)), -1, true), this.#k); // [B, L, k]
  }
}

const makeFeedForward = (c: Config, layer: number): FeedForward => {
  const { n_routed_experts, num_experts_per_tok = 1 } = c;
  const isSparse = layer >= c.first_k_dense_replace && layer % c.moe_layer_freq === 0;
  if (n_routed_experts === undefined || !isSparse) return new GatedMLP(c.hidden_size, c.intermediate_size);
  const gate = new Gate(c.hidden_size, n_routed_experts, num_experts_per_tok);
  return new RoutedMoe({ ...c, n_routed_experts }, gate);
};

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const scaling = c.rope_scaling?.type === "linear" ? c.rope_scaling : undefined; // mlx-lm has no other kind here
  const rope = createRope({ dims: headDim(c), base: c.rope_theta, scaling });
  const attention = new SelfAttention(c, { rope, bias: c.attention_bias });
  return new PreNormBlock(attention, makeFeedForward(c, layer), () => rmsNorm(c));
};

const create = (c: Config): CausalLM => {
  const model = new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c));
  return new CausalLM({ ...c, tie_word_embeddings: false }, model);
};

export const architecture = defineArchitecture({ config, create, sanitize: [stackNamedExperts] });
