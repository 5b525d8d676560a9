/** Llama with a mixture of experts instead of the MLP. @see mlx-lm 0.32.2 models/mixtral.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { topExperts, weighAnswers } from "../blocks/experts.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, softmax } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import { dropRotaryTables, dropTiedHead, stackExperts } from "./sanitize.ts";

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

class SparseMoe extends Module {
  gate: Linear;
  switch_mlp: SwitchGLU;
  readonly #k: number;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_local_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.#k = c.num_experts_per_tok;
  }

  forward(x: MxArray): MxArray {
    const [experts, gates] = topExperts(this.gate.forward(x), this.#k); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), softmax(gates, -1, true)); // [B, L, E]
  }
}

class Block extends Module {
  self_attn: SelfAttention;
  block_sparse_moe: SparseMoe;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(c: Config) {
    super();
    const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: c.rope_traditional });
    this.self_attn = new SelfAttention(c, { rope });
    this.block_sparse_moe = new SparseMoe(c);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.self_attn.forward(this.input_layernorm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.block_sparse_moe.forward(this.post_attention_layernorm.forward(h))); // [B, L, E]
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => new Block(c), rmsNorm(c))),
  sanitize: [
    dropRotaryTables,
    dropTiedHead,
    stackExperts(/moe\.experts\.(?<expert>\d+)\.w1\./, "moe.switch_mlp.gate_proj."),
    stackExperts(/moe\.experts\.(?<expert>\d+)\.w2\./, "moe.switch_mlp.down_proj."),
    stackExperts(/moe\.experts\.(?<expert>\d+)\.w3\./, "moe.switch_mlp.up_proj."),
  ],
});
