/** Gemma 2's blocks with windows, a gate on what attention found, and scaled, capped logits. @see mlx-lm 0.32.2 models/muse_glimmer.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { offsetRmsNorm, rmsNorm } from "../blocks/norm.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { SandwichBlock } from "../blocks/sandwich-block.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { fast, type MxArray, multiply, sigmoid } from "../core/index.ts";
import { BareRMSNorm, Linear } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, liftedRopeKeys, list, number, oneOf, parseConfig, record } from "./config.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  ...liftedRopeKeys,
  hidden_size: int.default(6656),
  num_hidden_layers: int.default(52),
  intermediate_size: int.default(19968),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(2),
  head_dim: int.default(128),
  vocab_size: int.default(202048),
  rms_norm_eps: number.default(1e-5),
  post_norm_eps: number.default(1e-8),
  sliding_window: int.default(2048),
  qk_scale_factor: number.default(3.87),
  hidden_activation: oneOf("silu").default("silu"),
  rope_theta: number.default(500000),
  rope_parameters: record.optional(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  /** 0 where a layer has no positions; else they all turn by rope_theta. */
  layer_rope_theta: list(number.required()).optional(),
  tie_word_embeddings: bool.default(false),
  final_logit_softcapping: number.default(20),
  output_multiplier: number.default(0.19611613513818404),
};
type Config = Infer<typeof config>;

class Attention extends SelfAttention {
  gate_proj: Linear;
  readonly #norm: BareRMSNorm;
  readonly #factor: number;

  constructor(c: Config, hasRope: boolean) {
    const base = parseConfig({ rope_theta: number.default(c.rope_theta) }, c.rope_parameters ?? {}).config;
    super(c, { rope: hasRope ? createRope({ dims: c.head_dim, base: base.rope_theta }) : noRope });
    this.gate_proj = new Linear(c.hidden_size, c.num_attention_heads * c.head_dim, false);
    this.#norm = new BareRMSNorm(c.rms_norm_eps);
    this.#factor = c.qk_scale_factor;
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return this.#norm.forward(super.queries(x, B, L)).multiply(this.#factor); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return this.#norm.forward(super.keys(x, B, L)); // [B, L, K, D]
  }

  protected override output(found: MxArray, x: MxArray): MxArray {
    return super.output(multiply(found, sigmoid(this.gate_proj.forward(x))), x); // [B, L, E]
  }
}

const makeBlock = (c: Config, hasRope: boolean): SandwichBlock => {
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
  const block = new SandwichBlock(new Attention(c, hasRope), mlp, () => offsetRmsNorm(c));
  block.post_attention_layernorm = offsetRmsNorm({ ...c, rms_norm_eps: c.post_norm_eps });
  block.post_feedforward_layernorm = offsetRmsNorm({ ...c, rms_norm_eps: c.post_norm_eps });
  return block;
};

class GlimmerDecoder extends SlidingDecoder {
  readonly #norm: BareRMSNorm;

  constructor(c: Config) {
    const window = slidingWindow({ ...c, sliding_window_pattern: 4 });
    const hasRope = (i: number) =>
      c.layer_rope_theta === undefined ? window.layers[i] === true : (c.layer_rope_theta[i] ?? 0) !== 0;
    super(c, (i) => makeBlock(c, hasRope(i)), rmsNorm(c), window);
    this.#norm = new BareRMSNorm(c.rms_norm_eps);
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return this.#norm.forward(super.inputs(tokens, embeddings));
  }
}

class GlimmerModel extends CausalLM {
  readonly #multiplier: number;
  readonly #cap: number;

  constructor(c: Config) {
    super(c, new GlimmerDecoder(c));
    this.#multiplier = c.output_multiplier;
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    return fast.softcap(super.logits(h).multiply(this.#multiplier), this.#cap);
  }
}

const text = defineArchitecture({
  config,
  create: (c) => new GlimmerModel(c),
  sanitize: [
    drop(/^(vision_tower|vision_adapter|vision_projection)/),
    rename(/^(language_model\.model|model\.language_model)\./, "model."),
    rename(/^language_model\.lm_head\./, "lm_head."),
  ],
});

/** The text settings lie open, or under `text_config`. */
export const architecture: Architecture = {
  bind: ({ text_config, vision_config: _, ...raw }) => {
    const { config: nested } = parseConfig({ text_config: record.default({}) }, { text_config });
    return text.bind({ ...raw, ...nested.text_config });
  },
};
