/** ERNIE 4.5 with routed and shared experts in a range of layers. @see mlx-lm 0.32.2 models/ernie4_5_moe.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { type Routing, topExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { add, divide, float32, type MxArray, maximum, sigmoid, softmax, sum } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, oneOrList, string } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  max_position_embeddings: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  num_hidden_layers: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.required(),
  use_bias: bool.required(),
  tie_word_embeddings: bool.required(),
  moe_num_experts: int.required(),
  moe_layer_start_index: oneOrList(int.required()).default(0),
  moe_layer_end_index: oneOrList(int.required()).optional(),
  moe_layer_interval: int.default(1),
  moe_intermediate_size: int.default(0), // 0: as intermediate_size
  moe_k: int.default(1),
  moe_num_shared_experts: int.default(0),
  moe_gate_act: oneOf("softmax", "sigmoid").default("softmax"),
  head_dim: int.optional(),
  // of training, or of the correction bias that mlx-lm leaves out
  moe_capacity: list(int.required()).optional(),
  moe_gate: string.optional(),
  moe_use_aux_free: bool.optional(),
  compression_ratio: oneOf(1).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class SparseMoe extends Module implements Mixture {
  gate: Linear;
  switch_mlp: SwitchGLU;
  declare shared_experts?: GatedMLP;
  readonly #k: number;
  readonly #score: Routing["score"];

  constructor(c: Config) {
    super();
    const { hidden_size: dims, moe_num_experts, moe_num_shared_experts: shared, use_bias: bias } = c;
    const F = c.moe_intermediate_size || c.intermediate_size;
    this.gate = new Linear(dims, moe_num_experts, false);
    this.switch_mlp = new SwitchGLU(dims, F, moe_num_experts, { bias });
    if (shared > 0) this.shared_experts = new GatedMLP(dims, F * shared, { bias });
    this.#k = c.moe_k;
    this.#score = c.moe_gate_act === "softmax" ? "softmax" : "sigmoid";
  }

  get mixture(): MixtureParts | undefined {
    const { gate: router, switch_mlp: stacks, shared_experts } = this;
    const parts: MixtureParts = { router, stacks, k: this.#k, score: this.#score, isNormed: true };
    if (shared_experts === undefined) return parts;
    const { parts: shared } = shared_experts;
    return shared && { ...parts, shared };
  }

  forward(x: MxArray): MxArray {
    const logits = this.gate.forward(x).astype(float32); // [B, L, X]
    const gates = this.#score === "softmax" ? softmax(logits, -1) : sigmoid(logits);
    const [experts, chosen] = topExperts(gates, this.#k); // [B, L, k]
    const scores = divide(chosen, maximum(sum(chosen, -1, true), 1e-12));
    const answer = weighAnswers(this.switch_mlp.forward(x, experts), scores); // [B, L, E]
    return this.shared_experts === undefined ? answer : add(answer, this.shared_experts.forward(x));
  }
}

const isSparse = (c: Config, layer: number): boolean =>
  (layer + 1) % c.moe_layer_interval === 0 &&
  layer >= Math.min(...[c.moe_layer_start_index].flat()) &&
  layer <= Math.max(...[c.moe_layer_end_index ?? c.num_hidden_layers - 1].flat());

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const bias = c.use_bias;
  const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: true });
  const mlp = isSparse(c, layer)
    ? new SparseMoe(c)
    : new GatedMLP(c.hidden_size, c.intermediate_size, { bias });
  return new PreNormBlock(new SelfAttention(c, { rope, bias }), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c))),
  sanitize: [
    drop(/mtp_block\.|mtp_linear_proj\.|mtp_hidden_norm\.|mtp_emb_norm\.|e_score_correction_bias/),
    stackNamedExperts,
  ],
});
