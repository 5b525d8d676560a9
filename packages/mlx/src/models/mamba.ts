/** Mamba, and Falcon Mamba: no attention, a state per channel. @see mlx-lm 0.32.2 models/mamba.py */
import { Backbone, BackboneLM, MixerBlock } from "../blocks/backbone-lm.ts";
import { MambaMixer, type MambaSizes, type Selection } from "../blocks/mamba-mixer.ts";
import { fast, type MxArray } from "../core/index.ts";
import { RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { moveConvChannels } from "./common-rules.ts";
import { bool, either, type Infer, int, number, oneOf, record, string } from "./config.ts";

/** Keys of Mamba configs that concern training, or repeat others. */
export const mambaTrainingKeys = {
  expand: number.optional(),
  fused_add_norm: bool.optional(),
  layer_norm_epsilon: number.optional(), // 1e-5 in mlx-lm
  n_layer: int.optional(),
  d_model: int.optional(),
  d_inner: int.optional(),
  norm_before_gate: bool.optional(),
  pad_vocab_size_multiple: int.optional(),
  rescale_prenorm_residual: bool.optional(),
  residual_in_fp32: bool.optional(),
  rms_norm: oneOf(true).optional(),
  ssm_cfg: record.optional(),
  time_step_floor: number.optional(),
  time_step_init_scheme: string.optional(),
  time_step_max: number.optional(),
  time_step_min: number.optional(),
  time_step_scale: number.optional(),
};

const config = {
  ...mambaTrainingKeys,
  model_type: string.required(),
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.optional(),
  state_size: int.required(),
  num_hidden_layers: int.required(),
  conv_kernel: int.required(),
  use_bias: bool.required(),
  use_conv_bias: bool.required(),
  time_step_rank: either(int.required(), oneOf("auto").required()).required(),
  tie_word_embeddings: bool.default(true),
  use_bcdt_rms: bool.default(false),
  mixer_rms_eps: number.default(1e-6),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Falcon Mamba norms what decides about steps, entering and reading. */
class NormedMixer extends MambaMixer {
  readonly #eps: number;

  constructor(sizes: MambaSizes, eps: number) {
    super(sizes);
    this.#eps = eps;
  }

  protected override normed([rank, B, C]: Selection): Selection {
    const norm = (x: MxArray) => fast.rmsNorm(x, undefined, this.#eps);
    return [norm(rank), norm(B), norm(C)];
  }
}

const makeMixer = (c: Config): MambaMixer => {
  const sizes = {
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size ?? Math.trunc((c.expand ?? 2) * c.hidden_size), // as transformers has it
    stateSize: c.state_size,
    kernelSize: c.conv_kernel,
    timeStepRank: c.time_step_rank,
    bias: c.use_bias,
    convBias: c.use_conv_bias,
  };
  const isNormed = c.use_bcdt_rms || c.model_type === "falcon_mamba";
  return isNormed ? new NormedMixer(sizes, c.mixer_rms_eps) : new MambaMixer(sizes);
};

const create = (c: Config): BackboneLM => {
  const norm = () => new RMSNorm(c.hidden_size);
  return new BackboneLM(c, new Backbone(c, () => new MixerBlock(makeMixer(c), norm()), norm()));
};

export const architecture = defineArchitecture({ config, create, sanitize: [moveConvChannels] });
