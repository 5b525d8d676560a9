import { type MxArray, reshape } from "../core/index.ts";
import { type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import type { AttentionParts } from "./mixer-parts.ts";
import { headDim, SelfAttention, type SelfAttentionConfig } from "./self-attention.ts";

/** OLMo 2's attention, whose queries, and whose keys, are normed over all heads at once before they turn. */
export class RowNormedAttention extends SelfAttention {
  q_norm: RMSNorm;
  k_norm: RMSNorm;

  constructor(
    c: SelfAttentionConfig & { readonly rms_norm_eps: number; readonly attention_bias: boolean },
    rope: PositionEmbedding,
  ) {
    super(c, { rope, bias: c.attention_bias });
    const D = headDim(c);
    this.q_norm = new RMSNorm(this.H * D, c.rms_norm_eps);
    this.k_norm = new RMSNorm(this.K * D, c.rms_norm_eps);
  }

  override get parts(): AttentionParts | undefined {
    const isPlain = this.makesStepsOf(RowNormedAttention.prototype);
    return isPlain ? this.partsWith(this.q_norm, this.k_norm) : undefined;
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.q_norm.forward(this.q_proj.forward(x)), [B, L, this.H, -1]); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.k_norm.forward(this.k_proj.forward(x)), [B, L, this.K, -1]); // [B, L, K, D]
  }
}
