import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KVCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { activeMemory } from "../active-memory.ts";
import { elements, random, withStock } from "./kernel-inputs.ts";

/** Runs `fn` on buffers that it alone owns. */
const append = (shape: number[], update: mx.MxArray, start: number): mx.MxArray[] => {
  const buffer = (seed: number) => random(shape, seed);
  return mx.fast.appendToCache(buffer(1), buffer(2), update, update.multiply(2), start);
};

/** Where Node reads it, an emulator says 0. */
const residentBytes = (): number =>
  1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

describe("appending to a cache", () => {
  it.each([
    [[1, 1, 1, 1], 1, 0],
    [[2, 3, 9, 8], 4, 0],
    [[2, 3, 9, 8], 4, 5],
    [[1, 1, 9, 8], 3, 2],
    [[1, 3, 300, 64], 1, 200],
  ])("writes into %j as libmlx does, %d positions from %d", (shape, L, start) => {
    const update = random([shape[0] ?? 1, shape[1] ?? 1, L, shape[3] ?? 1], 3);
    const results = () => append(shape, update, start).map(elements);
    expect(results()).toEqual(withStock(results));
  });

  it("keeps keys alone where values have no features", () => {
    const [keys, values] = [random([2, 3, 9, 8], 1), mx.zeros([2, 3, 9, 0])];
    const update = random([2, 3, 4, 8], 2);
    const results = () =>
      mx.fast.appendToCache(keys, values, update, mx.zeros([2, 3, 4, 0]), 5).map((array) => ({
        shape: array.shape,
        elements: elements(array),
      }));
    expect(results()).toEqual(withStock(results));
    expect(results().map(({ shape }) => shape)).toEqual([
      [2, 3, 9, 8],
      [2, 3, 9, 0],
      [2, 3, 9, 8],
      [2, 3, 9, 0],
    ]);
  });

  it("takes updates of any strides and dtypes", () => {
    const heads = mx.transpose(random([2, 4, 3, 8], 3), [0, 2, 1, 3]); // [2, 3, 4, 8]
    const strided = mx.slice(random([2, 3, 4, 16], 4), [0, 0, 0, 0], [2, 3, 4, 16], [1, 1, 1, 2]);
    for (const update of [heads, strided]) {
      const results = () => append([2, 3, 9, 8], update, 2).map(elements);
      expect(results()).toEqual(withStock(results));
    }
    const half = (a: mx.MxArray) => a.astype(mx.float16);
    const [keys] = mx.fast.appendToCache(
      half(random([1, 1, 4, 2])),
      half(random([1, 1, 4, 2])),
      half(random([1, 1, 1, 2], 5)),
      half(random([1, 1, 1, 2], 6)),
      3,
    );
    expect(keys?.dtype).toBe(mx.float16);
    expect(elements(keys as mx.MxArray).slice(6)).toEqual(elements(half(random([1, 1, 1, 2], 5))));
  });

  it.each([
    [[1, 1, 1, 1], 0, 1],
    [[2, 3, 9, 8], 5, 7],
    [[2, 3, 9, 8], 9, 9],
    [[2, 3, 0, 8], 0, 256],
    [[2, 2, 9, 0], 4, 12],
    [[1, 3, 700, 64], 650, 16_400], // huge pages, and some more
  ])("extends %j as libmlx does, %d positions to room for %d", (shape, used, capacity) => {
    for (const dtype of [mx.float32, mx.float16]) {
      const extended = () => mx.fast.extendCache(random(shape, 1).astype(dtype), used, capacity);
      expect([extended().shape, extended().dtype]).toEqual([shape.with(2, capacity), dtype]);
      const isSame = mx.arrayEqual(extended(), withStock(extended));
      expect(isSame.item()).toBe(1);
    }
  });

  it.each([
    [[2, 3, 9], 1, 4],
    [[1, 1, 4, 2], 5, 8],
    [[1, 1, 4, 2], -1, 8],
    [[1, 1, 4, 2], 3, 2],
  ])("never extends %j with %d positions to %d", (shape, used, capacity) => {
    expect(() => mx.fast.extendCache(random(shape, 1), used, capacity)).toThrow(/room for no fewer/);
  });

  it("counts the memory of large buffers, and gives it back", () => {
    const before = activeMemory();
    const large = mx.fast.extendCache(random([1, 1, 4, 64], 1), 4, 40_000);
    mx.evaluate(large);
    expect(activeMemory() - before).toBeGreaterThanOrEqual(large.nbytes);
    large.dispose();
    expect(activeMemory() - before).toBeLessThan(1 << 20);
  });

  it.runIf(process.platform === "linux")(
    "gives the pages of buffers back though others share their regions",
    () => {
      const MiB = 2 ** 20;
      const shape = [2, 3, 520, 64];
      const made = () => {
        const buffer = mx.tidy(() => mx.fast.extendCache(mx.ones([2, 3, 519, 64], mx.float16), 519, 520));
        mx.evaluate(buffer);
        return buffer;
      };
      const before = residentBytes();
      const buffers = Array.from({ length: 400 }, made); // 400 KB each
      mx.clearCache();
      const full = residentBytes();
      expect(full - before).toBeGreaterThan(120 * MiB);
      for (const [i, buffer] of buffers.entries()) if (i % 4 !== 0) buffer.dispose();
      mx.synchronize();
      mx.clearCache();
      expect(full - residentBytes()).toBeGreaterThan(70 * MiB); // some are kept
      for (const [i, buffer] of buffers.entries()) {
        if (i % 4 !== 0) continue;
        expect(buffer.shape).toEqual(shape);
        buffer.dispose();
      }
    },
  );

  it.runIf(process.platform === "linux")("keeps pages of freed buffers for those that come next", () => {
    const MiB = 2 ** 20;
    const used = mx.ones([2, 3, 519, 64], mx.float16);
    mx.evaluate(used);
    const growth = [0, 1, 2].map(() => {
      const before = residentBytes();
      const buffers = Array.from({ length: 60 }, () => mx.fast.extendCache(used, 519, 520)); // 23 MB
      mx.evaluate(buffers);
      const after = residentBytes();
      for (const buffer of buffers) buffer.dispose();
      mx.synchronize();
      return after - before;
    });
    used.dispose();
    // once they are there
    expect(growth[1]).toBeLessThan(4 * MiB);
    expect(growth[2]).toBeLessThan(4 * MiB);
  });

  it("keeps buffers apart that share pages, and gives their memory back", () => {
    const before = activeMemory();
    const shape = [2, 3, 520, 64]; // 400 KB in float16, with room for 100 positions more
    const extended = (seed: number) =>
      mx.tidy(() => {
        const used = random([2, 3, 420, 64], seed).astype(mx.float16);
        const buffer = mx.fast.extendCache(used, 420, 520);
        mx.evaluate(buffer);
        return buffer;
      });
    const buffers = Array.from({ length: 90 }, (_, i) => extended(i)); // more than one region holds
    expect(activeMemory() - before).toBeGreaterThanOrEqual(
      buffers.reduce((sum, { nbytes }) => sum + nbytes, 0),
    );
    for (const buffer of buffers.splice(0, 45)) buffer.dispose();
    buffers.push(...Array.from({ length: 10 }, (_, i) => extended(90 + i)));
    for (const [i, buffer] of buffers.entries()) {
      expect(buffer.shape).toEqual(shape);
      const isSame = mx.tidy(() =>
        mx
          .arrayEqual(
            buffer,
            withStock(() => extended(45 + i)),
          )
          .item(),
      );
      expect(isSame).toBe(1);
      buffer.dispose();
    }
    expect(activeMemory() - before).toBeLessThan(1 << 20);
  });

  it("keeps what earlier results hold while steps overlap", () => {
    const cache = new KVCache();
    const steps = Array.from({ length: 300 }, (_, i) => random([1, 2, 1 + (i % 3), 4], i));
    const sums: number[] = [];
    const views: mx.MxArray[] = [];
    for (const step of steps) {
      const [keys] = cache.updateAndFetch(step, step.multiply(3));
      const sum = mx.sum(keys);
      mx.asyncEvaluate(sum); // not waited for
      views.push(keys, sum);
    }
    for (let i = 0; i < steps.length; i++) sums.push((views[2 * i + 1] as mx.MxArray).item() as number);
    const all = elements(mx.concatenate(steps, 2));
    expect(elements(views.at(-2) as mx.MxArray)).toEqual(all);
    steps.forEach((_, i) => {
      const expected = elements(mx.concatenate(steps.slice(0, i + 1), 2)).reduce((a, b) => a + b, 0);
      if (i % 50 === 0) expect(sums[i]).toBeCloseTo(expected, 3);
    });
    cache.dispose();
  });

  it("leaves earlier results alone when trimmed positions are written again", () => {
    const cache = new KVCache();
    const [first, second] = [random([1, 1, 5, 4], 1), random([1, 1, 2, 4], 2)];
    const [before] = cache.updateAndFetch(first, first);
    cache.trim(2);
    const [after] = cache.updateAndFetch(second, second); // before is not evaluated yet
    expect(elements(after)).toEqual([...elements(first).slice(0, 12), ...elements(second)]);
    expect(elements(before)).toEqual(elements(first));
    cache.dispose();
  });

  it("rejects updates that do not fit", () => {
    const buffer = random([1, 2, 4, 8]);
    for (const [shape, start] of [
      [[1, 2, 2, 8], 3],
      [[1, 2, 2, 8], -1],
      [[1, 3, 1, 8], 0],
      [[1, 2, 1, 4], 0],
    ] as const) {
      expect(() => mx.fast.appendToCache(buffer, buffer, random(shape), random(shape), start)).toThrow(
        /do not fit/,
      );
    }
  });
});
