/** Qwen 3 MoE with sigmoid gates and a shared expert that each position weighs. @see mlx-lm 0.32.2 models/Klear.py */
import { Decoder } from "../blocks/causal-lm.ts";
import { routeExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import { isSparseLayer } from "../blocks/sparse-moe.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { add, type MxArray, multiply, softmax, split, zeros } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackExpertsInPlace } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  attention_bias: bool.required(),
  mlp_only_layers: list(int.required()).required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  decoder_sparse_step: int.required(),
  n_shared_experts: int.required(),
  moe_intermediate_size: int.required(),
  norm_topk_prob: bool.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.required(),
  max_position_embeddings: int.required(),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class SparseMoe extends Module {
  gate: Linear;
  experts: SwitchGLU;
  shared_experts: GatedMLP;
  coefficient: Linear;
  expert_bias: MxArray;
  readonly #k: number;
  readonly #isNormed: boolean;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_experts, false);
    this.experts = new SwitchGLU(c.hidden_size, c.moe_intermediate_size, c.num_experts);
    this.shared_experts = new GatedMLP(c.hidden_size, c.moe_intermediate_size * c.n_shared_experts);
    this.coefficient = new Linear(c.hidden_size, 2);
    this.expert_bias = zeros([c.num_experts]);
    this.#k = c.num_experts_per_tok;
    this.#isNormed = c.norm_topk_prob;
  }

  forward(x: MxArray): MxArray {
    const routing = {
      k: this.#k,
      score: "sigmoid",
      bias: this.expert_bias,
      isNormed: this.#isNormed,
    } as const;
    const [experts, scores] = routeExperts(this.gate.forward(x), routing); // [B, L, k]
    const answer = weighAnswers(this.experts.forward(x, experts), scores.astype(x.dtype)); // [B, L, E]
    const shared = this.shared_experts.forward(x); // [B, L, E]
    const [own = x, common = x] = split(softmax(this.coefficient.forward(x), -1, true), 2, -1); // [B, L, 1]
    return add(multiply(answer, own), multiply(shared, common));
  }
}

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const rope = createRope({ dims: headDim(c), base: c.rope_theta });
  const mlp = isSparseLayer(c, layer) ? new SparseMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(new NormedAttention(c, { rope, bias: c.attention_bias }), mlp, () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM => {
  const model = new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c));
  return new GatedCausalLM({ ...c, tie_word_embeddings: false }, model);
};

export const architecture = defineArchitecture({ config, create, sanitize: [stackExpertsInPlace] });
