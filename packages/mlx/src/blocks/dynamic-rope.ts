import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { isStepwise, turnEach } from "./stepwise.ts";

/** Raises the base once the sequence is longer than the model was trained for. */
export class DynamicNtkRope implements PositionEmbedding {
  readonly #settings: {
    dims: number;
    base: number;
    traditional: boolean;
    factor: number;
    trainedLength: number;
  };

  constructor(settings: {
    dims: number;
    base: number;
    traditional: boolean;
    factor: number;
    trainedLength: number;
  }) {
    this.#settings = settings;
  }

  forward(x: MxArray, offset: number | MxArray): MxArray {
    const { dims, base, traditional, factor, trainedLength } = this.#settings;
    if (typeof offset !== "number") return this.#forwardRows(x, offset);
    if (isStepwise(x)) return turnEach(x, offset, (rows, offsets) => this.#forwardRows(rows, offsets));
    const length = Math.max(x.dim(-2) + offset, trainedLength);
    const grown = base * ((factor * length) / trainedLength - (factor - 1)) ** (dims / (dims - 2));
    return mx.fast.rope(x, dims, traditional, grown, 1, offset);
  }

  /** Rows of different lengths have different bases, which no fused operation takes. */
  #forwardRows(x: MxArray, offset: MxArray): MxArray {
    const { dims, base, traditional, factor, trainedLength } = this.#settings;
    const L = x.dim(-2);
    const first = mx.reshape(offset, [-1, 1, 1, 1]).astype(mx.float32);
    const length = mx.maximum(first.add(L), trainedLength);
    const growth = length.multiply(factor / trainedLength).subtract(factor - 1);
    const grown = mx.power(growth, dims / (dims - 2)).multiply(base); // [B, 1, 1, 1]
    const periods = mx.power(grown, mx.arange(0, dims, 2, mx.float32).divide(dims)); // [B, 1, 1, dims / 2]
    const angles = first.add(mx.expandDims(mx.arange(0, L), 1)).divide(periods); // [B, 1, L, dims / 2]
    return turned(x, dims, traditional, angles);
  }
}

/** The first `dims` features of x `[B, H, L, D]`, in pairs of neighbours or of halves, turned by `[B, 1, L, dims / 2]`. */
const turned = (x: MxArray, dims: number, traditional: boolean, angles: MxArray): MxArray => {
  const [turning = x, rest = x] = mx.split(x, [dims], -1);
  const pairs = mx.unflatten(turning, -1, traditional ? [dims / 2, 2] : [2, dims / 2]);
  const axis = traditional ? -1 : -2;
  const [a = x, b = x] = mx.split(pairs, 2, axis).map((part) => mx.squeeze(part, axis));
  const [cos, sin] = [mx.cos(angles), mx.sin(angles)];
  const both = [a.multiply(cos).subtract(b.multiply(sin)), a.multiply(sin).add(b.multiply(cos))];
  const done = mx.flatten(mx.stack(both, axis), -2, -1).astype(x.dtype);
  return mx.concatenate([done, rest], -1);
};
