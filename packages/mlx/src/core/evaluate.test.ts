import { expect, it } from "vitest";
import * as mx from "./index.ts";

const MIB = 2 ** 20;

it("takes memory for a part of a long graph at a time", () => {
  const weight = mx.ones([4096]);
  const x = mx.ones([4096, 4096]); // 64 MiB
  mx.evaluate(x);
  mx.resetPeakMemory();
  const before = mx.getActiveMemory();
  const last = mx.tidy(() => {
    let h = x;
    for (let i = 0; i < 40; i++) h = mx.fast.rmsNorm(h, weight, 1e-5);
    return h;
  });
  mx.evaluate(last);
  expect(mx.getPeakMemory() - before).toBeLessThan(4 * 64 * MIB);
  expect(mx.max(mx.abs(last.subtract(1))).item()).toBeLessThan(1e-3);
});

it("computes several outputs that share parts, in pieces", () => {
  const x = mx.ones([2048, 16384]); // 128 MiB
  const [sum, difference] = mx.tidy(() => {
    const [low = x, high = x] = mx.split(mx.exp(mx.sqrt(x)), 2, 1);
    return [mx.add(mx.square(low), high), mx.subtract(mx.square(low), high)];
  });
  mx.evaluate([sum, difference]);
  const e = Math.E;
  expect(mx.max(mx.abs(sum.subtract(e * e + e))).item()).toBeLessThan(1e-4);
  expect(mx.max(mx.abs(difference.subtract(e * e - e))).item()).toBeLessThan(1e-4);
});

it("goes on from each step while the next is computed", () => {
  const weight = mx.random.normal([256, 256]).multiply(1 / 16);
  const step = (x: mx.MxArray): mx.MxArray => mx.tidy(() => mx.matmul(x, weight));
  const run = (start: (x: mx.MxArray) => void): number[] => {
    const sums: number[] = [];
    let x = mx.ones([1, 256]);
    for (let i = 0; i < 50; i++) {
      const next = step(x);
      const sum = mx.sum(next);
      start(sum);
      sums.push(sum.item());
      x = next;
    }
    return sums;
  };
  expect(run(mx.asyncEvaluateNext)).toEqual(run(mx.evaluate));
});
