/** Nemotron H: layers of one part each, Mamba 2, attention, MLP or experts. @see mlx-lm 0.32.2 models/nemotron_h.py */
import { Backbone, BackboneLM, MixerBlock } from "../blocks/backbone-lm.ts";
import { weighAnswers } from "../blocks/experts.ts";
import type { DenseMlp, DenseParts } from "../blocks/gated-mlp.ts";
import { GroupRMSNorm } from "../blocks/group-rms-norm.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import { type GateNorm, Mamba2Mixer } from "../blocks/mamba2-mixer.ts";
import type { Mask } from "../blocks/mask.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { noRope } from "../blocks/rope.ts";
import { CorrectedGate, type ExpertGate } from "../blocks/routed-moe.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SwitchMLP } from "../blocks/switch-mlp.ts";
import { type LayerCache, noCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Linear, Module, RMSNorm, relu2, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { moveConvChannels } from "./common-rules.ts";
import { bool, bound, either, type Infer, int, list, number, oneOf, string } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { mambaTrainingKeys } from "./mamba.ts";
import { drop, stackExperts } from "./sanitize-rules.ts";

/** What a layer is, by the letter of the pattern and by the names of lists. */
const letters: Readonly<Record<string, string>> = {
  full_attention: "*",
  attention: "*",
  linear_attention: "M",
  mamba: "M",
  conv: "M",
  moe: "E",
  mlp: "-",
};

const config = {
  ...mambaTrainingKeys,
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  max_position_embeddings: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  attention_bias: bool.required(),
  mamba_num_heads: int.required(),
  mamba_head_dim: int.required(),
  mamba_proj_bias: bool.required(),
  ssm_state_size: int.required(),
  conv_kernel: int.required(),
  n_groups: int.required(),
  mlp_bias: bool.required(),
  layer_norm_epsilon: number.required(),
  use_bias: bool.required(),
  use_conv_bias: bool.required(),
  hybrid_override_pattern: either(string.required(), list(string.required()).required()).optional(),
  layers_block_type: list(string.required()).optional(),
  layer_types: list(string.required()).optional(),
  num_hidden_layers: int.optional(), // the pattern says it
  head_dim: int.optional(),
  moe_intermediate_size: int.default(0),
  moe_shared_expert_intermediate_size: int.default(0),
  moe_latent_size: int.optional(),
  n_group: int.default(1),
  n_routed_experts: int.default(0),
  n_shared_experts: int.optional(),
  topk_group: int.default(1),
  num_experts_per_tok: int.default(1),
  norm_topk_prob: bool.default(false),
  routed_scaling_factor: number.default(1),
  time_step_limit: list(bound.required()).default([0, Number.POSITIVE_INFINITY]),
  attention_head_dim: int.optional(),
  chunk_size: int.optional(),
  mamba_hidden_act: oneOf("silu").optional(),
  mamba_ssm_cache_dtype: string.optional(),
  mlp_hidden_act: oneOf("relu2").optional(),
  moe_shared_expert_overlap: bool.optional(),
  num_logits_to_keep: int.optional(),
  rms_norm_eps: number.optional(), // layer_norm_epsilon is read
  norm_eps: number.optional(), // likewise
  // attention without positions, and steps as wide as the heads
  rope_theta: number.optional(),
  partial_rotary_factor: number.optional(),
  time_step_rank: int.optional(),
  sliding_window: int.optional(), // mlx-lm attends fully
  tie_word_embeddings: oneOf(false).optional(),
  use_mamba_kernels: bool.optional(),
};
type Config = Infer<typeof config>;

const kindsOf = (c: Config): readonly string[] => {
  if (c.hybrid_override_pattern !== undefined) return [...c.hybrid_override_pattern];
  const names = c.layers_block_type ?? c.layer_types;
  if (names === undefined) throw new ConfigError("config.json: the key hybrid_override_pattern is missing");
  return names.map((name) => letters[name] ?? name);
};

/** RMSNorm per group of what a gate lets through. */
class GatedGroupNorm extends GroupRMSNorm implements GateNorm {
  get ofGated(): NonNullable<GateNorm["ofGated"]> {
    return { gain: this.weight, groups: this.groups, eps: this.eps };
  }

  forwardGated(x: MxArray, gate: MxArray): MxArray {
    return this.forward(swiglu(gate, x));
  }
}

const makeMamba = (c: Config): Mamba2Mixer => {
  const sizes = {
    hiddenSize: c.hidden_size,
    heads: c.mamba_num_heads,
    headDim: c.mamba_head_dim,
    stateSize: c.ssm_state_size,
    groups: c.n_groups,
    kernelSize: c.conv_kernel,
    convBias: c.use_conv_bias,
    bias: c.mamba_proj_bias,
    timeStepLimit: c.time_step_limit,
  };
  const inner = c.mamba_num_heads * c.mamba_head_dim;
  return new Mamba2Mixer(sizes, new GatedGroupNorm(inner, c.n_groups, c.layer_norm_epsilon));
};

class MLP extends Module implements DenseMlp {
  up_proj: Linear;
  down_proj: Linear;

  constructor(c: Config, hiddenDims: number) {
    super();
    this.up_proj = new Linear(c.hidden_size, hiddenDims, c.mlp_bias);
    this.down_proj = new Linear(hiddenDims, c.hidden_size, c.mlp_bias);
  }

  get parts(): DenseParts {
    return { layers: [this.up_proj, this.down_proj], join: relu2 };
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(relu2(this.up_proj.forward(x))); // [B, L, E]
  }
}

/** Experts on all features or on a few of them, and shared ones that every position asks. */
class SparseMoe extends Module implements Mixture {
  switch_mlp: SwitchMLP;
  gate: ExpertGate;
  declare shared_experts?: MLP;
  declare fc1_latent_proj?: Linear;
  declare fc2_latent_proj?: Linear;

  constructor(c: Config) {
    super();
    const dims = c.moe_latent_size ?? c.hidden_size;
    const options = { activation: relu2 };
    this.switch_mlp = new SwitchMLP(dims, c.moe_intermediate_size, c.n_routed_experts, options);
    this.gate = new CorrectedGate(c);
    if (c.n_shared_experts !== undefined) {
      this.shared_experts = new MLP(c, c.moe_shared_expert_intermediate_size || c.intermediate_size);
    }
    if (c.moe_latent_size !== undefined) {
      this.fc1_latent_proj = new Linear(c.hidden_size, dims, c.mlp_bias);
      this.fc2_latent_proj = new Linear(dims, c.hidden_size, c.mlp_bias);
    }
  }

  get mixture(): MixtureParts | undefined {
    const { gate, switch_mlp: stacks, shared_experts } = this;
    if (this.fc1_latent_proj !== undefined || gate.parts === undefined) return undefined;
    return { ...gate.parts, stacks, shared: shared_experts?.parts };
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    const asked = this.fc1_latent_proj?.forward(x) ?? x; // [B, L, latent]
    const weighed = weighAnswers(this.switch_mlp.forward(asked, experts), scores); // [B, L, latent]
    const answer = this.fc2_latent_proj?.forward(weighed) ?? weighed; // [B, L, E]
    return this.shared_experts === undefined ? answer : add(answer, this.shared_experts.forward(x));
  }
}

const makeMixer = (c: Config, kind: string | undefined): Mixer => {
  switch (kind) {
    case "M":
      return makeMamba(c);
    case "*":
      return new SelfAttention(c, { rope: noRope, bias: c.attention_bias });
    case "-":
      return new MLP(c, c.intermediate_size);
    case "E":
      return new SparseMoe(c);
    default:
      throw new ConfigError(`config.json: ${kind} in hybrid_override_pattern is none of M, *, - and E`);
  }
};

/** Only layers that look at other positions have a cache. */
class NemotronBackbone extends Backbone<MixerBlock> {
  /** The cache of each layer, by number; undefined where it has none. */
  readonly #caches: readonly (number | undefined)[];
  readonly #recurrence: Recurrence;

  constructor(c: Config) {
    const kinds = kindsOf(c);
    const norm = () => new RMSNorm(c.hidden_size, c.layer_norm_epsilon);
    const makeBlock = (layer: number) => {
      const isMlp = kinds[layer] === "-" || kinds[layer] === "E";
      return new MixerBlock(makeMixer(c, kinds[layer]), norm(), { isMlp });
    };
    super({ ...c, num_hidden_layers: kinds.length }, makeBlock, norm());
    const remembering = [...kinds.keys()].filter((i) => kinds[i] === "M" || kinds[i] === "*");
    this.#caches = kinds.map((_, i) => (remembering.includes(i) ? remembering.indexOf(i) : undefined));
    this.#recurrence = { layers: remembering.map((i) => kinds[i] === "M"), slots: 2 };
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const maskOf = hybridMasks(this.#recurrence, L, cache);
    return (layer) => {
      const used = this.#caches[layer];
      return used === undefined ? undefined : maskOf(used);
    };
  }

  protected override cacheOf(layer: number, cache?: readonly LayerCache[]): LayerCache {
    const used = this.#caches[layer];
    return used === undefined ? noCache : layerCache(cache, used);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new BackboneLM({ ...c, tie_word_embeddings: false }, new NemotronBackbone(c)),
  sanitize: [
    drop(/^mtp\./),
    moveConvChannels,
    stackExperts(/mixer\.experts\.(?<expert>\d+)\.up_proj\./, "mixer.switch_mlp.fc1."),
    stackExperts(/mixer\.experts\.(?<expert>\d+)\.down_proj\./, "mixer.switch_mlp.fc2."),
  ],
});
