import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";
import { createSampler, type Sampler } from "./sampler.ts";

const softmax = (logits: readonly number[], temperature = 1): number[] => {
  const max = Math.max(...logits);
  const weights = logits.map((x) => Math.exp((x - max) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
};

/** How often each token comes in `draws` draws. */
const draw = (logits: readonly number[], options: SamplingOptions, draws: number): number[] =>
  drawFrom(createSampler({ temperature: 1, seed: 7, ...options }), logits, draws);

const drawFrom = (sampler: Sampler, logits: readonly number[], draws: number): number[] => {
  const counts = new Array<number>(logits.length).fill(0);
  const row = mx.array([[...logits]], mx.float32);
  for (let i = 0; i < draws; i++) {
    const token = mx.tidy(() => sampler.sample(row).item());
    counts[token] = (counts[token] ?? 0) + 1;
  }
  row.dispose();
  sampler.dispose();
  return counts;
};

const drawn = (counts: readonly number[]): number[] => counts.flatMap((count, id) => (count > 0 ? [id] : []));

// all different and not close: no rounding decides who is in
const logits = fc
  .shuffledSubarray(
    Array.from({ length: 16 }, (_, i) => i * 0.3),
    { minLength: 6, maxLength: 16 },
  )
  .map((x) => x.map((v) => v - 2));

const byLikelihood = (x: readonly number[]): number[] =>
  x.map((_, id) => id).sort((a, b) => (x[b] ?? 0) - (x[a] ?? 0));

const property = <T>(option: fc.Arbitrary<T>, check: (x: number[], o: T) => void) =>
  fc.assert(fc.property(logits, option, check), { numRuns: 25, seed: 3 });

describe("drawing", () => {
  it("keeps the k likeliest tokens with topK, and no others", () => {
    property(fc.integer({ min: 1, max: 5 }), (x, topK) => {
      const kept = new Set(byLikelihood(x).slice(0, topK));
      const seen = drawn(draw(x, { topK, temperature: 20 }, 30 * topK));
      expect(new Set(seen)).toEqual(kept);
    });
  });

  it("keeps the smallest set whose probabilities reach topP", () => {
    property(fc.double({ min: 0.05, max: 0.95, noNaN: true }), (x, topP) => {
      const p = softmax(x);
      const kept: number[] = [];
      let mass = 0;
      for (const id of byLikelihood(x)) {
        if (Math.abs(mass - topP) < 1e-4) return; // too close to call in float32
        if (mass >= topP) break;
        kept.push(id);
        mass += p[id] ?? 0;
      }
      const seen = drawn(draw(x, { topP, temperature: 20 }, 40 * kept.length));
      expect(new Set(seen)).toEqual(new Set(kept));
    });
  });

  it("keeps tokens at least minP times as likely as the likeliest", () => {
    property(fc.double({ min: 0.05, max: 0.9, noNaN: true }), (x, minP) => {
      const p = softmax(x);
      const bound = minP * Math.max(...p);
      if (p.some((v) => Math.abs(v - bound) < 1e-5)) return;
      const kept = p.flatMap((v, id) => (v >= bound ? [id] : []));
      const seen = drawn(draw(x, { minP, temperature: 20 }, 40 * kept.length));
      expect(new Set(seen)).toEqual(new Set(kept));
    });
  });

  it("never leaves the likeliest token out, whatever is combined", () => {
    const all = fc.record({
      topP: fc.double({ min: 0, max: 1, noNaN: true }),
      minP: fc.double({ min: 0, max: 1, noNaN: true }),
      topK: fc.integer({ min: 0, max: 20 }),
    });
    property(all, (x, options) => {
      const best = byLikelihood(x)[0] ?? 0;
      expect(draw(x, { ...options, temperature: 0.05 }, 5)[best]).toBe(5);
    });
  });

  it.each([0.5, 1, 2])("gives tokens the probabilities of temperature %d", (temperature) => {
    const x = [0, 1, -1, 0.5];
    const draws = 3000;
    const p = softmax(x, temperature);
    draw(x, { temperature }, draws).forEach((count, id) => {
      const expected = draws * (p[id] ?? 0);
      // five standard deviations; the seed is fixed
      expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
    });
  });

  it("repeats itself for the same seed only", () => {
    const x = [0, 0, 0, 0, 0, 0, 0, 0];
    const sequence = (seed: number) => {
      const sampler = createSampler({ temperature: 1, seed });
      return Array.from({ length: 20 }, () => mx.tidy(() => sampler.sample(mx.array([x])).item()));
    };
    expect(sequence(1)).toEqual(sequence(1));
    expect(sequence(1)).not.toEqual(sequence(2));
    expect(sequence(Number.MAX_SAFE_INTEGER)).not.toEqual(sequence(0));
  });

  it("doesn't repeat itself without a seed", () => {
    const x = new Array(64).fill(0);
    const sequence = () => drawFrom(createSampler({ temperature: 1 }), x, 20);
    expect(sequence()).not.toEqual(sequence());
  });
});

describe("extremes", () => {
  it.each([0, 1e-300, 1e-9, 1e-5])("takes the likeliest token at temperature %d", (temperature) => {
    expect(draw([1, 5000, -3, 4999], { temperature }, 10)).toEqual([0, 10, 0, 0]);
  });

  it("draws among the likely ones at temperature 100", () => {
    expect(drawn(draw([0, 1, Number.NEGATIVE_INFINITY, 2], { temperature: 100 }, 100))).toEqual([0, 1, 3]);
  });

  it.each([
    ["topP", { topP: 1e-9 }],
    ["topP 1e-300", { topP: 1e-300 }],
    ["minP", { minP: 1 }],
    ["topK", { topK: 1 }],
  ])("keeps one token at the tightest %s", (_, options) => {
    expect(draw([0, 2, 1], { ...options, temperature: 50 }, 30)).toEqual([0, 30, 0]);
  });

  it("treats filters that are off, or wider than the vocabulary, as off", () => {
    const x = [0, 1, 2];
    const plain = draw(x, {}, 50);
    for (const options of [
      { topP: 1 },
      { topP: 0 },
      { minP: 0 },
      { topK: 0 },
      { topK: 3 },
      { topK: 2 ** 31 },
    ]) {
      expect(draw(x, options, 50)).toEqual(plain);
    }
  });
});
