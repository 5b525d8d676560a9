/** Products with the matrices of heads. */
import { describe, expect, it } from "vitest";
import { withRoundedActivations } from "../../src/core/cpu.ts";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const [H, N, K] = [5, 48, 64];

interface Kind {
  bits: number;
  groupSize: number;
  dtype: mx.Dtype;
  isPacked: boolean;
}

const makeStack = ({ bits, groupSize, dtype, isPacked }: Kind) => {
  const dense = random([H, N, K], bits).multiply(K ** -0.5);
  const [weight, scales, biases] = mx.quantize(dense.astype(dtype), groupSize, bits);
  if (weight === undefined || scales === undefined || biases === undefined)
    throw new Error("quantize gave less");
  mx.evaluate(weight, scales, biases);
  const wide = withStock(() =>
    mx.dequantize(weight, scales.astype(mx.float32), biases.astype(mx.float32), groupSize, bits),
  );
  mx.evaluate(wide);
  const stack = { weight, scales, biases, bits, groupSize };
  const filler = mx.zeros([1 << 20]); // enough that moving pays
  mx.evaluate(filler);
  if (isPacked) moveToHugePages([weight, scales, biases, filler], [stack]);
  return { stack, wide };
};

const product = (x: mx.MxArray, { stack }: ReturnType<typeof makeStack>, transpose: boolean): mx.MxArray =>
  mx.quantizedMatmul(
    ...([x, stack.weight, stack.scales, stack.biases, transpose, stack.groupSize, stack.bits] as const),
  );

/** Entries, heads with rows of their own, and rows. */
const SIZES = [
  [1, H, 1],
  [1, 1, 1],
  [2, H, 3],
  [2, 1, 40],
] as const;

const kinds: Kind[] = [2, 4, 6, 8].flatMap((bits) =>
  [mx.float16, mx.float32].flatMap((dtype) =>
    [true, false].map((isPacked) => ({ bits, groupSize: bits === 6 ? 64 : 32, dtype, isPacked })),
  ),
);

describe("stacks of matrices", () => {
  it.each(kinds)("multiply rows of each head: %j", (kind) => {
    const made = makeStack(kind);
    for (const transpose of [true, false]) {
      for (const [B, heads, L] of SIZES) {
        const x = random([B, heads, L, transpose ? K : N], L);
        const matrices = transpose ? mx.swapaxes(made.wide, -1, -2) : made.wide;
        const expected = elements(withStock(() => mx.matmul(x, matrices)));
        atEveryLevel((level) => {
          const y = product(x, made, transpose);
          expect(y.shape, level).toEqual([B, H, L, transpose ? N : K]);
          expect(relativeError(elements(y), expected), level).toBeLessThan(2e-6);
          const rounded = withRoundedActivations(() => product(x, made, transpose));
          expect(relativeError(elements(rounded), expected), level).toBeLessThan(1e-4);
        });
      }
    }
  });

  it("refuse what does not fit", () => {
    const made = makeStack({ bits: 4, groupSize: 32, dtype: mx.float32, isPacked: false });
    expect(() => product(random([1, 2, 3, K]), made, true)).toThrow();
    expect(() => product(random([1, H, 3, K]), made, false)).toThrow();
    expect(() => product(random([1, H, 3, N]), made, true)).toThrow();
  });
});
