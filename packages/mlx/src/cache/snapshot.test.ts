import { describe, expect, it } from "vitest";
import { cacheKinds } from "../../test/cache-kinds.ts";
import * as mx from "../core/index.ts";
import {
  ArraysCache,
  CacheList,
  type CacheSnapshot,
  ChunkedKVCache,
  CrossCache,
  KVCache,
  type LayerCache,
  QuantizedKVCache,
  RotatingKVCache,
  restoreAll,
  snapshotAll,
} from "./index.ts";
import { noCache } from "./no-cache.ts";

const [K, D] = [2, 32];

const floats = (shape: number[], seed: number): mx.MxArray =>
  mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(seed));

/** Appends positions, and gives the bits of what they see. */
const append = (cache: LayerCache, seed: number, L: number): unknown => {
  const [keys, values] = [floats([1, K, L, D], seed), floats([1, K, L, D], seed + 1)];
  return cache
    .updateAndFetch(keys, values)
    .map((x) => [x.shape, Buffer.from(x.toRawBytes()).toString("latin1")]);
};

const kinds: typeof cacheKinds = {
  ...cacheKinds,
  "a large window": () => new RotatingKVCache(700),
  "ones to be quantized later": () => new QuantizedKVCache({ bits: 8, groupSize: 32, start: 8 }),
};

describe.each(Object.entries(kinds))("a snapshot of %s", (_, make) => {
  it.each([[3], [3, 1, 1], [9, 1, 1, 1], [300], [300, 1, 1]])(
    "that holds %j goes on as they do",
    (...lengths) => {
      const cache = make();
      for (const [i, L] of lengths.entries()) append(cache, 10 * i, L);
      const copy = make();
      append(copy, 99, 1);
      const { arrays, ...rest } = cache.snapshot?.() ?? expect.fail("no snapshot");
      copy.restore?.({ ...rest, arrays: arrays.map((array) => array && mx.share(array)) });
      expect(copy.offset).toBe(cache.offset);
      for (const [i, L] of [1, 1, 4, 1, 260, 1].entries()) {
        expect([copy.isTrimmable(), append(copy, 1000 + i, L)]).toEqual([
          cache.isTrimmable(),
          append(cache, 1000 + i, L),
        ]);
      }
    },
  );
});

describe("a snapshot", () => {
  const holding = (cache: LayerCache, L = 1): LayerCache => {
    append(cache, 1, L);
    return cache;
  };
  const snapshot = (arrays: readonly (mx.MxArray | undefined)[], ...counts: number[]): CacheSnapshot => ({
    arrays,
    counts,
    parts: [],
  });

  it("has the arrays and the parts of a layer, empty slots among them", () => {
    const make = (value: number) => {
      const list = new CacheList(new ArraysCache(3), new KVCache());
      list.part(0).arrays.set(1, mx.array([[value]], mx.float32));
      append(list.part(1), value, 2 * value);
      list.part(0).arrays.advance(2 * value);
      return list;
    };
    const copy = make(1);
    restoreAll([copy], snapshotAll([make(3)]) ?? []);
    const { arrays } = copy.part(0);
    expect([0, 1, 2].map((slot) => arrays.get(slot)?.toArray())).toEqual([undefined, [[3]], undefined]);
    expect([copy.part(0).offset, copy.part(1).offset]).toEqual([6, 6]);
  });

  it("begins right behind what it holds", () => {
    const origin = new KVCache();
    append(origin, 0, 3);
    origin.shift(-2);
    const copy = new KVCache();
    append(copy, 0, 1);
    copy.shift(5);
    copy.restore(origin.snapshot());
    expect(copy.offset).toBe(3);
  });

  it("is not to be had of an image, nor with a cache that has none", () => {
    const cross = new CrossCache();
    expect(snapshotAll([cross])).toHaveLength(1);
    cross.hold(floats([1, K, 5, D], 1), floats([1, K, 5, D], 2));
    expect(snapshotAll([new KVCache(), cross])).toBeUndefined();
    expect(new CacheList(new KVCache(), noCache).snapshot()).toBeUndefined();
  });

  const keys = (...shape: number[]) => floats(shape, 1);
  it.each<[string, LayerCache, CacheSnapshot]>([
    ["other heads", holding(new KVCache()), snapshot([keys(1, 3, 4, D), keys(1, 3, 4, D)])],
    ["other features", holding(new KVCache()), snapshot([keys(1, K, 4, D), keys(1, K, 4, 8)])],
    ["several rows", holding(new KVCache()), snapshot([keys(2, K, 4, D), keys(2, K, 4, D)])],
    ["other axes", holding(new KVCache()), snapshot([keys(1, K, 4, D, 1), keys(1, K, 4, D)])],
    ["fewer values than keys", holding(new KVCache()), snapshot([keys(1, K, 4, D), keys(1, K, 3, D)])],
    ["keys alone", holding(new KVCache()), snapshot([keys(1, K, 4, D)])],
    ["nothing", holding(new KVCache()), snapshot([])],
    ["something, where there is nothing", new KVCache(), snapshot([keys(1, K, 4, D), keys(1, K, 4, D)])],
    [
      "another dtype",
      holding(new KVCache()),
      snapshot([keys(1, K, 4, D).astype(mx.bfloat16), keys(1, K, 4, D).astype(mx.bfloat16)]),
    ],
    [
      "a place outside of the window",
      holding(new RotatingKVCache(6)),
      snapshot([keys(1, K, 6, D), keys(1, K, 6, D)], 7, 20),
    ],
    [
      "a place behind the end",
      holding(new RotatingKVCache(6)),
      snapshot([keys(1, K, 6, D), keys(1, K, 6, D)], 3, 4),
    ],
    [
      "positions that were dropped from a window with room",
      holding(new RotatingKVCache(6)),
      snapshot([keys(1, K, 4, D), keys(1, K, 4, D)], 4, 9),
    ],
    ["no counts", holding(new RotatingKVCache(6)), snapshot([keys(1, K, 6, D), keys(1, K, 6, D)])],
    ["half a count", holding(new ChunkedKVCache(4)), snapshot([keys(1, K, 6, D), keys(1, K, 6, D)], 0.5)],
    [
      "rows of words as numbers",
      holding(new QuantizedKVCache({ bits: 4, groupSize: 32, start: 0 })),
      snapshot([keys(1, K, 4, D), keys(1, K, 4, D)], 1),
    ],
    [
      "numbers as rows of words",
      holding(holding(new QuantizedKVCache({ bits: 4, groupSize: 32, start: 0 }))),
      snapshot([keys(1, K, 4, D), keys(1, K, 4, D)], 0),
    ],
    ["an image", new CrossCache(), snapshot([keys(1, K, 4, D), keys(1, K, 4, D)])],
    ["parts too many", new CacheList(), { ...snapshot([]), parts: [snapshot([])] }],
  ])("with %s is refused", (_, cache, wrong) => {
    expect(() => restoreAll([cache], [wrong])).toThrow("does not fit");
  });

  it.each<[string, boolean, readonly (readonly number[] | undefined)[]]>([
    ["another length", false, [[1, 3, 8], undefined]],
    ["another width", true, [[1, 2, 9], undefined]],
    ["other axes", true, [[1, 3], undefined]],
    ["several rows", true, [[2, 3, 8], undefined]],
    ["a slot too many", true, [[1, 3, 8], undefined, undefined]],
    ["a slot more", false, [[1, 2, 8], [1]]],
    ["a slot less", false, [undefined, undefined]],
  ])("of arrays with %s is refused", (_, hasRows, shapes) => {
    const cache = new ArraysCache(2, { hasRows });
    cache.set(0, floats([1, 2, 8], 1));
    const arrays = shapes.map((shape) => shape && floats([...shape], 2));
    expect(() => restoreAll([cache], [snapshot(arrays, 5)])).toThrow("does not fit");
    restoreAll([cache], [snapshot([floats([1, hasRows ? 5 : 2, 8], 2), undefined], 5)]);
    expect([cache.offset, cache.get(0)?.shape]).toEqual([5, [1, hasRows ? 5 : 2, 8]]);
  });
});
