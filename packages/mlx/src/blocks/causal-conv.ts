import type { LayerArrays } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Conv1d, DerivedArray } from "../nn/index.ts";
import type { Mask } from "./mask.ts";

/** The positions that a recurrent layer counts: it sees the past alone by itself. */
const counted = (mask: Mask): MxArray | undefined => (mask === "causal" ? undefined : mask);

/** Whether no position is padding. */
export const countsAll = (mask: Mask): boolean => counted(mask) === undefined;

/** `x [B, L, ...]`, zero at positions that do not count. */
export const hidePadding = (x: MxArray, mask: Mask): MxArray => {
  const rows = counted(mask);
  if (rows === undefined) return x;
  return mx.where(mx.reshape(rows, [...rows.shape, ...x.shape.slice(2).map(() => 1)]), x, 0);
};

/**
 * New inputs behind the `past` ones before them, zero where padding hides them: `[B, past + L, C]`. Goes on where
 * `arrays` says the last call ended, and leaves there in `slot` what the next one needs.
 *
 * @param x - `[B, L, C]`
 */
const withPast = (x: MxArray, past: number, mask: Mask, arrays: LayerArrays, slot: number): MxArray => {
  const [B = 1, , C = 1] = x.shape;
  const before = arrays.get(slot) ?? mx.zeros([B, past, C], x.dtype);
  const inputs = mx.concatenate([before, hidePadding(x, mask)], 1); // [B, past + L, C]
  arrays.set(slot, lastInputs(inputs, past, arrays.lengths));
  return inputs;
};

/** The input before each position, `[B, L, C]`, zero before the first. */
export const previousInputs = (x: MxArray, mask: Mask, arrays: LayerArrays, slot: number): MxArray =>
  mx.index(withPast(x, 1, mask, arrays, slot), [], [0, x.dim(1)]);

/** The `past` inputs before each row's end, `[B, past, C]`. */
const lastInputs = (inputs: MxArray, past: number, lengths: MxArray | undefined): MxArray => {
  const L = inputs.dim(1) - past;
  if (lengths === undefined) return mx.contiguous(mx.index(inputs, [], [L, L + past]));
  const ends = mx.expandDims(mx.clip(lengths, 0, L), 1); // [B, 1]
  const positions = mx.add(ends, mx.arange(0, past)); // [B, past]
  return mx.takeAlongAxis(inputs, mx.expandDims(positions, -1), 1);
};

/** A short convolution per channel over a position and those before it. Parameters: `weight [C, W, 1]`, `bias [C]`. */
export class CausalConv1d extends Conv1d {
  /** Inputs before a position that take part in it. */
  readonly past: number;
  readonly #taps = new DerivedArray((weight) => mx.contiguous(mx.transpose(mx.squeeze(weight, -1))));

  constructor(channels: number, kernelSize: number, bias: boolean) {
    super(channels, channels, kernelSize, { groups: channels, bias });
    this.past = kernelSize - 1;
  }

  /** The weight as `[W, C]`. */
  get taps(): MxArray {
    return this.#taps.of(this.weight);
  }

  /** `[B, L, C] -> [B, L, C]`, going on where the inputs in `slot` end. */
  continue(x: MxArray, mask: Mask, arrays: LayerArrays, slot = 0): MxArray {
    const y = this.#continueAtOnce(x, mask, arrays, slot);
    if (y !== undefined) return this.bias === undefined ? y : y.add(this.bias);
    return this.forward(withPast(x, this.past, mask, arrays, slot));
  }

  /** As one operation, where there is one and all positions count. */
  #continueAtOnce(x: MxArray, mask: Mask, arrays: LayerArrays, slot: number): MxArray | undefined {
    const isPlain = this.past > 0 && countsAll(mask) && arrays.lengths === undefined;
    if (!isPlain || mx.defaultDevice() !== "cpu") return undefined;
    const past = arrays.get(slot) ?? mx.zeros([x.dim(0), this.past, x.dim(2)], x.dtype);
    const made = mx.shortConv(x, this.taps, past);
    if (made !== undefined) arrays.set(slot, made.past);
    return made?.y;
  }
}
