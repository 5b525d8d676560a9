/** Sandwich blocks whose attention is gated and whose sliding layers alone turn. @see mlx-lm 0.32.2 models/afmoe.py */
import { routeExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, multiply, sigmoid, zeros } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead, stackExpertsInPlace } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";

const config = {
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).required(),
  vocab_size: int.default(200192),
  hidden_size: int.default(2048),
  intermediate_size: int.default(6144),
  moe_intermediate_size: int.default(1024),
  num_hidden_layers: int.default(32),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(4),
  head_dim: int.default(64),
  max_position_embeddings: int.default(131072),
  rms_norm_eps: number.default(1e-5),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  num_experts: int.default(128),
  num_experts_per_tok: int.default(8),
  num_shared_experts: int.default(1),
  num_dense_layers: int.default(2),
  route_norm: bool.default(true),
  route_scale: number.default(2.826),
  score_func: oneOf("sigmoid", "softmax").default("sigmoid"),
  n_group: int.default(1),
  topk_group: int.default(1),
  sliding_window: int.default(2048),
  mup_enabled: bool.default(true),
  global_attn_every_n_layers: int.optional(), // layer_types says it
  num_expert_groups: oneOf(1).optional(),
  num_limited_groups: oneOf(1).optional(),
  use_grouped_mm: bool.optional(), // how, not what
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class Attention extends NormedAttention {
  gate_proj: Linear;

  constructor(c: Config, slides: boolean) {
    const rope = {
      dims: c.head_dim,
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    };
    super(c, { rope: slides ? createRope(rope) : noRope });
    this.gate_proj = new Linear(c.hidden_size, c.num_attention_heads * c.head_dim, false);
  }

  protected override output(found: MxArray, x: MxArray): MxArray {
    return super.output(multiply(found, sigmoid(this.gate_proj.forward(x))), x); // [B, L, E]
  }
}

class Router extends Module {
  gate: Linear;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_experts, false);
  }
}

class MoE extends Module {
  router: Router;
  expert_bias: MxArray;
  experts: SwitchGLU;
  declare shared_experts?: GatedMLP;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const { hidden_size: dims, moe_intermediate_size: F, num_shared_experts: shared } = c;
    this.router = new Router(c);
    this.expert_bias = zeros([c.num_experts]);
    this.experts = new SwitchGLU(dims, F, c.num_experts);
    if (shared > 0) this.shared_experts = new GatedMLP(dims, F * shared);
    this.#c = c;
  }

  forward(x: MxArray): MxArray {
    const c = this.#c;
    const [experts, scores] = routeExperts(this.router.gate.forward(x), {
      k: c.num_experts_per_tok,
      score: c.score_func,
      bias: this.expert_bias,
      groups: { count: c.n_group, kept: c.topk_group },
      isNormed: c.route_norm && c.num_experts_per_tok > 1,
      scale: c.route_scale,
    }); // [B, L, k]
    const answer = weighAnswers(this.experts.forward(x, experts), scores); // [B, L, E]
    return this.shared_experts === undefined ? answer : add(answer, this.shared_experts.forward(x));
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  pre_mlp_layernorm: Norm;
  post_mlp_layernorm: Norm;

  constructor(c: Config, layer: number, slides: boolean) {
    super();
    const isDense = layer < c.num_dense_layers;
    this.self_attn = new Attention(c, slides);
    this.mlp = isDense ? new GatedMLP(c.hidden_size, c.intermediate_size) : new MoE(c);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.pre_mlp_layernorm = rmsNorm(c);
    this.post_mlp_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const h = add(x, this.post_attention_layernorm.forward(attended));
    const fed = this.mlp.forward(this.pre_mlp_layernorm.forward(h)); // [B, L, E]
    return add(h, this.post_mlp_layernorm.forward(fed));
  }
}

class AfmoeDecoder extends SlidingDecoder<Block> {
  readonly #scale: number;

  constructor(c: Config) {
    const window = slidingWindow({ ...c, sliding_window_pattern: 1 });
    super(c, (i) => new Block(c, i, window.layers[i] === true), rmsNorm(c), window);
    this.#scale = c.mup_enabled ? Math.sqrt(c.hidden_size) : 1;
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#scale);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GatedCausalLM(c, new AfmoeDecoder(c), "router.gate"),
  sanitize: [dropRotaryTables, dropTiedHead, stackExpertsInPlace],
});
