/** Granite with a mixture of experts instead of the MLP. @see mlx-lm 0.32.2 models/granitemoe.py */
import type { BlockCall } from "../blocks/block-parts.ts";
import { type Choice, topExperts, weighAnswers } from "../blocks/experts.ts";
import { throughBlock } from "../blocks/fused-block.ts";
import type { Mask } from "../blocks/mask.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { joinScaled } from "../blocks/scaled-residual-block.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SparseBlock } from "../blocks/sparse-block.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import { float32, type MxArray, softmax } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { type Infer, int } from "./config.ts";
import { GraniteModel, granite } from "./granite.ts";
import { rename, splitInto } from "./sanitize-rules.ts";

const config = { ...granite, num_local_experts: int.required(), num_experts_per_tok: int.required() };
type Config = Infer<typeof config>;

interface MixtureConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_local_experts: number;
  readonly num_experts_per_tok: number;
}

class Router extends Module {
  layer: Linear;
  readonly k: number;

  constructor(c: MixtureConfig) {
    super();
    this.layer = new Linear(c.hidden_size, c.num_local_experts, false);
    this.k = c.num_experts_per_tok;
  }

  route(x: MxArray): Choice {
    const [experts, gates] = topExperts(this.layer.forward(x), this.k); // [B, L, k]
    return [experts, softmax(gates.astype(float32), -1)];
  }
}

/** The best experts of a router, by a softmax over theirs. */
export class SparseMoe extends Module implements Mixture {
  switch_mlp: SwitchGLU;
  router: Router;

  constructor(c: MixtureConfig) {
    super();
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.router = new Router(c);
  }

  get mixture(): MixtureParts {
    const { layer: router, k } = this.router;
    return { router, stacks: this.switch_mlp, k, score: "softmax", isNormed: true };
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.router.route(x); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), scores); // [B, L, E]
  }
}

class Block extends SparseBlock {
  readonly residualScale: number;

  constructor(c: Config) {
    const rope = createRope({
      dims: headDim(c),
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    const attention = new SelfAttention(c, { rope, scale: c.attention_multiplier, bias: c.attention_bias });
    super(attention, new SparseMoe(c), () => rmsNorm(c));
    this.residualScale = c.residual_multiplier;
  }

  override call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this, mask, cache };
  }

  override forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(x, this.call(mask, cache), {
      mix: () => this.self_attn.forward(this.input_layernorm.forward(x), mask, cache),
      feed: (h) => this.block_sparse_moe.forward(this.post_attention_layernorm.forward(h)),
      join: joinScaled(this.residualScale),
    });
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GraniteModel(c, () => new Block(c)),
  sanitize: [
    dropTiedHead,
    splitInto(/input_linear\./, ["switch_mlp.gate_proj.", "switch_mlp.up_proj."], { axis: 1 }),
    rename(/output_linear\./, "switch_mlp.down_proj."),
  ],
});
