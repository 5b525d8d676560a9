/** Mamba 2: no attention, a state space with heads. @see mlx-lm 0.32.2 models/mamba2.py */
import { Backbone, BackboneLM, MixerBlock } from "../blocks/backbone-lm.ts";
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import type { Mask } from "../blocks/mask.ts";
import { stateSpace, timeSteps } from "../blocks/state-space.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm, silu, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, bound, either, type Infer, int, list, number, oneOf } from "./config.ts";
import { mambaTrainingKeys } from "./mamba.ts";
import { moveConvChannels } from "./sanitize.ts";

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

/** RMSNorm of what a gate lets through. */
class GatedNorm extends RMSNorm {
  forwardGated(x: MxArray, gate: MxArray): MxArray {
    return this.forward(swiglu(gate, x));
  }
}

class Mixer extends Module {
  conv1d: CausalConv1d;
  in_proj: Linear;
  dt_bias: MxArray;
  A_log: MxArray;
  D: MxArray;
  norm: GatedNorm;
  out_proj: Linear;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const inner = c.num_heads * c.head_dim;
    const channels = inner + 2 * c.n_groups * stateSize(c);
    this.conv1d = new CausalConv1d(channels, c.conv_kernel, c.use_conv_bias);
    this.in_proj = new Linear(c.hidden_size, inner + channels + c.num_heads, c.use_bias);
    this.dt_bias = mx.ones([c.num_heads]);
    this.A_log = mx.log(mx.arange(1, c.num_heads + 1, 1, mx.float32));
    this.D = mx.ones([c.num_heads]);
    this.norm = new GatedNorm(inner, c.layer_norm_epsilon);
    this.out_proj = new Linear(inner, c.hidden_size, c.use_bias);
    this.#c = c;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const c = this.#c;
    const [B = 1, L = 1] = x.shape;
    const inner = c.num_heads * c.head_dim;
    const states = c.n_groups * stateSize(c);
    const projected = this.in_proj.forward(x);
    const [gate = x, channels = x, dt = x] = mx.split(projected, [inner, 2 * inner + 2 * states], -1);
    const mixed = silu(this.conv1d.continue(channels, mask, arrays)); // [B, L, inner + 2 G N]
    const [values = x, into = x, out = x] = mx.split(mixed, [inner, inner + states], -1);
    const [min = 0, max = Number.POSITIVE_INFINITY] = c.time_step_limit;
    const [y, state] = stateSpace({
      x: mx.reshape(values, [B, L, c.num_heads, c.head_dim]),
      dt: hidePadding(timeSteps(dt, this.dt_bias, [min, max]), mask), // [B, L, H]
      A_log: this.A_log,
      B: mx.reshape(into, [B, L, c.n_groups, -1]),
      C: mx.reshape(out, [B, L, c.n_groups, -1]),
      D: this.D,
      state: arrays.get(1),
    });
    arrays.set(1, state);
    arrays.advance(L);
    return this.out_proj.forward(this.norm.forwardGated(mx.reshape(y, [B, L, inner]), gate)); // [B, L, E]
  }
}

const stateSize = (c: Config): number => c.ssm_state_size ?? c.state_size;

const create = (c: Config): BackboneLM => {
  const makeBlock = () => new MixerBlock(new Mixer(c), new RMSNorm(c.hidden_size));
  return new BackboneLM(c, new Backbone(c, makeBlock, new RMSNorm(c.hidden_size, c.layer_norm_epsilon)));
};

export const architecture = defineArchitecture({ config, create, sanitize: [moveConvChannels] });
