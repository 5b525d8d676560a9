import { describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { type BatchCache, KVCache, type LayerCache, QuantizedKVCache, RotatingKVCache } from "./index.ts";

/** Equal features: quantized in one group they stay what they are. */
const D = 32;

/** Keys or values `[B, 1, L, D]` from what each row has at its positions. */
const column = (rows: number[][]): mx.MxArray => {
  const [B, L] = [rows.length, rows[0]?.length ?? 0];
  return mx.broadcastTo(mx.array(rows.flat(), mx.float32, [B, 1, L, 1]), [B, 1, L, D]);
};

/** What each new position of each row may attend to, sorted: where a key lies is the cache's own business. */
const update = (cache: LayerCache, rows: number[][], window?: number): number[][][] =>
  mx.tidy(() => {
    const L = rows[0]?.length ?? 0;
    const mask = cache.makeMask(L, { window, asArray: true });
    const [keys, values] = cache.updateAndFetch(column(rows), column(rows.map((row) => row.map((x) => -x))));
    expect(mx.arrayEqual(keys, mx.negative(values)).item()).toBe(1);
    const S = keys.dim(2);
    const seen =
      mask instanceof mx.MxArray
        ? mx.broadcastTo(mask, [rows.length, 1, L, S])
        : mx.ones([rows.length, 1, L, S]);
    const first = mx.contiguous(mx.slice(keys, [0, 0, 0, 0], [rows.length, 1, S, 1]));
    const [all, is] = [first.toTypedArray(), seen.astype(mx.int32).toTypedArray()];
    return rows.map((_, b) =>
      Array.from({ length: L }, (_, l) =>
        Array.from({ length: S }, (_, s) => s)
          .filter((s) => is[(b * L + l) * S + s] === 1)
          .map((s) => Number(all[b * S + s]))
          .sort((x, y) => x - y),
      ),
    );
  });

const batchOf = (cache: LayerCache): BatchCache => {
  const batch = cache.toBatch?.();
  if (batch === undefined) throw new Error("expected a cache that can be batched");
  return batch;
};

const offsets = (cache: LayerCache, rows: number): number[] =>
  typeof cache.offset === "number"
    ? Array(rows).fill(cache.offset)
    : Array.from(cache.offset.toTypedArray(), Number);

interface Row {
  readonly cache: LayerCache;
  readonly id: number;
  length: number;
}

/** A batch beside one cache per row, which it must agree with. */
class Pair {
  readonly #make: () => LayerCache;
  readonly #window: number | undefined;
  #batch: BatchCache | undefined;
  #rows: Row[] = [];
  #ids = 0;

  constructor(make: () => LayerCache, window: number | undefined) {
    this.#make = make;
    this.#window = window;
  }

  get size(): number {
    return this.#rows.length;
  }

  #next(row: Row, L: number): number[] {
    return Array.from({ length: L }, (_, i) => row.id * 1000 + row.length + i + 1);
  }

  /** A row that has `length` positions already. */
  join(length: number): void {
    const row: Row = { cache: this.#make(), id: ++this.#ids, length: 0 };
    const own = this.#make();
    for (const cache of [row.cache, own]) update(cache, [this.#next(row, length)], this.#window);
    row.length = length;
    if (this.#batch === undefined) this.#batch = batchOf(own);
    else this.#batch.extend(batchOf(own));
    this.#rows.push(row);
  }

  keep(rows: number[]): void {
    this.#batch?.filter(rows);
    this.#rows = rows.map((row) => this.#rows[row] as Row);
  }

  step(L: number): void {
    if (this.#batch === undefined) throw new Error("step() of an empty pair");
    expect(offsets(this.#batch, this.size)).toEqual(this.#rows.map(({ length }) => length));
    const added = this.#rows.map((row) => this.#next(row, L));
    const together = update(this.#batch, added, this.#window);
    const alone = this.#rows.map(({ cache }, i) => update(cache, [added[i] ?? []], this.#window)[0]);
    expect(together).toEqual(alone);
    for (const row of this.#rows) row.length += L;
  }

  /** One row goes on alone. */
  extract(at: number): void {
    const row = this.#rows[at];
    const own = this.#batch?.extract(at);
    if (row === undefined || own === undefined) throw new Error(`no row ${at}`);
    expect(own.offset).toBe(row.length);
    for (const L of [1, 2, 1]) {
      expect(update(own, [this.#next(row, L)], this.#window)).toEqual(
        update(row.cache, [this.#next(row, L)], this.#window),
      );
      row.length += L;
    }
    own.dispose();
    this.keep([...this.#rows.keys()].filter((other) => other !== at));
  }
}

/** A small linear congruential generator: numbers below `n`. */
const randomizer = (seed: number) => {
  let state = seed;
  return (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
};

const kinds: [string, () => LayerCache, number | undefined][] = [
  ["KVCache", () => new KVCache(), undefined],
  ["KVCache under a window of 3", () => new KVCache(), 3],
  ["QuantizedKVCache", () => new QuantizedKVCache({ bits: 4, groupSize: 32, start: 0 }), undefined],
  ["RotatingKVCache of 4", () => new RotatingKVCache(4), undefined],
  ["RotatingKVCache of 7", () => new RotatingKVCache(7), undefined],
  ["RotatingKVCache of 7 under a window of 5", () => new RotatingKVCache(7), 5],
];

describe.each(kinds)("a batch of %s", (_, make, window) => {
  it.each(Array.from({ length: 8 }, (_, i) => i + 1))(
    "lets each row see what it sees alone, over rows that come and go (script %i)",
    (seed) => {
      const below = randomizer(seed);
      const pair = new Pair(make, window);
      for (let i = 0; i < 40; i++) {
        if (pair.size < 2 || (below(5) === 0 && pair.size < 6)) pair.join(1 + below(11));
        else if (below(7) === 0) pair.keep([...Array(pair.size).keys()].filter((row) => row > 0));
        else if (below(9) === 0) pair.extract(below(pair.size));
        for (let steps = below(5); steps > 0; steps--) pair.step(below(4) === 0 ? 1 + below(6) : 1);
      }
    },
  );

  it("grows past one buffer", () => {
    const pair = new Pair(make, window);
    pair.join(250);
    pair.join(3);
    for (let i = 0; i < 12; i++) pair.step(1);
  });

  it("takes back the latest positions of every row", () => {
    const [batch, alone] = [batchOf(make()), make()];
    batch.extend(batchOf(make()));
    for (const cache of [batch, alone])
      update(
        cache,
        cache === batch
          ? [
              [1, 2, 3],
              [1, 2, 3],
            ]
          : [[1, 2, 3]],
      );
    expect(batch.isTrimmable()).toBe(true);
    expect([batch.trim(2), alone.trim(2)]).toEqual([2, 2]);
    expect(batch.offset).toBe(1);
    expect(update(batch, [[8], [9]])).toEqual([[[1, 8]], [[1, 9]]]);
    batch.dispose();
    expect(batch.nbytes).toBe(0);
  });

  it("hides the padding of rows that start with it", () => {
    const batch = make().toBatch?.([2, 0]);
    if (batch === undefined) throw new Error("expected a batch");
    expect(offsets(batch, 2)).toEqual([-2, 0]);
    const [padded, whole] = update(
      batch,
      [
        [0, 0, 3],
        [1, 2, 3],
      ],
      window,
    );
    expect([padded?.[2], whole?.[2]]).toEqual([[3], [1, 2, 3]]);
    expect(offsets(batch, 2)).toEqual([1, 3]);
  });
});

describe("what cannot be batched", () => {
  it("rejects padding before contents, and numbers that are none", () => {
    const cache = new KVCache();
    expect(() => cache.toBatch([])).toThrow("whole numbers of padding");
    expect(() => cache.toBatch([-1])).toThrow("whole numbers of padding");
    update(cache, [[1, 2]]);
    expect(() => cache.toBatch([0, 2])).toThrow("needs an empty cache");
  });

  it("rejects rows that are not there", () => {
    const batch = new KVCache().toBatch();
    expect(() => batch.filter([1])).toThrow("rows below 1");
    expect(() => batch.filter([])).toThrow("rows below 1");
    expect(() => batch.extract(0)).toThrow("no row 0 with contents");
  });

  it("gives no batch of caches that keep their first positions, or are quantized later on", () => {
    expect(new RotatingKVCache(8, 2).toBatch()).toBeUndefined();
    expect(new QuantizedKVCache({ bits: 8, groupSize: 32, start: 1 }).toBatch()).toBeUndefined();
  });
});
