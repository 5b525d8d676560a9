import type { LayerArrays } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Conv1d } from "../nn/index.ts";
import type { Mask } from "./mask.ts";

/** The positions that a recurrent layer counts: it sees the past alone by itself. */
const counted = (mask: Mask): MxArray | undefined => (mask === "causal" ? undefined : mask);

/** `x [B, L, ...]`, zero at positions that do not count. */
export const hidePadding = (x: MxArray, mask: Mask): MxArray => {
  const rows = counted(mask);
  if (rows === undefined) return x;
  return mx.where(mx.reshape(rows, [...rows.shape, ...x.shape.slice(2).map(() => 1)]), x, 0);
};

/** A short convolution per channel over a position and those before it. Parameters: `weight [C, W, 1]`, `bias [C]`. */
export class CausalConv1d extends Conv1d {
  readonly #past: number;

  constructor(channels: number, kernelSize: number, bias: boolean) {
    super(channels, channels, kernelSize, { groups: channels, bias });
    this.#past = kernelSize - 1;
  }

  /**
   * Goes on where `arrays` says the last call ended, and leaves there in `slot` what the next one needs.
   *
   * @param x - `[B, L, C]`
   * @returns `[B, L, C]`
   */
  continue(x: MxArray, mask: Mask, arrays: LayerArrays, slot = 0): MxArray {
    const [B = 1, L = 1, C = 1] = x.shape;
    const before = arrays.get(slot) ?? mx.zeros([B, this.#past, C], x.dtype);
    const inputs = mx.concatenate([before, hidePadding(x, mask)], 1); // [B, W - 1 + L, C]
    arrays.set(slot, this.#lastInputs(inputs, L, arrays.lengths));
    return this.forward(inputs);
  }

  /** The inputs before each row's end, `[B, W - 1, C]`. */
  #lastInputs(inputs: MxArray, L: number, lengths: MxArray | undefined): MxArray {
    if (lengths === undefined) return mx.contiguous(mx.index(inputs, [], [L, L + this.#past]));
    const ends = mx.expandDims(mx.clip(lengths, 0, L), 1); // [B, 1]
    const positions = mx.add(ends, mx.arange(0, this.#past)); // [B, W - 1]
    return mx.takeAlongAxis(inputs, mx.expandDims(positions, -1), 1);
  }
}
