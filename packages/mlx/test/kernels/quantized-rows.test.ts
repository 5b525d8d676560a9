/** Rows of quantized caches: what they hold, and attention that reads them. */
import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { type AttentionProblem, attend, biasesOf } from "./attention-problem.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const formats = [2, 4, 8].flatMap((bits) =>
  [32, 64, 128].flatMap((group) => [mx.float32, mx.float16].map((scales) => ({ bits, group, scales }))),
);
type Format = (typeof formats)[number];

const title = ({ bits, group, scales }: Format): string => `${bits} bits, groups of ${group}, ${scales.name}`;
const titled = formats.map((format) => [title(format), format] as const);

/** Rows with a wide range, one of equal numbers and one of zeros. */
const varied = (shape: readonly number[], seed: number): mx.MxArray => {
  const x = random(shape, seed);
  const kind = mx.expandDims(mx.remainder(mx.arange(0, shape.at(-2) ?? 1), 5), -1);
  const wide = mx.power(x, 3).multiply(50);
  return mx.where(
    mx.equal(kind, 1),
    0,
    mx.where(mx.equal(kind, 2), 0.7, mx.where(mx.equal(kind, 3), wide, x)),
  );
};

const rowsOf = (x: mx.MxArray, { bits, group, scales }: Format): mx.MxArray =>
  mx.fast.quantizeRows(x, group, bits, scales);

const numbersOf = (rows: mx.MxArray, { bits, group, scales }: Format, dtype = mx.float32): mx.MxArray =>
  mx.fast.dequantizeRows(rows, group, bits, scales, dtype);

describe("quantized rows", () => {
  it.each(titled)("hold the very bits that libmlx quantizes to: %s", (_, format) => {
    const shape = [2, 3, 11, format.group * 2];
    const make = () => elements(rowsOf(varied(shape, 1), format));
    const stock = withStock(make);
    atEveryLevel((level) => expect(make(), level).toEqual(stock));
  });

  it.each(titled)("stand for what libmlx dequantizes: %s", (_, format) => {
    const rows = rowsOf(varied([7, format.group * 3], 2), format);
    mx.evaluate(rows);
    const make = () => elements(numbersOf(rows, format));
    const stock = withStock(make);
    atEveryLevel((level) => expect(relativeError(make(), stock), level).toBeLessThan(5e-7));
  });

  it("round 16-bit numbers as they are, and take views", () => {
    const format = { bits: 4, group: 32, scales: mx.float16 };
    const x = mx.transpose(varied([3, 5, 64], 3), [1, 0, 2]);
    for (const input of [x, x.astype(mx.float16)]) {
      const make = () => elements(rowsOf(input, format));
      expect(make()).toEqual(withStock(make));
    }
    const rows = mx.slice(rowsOf(x, format), [0, 1, 0], [5, 3, 10]);
    const make = () => elements(numbersOf(rows, format));
    expect(relativeError(make(), withStock(make))).toBeLessThan(5e-7);
  });

  it("are those of bfloat16 where a model computes in it", () => {
    const format = { bits: 8, group: 64, scales: mx.bfloat16 };
    const x = varied([4, 64], 4).astype(mx.bfloat16);
    const restored = numbersOf(rowsOf(x, format), format, mx.bfloat16);
    expect(restored.dtype).toBe(mx.bfloat16);
    expect(relativeError(elements(restored.astype(mx.float32)), elements(x.astype(mx.float32)))).toBeLessThan(
      1e-2,
    );
  });

  it("refuse groups that do not divide, other bits and rows of other settings", () => {
    expect(() => mx.fast.quantizeRows(random([2, 48]), 32, 4, mx.float16)).toThrow(/divide rows of 48/);
    expect(() => mx.fast.quantizeRows(random([2, 64]), 64, 3, mx.float16)).toThrow(/2, 4 or 8 bits/);
    expect(() => mx.fast.quantizeRows(random([2, 64]), 0, 4, mx.float16)).toThrow(/2, 4 or 8 bits/);
    const rows = mx.fast.quantizeRows(random([2, 64]), 64, 4, mx.float16);
    expect(() => mx.fast.dequantizeRows(rows, 64, 8, mx.float16, mx.float32)).toThrow(/same settings/);
    expect(() => mx.fast.dequantizeRows(random([2, 9]), 64, 4, mx.float16, mx.float32)).toThrow(/uint32/);
  });
});

const problems: AttentionProblem[] = [
  { H: 3, K: 1, L: 1, S: 1, D: 128 },
  { H: 9, K: 3, L: 1, S: 300, D: 128 },
  { B: 2, H: 14, K: 2, L: 1, S: 131, D: 128, V: 256, mask: "bool" },
  { H: 4, K: 4, L: 1, S: 63, D: 256, V: 128, cap: 5 },
  { H: 6, K: 2, L: 2, S: 77, D: 128, mask: "causal", sinks: true },
  { H: 8, K: 2, L: 33, S: 97, D: 128, mask: "causal" },
  { B: 2, H: 4, K: 1, L: 12, S: 75, D: 128, mask: "additive", sinks: true },
  { H: 4, K: 2, L: 19, S: 65, D: 128, mask: "bool", cap: 3 },
];

describe.each(titled)("attention to rows of %s", (_, format) => {
  it.each(problems.map((p) => [JSON.stringify(p), p] as const))("reads what they stand for: %s", (_, p) => {
    const { B = 1, H, K, L, S, D, V = D } = p;
    /** As caches have them: the used part of longer buffers. */
    const used = (dims: number, seed: number): mx.MxArray => {
      const buffer = rowsOf(varied([B, K, S + 5, dims], seed), format);
      return mx.slice(buffer, [0, 0, 0, 0], [B, K, S, buffer.dim(3)]);
    };
    const q = mx.transpose(random([B, L, H, D], 5).multiply(2), [0, 2, 1, 3]);
    const [keys, values] = [used(D, 6), used(V, 7)];
    mx.evaluate(q, keys, values);
    const biases = biasesOf(p);
    const answer = (): mx.MxArray => {
      const [k, v] = [numbersOf(keys, format), numbersOf(values, format)];
      return attend(p, { q, k, v, ...biases }, D ** -0.5 / 8);
    };
    const stock = withStock(() => elements(answer()));
    atEveryLevel((level) => {
      expect(answer().shape).toEqual([B, H, L, V]);
      expect(relativeError(elements(answer()), stock), level).toBeLessThan(1e-5);
    });
  });
});

describe("attention to quantized rows", () => {
  const format = { bits: 4, group: 32, scales: mx.float16 };

  it("reads them where only one side is quantized, or both differently", () => {
    const q = random([1, 2, 1, 64], 1);
    const x = random([1, 2, 40, 64], 2);
    const [rows, others] = [rowsOf(x, format), rowsOf(x, { ...format, bits: 8 })];
    for (const make of [
      () => [numbersOf(rows, format), x],
      () => [numbersOf(rows, format), numbersOf(others, { ...format, bits: 8 })],
    ]) {
      const answer = (): number[] => {
        const [k = x, v = x] = make();
        return elements(mx.fast.scaledDotProductAttention(q, k, v, 0.125));
      };
      expect(relativeError(answer(), withStock(answer))).toBeLessThan(1e-5);
    }
  });

  it("gives the same once somebody computed what they stand for", () => {
    const q = random([1, 2, 1, 64], 1);
    const k = numbersOf(rowsOf(random([1, 2, 200, 64], 2), format), format);
    const before = elements(mx.fast.scaledDotProductAttention(q, k, k, 0.125));
    mx.evaluate(k);
    const after = elements(mx.fast.scaledDotProductAttention(q, k, k, 0.125));
    expect(relativeError(before, after)).toBeLessThan(3e-6);
  });
});
