/** Operations that look through others not computed yet give what they give when each is computed on its own. */
import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { controls } from "./kernel-controls.ts";
import { atEveryLevel, elements, random, relativeError } from "./kernel-inputs.ts";

interface Matrix {
  arrays: [mx.MxArray, mx.MxArray, mx.MxArray];
  bits: number;
  group: number;
}

const matrix = (N: number, K: number, seed: number, { bits = 4, group = 32 } = {}): Matrix => {
  const [w, scales, biases] = mx.quantize(random([N, K], seed), group, bits);
  if (w === undefined || scales === undefined || biases === undefined) throw new Error("quantize gave less");
  return { arrays: [w, scales, biases], bits, group };
};

type Step = (a: mx.MxArray) => mx.MxArray;

/** Leaves the graph as it is, so that operations fuse. */
const pending: Step = (a) => a;

/** Computes each step, so that nothing fuses. */
const computed: Step = (a) => {
  mx.evaluate(a);
  return a;
};

const product = (x: mx.MxArray, { arrays: [w, scales, biases], bits, group }: Matrix): mx.MxArray =>
  mx.quantizedMatmul(x, w, scales, biases, true, group, bits);

const agree = (build: (step: Step) => mx.MxArray): void => {
  const apart = elements(build(computed));
  expect(relativeError(elements(build(pending)), apart)).toBeLessThan(1e-6);
};

const rowCounts = [1, 2, 7, 40];

describe("fused operations", () => {
  it("norm what a product reads", () => {
    atEveryLevel(() => {
      const [weight, w] = [random([128], 3), matrix(50, 128, 4)];
      for (const M of rowCounts) {
        const x = random([M, 128], M);
        agree((step) => product(step(mx.fast.rmsNorm(x, weight, 1e-5)), w));
      }
    });
  });

  it("add to what a product gives: a row, or every element, on either side", () => {
    atEveryLevel(() => {
      const w = matrix(50, 128, 4);
      for (const M of rowCounts) {
        const x = random([M, 128], M);
        for (const added of [random([50], 5), random([M, 50], 6)]) {
          agree((step) => step(product(x, w)).add(added));
          agree((step) => added.add(step(product(x, w))));
        }
      }
    });
  });

  it("keep a product that is used again beside its sum", () => {
    const [x, w, added] = [random([1, 128]), matrix(50, 128, 4), random([1, 50], 6)];
    agree((step) => {
      const y = step(product(x, w));
      return mx.multiply(step(y.add(added)), y);
    });
  });

  it.each(["swiglu", "geglu"] as const)("make one of a gated MLP with %s", (activation) => {
    atEveryLevel(() => {
      const weight = random([128], 3);
      const [gate, up] = [matrix(192, 128, 4), matrix(192, 128, 5, { bits: 6 })];
      const down = matrix(128, 192, 6, { bits: 8, group: 64 });
      for (const M of rowCounts) {
        const x = random([M, 128], M);
        agree((step) => {
          const normed = step(mx.fast.rmsNorm(x, weight, 1e-5));
          const hidden = mx.fast[activation](step(product(normed, gate)), step(product(normed, up)));
          return x.add(step(product(step(hidden), down)));
        });
      }
    });
  });

  it("make one of a gated MLP whose rows go through it block by block", () => {
    const [gate, up, down] = [matrix(1536, 64, 4), matrix(1536, 64, 5), matrix(48, 1536, 6)];
    atEveryLevel(() => {
      for (const M of [80, 81, 300]) {
        const [x, added] = [random([M, 64], M), random([M, 48], 7)];
        agree((step) => {
          const hidden = mx.fast.swiglu(step(product(x, gate)), step(product(x, up)));
          return added.add(step(product(step(hidden), down)));
        });
      }
    });
  });

  it("give up where gate and up read different rows", () => {
    const [gate, up, down] = [matrix(64, 128, 4), matrix(64, 128, 5), matrix(32, 64, 6)];
    const [a, b] = [random([3, 128], 1), random([3, 128], 2)];
    agree((step) => product(step(mx.fast.swiglu(step(product(a, gate)), step(product(b, up)))), down));
  });

  it.each([
    { B: 1, L: 1, rows: false, freqs: false, traditional: false },
    { B: 2, L: 1, rows: true, freqs: false, traditional: true },
    { B: 1, L: 37, rows: true, freqs: true, traditional: false },
    { B: 3, L: 5, rows: false, freqs: true, traditional: false },
  ])("turn queries and keys: %j", ({ B, L, rows, freqs, traditional }) => {
    const [E, H, K, D, offset] = [128, 6, 2, 32, 11];
    atEveryLevel(() => {
      const x = random([B, L, E], 9);
      const matrices = [matrix(H * D, E, 1), matrix(K * D, E, 2), matrix(K * D, E, 3, { bits: 8 })];
      const added = rows ? [random([H * D], 4), random([K * D], 5), random([K * D], 6)] : [];
      const periods = freqs ? mx.abs(random([D / 4], 7)).add(0.5) : undefined;
      const base = freqs ? undefined : 10000;
      const heads = mx.fast.rotatedHeads(
        ...([x, matrices.flatMap((m) => m.arrays), matrices.map((m) => m.bits)] as const),
        ...([matrices.map((m) => m.group), added, H, K] as const),
        ...([D / 2, traditional, base, 1, offset, periods] as const),
      );
      matrices.forEach((m, i) => {
        const row = added[i];
        const plain = computed(product(x, m));
        const sum = row === undefined ? plain : computed(plain.add(row));
        const split = mx.transpose(mx.reshape(sum, [B, L, i === 0 ? H : K, D]), [0, 2, 1, 3]);
        const expected = i === 2 ? split : mx.fast.rope(split, D / 2, traditional, base, 1, offset, periods);
        const actual = heads[i];
        if (actual === undefined) throw new Error("rotatedHeads gave less than three arrays");
        expect(actual.shape).toEqual(expected.shape);
        expect(relativeError(elements(actual), elements(expected))).toBeLessThan(1e-6);
      });
    });
  });

  it("gives the same on one thread and on several", () => {
    const [x, weight] = [random([40, 128]), random([128], 3)];
    const [gate, up, down] = [matrix(512, 128, 4), matrix(512, 128, 5), matrix(128, 512, 6)];
    const answer = (threads: number): number[] => {
      controls.setThreads(threads);
      const normed = mx.fast.rmsNorm(x, weight, 1e-5);
      return elements(product(mx.fast.swiglu(product(normed, gate), product(normed, up)), down));
    };
    try {
      expect(answer(4)).toEqual(answer(1));
    } finally {
      controls.setThreads(0);
    }
  });
});
