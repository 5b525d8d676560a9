/** Mamba, and Falcon Mamba: no attention, a state per channel. @see mlx-lm 0.32.2 models/mamba.py */
import { Backbone, BackboneLM, MixerBlock } from "../blocks/backbone-lm.ts";
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import type { Mask } from "../blocks/mask.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm, silu, softplus, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, either, type Infer, int, number, oneOf, record, string } from "./config.ts";
import { moveConvChannels } from "./sanitize.ts";

/** Keys of Mamba configs that concern training, or repeat others. */
export const mambaTrainingKeys = {
  expand: number.optional(),
  fused_add_norm: bool.optional(),
  layer_norm_epsilon: number.optional(), // 1e-5 in mlx-lm
  n_layer: int.optional(),
  d_model: int.optional(),
  d_inner: int.optional(),
  norm_before_gate: bool.optional(),
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
  intermediate_size: int.required(),
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

const timeStepRank = (c: Config): number =>
  c.time_step_rank === "auto" ? Math.ceil(c.hidden_size / 16) : c.time_step_rank;

/** Positions whose states are held at once. */
const CHUNK = 64;

/** The state after each position: what is left of the one before, and what enters; `[B, S, F, N]` both. */
const accumulate = (entering: MxArray, fading: MxArray, previous: MxArray | undefined): MxArray[] => {
  let state = previous;
  return Array.from({ length: entering.dim(1) }, (_, t) => {
    const added = mx.index(entering, [], t);
    state = state === undefined ? added : mx.add(added, mx.multiply(state, mx.index(fading, [], t)));
    return state;
  });
};

class Mixer extends Module {
  in_proj: Linear;
  conv1d: CausalConv1d;
  x_proj: Linear;
  dt_proj: Linear;
  A_log: MxArray;
  D: MxArray;
  out_proj: Linear;
  readonly #rank: number;
  readonly #eps: number | undefined;

  constructor(c: Config) {
    super();
    const { hidden_size: E, intermediate_size: F, state_size: N } = c;
    this.#rank = timeStepRank(c);
    this.#eps = c.use_bcdt_rms || c.model_type === "falcon_mamba" ? c.mixer_rms_eps : undefined;
    this.in_proj = new Linear(E, 2 * F, c.use_bias);
    this.conv1d = new CausalConv1d(F, c.conv_kernel, c.use_conv_bias);
    this.x_proj = new Linear(F, this.#rank + 2 * N, false);
    this.dt_proj = new Linear(this.#rank, F);
    this.A_log = mx.log(mx.broadcastTo(mx.arange(1, N + 1, 1, mx.float32), [F, N]));
    this.D = mx.ones([F]);
    this.out_proj = new Linear(F, E, c.use_bias);
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [inner = x, gate = x] = mx.split(this.in_proj.forward(x), 2, -1); // [B, L, F]
    const mixed = silu(this.conv1d.continue(inner, mask, arrays)); // [B, L, F]
    const [y, state] = this.#scan(mixed, mask, arrays.get(1));
    arrays.set(1, state);
    arrays.advance(x.dim(1));
    return this.out_proj.forward(swiglu(gate, y)); // [B, L, E]
  }

  /** x `[B, L, F]` through the state `[B, F, N]`, position by position. */
  #scan(x: MxArray, mask: Mask, previous: MxArray | undefined): [y: MxArray, state: MxArray] {
    const N = this.A_log.dim(-1);
    const projected = this.x_proj.forward(x);
    const parts = mx.split(projected, [this.#rank, this.#rank + N], -1).map((part) => this.#normed(part));
    const [rank = x, B = x, C = x] = parts;
    const delta = hidePadding(softplus(this.dt_proj.forward(rank)), mask); // [B, L, F]
    const A = mx.negative(mx.exp(this.A_log)); // [F, N]
    const [L, ys]: [number, MxArray[]] = [x.dim(1), []];
    let state = previous;
    for (let start = 0; start < L; start += CHUNK) {
      const part = (a: MxArray) => mx.index(a, [], [start, Math.min(start + CHUNK, L)]);
      const steps = mx.expandDims(part(delta), -1); // [B, S, F, 1]
      const inputs = mx.multiply(steps, mx.expandDims(part(x), -1));
      const entering = mx.multiply(inputs, mx.expandDims(part(B), 2)); // [B, S, F, N]
      const states = accumulate(entering, mx.exp(mx.multiply(steps, A)), state);
      ys.push(mx.squeeze(mx.matmul(mx.stack(states, 1), mx.expandDims(part(C), -1)), -1)); // [B, S, F]
      state = states.at(-1);
    }
    return [mx.add(mx.concatenate(ys, 1), mx.multiply(this.D, x)), state ?? x];
  }

  /** Falcon Mamba norms what decides about steps, entering and reading. */
  #normed(x: MxArray): MxArray {
    return this.#eps === undefined ? x : mx.fast.rmsNorm(x, undefined, this.#eps);
  }
}

const create = (c: Config): BackboneLM => {
  const norm = () => new RMSNorm(c.hidden_size);
  return new BackboneLM(c, new Backbone(c, () => new MixerBlock(new Mixer(c), norm()), norm()));
};

export const architecture = defineArchitecture({ config, create, sanitize: [moveConvChannels] });
