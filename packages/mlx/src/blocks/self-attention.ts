import type { LayerCache } from "../cache/index.ts";
import { type MxArray, reshape, transpose } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, type RMSNorm, rotatedHeads } from "../nn/index.ts";
import { attention, mergeHeads, softCappedAttention } from "./attention.ts";
import type { Mask } from "./mask.ts";
import type { AttentionParts } from "./mixer-parts.ts";

/** Keys of a config that `SelfAttention` reads. */
export interface SelfAttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  /** Default: one per query head. */
  readonly num_key_value_heads?: number | undefined;
  /** Default: `hidden_size / num_attention_heads`. */
  readonly head_dim?: number | undefined;
  /** Features of one value. Default: those of one head. */
  readonly v_head_dim?: number | undefined;
}

/** Options of `SelfAttention`. */
export interface SelfAttentionOptions {
  rope: PositionEmbedding;
  /** Multiplies the scores. Default `D ** -0.5`. */
  scale?: number;
  /** Biases of the query, key and value projections. Default false. */
  bias?: boolean;
  /** Bias of the output projection. Default: as `bias`. */
  outputBias?: boolean;
  /** Squashes scores to `cap * tanh(scores / cap)`. Default: they stay. */
  cap?: number;
}

/** What models may do to heads beside norms. */
type OtherParts = Pick<AttentionParts, "areHeadsNormedLast" | "queryGrowth">;

/** Features of one head. */
export const headDim = (c: SelfAttentionConfig): number =>
  c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads);

/** Llama's attention; models that do one step differently override that step. */
export class SelfAttention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  protected readonly H: number;
  protected readonly K: number;
  protected readonly scale: number;
  readonly #cap: number | undefined;
  readonly #rope: PositionEmbedding;
  readonly #sizes: { readonly D: number; readonly valueDim: number };
  #parts: AttentionParts | undefined;

  constructor(
    c: SelfAttentionConfig,
    { rope, scale, bias = false, outputBias = bias, cap }: SelfAttentionOptions,
  ) {
    super();
    const D = headDim(c);
    this.H = c.num_attention_heads;
    this.K = c.num_key_value_heads ?? this.H;
    this.q_proj = new Linear(c.hidden_size, this.H * D, bias);
    this.k_proj = new Linear(c.hidden_size, this.K * D, bias);
    this.v_proj = new Linear(c.hidden_size, this.K * (c.v_head_dim ?? D), bias);
    this.o_proj = new Linear(this.H * (c.v_head_dim ?? D), c.hidden_size, outputBias);
    this.scale = scale ?? D ** -0.5;
    this.#cap = cap;
    this.#rope = rope;
    this.#sizes = { D, valueDim: c.v_head_dim ?? D };
  }

  /** The same object until one of them is replaced; undefined where a model overrides a step. */
  get parts(): AttentionParts | undefined {
    return this.makesStepsOf(SelfAttention.prototype) ? this.partsWith() : undefined;
  }

  /** Whether every step is the one of `prototype`. Named one by one: each decode step asks it of every block. */
  protected makesStepsOf(prototype: SelfAttention): boolean {
    const { queries, keys, values, turn, attend, output, forward } = prototype;
    const areHeads = this.queries === queries && this.keys === keys && this.values === values;
    const areOthers = this.attend === attend && this.output === output && this.forward === forward;
    return areHeads && this.turn === turn && areOthers;
  }

  /**
   * @param qNorm - of queries; there are both norms or neither
   * @param others - the same at each call
   */
  protected partsWith(qNorm?: RMSNorm, kNorm?: RMSNorm, others: OtherParts = {}): AttentionParts {
    const { q_proj, k_proj, v_proj, o_proj, H, K, scale } = this;
    const p = this.#parts;
    const [q, k, v, o] = p?.matrices ?? [];
    const areSame = q === q_proj && k === k_proj && v === v_proj && o === o_proj;
    if (p !== undefined && areSame && p.norms[0] === qNorm && p.norms[1] === kNorm) return p;
    const norms = qNorm === undefined || kNorm === undefined ? [] : [qNorm, kNorm];
    this.#parts = {
      ...{ matrices: [q_proj, k_proj, v_proj, o_proj], norms, rope: this.#rope },
      ...{ H, K, ...this.#sizes, scale, cap: this.#cap, ...others },
    };
    return this.#parts;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = this.#heads(x, B, L, cache.offset);
    const [keys, values] = cache.updateAndFetch(k, v); // [B, K, S, D]
    const out = this.attend(q, keys, values, mask); // [B, H, L, D]
    return this.output(mergeHeads(out, B, L), x); // [B, L, E]
  }

  /** Queries `[B, H, L, D]` and keys `[B, K, L, D]` at their positions, and values `[B, K, L, D]`. */
  #heads(x: MxArray, B: number, L: number, offset: LayerCache["offset"]): [MxArray, MxArray, MxArray] {
    const { q_proj, k_proj, v_proj, H, K } = this;
    const layers = { q_proj, k_proj, v_proj, rope: this.#rope, H, K };
    const fused = this.#makesPlainHeads() ? rotatedHeads(x, layers, offset) : undefined;
    if (fused !== undefined) return fused;
    const swapped = (heads: MxArray) => transpose(heads, [0, 2, 1, 3]); // [B, H, L, D]
    const [q, k] = this.turn(swapped(this.queries(x, B, L)), swapped(this.keys(x, B, L)), offset);
    return [q, k, swapped(this.values(x, B, L))];
  }

  /** Whether no model overrides a step between the input and the heads. */
  #makesPlainHeads(): boolean {
    const { queries, keys, values, turn } = SelfAttention.prototype;
    return this.queries === queries && this.keys === keys && this.values === values && this.turn === turn;
  }

  /** `[B, L, E] -> [B, L, H, D]`, before they turn. */
  protected queries(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.q_proj.forward(x), [B, L, this.H, -1]);
  }

  /** `[B, L, E] -> [B, L, K, D]`, before they turn. */
  protected keys(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.k_proj.forward(x), [B, L, this.K, -1]);
  }

  /** `[B, L, E] -> [B, L, K, D]` */
  protected values(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.v_proj.forward(x), [B, L, this.K, -1]);
  }

  /** q `[B, H, L, D]` and k `[B, K, L, D]` at their positions, the first of which is `offset`. */
  protected turn(q: MxArray, k: MxArray, offset: LayerCache["offset"]): [MxArray, MxArray] {
    return [this.#rope.forward(q, offset), this.#rope.forward(k, offset)];
  }

  /** q `[B, H, L, D]`, k and v `[B, K, S, D]` to `[B, H, L, D]`. */
  protected attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const { scale } = this;
    if (this.#cap !== undefined) return softCappedAttention(q, k, v, { scale, cap: this.#cap, mask });
    return attention(q, k, v, { scale, mask });
  }

  /** What all heads found, `[B, L, H * D]`, and what the layer was given, `[B, L, E]`, to `[B, L, E]`. */
  protected output(found: MxArray, _x: MxArray): MxArray {
    return this.o_proj.forward(found);
  }
}
