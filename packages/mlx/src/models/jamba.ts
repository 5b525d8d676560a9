/** Jamba: Mamba with attention in some layers and experts in others. @see mlx-lm 0.32.2 models/jamba.py */
import { topExperts, weighAnswers } from "../blocks/experts.ts";
import { FinalNormDecoder } from "../blocks/final-norm-decoder.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import { MambaMixer, type MambaSizes, type Selection, timeStepRank } from "../blocks/mamba-mixer.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward, Mixer } from "../blocks/pre-norm-block.ts";
import { noRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, softmax } from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, moveConvChannels, stackFeedForwardExperts } from "./common-rules.ts";
import { bool, either, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  attn_layer_offset: int.required(),
  attn_layer_period: int.required(),
  expert_layer_offset: int.required(),
  expert_layer_period: int.required(),
  mamba_d_conv: int.required(),
  mamba_d_state: int.required(),
  mamba_expand: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  rms_norm_eps: number.required(),
  max_position_embeddings: int.required(),
  vocab_size: int.required(),
  mamba_dt_rank: either(int.required(), oneOf("auto").required()).default("auto"),
  mamba_proj_bias: bool.default(false),
  mamba_conv_bias: bool.default(true),
  layers_block_type: list(oneOf("attention", "mamba").required()).optional(),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
  mamba_inner_layernorms: oneOf(true).optional(),
  num_logits_to_keep: int.optional(),
  sliding_window: int.optional(), // mlx-lm attends fully
  use_mamba_kernels: bool.optional(),
};
type Config = Infer<typeof config>;

/** Mamba with norms on what decides about steps, entering and reading. */
class NormedMixer extends MambaMixer {
  dt_layernorm: RMSNorm;
  b_layernorm: RMSNorm;
  c_layernorm: RMSNorm;

  constructor(sizes: MambaSizes, eps: number) {
    super(sizes);
    this.dt_layernorm = new RMSNorm(timeStepRank(sizes), eps);
    this.b_layernorm = new RMSNorm(sizes.stateSize, eps);
    this.c_layernorm = new RMSNorm(sizes.stateSize, eps);
  }

  protected override normed([rank, B, C]: Selection): Selection {
    return [this.dt_layernorm.forward(rank), this.b_layernorm.forward(B), this.c_layernorm.forward(C)];
  }
}

const makeMamba = (c: Config): NormedMixer => {
  const sizes = {
    hiddenSize: c.hidden_size,
    intermediateSize: c.mamba_expand * c.hidden_size,
    stateSize: c.mamba_d_state,
    kernelSize: c.mamba_d_conv,
    timeStepRank: c.mamba_dt_rank,
    bias: c.mamba_proj_bias,
    convBias: c.mamba_conv_bias,
  };
  return new NormedMixer(sizes, c.rms_norm_eps);
};

class SparseMoe extends Module {
  router: Linear;
  switch_mlp: SwitchGLU;
  readonly #k: number;

  constructor(c: Config) {
    super();
    this.router = new Linear(c.hidden_size, c.num_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_experts);
    this.#k = c.num_experts_per_tok;
  }

  forward(x: MxArray): MxArray {
    const [experts, gates] = topExperts(this.router.forward(x), this.#k); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), softmax(gates, -1, true)); // [B, L, E]
  }
}

const isSparse = (c: Config, layer: number): boolean =>
  c.num_experts > 1 && (layer + c.expert_layer_offset) % c.expert_layer_period === 0;

class Block extends Module {
  declare self_attn?: SelfAttention;
  declare mamba?: NormedMixer;
  feed_forward: FeedForward;
  input_layernorm: Norm;
  pre_ff_layernorm: Norm;
  readonly #mixer: Mixer;

  constructor(c: Config, layer: number, isRecurrent: boolean) {
    super();
    if (isRecurrent) this.#mixer = this.mamba = makeMamba(c);
    else this.#mixer = this.self_attn = new SelfAttention(c, { rope: noRope });
    this.feed_forward = isSparse(c, layer)
      ? new SparseMoe(c)
      : new GatedMLP(c.hidden_size, c.intermediate_size);
    this.input_layernorm = rmsNorm(c);
    this.pre_ff_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.#mixer.forward(this.input_layernorm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.feed_forward.forward(this.pre_ff_layernorm.forward(h))); // [B, L, E]
  }
}

class JambaDecoder extends FinalNormDecoder<Block> {
  readonly #recurrence: Recurrence;

  constructor(c: Config) {
    const layers = recurrentLayers(c);
    const sizes = { ...c, num_hidden_layers: layers.length };
    super(sizes, (layer) => new Block(c, layer, layers[layer] === true), rmsNorm(c));
    this.#recurrence = { layers, slots: 2 };
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return hybridMasks(this.#recurrence, L, cache);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

const recurrentLayers = (c: Config): boolean[] =>
  c.layers_block_type?.map((kind) => kind === "mamba") ??
  Array.from({ length: c.num_hidden_layers }, (_, i) => i % c.attn_layer_period !== c.attn_layer_offset);

export const architecture = defineArchitecture({
  config,
  create: (c) => new GatedCausalLM(c, new JambaDecoder(c), "router"),
  sanitize: [moveConvChannels, dropTiedHead, stackFeedForwardExperts],
});
