/** LongCat Flash: two latent attentions a layer, beside them experts, some of which only hand on. @see mlx-lm 0.32.2 models/longcat_flash.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import type { DecoderBlock, DecoderBody } from "../blocks/decoder-frame.ts";
import { type Choice, normScores, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { type Latents, latentRope, type Parts } from "../blocks/latent-attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import { PairedDecoder } from "../blocks/paired-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { splitExpansion } from "./deepseek_v3.ts";
import { drop, type SanitizeRule } from "./sanitize-rules.ts";

export const config = {
  attention_method: oneOf("MLA").required(),
  zero_expert_type: oneOf("identity").required(),
  hidden_size: int.required(),
  ffn_hidden_size: int.required(),
  moe_topk: int.required(),
  expert_ffn_hidden_size: int.required(),
  n_routed_experts: int.required(),
  zero_expert_num: int.required(),
  num_layers: int.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  num_attention_heads: int.required(),
  kv_lora_rank: int.required(),
  q_lora_rank: int.required(),
  qk_rope_head_dim: int.required(),
  qk_nope_head_dim: int.required(),
  v_head_dim: int.required(),
  routed_scaling_factor: number.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  mla_scale_q_lora: oneOf(true).required(),
  mla_scale_kv_lora: oneOf(true).required(),
  attention_bias: bool.required(),
  norm_topk_prob: bool.default(false),
  router_bias: bool.default(false),
  rope_scaling: record.optional(),
};
export type Config = Infer<typeof config>;

const NORM_EPS = 1e-5; // of what was squeezed, whatever rms_norm_eps says

/** What was squeezed grows to the size that it had. */
class Attention extends AbsorbedAttention {
  readonly #queryScale: number;
  readonly #latentScale: number;

  constructor(c: Config) {
    super(c, { ...latentRope(c), eps: NORM_EPS });
    this.#queryScale = (c.hidden_size / c.q_lora_rank) ** 0.5;
    this.#latentScale = (c.hidden_size / c.kv_lora_rank) ** 0.5;
  }

  protected override queries(squeezed: MxArray): MxArray {
    return super.queries(squeezed).multiply(this.#queryScale);
  }

  protected override attend(queries: Parts, latents: Latents, mask: Mask, cache: LayerCache): MxArray {
    const [latent, k_pe] = latents;
    return super.attend(queries, [latent.multiply(this.#latentScale), k_pe], mask, cache);
  }
}

/** A softmax over all experts and those that hand on, corrected for the choice alone. */
class Router extends Module {
  classifier: Linear;
  e_score_correction_bias: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const experts = c.n_routed_experts + c.zero_expert_num;
    this.classifier = new Linear(c.hidden_size, experts, c.router_bias);
    this.e_score_correction_bias = mx.zeros([experts]);
    this.#c = c;
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const { moe_topk: k, norm_topk_prob, routed_scaling_factor } = this.#c;
    const scores = mx.softmax(this.classifier.forward(x), -1); // [B, L, X]
    const corrected = mx.add(scores, this.e_score_correction_bias);
    const [first, end] = [corrected.dim(-1) - k, corrected.dim(-1)];
    const experts = mx.index(mx.argpartition(corrected, first), "...", [first, end]); // [B, L, k]
    const chosen = mx.takeAlongAxis(scores, experts, -1);
    const shares = norm_topk_prob ? normScores(chosen) : chosen;
    return [experts, shares.multiply(routed_scaling_factor).astype(x.dtype)];
  }
}

class Experts extends Module {
  switch_mlp: SwitchGLU;
  router: Router;
  readonly #count: number;

  constructor(c: Config) {
    super();
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.expert_ffn_hidden_size, c.n_routed_experts);
    this.router = new Router(c);
    this.#count = c.n_routed_experts;
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const [experts, scores] = this.router.route(x); // [B, L, k]
    const handsOn = mx.greaterEqual(experts, this.#count);
    const answers = this.switch_mlp.forward(x, mx.where(handsOn, 0, experts)); // [B, L, k, E]
    const answer = weighAnswers(answers, mx.where(handsOn, 0, scores)); // [B, L, E]
    const kept = mx.sum(mx.where(handsOn, scores, 0), -1, true); // [B, L, 1]
    return mx.add(answer, mx.multiply(x, kept));
  }
}

type Twice<T> = [T, T];

const twice = <T>(make: () => T): Twice<T> => [make(), make()];

/** Attention and an MLP, twice; experts see what the first MLP sees, and answer at the end. */
export class Block extends Module implements DecoderBlock {
  mlp: Experts;
  self_attn: Twice<Attention>;
  mlps: Twice<GatedMLP>;
  input_layernorm: Twice<Norm>;
  post_attention_layernorm: Twice<Norm>;

  constructor(c: Config) {
    super();
    this.mlp = new Experts(c);
    this.self_attn = twice(() => new Attention(c));
    this.mlps = twice(() => new GatedMLP(c.hidden_size, c.ffn_hidden_size));
    this.input_layernorm = twice(() => rmsNorm(c));
    this.post_attention_layernorm = twice(() => rmsNorm(c));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [h, seen] = this.#half(0, x, mask, cache);
    const [out] = this.#half(1, h, mask, cache);
    return mx.add(out, this.mlp.forward(seen)); // [B, L, E]
  }

  /** What attention and MLP `i` make of `x`, and what the MLP saw: `[B, L, E]` both. */
  #half(i: 0 | 1, x: MxArray, mask: Mask, cache: LayerCache): [MxArray, MxArray] {
    const h = mx.add(x, this.self_attn[i].forward(this.input_layernorm[i].forward(x), mask, cache.part(i)));
    const seen = this.post_attention_layernorm[i].forward(h);
    return [mx.add(h, this.mlps[i].forward(seen)), seen];
  }
}

export const makeModel = <Body extends DecoderBody>(c: Config, body: Body): GatedCausalLM<Body> =>
  new GatedCausalLM({ ...c, tie_word_embeddings: false }, body, "classifier");

export const rules: readonly SanitizeRule<Config>[] = [
  stackNamedExperts,
  splitExpansion,
  drop(/^model\.mtp/),
];

const create = (c: Config): GatedCausalLM<PairedDecoder<Block>> => {
  const sizes = { ...c, num_hidden_layers: c.num_layers };
  return makeModel(c, new PairedDecoder(sizes, () => new Block(c), rmsNorm(c)));
};

export const architecture = defineArchitecture({ config, create, sanitize: rules });
