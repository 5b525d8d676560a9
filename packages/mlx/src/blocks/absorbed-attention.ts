import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { attention } from "./attention.ts";
import {
  LatentAttention,
  type LatentAttentionConfig,
  type LatentAttentionOptions,
  type Latents,
  type Parts,
} from "./latent-attention.ts";
import { type Mask, visibleKeys } from "./mask.ts";
import type { LatentParts } from "./mixer-parts.ts";
import { MultiLinear } from "./multi-linear.ts";

/**
 * Latent attention that remembers latents alone. One new position is taken into the latents' space; for many it is
 * cheaper to expand the latents into keys and values.
 */
export class AbsorbedAttention extends LatentAttention {
  embed_q: MultiLinear;
  unembed_out: MultiLinear;

  constructor(c: LatentAttentionConfig, options: LatentAttentionOptions) {
    super(c, options);
    this.embed_q = new MultiLinear(c.qk_nope_head_dim, c.kv_lora_rank, c.num_attention_heads);
    this.unembed_out = new MultiLinear(c.kv_lora_rank, c.v_head_dim, c.num_attention_heads);
  }

  override get parts(): LatentParts | undefined {
    return this.makesStepsOf(AbsorbedAttention.prototype) ? this.absorbedParts() : undefined;
  }

  protected override makesStepsOf(prototype: AbsorbedAttention): boolean {
    const { attendTo, attendJoined } = prototype;
    const areOwn = this.attendTo === attendTo && this.attendJoined === attendJoined;
    return areOwn && super.makesStepsOf(prototype);
  }

  /** @param queryGrowth - the same at each call */
  protected absorbedParts(queryGrowth?: LatentParts["queryGrowth"]): LatentParts | undefined {
    return this.partsWith([this.embed_q, this.unembed_out], { isAbsorbed: true, queryGrowth });
  }

  protected attend(queries: Parts, [latent, k_pe]: Latents, mask: Mask, cache: LayerCache): MxArray {
    const known = cache.updateAndFetch(mx.expandDims(latent, 1), k_pe); // [B, 1, S, D] both
    return this.attendTo(queries, known, mask);
  }

  /** Attention to latents and turned keys, `[B, 1, S, D]` both: `[B, H, L, v_head_dim]`. */
  protected attendTo(queries: Parts, known: Latents, mask: Mask): MxArray {
    const [[q_nope, q_pe], [latents, k_pe]] = [queries, known];
    // scores of all pairs of positions take more memory than keys that are put together
    if (q_nope.dim(2) > 1 && mx.defaultDevice() === "cpu") return this.attendJoined(queries, known, mask);
    const positional = this.#positional(q_pe, k_pe, mask); // [B, H, L, S]
    if (q_nope.dim(2) > 1) {
      const keys = this.embed_q.transposed(latents); // [B, H, S, qk_nope_head_dim]
      const values = this.unembed_out.forward(latents); // [B, H, S, v_head_dim]
      return attention(q_nope, keys, values, { scale: this.scale, mask: positional });
    }
    const q = this.embed_q.forward(q_nope); // [B, H, 1, kv_lora_rank]
    const out = attention(q, latents, latents, { scale: this.scale, mask: positional });
    return this.unembed_out.forward(out); // [B, H, 1, v_head_dim]
  }

  /** The same with both parts of queries and of keys side by side. */
  protected attendJoined([q_nope, q_pe]: Parts, [latents, k_pe]: Latents, mask: Mask): MxArray {
    const wide = latents.astype(q_nope.dtype); // a cache may hold them in half precision
    const known = this.embed_q.transposed(wide).astype(latents.dtype); // [B, H, S, qk_nope_head_dim]
    const values = this.unembed_out.forward(wide).astype(latents.dtype); // [B, H, S, v_head_dim]
    const k = mx.concatenate([known, mx.repeat(k_pe, q_pe.dim(1), 1)], -1); // [B, H, S, D]
    return attention(mx.concatenate([q_nope, q_pe], -1), k, values, { scale: this.scale, mask });
  }

  /** The turned features' share of the scores, out of reach where the mask hides. */
  #positional(q_pe: MxArray, k_pe: MxArray, mask: Mask): MxArray {
    const scores = mx.matmul(q_pe.multiply(this.scale), mx.swapaxes(k_pe, -1, -2)); // [B, H, L, S]
    const visible = visibleKeys(mask, scores.dim(2), scores.dim(3));
    return visible === undefined ? scores : mx.where(visible, scores, mx.finfo(scores.dtype).min);
  }
}
