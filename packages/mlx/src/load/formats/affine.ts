/** Integers with a scale and a zero point per group, in MLX's affine layout. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { type Quantization, quantizeMatrix } from "../../nn/index.ts";
import type { ConvertedLayer } from "./weight-format.ts";

/** Groups that MLX has, the largest first. */
const GROUPS = [128, 64, 32] as const;

/** What weights become that MLX's affine layout cannot hold: close to lossless for up to 6 bits. */
const REPACKED: Quantization = { bits: 8, groupSize: 32, mode: "affine" };

/** The group size in MLX of weights that share a scale over `stored` inputs; undefined where none divides it. */
export const affineGroup = (stored: number): number | undefined => GROUPS.find((g) => stored % g === 0);

export interface AffineParts {
  /** uint32 `[N, K * bits / 32]`, the lowest bits first. */
  readonly packed: MxArray;
  /** `[N, G]`. */
  readonly scales: MxArray;
  /** Zero points `[N, G]`, or one for all. */
  readonly zeros: MxArray | number;
  readonly bits: number;
  /** K. */
  readonly inputs: number;
}

/**
 * `scale * (q - zero)` as MLX's `scale * q + bias`. Groups that MLX has not are cut into ones it has, or the layer is
 * repacked to 8 bits.
 */
export const affineLayer = ({ packed, scales, zeros, bits, inputs }: AffineParts): ConvertedLayer => {
  const stored = inputs / scales.dim(1);
  const group = affineGroup(stored);
  const biases = (typeof zeros === "number" ? scales.multiply(-zeros) : zeroBiases(scales, zeros)).astype(
    scales.dtype,
  );
  if (group === undefined) {
    const q = unpackBits(packed, bits).astype(mx.float32); // [N, K]
    const wide = (x: MxArray) => mx.repeat(x.astype(mx.float32), stored, 1);
    return repacked(q.multiply(wide(scales)).add(wide(biases)));
  }
  const cut = (x: MxArray) => (group === stored ? x : mx.repeat(x, stored / group, 1));
  return { weight: packed, scales: cut(scales), biases: cut(biases) };
};

const zeroBiases = (scales: MxArray, zeros: MxArray): MxArray =>
  mx.negative(zeros.astype(mx.float32).multiply(scales.astype(mx.float32)));

/** A dense `[N, K]` in 8 bits, or as it is where its rows do not divide into groups. */
export const repacked = (dense: MxArray): ConvertedLayer =>
  dense.dim(-1) % REPACKED.groupSize === 0 ? quantizeMatrix(dense, REPACKED) : { weight: dense };

/** The integers in uint32 `[R, C]`, each of `bits` bits, the lowest first, also across words: uint32 `[R, C * 32 / bits]`. */
export const unpackBits = (words: MxArray, bits: number): MxArray => {
  const rows = words.dim(0);
  const mask = mx.array(2 ** bits - 1, mx.uint32);
  // as many words as hold whole integers
  const period = 32 % bits === 0 ? 1 : bits;
  const starts = Array.from({ length: (period * 32) / bits }, (_, i) => i * bits);
  const blocks = mx.reshape(words, [rows, -1, period]);
  const at = (indices: number[]) => mx.take(blocks, mx.array(indices, mx.int32), -1);
  const low = mx.rightShift(
    at(starts.map((s) => Math.floor(s / 32))),
    mx.array(
      starts.map((s) => s % 32),
      mx.uint32,
    ),
  );
  if (period === 1) return mx.reshape(mx.bitwiseAnd(low, mask), [rows, -1]);
  const spills = starts.map((s) => (s % 32) + bits > 32);
  const next = at(starts.map((s) => Math.min(Math.floor(s / 32) + 1, period - 1)));
  const shift = mx.array(
    starts.map((s, i) => (spills[i] ? 32 - (s % 32) : 0)),
    mx.uint32,
  );
  const high = mx.where(mx.array(spills), mx.leftShift(next, shift), mx.array(0, mx.uint32));
  return mx.reshape(mx.bitwiseAnd(mx.bitwiseOr(low, high), mask), [rows, -1]);
};

/** Four-bit integers uint32 `[R, K]`, one per element, packed into uint32 `[R, K / 8]`, the lowest bits first. */
export const packNibbles = (values: MxArray): MxArray => {
  const shifts = mx.array([0, 4, 8, 12, 16, 20, 24, 28], mx.uint32);
  const blocks = mx.reshape(values.astype(mx.uint32), [values.dim(0), -1, 8]);
  return mx.sum(mx.leftShift(blocks, shifts), -1).astype(mx.uint32);
};
