/** DeepSeek 2: keys and values in full, experts by softmax. @see mlx-lm 0.32.2 models/deepseek_v2.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { ExpandedAttention } from "../blocks/expanded-attention.ts";
import { type Choice, topExperts } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { latentRope } from "../blocks/latent-attention.ts";
import type { RouterParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { type ExpertGate, RoutedMoe } from "../blocks/routed-moe.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, stackNamedExperts } from "./common-rules.ts";
import { type Infer, int, oneOf, record } from "./config.ts";
import { isRoutedLayer, config as v3Schema } from "./deepseek_v3.ts";

const config = {
  ...v3Schema,
  topk_method: oneOf("gready", "greedy", "group_limited_greedy").default("greedy"),
  scoring_func: oneOf("softmax").optional(),
  norm_topk_prob: oneOf(false).optional(),
  n_group: int.optional(),
  topk_group: int.optional(),
  num_experts_per_tok: int.optional(),
  rope_scaling: record.required(),
};
type Config = Infer<typeof config>;

/** A softmax over all experts, then the best of them, or the best of the best groups. */
class Gate extends Module implements ExpertGate {
  weight: MxArray;
  readonly #c: Config;

  constructor(c: Config, experts: number) {
    super();
    this.weight = mx.zeros([experts, c.hidden_size]);
    this.#c = c;
  }

  /** Undefined where groups limit the choice, which are the best by other sums than elsewhere. */
  get parts(): RouterParts | undefined {
    if (this.#isLimited || this.route !== Gate.prototype.route) return undefined;
    const { num_experts_per_tok: k = 1, routed_scaling_factor: scale } = this.#c;
    return { router: this.weight, k, score: "softmax", isNormed: false, scale };
  }

  get #isLimited(): boolean {
    const { topk_method, n_group = 1, topk_group = 1 } = this.#c;
    return topk_method === "group_limited_greedy" && topk_group < n_group;
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const { n_group = 1, topk_group = 1, num_experts_per_tok = 1, routed_scaling_factor } = this.#c;
    const scores = mx.softmax(mx.matmul(x, mx.transpose(this.weight)), -1, true); // [B, L, X]
    const eligible = this.#isLimited ? onlyBestGroups(scores, n_group, topk_group) : scores;
    const [experts, chosen] = topExperts(eligible, num_experts_per_tok); // [B, L, k]
    return [experts, chosen.multiply(routed_scaling_factor)];
  }
}

/** The scores `[..., X]`, zero in all but the groups with the highest. */
const onlyBestGroups = (scores: MxArray, count: number, kept: number): MxArray => {
  const grouped = mx.unflatten(scores, -1, [count, -1]); // [..., G, X / G]
  const best = mx.max(grouped, -1, true); // [..., G, 1]
  const left = count - kept;
  const worst = mx.index(mx.argpartition(best, left - 1, -2), "...", [0, left], [0, 1]);
  return mx.flatten(mx.putAlongAxis(grouped, worst, 0, -2), -2, -1);
};

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const { n_routed_experts } = c;
  const mlp =
    n_routed_experts !== undefined && isRoutedLayer(c, layer)
      ? new RoutedMoe({ ...c, n_routed_experts }, new Gate(c, n_routed_experts))
      : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(new ExpandedAttention(c, latentRope(c)), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) =>
    new CausalLM(
      { ...c, tie_word_embeddings: false },
      new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c)),
    ),
  sanitize: [dropRotaryTables, stackNamedExperts],
});
