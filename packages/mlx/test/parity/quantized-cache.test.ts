import { afterEach, describe, expect, it } from "vitest";
import { attention } from "../../src/blocks/attention.ts";
import {
  ArraysCache,
  KVCache,
  type KVQuantization,
  QuantizedKVCache,
  quantizedCaches,
  RotatingKVCache,
} from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { MlxError } from "../../src/errors.ts";
import { TOLERANCE } from "./compare-logits.ts";
import { readGolden } from "./golden.ts";

interface Update {
  update: number;
  offset: number;
  /** The first 8 features of every head at the last position. */
  last: number[];
}

interface Golden extends KVQuantization {
  steps: (Update | { trim: number })[];
}

const [H, K, D] = [4, 2, 64];

/** As oracle/quantized_cache.py makes them. */
const waves = (shape: readonly number[], seed: number): mx.MxArray => {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from(
    { length: count },
    (_, i) => Math.round(Math.sin((i + 1) * (seed + 1) * 0.37) * 8000) / 8000,
  );
  return mx.array(values, mx.float32).reshape(...shape);
};

const step = (cache: QuantizedKVCache, count: number, seed: number): number[] =>
  mx.tidy(() => {
    const q = waves([1, H, count, D], 3 * seed);
    const mask = cache.makeMask(count);
    const added = [1, 2].map((i) => waves([1, K, count, D], 3 * seed + i));
    const [k = q, v = q] = added;
    const [keys, values] = cache.updateAndFetch(k, v);
    const out = attention(q, keys, values, { scale: D ** -0.5, ...(mask === undefined ? {} : { mask }) });
    const last = mx.slice(out, [0, 0, count - 1, 0], [1, H, count, 8]);
    return Array.from(mx.contiguous(last).toTypedArray() as Float32Array);
  });

const { caches } = readGolden<{ caches: Golden[] }>("quantized-cache.json");

describe("quantized caches", () => {
  it.each(caches)(
    "give attention what Python's give: $bits bits, groups of $groupSize, from $start on",
    ({ steps, ...format }) => {
      const cache = new QuantizedKVCache(format);
      steps.forEach((golden, seed) => {
        if ("trim" in golden) {
          expect(cache.trim(golden.trim)).toBe(golden.trim);
          return;
        }
        const last = step(cache, golden.update, seed);
        expect(cache.offset).toBe(golden.offset);
        golden.last.forEach((value, i) => {
          expect(Math.abs((last[i] ?? Number.NaN) - value), `step ${seed}, ${i}`).toBeLessThan(TOLERANCE);
        });
      });
      cache.dispose();
    },
  );

  it("take an eighth of the memory at 4 bits, and their scales", () => {
    const [plain, quantized] = [
      new KVCache(),
      new QuantizedKVCache({ bits: 4, groupSize: 64, start: 0 }),
    ] as const;
    for (const cache of [plain, quantized]) {
      for (const seed of [0, 1]) {
        mx.tidy(
          () => void cache.updateAndFetch(waves([1, K, 256, D], seed), waves([1, K, 256, D], seed + 2)),
        );
        mx.evaluate(cache.state());
      }
    }
    expect(quantized.nbytes / plain.nbytes).toBeCloseTo(1 / 8 + 2 / 64, 5);
    plain.dispose();
    quantized.dispose();
  });

  it("leave recurrent layers alone, and refuse models that forget positions or keep none", () => {
    const format = { bits: 8, groupSize: 64, start: 0 } as const;
    const arrays = new ArraysCache(2);
    const [first, second] = quantizedCaches([arrays, new KVCache()], format);
    expect(first).toBe(arrays);
    expect(second).toBeInstanceOf(QuantizedKVCache);
    for (const refused of [[new KVCache(), new RotatingKVCache(8)], [new ArraysCache(2)]]) {
      expect(() => quantizedCaches(refused, format)).toThrow(MlxError);
    }
  });

  it("name the option when groups do not divide heads", () => {
    const cache = new QuantizedKVCache({ bits: 8, groupSize: 128, start: 0 });
    step(cache, 2, 0);
    expect(() => step(cache, 1, 1)).toThrow("take another kvGroupSize");
  });
});

afterEach(() => mx.clearCache());
