/** Mamba 2: no attention, a state space with heads. @see mlx-lm 0.32.2 models/mamba2.py */
import { Backbone, BackboneLM, MixerBlock } from "../blocks/backbone-lm.ts";
import { Mamba2Mixer, NormOfGated } from "../blocks/mamba2-mixer.ts";
import { RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { moveConvChannels } from "./common-rules.ts";
import { bool, bound, either, type Infer, int, list, number, oneOf } from "./config.ts";
import { mambaTrainingKeys } from "./mamba.ts";

const config = {
  ...mambaTrainingKeys,
  num_heads: int.required(),
  head_dim: int.required(),
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.optional(), // num_heads * head_dim
  state_size: int.required(),
  ssm_state_size: int.optional(),
  num_hidden_layers: int.required(),
  layer_norm_epsilon: number.required(),
  conv_kernel: int.required(),
  n_groups: int.required(),
  chunk_size: int.optional(),
  use_bias: bool.required(),
  use_conv_bias: bool.required(),
  tie_word_embeddings: bool.required(),
  time_step_limit: list(bound.required()).required(),
  time_step_rank: either(int.required(), oneOf("auto").required()).required(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeMixer = (c: Config): Mamba2Mixer => {
  const sizes = {
    hiddenSize: c.hidden_size,
    heads: c.num_heads,
    headDim: c.head_dim,
    stateSize: c.ssm_state_size ?? c.state_size,
    groups: c.n_groups,
    kernelSize: c.conv_kernel,
    convBias: c.use_conv_bias,
    bias: c.use_bias,
    timeStepLimit: c.time_step_limit,
  };
  return new Mamba2Mixer(sizes, new NormOfGated(c.num_heads * c.head_dim, c.layer_norm_epsilon));
};

const create = (c: Config): BackboneLM => {
  const makeBlock = () => new MixerBlock(makeMixer(c), new RMSNorm(c.hidden_size));
  return new BackboneLM(c, new Backbone(c, makeBlock, new RMSNorm(c.hidden_size, c.layer_norm_epsilon)));
};

export const architecture = defineArchitecture({ config, create, sanitize: [moveConvChannels] });
