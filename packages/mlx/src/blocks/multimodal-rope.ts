import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { RoPE, type RoPEOptions, turnPairs } from "../nn/index.ts";

/** Frame, row and column: what a token's three positions count. */
const AXES = 3;

/**
 * Which of a token's positions turns each pair of features: runs of `sections` pairs, or all three taking turns until a
 * section is used up, the rest by frame.
 */
export const sectionAxes = (sections: readonly number[], pairs: number, interleaved: boolean): number[] => {
  if (!interleaved) return sections.flatMap((length, axis) => Array<number>(length).fill(axis));
  return Array.from({ length: pairs }, (_, i) => (i < (sections[i % AXES] ?? 0) * AXES ? i % AXES : 0));
};

/** Rotary embedding of tokens with three positions each; with one position for all three it is the plain one. */
export class MultimodalRoPE extends RoPE {
  readonly #axes: readonly number[];

  /** @param axes - per pair of features, the position that turns it */
  constructor(dims: number, { axes, ...options }: Omit<RoPEOptions, "freqs"> & { axes: readonly number[] }) {
    super(dims, options);
    this.#axes = axes;
  }

  override forward(x: MxArray, offset: number | MxArray): MxArray {
    if (typeof offset === "number" || offset.ndim < AXES) return super.forward(x, offset);
    const { dims, traditional, base = 10000 } = this;
    const inverse = mx.divide(
      1,
      mx.power(mx.full([1], base, mx.float32), mx.arange(0, dims, 2, mx.float32).divide(dims)),
    );
    const chosen = mx.take(offset, mx.array([...this.#axes], mx.int32), 0); // [dims / 2, B, L]
    const positions = mx.expandDims(mx.transpose(chosen, [1, 2, 0]), 1).astype(mx.float32); // [B, 1, L, dims / 2]
    return turnPairs(x, dims, traditional, positions.multiply(inverse));
  }
}
