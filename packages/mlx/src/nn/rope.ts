import {
  concatenate,
  cos as cosine,
  fast,
  flatten,
  MxArray,
  sin as sine,
  split,
  squeeze,
  stack,
  unflatten,
} from "../core/index.ts";

/** Position embedding of queries and keys. Not a module: it has no parameters. */
export interface PositionEmbedding {
  /**
   * @param x - `[B, H, L, D]`
   * @param offset - position of the first of the L; an array `[B]` gives one per row, `[3, B, L]` frame, row and column of
   *   every token
   */
  forward(x: MxArray, offset: number | MxArray): MxArray;
}

/** Options of `RoPE`. */
export interface RoPEOptions {
  /** Turn pairs of neighbours instead of halves. Default false. */
  traditional?: boolean;
  /** Default 10000. Ignored when `freqs` is given. */
  base?: number;
  /** Multiplies positions. Default 1. */
  scale?: number;
  /** Wavelengths / 2 pi per pair `[dims / 2]`, instead of powers of `base`. */
  freqs?: MxArray;
}

/** Rotary position embedding of the first `dims` features. @see https://arxiv.org/abs/2104.09864 */
export class RoPE implements PositionEmbedding {
  readonly dims: number;
  readonly traditional: boolean;
  /** Undefined with `freqs`. */
  readonly base: number | undefined;
  readonly scale: number;
  readonly freqs: MxArray | undefined;

  constructor(dims: number, { traditional = false, base = 10000, scale = 1, freqs }: RoPEOptions = {}) {
    this.dims = dims;
    this.traditional = traditional;
    this.base = freqs === undefined ? base : undefined;
    this.scale = scale;
    this.freqs = freqs;
  }

  forward(x: MxArray, offset: number | MxArray): MxArray {
    return offset instanceof MxArray
      ? fast.ropeAt(x, this.dims, this.traditional, this.base, this.scale, offset, this.freqs)
      : fast.rope(x, this.dims, this.traditional, this.base, this.scale, offset, this.freqs);
  }
}

/** The first `dims` features of x `[B, H, L, D]`, in pairs of neighbours or of halves, turned by `[B, 1, L, dims / 2]`. */
export const turnPairs = (x: MxArray, dims: number, traditional: boolean, angles: MxArray): MxArray => {
  const [turning = x, rest = x] = split(x, [dims], -1);
  const pairs = unflatten(turning, -1, traditional ? [dims / 2, 2] : [2, dims / 2]);
  const axis = traditional ? -1 : -2;
  const [a = x, b = x] = split(pairs, 2, axis).map((part) => squeeze(part, axis));
  const [cos, sin] = [cosine(angles), sine(angles)];
  const both = [a.multiply(cos).subtract(b.multiply(sin)), a.multiply(sin).add(b.multiply(cos))];
  const done = flatten(stack(both, axis), -2, -1).astype(x.dtype);
  return concatenate([done, rest], -1);
};
