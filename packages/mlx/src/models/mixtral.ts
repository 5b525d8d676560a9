/** Llama with a mixture of experts instead of the MLP. @see mlx-lm 0.32.2 models/mixtral.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { topExperts, weighAnswers } from "../blocks/experts.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SparseBlock } from "../blocks/sparse-block.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { type MxArray, softmax } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead, stackMixtralExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  vocab_size: int.default(32000),
  hidden_size: int.default(4096),
  intermediate_size: int.default(14336),
  num_hidden_layers: int.default(32),
  num_attention_heads: int.default(32),
  num_experts_per_tok: int.default(2),
  num_key_value_heads: int.default(8),
  num_local_experts: int.default(8),
  rms_norm_eps: number.default(1e-5),
  rope_theta: number.default(1000000),
  rope_traditional: bool.default(false),
  tie_word_embeddings: bool.default(false),
  sliding_window: int.optional(), // mlx-lm attends fully: exact up to the window
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class SparseMoe extends Module implements Mixture {
  gate: Linear;
  switch_mlp: SwitchGLU;
  readonly #k: number;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_local_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.#k = c.num_experts_per_tok;
  }

  get mixture(): MixtureParts {
    const { gate: router, switch_mlp: stacks } = this;
    return { router, stacks, k: this.#k, score: "softmax", isNormed: true };
  }

  forward(x: MxArray): MxArray {
    const [experts, gates] = topExperts(this.gate.forward(x), this.#k); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), softmax(gates, -1, true)); // [B, L, E]
  }
}

const makeBlock = (c: Config): SparseBlock => {
  const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: c.rope_traditional });
  return new SparseBlock(new SelfAttention(c, { rope }), new SparseMoe(c), () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead, ...stackMixtralExperts],
});
