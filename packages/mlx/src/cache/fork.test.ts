import { describe, expect, it } from "vitest";
import { cacheKinds } from "../../test/cache-kinds.ts";
import { appendCounted as append, filled } from "../../test/counted-cache.ts";
import * as mx from "../core/index.ts";
import { ArraysCache, CacheList, ChunkedKVCache, KVCache, RotatingKVCache } from "./index.ts";

describe.each(Object.entries(cacheKinds))("a fork of %s", (_, make) => {
  // before the fork: one stretch, and single positions behind it as a decode step writes them
  describe.each([[3], [3, 1, 1], [9, 1, 1, 1], [300], [300, 1, 1]])("that holds %j", (...lengths) => {
    const fill = () => filled(make, lengths);

    it.each([[[1, 1, 1]], [[4, 1]], [[1, 5, 1, 1]]])(
      "goes on as its origin does, whichever of them is first: %j",
      (steps) => {
        const alone = fill();
        const expected = (start: number) => {
          const { cache, end } = fill();
          return steps.map((L, i) => append(cache, start + end + i * 10, L));
        };
        const { cache, end } = alone;
        const forks = [cache.fork?.(), cache.fork?.()];
        const all = [forks[0], cache, forks[1], forks[1]?.fork?.()];
        const given = all.map((_each, i) => expected(1000 * i));
        // step by step in turn, so that each writes while the others hold what it may share
        const seen = all.map((): unknown[] => []);
        for (const [step, L] of steps.entries()) {
          for (const [i, each] of all.entries()) {
            if (each === undefined) throw new Error("no fork");
            seen[i]?.push(append(each, 1000 * i + end + step * 10, L));
          }
        }
        expect(seen).toEqual(given);
      },
    );
  });
});

describe("a fork", () => {
  it("sees nothing that its origin writes in place, nor the other way round", () => {
    const origin = new KVCache();
    append(origin, 0, 5);
    const fork = origin.fork();
    fork.trim(2);
    expect(append(fork, 100, 1)).toEqual([
      [0, 1, 2, 100],
      [0.5, 1.5, 2.5, 100.5],
    ]);
    expect(append(origin, 5, 1)).toEqual([
      [0, 1, 2, 3, 4, 5],
      [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
    ]);
    expect(append(fork.fork(), 200, 2)).toEqual([
      [0, 1, 2, 100, 200, 201],
      [0.5, 1.5, 2.5, 100.5, 200.5, 201.5],
    ]);
  });

  it("outlives its origin", () => {
    const origin = new CacheList(new KVCache(), new ArraysCache(1));
    append(origin.part(0), 0, 3);
    origin.part(1).arrays.set(0, mx.array([7], mx.float32));
    const fork = origin.fork();
    origin.dispose();
    expect(fork?.part(0).offset).toBe(3);
    expect(fork?.part(1).arrays.get(0)?.toArray()).toEqual([7]);
  });

  it("begins right behind what it holds", () => {
    const origin = new KVCache();
    append(origin, 0, 3);
    origin.shift(-2);
    expect([origin.offset, origin.fork().offset]).toEqual([1, 3]);
  });

  it("is undefined for a list with a part that has none", () => {
    const part = new KVCache();
    Object.assign(part, { fork: undefined });
    expect(new CacheList(new KVCache(), part).fork()).toBeUndefined();
  });
});

describe("what can be trimmed later on", () => {
  it.each([
    ["keys and values", new KVCache(), true, true],
    ["a window with room", new RotatingKVCache(10), true, false],
    ["chunks with room", new ChunkedKVCache(4), true, false],
    ["arrays", new ArraysCache(1), false, false],
  ])("is known of %s", (_, cache, soon, ever) => {
    if (!(cache instanceof ArraysCache)) append(cache, 0, 3);
    expect([cache.isTrimmable(6), cache.isTrimmable(Number.POSITIVE_INFINITY)]).toEqual([soon, ever]);
  });
});
