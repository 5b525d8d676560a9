/** Rows that stand for groups of positions, and the choice among them. @see mlx-lm 0.32.2 models/deepseek_v41.py */

import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";
import { splitHeads } from "./attention.ts";
import { fakeMxfp4, fakeNvfp4 } from "./fake-quantize.ts";
import type { TailRope } from "./tail-rope.ts";

/** What layers keep, by slot of their cache: a window, rows, and the positions of a group that is not full yet. */
export const slots = { window: 0, rows: 1, indexKeys: 2, openRows: 3, openGates: 4 } as const;

/** What layers hand to later ones within one pass. */
export interface PassState {
  /** `[B, N, D]` */
  rows?: MxArray | undefined;
  /** Small keys of the rows, `[B, N, index_head_dim]`. */
  indexKeys?: MxArray | undefined;
  /** The rows each position attends to, int32 `[B, L, k]`; -1 for none. */
  chosen?: MxArray | undefined;
  /** The rows that later layers may choose, bool `[B, L, N]`. */
  candidates?: MxArray | undefined;
}

/** New rows before they turn, `[B, n, D]`, and the number of the first. */
export interface NewRows {
  readonly latent: MxArray;
  readonly first: number;
}

/** What a slot holds with `added` behind it. */
const append = (cache: LayerCache, slot: number, added: MxArray | undefined): MxArray | undefined => {
  const before = cache.arrays.get(slot);
  if (added === undefined) return before;
  const all = before === undefined ? added : mx.concatenate([before, added], 1);
  cache.arrays.set(slot, all);
  return all;
};

/** What makes one row of several positions. */
export interface CompressionConfig {
  readonly hidden_size: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  /** Positions that one row stands for. */
  readonly ratio: number;
  readonly rope: TailRope;
}

/** Rows of new positions, turned as by the first position of each. */
const turnRows = (rows: MxArray, first: number, { rope, ratio }: CompressionConfig): MxArray =>
  mx.squeeze(rope.forward(mx.expandDims(rows, 1), first, { scale: ratio }), 1);

/** Makes one row of each full group of positions. */
export class Compressor extends Module {
  kv_proj: Linear;
  declare gate_proj?: Linear;
  kv_norm: RMSNorm;
  readonly #c: CompressionConfig;

  constructor(c: CompressionConfig) {
    super();
    this.kv_proj = new Linear(c.hidden_size, c.head_dim, false);
    if (c.ratio > 1) this.gate_proj = new Linear(c.hidden_size, c.head_dim, false);
    this.kv_norm = new RMSNorm(c.head_dim, c.rms_norm_eps);
    this.#c = c;
  }

  /** Hands on all rows of `x [B, L, E]` and of what came before; returns the new ones. */
  forward(x: MxArray, start: number, cache: LayerCache, pass: PassState): NewRows | undefined {
    const added = this.#groups(x, start, cache);
    const rows = added && fakeNvfp4(turnRows(added.latent, added.first, this.#c));
    pass.rows = append(cache, slots.rows, rows);
    return added;
  }

  #groups(x: MxArray, start: number, cache: LayerCache): NewRows | undefined {
    if (this.gate_proj === undefined) {
      return { latent: this.kv_norm.forward(this.kv_proj.forward(x)), first: start };
    }
    const h = x.astype(mx.float32);
    const open = cache.arrays.get(slots.openRows)?.dim(1) ?? 0;
    const behind = (slot: number, added: MxArray) => {
      const before = cache.arrays.get(slot);
      const all = before === undefined ? added : mx.concatenate([before, added], 1); // [B, open + L, D]
      const full = all.dim(1) - (all.dim(1) % this.#c.ratio);
      cache.arrays.set(slot, mx.index(all, [], [full, all.dim(1)]));
      return full === 0 ? undefined : mx.unflatten(mx.index(all, [], [0, full]), 1, [-1, this.#c.ratio]);
    };
    const rows = behind(slots.openRows, this.kv_proj.forward(h)); // [B, n, ratio, D]
    const gates = behind(slots.openGates, this.gate_proj.forward(h));
    if (rows === undefined || gates === undefined) return undefined;
    const pooled = mx.sum(mx.multiply(rows, mx.softmax(gates, 2)), 2).astype(x.dtype); // [B, n, D]
    return { latent: this.kv_norm.forward(pooled), first: (start - open) / this.#c.ratio };
  }
}

/** What chooses among rows. */
export interface IndexerConfig extends CompressionConfig {
  readonly q_lora_rank: number;
  readonly index_n_heads: number;
  readonly index_head_dim: number;
  readonly index_topk: number;
  readonly candidate_topk_blocks: number;
  readonly candidate_block_size: number;
  /** Whether this layer makes rows, and so their small keys. */
  readonly isSource: boolean;
  /** Whether this layer says which rows later ones may choose. */
  readonly isCandidateSource: boolean;
}

/** Chooses the rows that positions attend to. */
export class Indexer extends Module {
  q_b_proj: Linear;
  weights_proj: Linear;
  declare k_proj?: Linear;
  declare k_norm?: RMSNorm;
  readonly #c: IndexerConfig;

  constructor(c: IndexerConfig) {
    super();
    this.q_b_proj = new Linear(c.q_lora_rank, c.index_n_heads * c.index_head_dim, false);
    this.weights_proj = new Linear(c.hidden_size, c.index_n_heads, false);
    if (c.isSource) {
      this.k_proj = new Linear(c.head_dim, c.index_head_dim, false);
      this.k_norm = new RMSNorm(c.index_head_dim, c.rms_norm_eps);
    }
    this.#c = c;
  }

  /** Hands on the choice of `x [B, L, E]`, whose queries are made from `squeezed [B, L, q_lora_rank]`. */
  forward(
    x: MxArray,
    squeezed: MxArray,
    {
      start,
      cache,
      pass,
      latents,
    }: { start: number; cache: LayerCache; pass: PassState; latents: NewRows | undefined },
  ): void {
    if (this.#c.isSource) pass.indexKeys = append(cache, slots.indexKeys, latents && this.#keys(latents));
    pass.chosen = undefined;
    if (pass.indexKeys === undefined) return;
    const positions = mx.expandDims(mx.arange(start + 1, start + 1 + x.dim(1)), 1);
    const ended = mx.floorDivide(positions, this.#c.ratio); // rows of the past, [L, 1]
    const isPast = mx.less(mx.arange(0, pass.indexKeys.dim(1)), ended); // [L, N]
    const scores = mx.where(
      isPast,
      this.#scores(x, squeezed, pass.indexKeys, start),
      Number.NEGATIVE_INFINITY,
    );
    if (this.#c.isCandidateSource && this.#c.candidate_topk_blocks > 0) {
      pass.candidates = this.#candidates(scores, ended);
      pass.chosen = this.#best(scores, ended);
      return;
    }
    const { candidates } = pass;
    const eligible = candidates && mx.where(candidates, scores, Number.NEGATIVE_INFINITY);
    pass.chosen = this.#best(eligible ?? scores, ended);
  }

  #keys({ latent, first }: NewRows): MxArray {
    const keys = this.k_proj?.forward(latent) ?? latent; // [B, n, index_head_dim]
    return fakeMxfp4(turnRows(this.k_norm?.forward(keys) ?? keys, first, this.#c));
  }

  /** How well each row's key matches a position, `[B, L, N]`, float32. */
  #scores(x: MxArray, squeezed: MxArray, keys: MxArray, start: number): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { index_n_heads: H, index_head_dim: D, rope } = this.#c;
    const turned = rope.forward(splitHeads(this.q_b_proj.forward(squeezed), B, L, H), start);
    const q = fakeMxfp4(turned).astype(mx.float32); // [B, H, L, D]
    const k = mx.expandDims(keys.astype(mx.float32), 1); // [B, 1, N, D]
    const matches = mx.maximum(mx.matmul(q, mx.swapaxes(k, -1, -2)), 0).multiply(D ** -0.5); // [B, H, L, N]
    const weights = this.weights_proj
      .forward(x)
      .astype(mx.float32)
      .multiply(H ** -0.5); // [B, L, H]
    return mx.sum(mx.multiply(matches, mx.expandDims(mx.swapaxes(weights, -1, -2), -1)), 1);
  }

  /** The rows with the highest scores, `[B, L, k]`; -1 for those that have not ended. */
  #best(scores: MxArray, ended: MxArray): MxArray {
    const k = Math.min(this.#c.index_topk, scores.dim(-1));
    const best = mx.index(mx.argpartition(mx.negative(scores), k - 1), "...", [0, k]).astype(mx.int32);
    return mx.where(mx.less(best, ended), best, -1);
  }

  /** The rows in the blocks with the highest scores, the newest of which always stays: it may be partly full. */
  #candidates(scores: MxArray, ended: MxArray): MxArray {
    const { candidate_block_size: size, candidate_topk_blocks } = this.#c;
    const N = scores.dim(-1);
    const missing = Math.ceil(N / size) * size - N;
    const padded = mx.pad(scores, [2], [0], [missing], Number.NEGATIVE_INFINITY);
    const best = mx.max(mx.unflatten(padded, -1, [-1, size]), -1); // [B, L, blocks]
    const blocks = mx.arange(0, best.dim(-1));
    const newest = mx.where(mx.greater(ended, 0), mx.floorDivide(ended.subtract(1), size), -1); // [L, 1]
    const preferred = mx.where(mx.equal(blocks, newest), Number.POSITIVE_INFINITY, best);
    const k = Math.min(candidate_topk_blocks, best.dim(-1));
    const chosen = mx.index(mx.argpartition(mx.negative(preferred), k - 1), "...", [0, k]);
    const isReachable = mx.greater(mx.takeAlongAxis(preferred, chosen, -1), Number.NEGATIVE_INFINITY);
    const isKept = mx.putAlongAxis(mx.zeros(best.shape, mx.bool_), chosen, isReachable, -1);
    return mx.index(mx.repeat(isKept, size, -1), "...", [0, N]);
  }
}
