/** Matrices that products read in another order than everybody else. */
import { describe, expect, it } from "vitest";
import { withRoundedActivations } from "../../src/core/cpu.ts";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import { availableLevels } from "./kernel-controls.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Matrix {
  weight: mx.MxArray;
  scales: mx.MxArray;
  biases: mx.MxArray;
  bits: number;
  groupSize: number;
}

const matrix = (N: number, K: number, bits: number, groupSize: number, dtype = mx.float16): Matrix => {
  const dense = random([N, K], bits + groupSize).multiply(K ** -0.5);
  const [weight, scales, biases] = mx.quantize(dense.astype(dtype), groupSize, bits);
  if (weight === undefined || scales === undefined || biases === undefined)
    throw new Error("quantize gave less");
  mx.evaluate(weight, scales, biases);
  return { weight, scales, biases, bits, groupSize };
};

const arraysOf = ({ weight, scales, biases }: Matrix): mx.MxArray[] => [weight, scales, biases];
const bytesOf = (m: Matrix): unknown[] => arraysOf(m).map((a) => a.astype(mx.float32).toTypedArray());

/** Enough beside a matrix that moving pays. */
const filler = (): mx.MxArray => {
  const a = mx.zeros([1 << 20]);
  mx.evaluate(a);
  return a;
};

const product = (x: mx.MxArray, { weight, scales, biases, bits, groupSize }: Matrix): mx.MxArray =>
  mx.quantizedMatmul(x, weight, scales, biases, true, groupSize, bits);

const kinds = [4, 8].flatMap((bits) =>
  [32, 64, 128].flatMap((groupSize) =>
    [mx.float16, mx.bfloat16, mx.float32].map((dtype) => ({ bits, groupSize, dtype, name: dtype.name })),
  ),
);

describe("packed weights", () => {
  it.each(kinds)("are what they were to whoever reads them: $bits bits, $groupSize, $name", (kind) => {
    for (const N of [48, 50, 1]) {
      const m = matrix(N, 384, kind.bits, kind.groupSize, kind.dtype);
      const before = bytesOf(m);
      moveToHugePages([...arraysOf(m), filler()], [m]);
      expect(m.weight.shape).toEqual([N, (384 * kind.bits) / 32]);
      expect(bytesOf(m)).toEqual(before);
    }
  });

  it.each(kinds)("multiply as they did: $bits bits, $groupSize, $name", (kind) => {
    const m = matrix(53, 384, kind.bits, kind.groupSize, kind.dtype);
    for (const M of [1, 2, 3, 7, 8, 13, 40]) {
      const x = random([M, 384], M);
      const { weight, scales, biases, bits, groupSize } = m;
      const wide = withStock(() =>
        mx.dequantize(weight, scales.astype(mx.float32), biases.astype(mx.float32), groupSize, bits),
      );
      const expected = elements(withStock(() => mx.matmul(x, mx.transpose(wide))));
      const moved: Matrix = {
        ...m,
        weight: m.weight.add(0),
        scales: m.scales.add(0),
        biases: m.biases.add(0),
      };
      mx.evaluate(arraysOf(moved));
      moveToHugePages([...arraysOf(moved), filler()], [moved]);
      atEveryLevel((level) => {
        expect(relativeError(elements(product(x, moved)), expected), level).toBeLessThan(2e-6);
        const rounded = withRoundedActivations(() => product(x, moved));
        expect(relativeError(elements(rounded), expected), level).toBeLessThan(1e-4);
      });
    }
  });

  it.each(kinds)("are looked up as they were: $bits bits, $groupSize, $name", (kind) => {
    const m = matrix(49, 384, kind.bits, kind.groupSize, kind.dtype);
    const ids = mx.array([48, 47, 0, 16, 15, 33], mx.int32);
    const rows = (): number[] => {
      const { weight, scales, biases, bits, groupSize } = m;
      return elements(
        mx.fast.quantizedEmbedding(ids, weight, scales, biases, groupSize, bits, "affine", mx.float32),
      );
    };
    const before = rows();
    moveToHugePages([...arraysOf(m), filler()], [m]);
    expect(rows()).toEqual(before);
  });

  it.each(kinds)("of experts multiply as they did: $bits bits, $groupSize, $name", (kind) => {
    const flat = matrix(5 * 32, 256, kind.bits, kind.groupSize, kind.dtype);
    const stacked = (a: mx.MxArray): mx.MxArray => mx.reshape(a, [5, 32, -1]);
    const m = {
      ...flat,
      weight: stacked(flat.weight),
      scales: stacked(flat.scales),
      biases: stacked(flat.biases),
    };
    mx.evaluate(arraysOf(m));
    const { weight, scales, biases, bits, groupSize } = m;
    const wide = mx.dequantize(weight, scales.astype(mx.float32), biases.astype(mx.float32), groupSize, bits);
    const before = bytesOf(m);
    for (const [M, asked] of [
      [1, [[3, 0, 4, 3]]],
      [1, [[2]]],
      [3, [[4], [0], [4]]],
      [
        2,
        [
          [1, 4],
          [0, 1],
        ],
      ],
    ] as const) {
      const x = mx.reshape(random([asked.length, M, 256], M), [asked.length, 1, M, 256]);
      const experts = mx.array(asked.flat(), mx.uint32, [asked.length, asked[0].length]);
      const matrices = mx.swapaxes(mx.take(wide, experts, 0), -1, -2);
      const expected = elements(withStock(() => mx.matmul(x, matrices)));
      const copy = { ...m, weight: weight.add(0), scales: scales.add(0), biases: biases.add(0) };
      mx.evaluate(arraysOf(copy));
      moveToHugePages([...arraysOf(copy), filler()], [copy]);
      const answer = (): mx.MxArray =>
        mx.gatherQmm(
          ...([x, copy.weight, copy.scales, copy.biases, undefined, experts, true, groupSize, bits] as const),
        );
      atEveryLevel((level) => {
        expect(relativeError(elements(answer()), expected), level).toBeLessThan(2e-6);
        expect(relativeError(elements(withRoundedActivations(answer)), expected), level).toBeLessThan(1e-4);
      });
      expect(bytesOf(copy)).toEqual(before);
    }
  });

  it("give a row the same bits in every batch", () => {
    const N = 83; // one tile is not full
    const m = matrix(N, 256, 4, 32);
    moveToHugePages([...arraysOf(m), filler()], [m]);
    // without such kernels nothing is packed, and sums over more than eight rows have another order
    const M = availableLevels.includes("avx2") ? 41 : 8;
    const x = random([M, 256]);
    atEveryLevel((level) => {
      const all = elements(withRoundedActivations(() => product(x, m)));
      for (const row of [0, 3, 6, M - 1]) {
        const one = withRoundedActivations(() => product(mx.index(x, [row, row + 1]), m));
        expect(elements(one), level).toEqual(all.slice(row * N, (row + 1) * N));
      }
    });
  });

  it.each([
    ["an array that is not there", (m: Matrix) => [{ ...m, biases: mx.zeros([2]) }]],
    ["shapes that do not fit", (m: Matrix) => [{ ...m, biases: m.scales, scales: m.weight }]],
    ["a number of bits that does not fit", (m: Matrix) => [{ ...m, bits: 8 }]],
    ["no group at all", (m: Matrix) => [{ ...m, groupSize: 0 }]],
  ])("never read %s", (_, spoil) => {
    const m = matrix(48, 128, 4, 32);
    const before = bytesOf(m);
    try {
      moveToHugePages([...arraysOf(m), filler()], spoil(m));
    } catch (error) {
      expect(String(error)).toMatch(/there is no array/);
    }
    expect(bytesOf(m)).toEqual(before);
  });
});
