import { describe, expect, it } from "vitest";
import { appendCounted, filled } from "../../test/counted-cache.ts";
import * as mx from "../core/index.ts";
import {
  ArraysCache,
  CacheList,
  CacheTrial,
  ChunkedKVCache,
  KVCache,
  type LayerCache,
  QuantizedKVCache,
  RotatingKVCache,
} from "./index.ts";

/** Appends positions that count from `start`: keys and values to attention, a running sum to arrays. */
const append = (cache: LayerCache, start: number, L: number): unknown => {
  if (cache instanceof CacheList) return [0, 1].map((i) => append(cache.part(i), start, L));
  if (cache instanceof ArraysCache) {
    const sum = cache.get(0)?.item() ?? 0;
    const added = Array.from({ length: L }, (_, i) => start + i).reduce((a, b) => a + b, 0);
    cache.set(0, mx.array([Number(sum) + added], mx.float32));
    cache.advance(L);
    return [Number(sum) + added, cache.offset];
  }
  // a window's order is its own business
  return [appendCounted(cache, start, L).map((all) => all.sort((a, b) => a - b).slice(-5)), cache.offset];
};

const kinds: Record<string, () => LayerCache> = {
  "keys and values": () => new KVCache(),
  "quantized ones": () => new QuantizedKVCache({ bits: 8, groupSize: 32, start: 0 }),
  "a window": () => new RotatingKVCache(6),
  chunks: () => new ChunkedKVCache(4),
  arrays: () => new ArraysCache(1),
  "arrays beside keys and values": () => new CacheList(new ArraysCache(1), new KVCache()),
  "a batch of one": () => new KVCache().toBatch(),
};

/** The cache after an update of `length` positions of which the first `kept` count, and some single ones. */
const tried = (cache: LayerCache, start: number, length: number, kept: number): unknown => {
  const trial = CacheTrial.begin([cache]);
  append(cache, start, length);
  mx.evaluate(cache.state());
  const {
    caches: [own = cache],
    isUndone,
  } = trial?.end(length, length - kept) ?? { caches: [], isUndone: false };
  if (isUndone) append(own, start, kept);
  return [0, 1, 2].map((i) => append(own, start + kept + i, 1));
};

const plain = (cache: LayerCache, start: number, kept: number): unknown => {
  append(cache, start, kept);
  return [0, 1, 2].map((i) => append(cache, start + kept + i, 1));
};

describe.each(Object.entries(kinds))("a trial with %s", (_, make) => {
  it.each([[[3]], [[3, 1, 1]], [[9, 1, 1, 1]], [[300, 1, 1]]])(
    "leaves what only its beginning would have left, behind %j",
    (lengths) => {
      const fill = () => filled(make, lengths, append);
      for (const [length, kept] of [
        [2, 1],
        [5, 1],
        [5, 4],
        [5, 5],
        [8, 3],
      ] as const) {
        const { cache, end } = fill();
        expect(tried(cache, end, length, kept)).toEqual(plain(fill().cache, end, kept));
      }
    },
  );
});

describe("a trial", () => {
  it("cannot be had of caches that neither go back nor can be forked", () => {
    const stubborn = new ArraysCache(1);
    Object.assign(stubborn, { fork: undefined });
    expect(CacheTrial.begin([new KVCache(), stubborn])).toBeUndefined();
    expect(CacheTrial.begin([new KVCache(), new ArraysCache(1)])).toBeDefined();
  });

  it("writes nothing into what was forked before", () => {
    const cache = new KVCache();
    append(cache, 0, 3);
    const fork = cache.fork();
    const trial = CacheTrial.begin([cache]);
    append(cache, 3, 4);
    mx.evaluate(cache.state());
    trial?.end(4, 3);
    append(cache, 100, 1);
    expect(append(fork, 3, 1)).toEqual([
      [
        [0, 1, 2, 3],
        [0.5, 1.5, 2.5, 3.5],
      ],
      4,
    ]);
  });
});
