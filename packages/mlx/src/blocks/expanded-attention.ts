import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import { attention, splitHeads } from "./attention.ts";
import {
  cutInTwo,
  LatentAttention,
  type LatentAttentionConfig,
  type LatentAttentionOptions,
  type Latents,
  type Parts,
} from "./latent-attention.ts";
import type { Mask } from "./mask.ts";
import type { LatentParts } from "./mixer-parts.ts";

/** Latent attention that expands each position's latent at once and remembers keys and values. */
export class ExpandedAttention extends LatentAttention {
  kv_b_proj: Linear;

  constructor(c: LatentAttentionConfig, options: LatentAttentionOptions) {
    super(c, options);
    const expanded = c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim);
    this.kv_b_proj = new Linear(c.kv_lora_rank, expanded, false);
  }

  override get parts(): LatentParts | undefined {
    const isPlain = this.makesStepsOf(ExpandedAttention.prototype);
    return isPlain ? this.partsWith([this.kv_b_proj], { isAbsorbed: false }) : undefined;
  }

  protected attend([q_nope, q_pe]: Parts, [latent, k_pe]: Latents, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = latent.shape;
    const { num_attention_heads: H, qk_nope_head_dim } = this.c;
    const expanded = splitHeads(this.kv_b_proj.forward(latent), B, L, H); // [B, H, L, D]
    const [k_nope, v] = cutInTwo(expanded, qk_nope_head_dim);
    const k = mx.concatenate([k_nope, mx.repeat(k_pe, H, 1)], -1); // [B, H, L, D]
    const [keys, values] = cache.updateAndFetch(k, v); // [B, H, S, D]
    return attention(mx.concatenate([q_nope, q_pe], -1), keys, values, { scale: this.scale, mask });
  }
}
