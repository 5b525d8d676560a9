import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { cachedAttention, splitFusedHeads } from "./attention.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, KeptParts } from "./mixer-parts.ts";
import { headDim, type SelfAttentionConfig } from "./self-attention.ts";

/** Attention whose queries, keys and values come from one projection, `qkv_proj [(H + 2 K) D, E]`. */
export class JoinedAttention extends Module {
  qkv_proj: Linear;
  o_proj: Linear;
  readonly #sizes: { readonly H: number; readonly K: number; readonly D: number };
  readonly #rope: PositionEmbedding;
  readonly #parts = new KeptParts<AttentionParts>();

  constructor(c: SelfAttentionConfig, rope: PositionEmbedding) {
    super();
    const [H, D] = [c.num_attention_heads, headDim(c)];
    const K = c.num_key_value_heads ?? H;
    this.qkv_proj = new Linear(c.hidden_size, (H + 2 * K) * D, false);
    this.o_proj = new Linear(H * D, c.hidden_size, false);
    this.#sizes = { H, K, D };
    this.#rope = rope;
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): AttentionParts | undefined {
    if (this.forward !== JoinedAttention.prototype.forward) return undefined;
    const { D } = this.#sizes;
    const matrices = [this.qkv_proj, this.o_proj];
    return this.#parts.of(matrices, () => ({
      ...{ matrices, norms: [], rope: this.#rope, ...this.#sizes, valueDim: D, scale: D ** -0.5 },
      keys: "joined",
    }));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const { H, K, D } = this.#sizes;
    const [q, k, v] = splitFusedHeads(this.qkv_proj.forward(x), H, K); // [B, H or K, L, D]
    const options = { rope: this.#rope, scale: D ** -0.5, mask, cache };
    return this.o_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}
