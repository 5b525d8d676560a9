import type { LayerCache } from "../cache/index.ts";
import { fast, type MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { attention, mergeHeads, splitHeads } from "./attention.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, KeptParts } from "./mixer-parts.ts";
import { heldOffset } from "./positions.ts";

/** All keys and values of a layer, and where its new positions start. */
export interface Remembered {
  readonly keys: MxArray; // [B, K, S, D]
  readonly values: MxArray; // [B, K, S, D]
  readonly offset: LayerCache["offset"];
}

/** Keys of a config that `RememberingAttention` reads. */
export interface RememberingAttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
}

/** Options of `RememberingAttention`. */
export interface RememberingAttentionOptions {
  rope: PositionEmbedding;
  /** Whether the layer has no keys and values of its own. Default false. */
  onlyShares?: boolean;
  /** Whether values are the keys before they turn. Default false. */
  valuesAreKeys?: boolean;
}

/** Gemma's attention to what this layer or an earlier one remembers: heads are normed, values too, and not scaled. */
export class RememberingAttention extends Module {
  q_proj: Linear;
  declare k_proj?: Linear;
  declare v_proj?: Linear;
  o_proj: Linear;
  q_norm: RMSNorm;
  declare k_norm?: RMSNorm;
  readonly #c: RememberingAttentionConfig;
  readonly #rope: PositionEmbedding;
  readonly #parts = new KeptParts<AttentionParts>();

  constructor(
    c: RememberingAttentionConfig,
    { rope, onlyShares = false, valuesAreKeys = false }: RememberingAttentionOptions,
  ) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K, head_dim: D } = c;
    this.q_proj = new Linear(E, H * D, false);
    this.o_proj = new Linear(H * D, E, false);
    this.q_norm = new RMSNorm(D, c.rms_norm_eps);
    if (!onlyShares) {
      this.k_proj = new Linear(E, K * D, false);
      if (!valuesAreKeys) this.v_proj = new Linear(E, K * D, false);
      this.k_norm = new RMSNorm(D, c.rms_norm_eps);
    }
    this.#c = c;
    this.#rope = rope;
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): AttentionParts | undefined {
    const { forward, remember } = RememberingAttention.prototype;
    if (this.forward !== forward || this.remember !== remember) return undefined;
    const { q_proj, k_proj, v_proj, o_proj, q_norm, k_norm } = this;
    const { num_attention_heads: H, num_key_value_heads: K, head_dim: D } = this.#c;
    const matrices = [q_proj, k_proj, v_proj, o_proj].filter((matrix) => matrix !== undefined);
    const norms = [q_norm, k_norm].filter((norm) => norm !== undefined);
    return this.#parts.of([...matrices, ...norms], () => ({
      ...{ matrices, norms, rope: this.#rope, H, K, D, valueDim: D, scale: 1, areValuesNormed: true },
      keys: k_proj === undefined ? "shared" : v_proj === undefined ? "values too" : "own",
    }));
  }

  /**
   * What the layer makes of `x` `[B, L, E]` and its cache remembers.
   *
   * @throws {ConfigError} when it has no keys and values of its own
   */
  remember(x: MxArray, cache: LayerCache): Remembered {
    if (this.k_proj === undefined || this.k_norm === undefined) {
      throw new ConfigError("config.json: a layer shares keys, but there is no earlier one of its type");
    }
    const [B = 1, L = 1] = x.shape;
    const { num_key_value_heads: K, rms_norm_eps } = this.#c;
    const offset = heldOffset(cache.offset);
    const k = splitHeads(this.k_proj.forward(x), B, L, K); // [B, K, L, D]
    const v = this.v_proj === undefined ? k : splitHeads(this.v_proj.forward(x), B, L, K); // [B, K, L, D]
    const turned = this.#rope.forward(this.k_norm.forward(k), offset);
    const [keys, values] = cache.updateAndFetch(turned, fast.rmsNorm(v, undefined, rms_norm_eps));
    return { keys, values, offset };
  }

  forward(x: MxArray, { keys, values, offset }: Remembered, mask: Mask): MxArray {
    const [B = 1, L = 1] = x.shape;
    const heads = splitHeads(this.q_proj.forward(x), B, L, this.#c.num_attention_heads); // [B, H, L, D]
    const q = this.#rope.forward(this.q_norm.forward(heads), offset);
    const out = attention(q, keys, values, { scale: 1, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}
