/** PLaMo 2: Mamba 2 and attention in turns, with norms around both. @see mlx-lm 0.32.2 models/plamo2.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { stateSpace, timeSteps } from "../blocks/state-space.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, Linear, Module, OffsetRMSNorm, RoPE, silu, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { moveConvChannels } from "./common-rules.ts";
import { bool, type Infer, int, list, number } from "./config.ts";

const config = {
  hidden_size: int.default(4096),
  num_hidden_layers: int.default(32),
  rms_norm_eps: number.default(1e-6),
  tie_word_embeddings: bool.default(true),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(4),
  hidden_size_per_head: int.default(128),
  max_position_embeddings: int.default(2048),
  attention_window_size: int.optional(), // mlx-lm attends fully
  full_attention_idx: list(int.required()).optional(),
  mamba_d_state: int.default(64),
  mamba_d_conv: int.default(4),
  mamba_num_heads: int.default(64),
  mamba_step: int.default(2),
  mamba_chunk_size: int.optional(),
  mamba_enabled: bool.default(true),
  intermediate_size: int.default(13312),
  vocab_size: int.default(32000),
};
type Config = Infer<typeof config>;

/** Shortest and longest time step. */
const TIME_STEPS = [0.001, 100] as const;

class Mamba extends Module {
  in_proj: Linear;
  conv1d: CausalConv1d;
  bcdt_proj: Linear;
  dt_proj: Linear;
  dt_bias: MxArray;
  A_log: MxArray;
  D: MxArray;
  dt_norm_weight: MxArray;
  B_norm_weight: MxArray;
  C_norm_weight: MxArray;
  out_proj: Linear;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const { hidden_size: E, mamba_num_heads: H, mamba_d_state: N } = c;
    const inner = H * c.hidden_size_per_head;
    const rank = Math.max(64, Math.floor(E / 16)); // features that decide about time steps
    this.in_proj = new Linear(E, 2 * inner, false);
    this.conv1d = new CausalConv1d(inner, c.mamba_d_conv, false);
    this.bcdt_proj = new Linear(inner, rank + 2 * N, false);
    this.dt_proj = new Linear(rank, H, false);
    this.dt_bias = mx.zeros([H]);
    this.A_log = mx.log(mx.arange(1, H + 1, 1, mx.float32));
    this.D = mx.ones([H]);
    this.dt_norm_weight = mx.ones([rank]);
    this.B_norm_weight = mx.ones([N]);
    this.C_norm_weight = mx.ones([N]);
    this.out_proj = new Linear(inner, E, false);
    this.#c = c;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const { mamba_num_heads: H, mamba_d_state: N } = this.#c;
    const [B = 1, L = 1] = x.shape;
    const flat = (heads: MxArray) => mx.reshape(heads, [B, L, -1]);
    const [gate = x, inner = x] = mx.split(mx.reshape(this.in_proj.forward(x), [B, L, H, -1]), 2, -1);
    const mixed = silu(this.conv1d.continue(flat(inner), mask, arrays)); // [B, L, H * P]
    const [into = x, out = x, rank = x] = mx.split(this.bcdt_proj.forward(mixed), [N, 2 * N], -1);
    const dt = this.dt_proj.forward(this.#norm(rank, this.dt_norm_weight)); // [B, L, H]
    const [read, state] = stateSpace({
      x: mx.reshape(mixed, [B, L, H, -1]),
      dt: hidePadding(timeSteps(dt, this.dt_bias, TIME_STEPS), mask),
      A_log: this.A_log,
      B: mx.expandDims(this.#norm(into, this.B_norm_weight), 2), // [B, L, 1, N]
      C: mx.expandDims(this.#norm(out, this.C_norm_weight), 2), // [B, L, 1, N]
      D: this.D,
      state: arrays.get(1),
    });
    arrays.set(1, state);
    arrays.advance(L);
    return this.out_proj.forward(swiglu(flat(gate), flat(read))); // [B, L, E]
  }

  #norm(x: MxArray, weight: MxArray): MxArray {
    return mx.fast.rmsNorm(x, weight, this.#c.rms_norm_eps);
  }
}

class Attention extends Module {
  qkv_proj: Linear;
  o_proj: Linear;
  q_weight: MxArray;
  k_weight: MxArray;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: RoPE;

  constructor(c: Config) {
    super();
    const { num_attention_heads: H, num_key_value_heads: K, hidden_size_per_head: D } = c;
    this.qkv_proj = new Linear(c.hidden_size, (H + 2 * K) * D, false);
    this.o_proj = new Linear(H * D, c.hidden_size, false);
    this.q_weight = mx.ones([H, D]);
    this.k_weight = mx.ones([K, D]);
    [this.#H, this.#K, this.#D] = [H, K, D];
    this.#rope = new RoPE(D);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.qkv_proj.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const normed = (heads: MxArray, weight: MxArray) =>
      mx.multiply(mx.fast.rmsNorm(heads, undefined, 1e-6), mx.expandDims(weight, 1));
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    const found = cachedAttention(normed(q, this.q_weight), normed(k, this.k_weight), v, options);
    return this.o_proj.forward(found); // [B, L, E]
  }
}

const norm = (c: Config, offset = 1): OffsetRMSNorm =>
  new OffsetRMSNorm(c.hidden_size, c.rms_norm_eps, offset);

class Block extends Module {
  mixer: Mixer;
  mlp: FusedGatedMLP;
  pre_mixer_norm: OffsetRMSNorm;
  post_mixer_norm: OffsetRMSNorm;
  pre_mlp_norm: OffsetRMSNorm;
  post_mlp_norm: OffsetRMSNorm;

  constructor(c: Config, mixer: Mixer) {
    super();
    this.mixer = mixer;
    this.mlp = new FusedGatedMLP(c.hidden_size, c.intermediate_size);
    this.pre_mixer_norm = norm(c);
    this.post_mixer_norm = norm(c, 1 / 5);
    this.pre_mlp_norm = norm(c);
    this.post_mlp_norm = norm(c, 1 / 5 ** 1.5);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const mixed = this.mixer.forward(this.pre_mixer_norm.forward(x), mask, cache); // [B, L, E]
    const h = mx.add(x, this.post_mixer_norm.forward(mixed));
    return mx.add(h, this.post_mlp_norm.forward(this.mlp.forward(this.pre_mlp_norm.forward(h))));
  }
}

const isRecurrent = ({ num_hidden_layers, mamba_enabled, mamba_step }: Config, layer: number): boolean => {
  if (!mamba_enabled) return false;
  const attending = Math.floor(mamba_step / 2);
  return num_hidden_layers <= attending ? layer !== num_hidden_layers - 1 : layer % mamba_step !== attending;
};

/** Checkpoints have the blocks at `model.layers.layers`. */
class Layers extends Module {
  layers: Block[];

  constructor(layers: Block[]) {
    super();
    this.layers = layers;
  }
}

class Plamo2Decoder extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Layers;
  norm: OffsetRMSNorm;
  readonly #recurrence: Recurrence;

  constructor(c: Config) {
    super();
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => isRecurrent(c, i));
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = new Layers(layers.map((recurs) => new Block(c, recurs ? new Mamba(c) : new Attention(c))));
    this.norm = norm(c);
    this.#recurrence = { layers, slots: 2 };
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers.layers;
  }

  protected get lastNorm(): OffsetRMSNorm {
    return this.norm;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return hybridMasks(this.#recurrence, L, cache);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Plamo2Decoder(c)),
  sanitize: [moveConvChannels],
});
