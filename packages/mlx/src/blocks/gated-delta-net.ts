import type { LayerArrays, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm, silu } from "../nn/index.ts";
import { CausalConv1d, countsAll, hidePadding } from "./causal-conv.ts";
import { gatedDelta, logDecayOf, normQueryAndKey } from "./gated-delta.ts";
import type { Mask } from "./mask.ts";
import { type DeltaParts, KeptParts } from "./mixer-parts.ts";

/** Keys of a config that `GatedDeltaNet` reads. */
export interface GatedDeltaNetConfig {
  readonly hidden_size: number;
  readonly linear_num_value_heads: number;
  readonly linear_num_key_heads: number;
  readonly linear_key_head_dim: number;
  readonly linear_value_head_dim: number;
  readonly linear_conv_kernel_dim: number;
  readonly rms_norm_eps: number;
}

/** RMSNorm times a gate, in float32. */
export class GatedNorm extends RMSNorm {
  forwardGated(x: MxArray, gate: MxArray): MxArray {
    const normed = this.forward(x).astype(mx.float32);
    return mx.multiply(silu(gate.astype(mx.float32)), normed).astype(x.dtype);
  }
}

/** What a layer projects its inputs to: queries, keys and values side by side, and the gates of its heads. */
export interface DeltaInputs {
  /** `[B, L, 2 K D + H V]` */
  readonly qkv: MxArray;
  /** `[B, L, H, V]`, what comes out is let through by. */
  readonly z: MxArray;
  /** `[B, L, H]`, how much is written. */
  readonly b: MxArray;
  /** `[B, L, H]`, how much is forgotten. */
  readonly a: MxArray;
}

/** Qwen's linear attention: a short convolution and the gated delta rule; subclasses say how inputs are projected. */
export abstract class GatedDeltaNet extends Module {
  conv1d: CausalConv1d;
  dt_bias: MxArray;
  A_log: MxArray;
  norm: GatedNorm;
  out_proj: Linear;
  protected readonly c: GatedDeltaNetConfig;

  constructor(c: GatedDeltaNetConfig) {
    super();
    const { linear_num_value_heads: H, linear_value_head_dim: V } = c;
    const keyDims = c.linear_num_key_heads * c.linear_key_head_dim;
    this.conv1d = new CausalConv1d(2 * keyDims + H * V, c.linear_conv_kernel_dim, false);
    this.dt_bias = mx.ones([H]);
    this.A_log = mx.zeros([H]);
    this.norm = new GatedNorm(V, c.rms_norm_eps);
    this.out_proj = new Linear(H * V, c.hidden_size, false);
    this.c = c;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const inputs = this.inputs(x);
    const y = this.#mixAtOnce(inputs, mask, arrays) ?? this.#mix(inputs, mask, arrays); // [B, L, H, V]
    arrays.advance(L);
    return this.out_proj.forward(mx.reshape(y, [B, L, -1])); // [B, L, E]
  }

  protected abstract inputs(x: MxArray): DeltaInputs;

  /** As one operation, where there is one and all positions count. */
  #mixAtOnce({ qkv, ...gates }: DeltaInputs, mask: Mask, arrays: LayerArrays): MxArray | undefined {
    if (!countsAll(mask) || arrays.lengths !== undefined || mx.defaultDevice() !== "cpu") return undefined;
    const { conv1d, A_log, dt_bias } = this;
    const { linear_num_value_heads: H, linear_value_head_dim: V, linear_key_head_dim: D } = this.c;
    const [B = 1, , C = 1] = qkv.shape;
    const parts = {
      ...{ qkv, ...gates, taps: conv1d.taps, A_log, dt_bias, norm: this.norm.gain },
      past: arrays.get(0) ?? mx.zeros([B, conv1d.past, C]),
      state: arrays.get(1) ?? mx.zeros([B, H, V, D]),
    };
    const mixed = mx.deltaMixer(parts, { keyHeads: this.c.linear_num_key_heads, eps: this.norm.eps });
    if (mixed === undefined) return undefined;
    arrays.set(0, mixed.past);
    arrays.set(1, mixed.state);
    return mixed.y;
  }

  #mix({ qkv, z, b, a }: DeltaInputs, mask: Mask, arrays: LayerArrays): MxArray {
    const [B = 1, L = 1] = qkv.shape;
    const { linear_num_key_heads: K, linear_key_head_dim: D } = this.c;
    const mixed = silu(this.conv1d.continue(qkv, mask, arrays)); // [B, L, 2 K D + H V]
    const [queries = qkv, keys = qkv, values = qkv] = mx.split(mixed, [K * D, 2 * K * D], -1);
    const heads = (part: MxArray, count: number) => mx.reshape(part, [B, L, count, -1]);
    const [q, k] = normQueryAndKey(heads(queries, K), heads(keys, K)); // [B, L, K, D]
    const [y, state] = gatedDelta({
      q,
      k,
      v: heads(values, this.c.linear_num_value_heads), // [B, L, H, V]
      logDecay: hidePadding(logDecayOf(this.A_log, a, this.dt_bias), mask),
      beta: hidePadding(mx.sigmoid(b), mask),
      state: arrays.get(1),
    });
    arrays.set(1, state);
    return this.norm.forwardGated(y, z);
  }
}

/** With a projection for queries, keys and values, and one for each gate. */
export class SplitDeltaNet extends GatedDeltaNet {
  in_proj_qkv: Linear;
  in_proj_z: Linear;
  in_proj_b: Linear;
  in_proj_a: Linear;
  readonly #parts = new KeptParts<DeltaParts>();

  constructor(c: GatedDeltaNetConfig) {
    super(c);
    const { hidden_size: E, linear_num_value_heads: H } = c;
    const keyDims = c.linear_num_key_heads * c.linear_key_head_dim;
    const valueDims = H * c.linear_value_head_dim;
    this.in_proj_qkv = new Linear(E, 2 * keyDims + valueDims, false);
    this.in_proj_z = new Linear(E, valueDims, false);
    this.in_proj_b = new Linear(E, H, false);
    this.in_proj_a = new Linear(E, H, false);
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): DeltaParts | undefined {
    const { forward, inputs } = SplitDeltaNet.prototype;
    if (this.forward !== forward || this.inputs !== inputs || this.conv1d.bias !== undefined)
      return undefined;
    const { in_proj_qkv, in_proj_z, in_proj_b, in_proj_a, out_proj, norm, A_log, dt_bias, c } = this;
    const { taps } = this.conv1d;
    const matrices = [in_proj_qkv, in_proj_z, in_proj_b, in_proj_a, out_proj];
    return this.#parts.of([...matrices, norm, taps, A_log, dt_bias], () => ({
      ...{ matrices, norms: [norm], taps, A_log, dt_bias },
      ...{ keyHeads: c.linear_num_key_heads, valueHeads: c.linear_num_value_heads },
      ...{ keyDim: c.linear_key_head_dim, valueDim: c.linear_value_head_dim },
    }));
  }

  protected inputs(x: MxArray): DeltaInputs {
    const [B = 1, L = 1] = x.shape;
    return {
      qkv: this.in_proj_qkv.forward(x), // [B, L, 2 K D + H V]
      z: mx.reshape(this.in_proj_z.forward(x), [B, L, this.c.linear_num_value_heads, -1]), // [B, L, H, V]
      b: this.in_proj_b.forward(x), // [B, L, H]
      a: this.in_proj_a.forward(x), // [B, L, H]
    };
  }
}
