import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { concatenate, type MxArray, reshape, split } from "../core/index.ts";
import { Linear, Module, RMSNorm, turnPairs } from "../nn/index.ts";

/** Segments of one length that follow one another. */
export interface Segments {
  readonly count: number;
  /** Patches of each. */
  readonly size: number;
}

/** Attention of patches to those of their segment, by row and column, as Qwen's towers name it. */
export class GridAttention extends Module {
  qkv: Linear;
  proj: Linear;
  declare q_norm?: RMSNorm;
  declare k_norm?: RMSNorm;
  readonly #H: number;

  /** @param headNormEps - of norms of each head of queries and keys; none by default */
  constructor(dims: number, heads: number, bias = true, headNormEps?: number) {
    super();
    this.qkv = new Linear(dims, dims * 3, bias);
    this.proj = new Linear(dims, dims, bias);
    this.#H = heads;
    if (headNormEps === undefined) return;
    this.q_norm = new RMSNorm(dims / heads, headNormEps);
    this.k_norm = new RMSNorm(dims / heads, headNormEps);
  }

  /**
   * @param x - `[N, E]`
   * @param angles - `[N, D / 2]`
   * @param segments - that together have the N patches
   */
  forward(x: MxArray, angles: MxArray, segments: readonly Segments[]): MxArray {
    const ends = segments.map(({ count, size }) => count * size).map((_, i, all) => sum(all.slice(0, i + 1)));
    const fused = split(this.qkv.forward(x), ends.slice(0, -1), 0);
    const turns = split(angles, ends.slice(0, -1), 0);
    const found = segments.map((segment, i) => this.#attend(fused[i] ?? x, turns[i] ?? angles, segment));
    return this.proj.forward(concatenate(found, 0));
  }

  /** `[count * size, 3 E] -> [count * size, E]` */
  #attend(fused: MxArray, angles: MxArray, { count, size }: Segments): MxArray {
    const parts = split(reshape(fused, [count, size, -1]), 3, -1);
    const [q = fused, k = fused, v = fused] = parts.map((part) => splitHeads(part, count, size, this.#H));
    const D = q.dim(-1);
    const byHead = reshape(angles, [count, 1, size, -1]);
    const turn = (heads: MxArray, norm?: RMSNorm) =>
      turnPairs(norm?.forward(heads) ?? heads, D, false, byHead); // [count, H, size, D]
    const out = attention(turn(q, this.q_norm), turn(k, this.k_norm), v, { scale: D ** -0.5 });
    return reshape(mergeHeads(out, count, size), [count * size, -1]);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
