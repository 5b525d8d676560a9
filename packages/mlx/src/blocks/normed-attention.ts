import type { MxArray } from "../core/index.ts";
import { RMSNorm } from "../nn/index.ts";
import type { AttentionParts } from "./mixer-parts.ts";
import {
  headDim,
  SelfAttention,
  type SelfAttentionConfig,
  type SelfAttentionOptions,
} from "./self-attention.ts";

/** Attention whose queries and keys are normed per head before they turn. */
export class NormedAttention extends SelfAttention {
  q_norm: RMSNorm;
  k_norm: RMSNorm;

  constructor(c: SelfAttentionConfig & { readonly rms_norm_eps: number }, options: SelfAttentionOptions) {
    super(c, options);
    this.q_norm = new RMSNorm(headDim(c), c.rms_norm_eps);
    this.k_norm = new RMSNorm(headDim(c), c.rms_norm_eps);
  }

  override get parts(): AttentionParts | undefined {
    const isPlain = this.makesStepsOf(NormedAttention.prototype);
    return isPlain ? this.partsWith(this.q_norm, this.k_norm) : undefined;
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return this.q_norm.forward(super.queries(x, B, L)); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return this.k_norm.forward(super.keys(x, B, L)); // [B, L, K, D]
  }
}
