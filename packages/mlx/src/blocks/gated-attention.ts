import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { cachedAttention, splitHeads } from "./attention.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, KeptParts } from "./mixer-parts.ts";

/** Keys of a config that `GatedAttention` reads. */
export interface GatedAttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly attention_bias: boolean;
}

/** Qwen 3's attention with a gate on what each head found; the query projection gives the gate too. */
export class GatedAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  readonly #c: GatedAttentionConfig;
  readonly #rope: PositionEmbedding;
  readonly #parts = new KeptParts<AttentionParts>();

  constructor(c: GatedAttentionConfig, rope: PositionEmbedding) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K, head_dim: D } = c;
    this.q_proj = new Linear(E, 2 * H * D, c.attention_bias);
    this.k_proj = new Linear(E, K * D, c.attention_bias);
    this.v_proj = new Linear(E, K * D, c.attention_bias);
    this.o_proj = new Linear(H * D, E, c.attention_bias);
    this.q_norm = new RMSNorm(D, c.rms_norm_eps);
    this.k_norm = new RMSNorm(D, c.rms_norm_eps);
    this.#c = c;
    this.#rope = rope;
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): AttentionParts | undefined {
    if (this.forward !== GatedAttention.prototype.forward) return undefined;
    const { q_proj, k_proj, v_proj, o_proj, q_norm, k_norm } = this;
    const { num_attention_heads: H, num_key_value_heads: K, head_dim: D } = this.#c;
    const [matrices, norms] = [
      [q_proj, k_proj, v_proj, o_proj],
      [q_norm, k_norm],
    ];
    return this.#parts.of([...matrices, ...norms], () => ({
      ...{ matrices, norms, rope: this.#rope, H, K, D, valueDim: D, scale: D ** -0.5, isGated: true },
    }));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { num_attention_heads: H, num_key_value_heads: K, head_dim: D } = this.#c;
    const [queries = x, gate = x] = mx.split(mx.reshape(this.q_proj.forward(x), [B, L, H, -1]), 2, -1);
    const keys = mx.reshape(this.k_proj.forward(x), [B, L, K, -1]);
    const q = mx.swapaxes(this.q_norm.forward(queries), 1, 2); // [B, H, L, D]
    const k = mx.swapaxes(this.k_norm.forward(keys), 1, 2); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, K); // [B, K, L, D]
    const found = cachedAttention(q, k, v, { rope: this.#rope, cache, scale: D ** -0.5, mask }); // [B, L, H * D]
    return this.o_proj.forward(mx.multiply(found, mx.sigmoid(mx.reshape(gate, [B, L, -1])))); // [B, L, E]
  }
}
