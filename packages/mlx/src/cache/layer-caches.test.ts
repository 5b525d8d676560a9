import { describe, expect, it } from "vitest";
import { whileReading } from "../blocks/prompt-length.ts";
import { arange, array, float32, type MxArray } from "../core/index.ts";
import { ArraysCache, CacheList, ChunkedKVCache, KVCache, noCache } from "./index.ts";

const positions = (start: number, L: number): MxArray =>
  arange(start, start + L, 1, float32).reshape(1, 1, L, 1);

describe("KVCache", () => {
  it("takes room for a whole prompt and what follows it at once, while one is read", () => {
    const cache = new KVCache();
    const sizes = [16, 900, 84, 1].map((L, i) => {
      const add = (): number => {
        cache.updateAndFetch(positions(cache.offset, L), positions(cache.offset, L));
        return cache.nbytes;
      };
      return i < 3 ? whileReading(1000, add) : add();
    });
    const room = 1024 * 8; // bytes of keys and values
    expect(sizes).toEqual([room, room, room, room]);
  });
});

describe("ChunkedKVCache", () => {
  it("gives each position the positions of its own chunk, across drops", () => {
    const cache = new ChunkedKVCache(8);
    let position = 0;
    for (const L of [3, 300, 1, 1, 7, 400, 1, 20, 1]) {
      const mask = (cache.makeMask(L) as MxArray).toArray() as number[][];
      const [keys] = cache.updateAndFetch(positions(position, L), positions(position, L));
      const kept = keys.reshape(-1).toArray() as number[];
      mask.forEach((row, i) => {
        const query = position + i;
        const seen = kept.filter((_, j) => row[j] === 1);
        const chunkStart = query - (query % 8);
        expect(seen).toEqual(Array.from({ length: query - chunkStart + 1 }, (_, j) => chunkStart + j));
      });
      position += L;
      expect(cache.offset).toBe(position);
    }
    expect(cache.nbytes).toBeLessThan(position * 8);
  });

  it("takes positions back until some were dropped", () => {
    const cache = new ChunkedKVCache(8);
    cache.updateAndFetch(positions(0, 264), positions(0, 264));
    expect(cache.trim(4)).toBe(4);
    cache.updateAndFetch(positions(260, 4), positions(260, 4));
    cache.updateAndFetch(positions(264, 1), positions(264, 1));
    expect([cache.isTrimmable(), cache.trim(1), cache.offset]).toEqual([false, 0, 265]);
  });
});

describe("ArraysCache", () => {
  it("hands arrays on and cannot be trimmed", () => {
    const cache = new ArraysCache(2);
    expect([cache.get(0), cache.makeMask(3), cache.nbytes]).toEqual([undefined, undefined, 0]);
    cache.set(1, array([1, 2], float32));
    cache.advance(5);
    expect([cache.get(1)?.toArray(), cache.offset, cache.nbytes]).toEqual([[1, 2], 5, 8]);
    expect([cache.isTrimmable(), cache.trim(2), cache.offset]).toEqual([false, 0, 5]);
  });

  it("masks padding on both sides as positions pass", () => {
    const cache = new ArraysCache(1, {
      leftPadding: [0, 3],
      lengths: [3, 9],
    });
    expect(cache.makeMask(4)?.toArray()).toEqual([
      [1, 1, 1, 0],
      [0, 0, 0, 1],
    ]);
    cache.advance(2);
    expect(cache.lengths?.toArray()).toEqual([1, 7]);
    expect(cache.makeMask(2)?.toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe("CacheList", () => {
  it("trims only when every part can", () => {
    const keys = new KVCache();
    keys.updateAndFetch(positions(0, 4), positions(0, 4));
    const attention = new CacheList(keys, new KVCache());
    expect([attention.offset, attention.isTrimmable()]).toEqual([4, true]);
    const mixed = new CacheList(new ArraysCache(1), keys);
    expect([mixed.isTrimmable(), mixed.trim(2), keys.offset]).toEqual([false, 0, 4]);
    expect(mixed.nbytes).toBe(keys.nbytes);
  });
});

it("refuses to be asked for what a cache does not keep", () => {
  expect(() => new KVCache().arrays).toThrow(/recurrent layer/);
  expect(() => new KVCache().part(0)).toThrow(/several parts/);
  expect(() => new ArraysCache(1).updateAndFetch(positions(0, 1), positions(0, 1))).toThrow(
    /attention layer/,
  );
  expect(() => new CacheList(new KVCache()).part(1)).toThrow(/only its parts/);
  expect(noCache.part(3)).toBe(noCache);
});

describe("a batch of recurrent layers", () => {
  const filled = (value: number): ArraysCache => {
    const cache = new ArraysCache(1);
    cache.set(0, array([[value, value]], float32));
    cache.advance(3);
    return cache;
  };

  it("joins, picks and gives back rows", () => {
    const batch = filled(1).toBatch();
    batch.extend(filled(2).toBatch());
    batch.extend(new ArraysCache(1).toBatch([4]));
    expect(batch.arrays.get(0)?.toArray()).toEqual([
      [1, 1],
      [2, 2],
      [0, 0],
    ]);
    expect(batch.arrays.makeMask(5)?.toArray()).toEqual([
      [1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1],
      [0, 0, 0, 0, 1],
    ]);
    batch.filter([2, 1]);
    expect(batch.extract(1).arrays.get(0)?.toArray()).toEqual([[2, 2]]);
    expect(() => batch.filter([2])).toThrow(/rows below 2/);
  });

  it("goes through the parts of a layer, where all of them can", () => {
    const batch = new CacheList(filled(1), new KVCache()).toBatch([0]);
    batch?.extend(new CacheList(filled(2), new KVCache()).toBatch([0]) ?? filled(0));
    expect(batch?.part(0).arrays.get(0)?.shape).toEqual([2, 2]);
    expect(new CacheList(new ChunkedKVCache(8)).toBatch([0])).toBeUndefined();
  });
});
