import { afterEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { controls } from "./kernel-controls.ts";

/** Random logits `[rows, V]`, a tenth of them at minus infinity. */
const makeLogits = (rows: number, V: number, seed: number): mx.MxArray => {
  const key = mx.random.key(seed);
  const logits = mx.random.normal([rows, V], mx.float32, 0, 3, key);
  const isRemoved = mx.less(mx.random.uniform(0, 1, [rows, V], mx.float32, key), 0.1);
  return mx.where(isRemoved, Number.NEGATIVE_INFINITY, logits);
};

/** The same expression by the stock operations. */
const stock = <T>(fn: () => T): T => {
  controls.forceStock(true);
  try {
    return fn();
  } finally {
    controls.forceStock(false);
  }
};

/** The first index at which the running sum of probabilities passes `uniform`. */
const inverseCdf = (logits: Float32Array, uniform: number): number => {
  const max = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (x) => Math.exp(x - max));
  const target = uniform * weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  return weights.findIndex((weight) => {
    sum += weight;
    return sum > target;
  });
};

afterEach(() => controls.forceStock(false));

describe("categorical", () => {
  it.each([
    [1, 1],
    [1, 2],
    [1, 7],
    [1, 8],
    [1, 1025],
    [3, 5],
  ])("draws what the stock operation draws, for [%i, %i]", (rows, V) => {
    for (let seed = 0; seed < 20; seed++) {
      const logits = makeLogits(rows, V, seed);
      const draw = () => mx.random.categorical(logits, -1, mx.random.key(1000 + seed)).toArray();
      expect(draw()).toEqual(stock(draw));
    }
  });

  it("inverts the distribution of a whole vocabulary in double precision", () => {
    for (let seed = 0; seed < 20; seed++) {
      const logits = makeLogits(1, 49_152, seed);
      const uniform = mx.random.uniform(0, 1, [1], mx.float32, mx.random.key(seed)).item();
      const drawn = mx.random.categorical(logits, -1, mx.random.key(seed)).item();
      expect(drawn).toBe(inverseCdf(logits.toTypedArray() as Float32Array, uniform));
    }
  });

  it("uses and advances the thread's own state without a key", () => {
    const logits = makeLogits(1, 100, 3);
    const draws = () => {
      mx.random.seed(5);
      return Array.from({ length: 10 }, () => mx.random.categorical(logits).item());
    };
    expect(draws()).toEqual(stock(draws));
  });

  it("draws along another axis, and from strided rows", () => {
    const logits = makeLogits(6, 9, 1);
    const draw = () => [
      mx.random.categorical(logits, 0, mx.random.key(4)).toArray(),
      mx.random.categorical(mx.transpose(logits), -1, mx.random.key(4)).toArray(),
    ];
    expect(draw()).toEqual(stock(draw));
  });
});

/** The definition: from the likeliest on, until the probabilities reach `topP`. */
const naiveTopP = (logits: readonly number[], topP: number): boolean[] => {
  const max = Math.max(...logits);
  const weights = logits.map((x) => Math.exp(x - max));
  const total = weights.reduce((a, b) => a + b, 0);
  const order = logits.map((_, i) => i).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
  const kept = logits.map(() => false);
  let above = 0;
  for (const i of order) {
    if (above >= topP * total) break;
    kept[i] = true;
    above += weights[i] ?? 0;
  }
  return kept;
};

describe("top-p", () => {
  it.each([0.01, 0.3, 0.9, 0.99, 0.9999])("keeps the smallest likeliest set that reaches %f", (topP) => {
    for (const V of [1, 2, 33, 1000]) {
      const logits = mx.random.normal([V], mx.float32, 0, 3, mx.random.key(V));
      const values = logits.toArray() as number[];
      const kept = naiveTopP(values, topP);
      const expected = values.map((x, i) => (kept[i] === true ? x : Number.NEGATIVE_INFINITY));
      expect(mx.fast.topP(logits, topP).toArray()).toEqual(expected);
      expect(stock(() => mx.fast.topP(logits, topP).toArray())).toEqual(expected);
    }
  });

  it("keeps flat rows, ties and removed entries as they are", () => {
    const flat = mx.zeros([2, 5]);
    expect(mx.fast.topP(flat, 0.5).toArray()).toEqual(flat.toArray());
    const withRemoved = mx.array([[0, Number.NEGATIVE_INFINITY, 0]], mx.float32);
    expect(mx.fast.topP(withRemoved, 0.9).toArray()).toEqual(withRemoved.toArray());
  });
});
