import { afterEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { type AttentionInputs, type AttentionProblem, attend, biasesOf } from "./attention-problem.ts";
import { controls } from "./kernel-controls.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

afterEach(() => {
  controls.setThreads(0);
  controls.setRounding(0);
});

interface Problem extends AttentionProblem {
  cache?: mx.Dtype;
}

/** As in a model: q is a transposed view of `[B, L, H, D]`, k and v are the used part of longer buffers. */
const makeInputs = (p: Problem): AttentionInputs => {
  const { B = 1, H, K, L, S, D, V = D } = p;
  const used = (dims: number, seed: number) =>
    mx.slice(
      random([B, K, S + 5, dims], seed).astype(p.cache ?? mx.float32),
      [0, 0, 3, 0],
      [B, K, S + 3, dims],
    );
  const q = mx.transpose(random([B, L, H, D], 1).multiply(3), [0, 2, 1, 3]);
  return { q, k: used(D, 2), v: used(V, 3), ...biasesOf(p) };
};

/** Attention in double precision. */
const reference = (p: Problem, inputs: AttentionInputs): number[] => {
  const { B = 1, H, K, L, S, D, V = D } = p;
  const [q, k, v] = [inputs.q, inputs.k, inputs.v].map(elements) as [number[], number[], number[]];
  const mask = inputs.mask && elements(mx.broadcastTo(inputs.mask.astype(mx.float32), [B, H, L, S]));
  const sinks = inputs.sinks && elements(inputs.sinks);
  const out: number[] = [];
  for (let row = 0; row < B * H * L; row++) {
    const l = row % L;
    const h = Math.floor(row / L) % H;
    const head = Math.floor(row / (L * H)) * K + Math.floor(h / (H / K));
    const scores = Array.from({ length: S }, (_, s) => {
      let score = 0;
      for (let d = 0; d < D; d++) score += (q[row * D + d] ?? 0) * (k[(head * S + s) * D + d] ?? 0);
      score *= D ** -0.5;
      if (p.cap !== undefined) score = p.cap * Math.tanh(score / p.cap);
      const m = mask?.[row * S + s] ?? 0;
      if (p.mask === "causal") return s <= S - L + l ? score : Number.NEGATIVE_INFINITY;
      if (p.mask === "bool") return m ? score : Number.NEGATIVE_INFINITY;
      return score + m;
    });
    const most = Math.max(...scores, sinks?.[h] ?? Number.NEGATIVE_INFINITY);
    const weights = scores.map((s) => Math.exp(s - most));
    let total = weights.reduce((a, b) => a + b, 0);
    if (sinks !== undefined) total += Math.exp((sinks[h] ?? 0) - most);
    for (let d = 0; d < V; d++) {
      out.push(weights.reduce((sum, w, s) => sum + w * (v[(head * S + s) * V + d] ?? 0), 0) / total);
    }
  }
  return out;
};

const decode: Problem[] = [
  { H: 1, K: 1, L: 1, S: 1, D: 1 },
  { H: 9, K: 3, L: 1, S: 131, D: 64 },
  { H: 14, K: 2, L: 1, S: 70, D: 64 },
  { B: 2, H: 8, K: 1, L: 1, S: 200, D: 96, V: 33 },
  { H: 4, K: 4, L: 1, S: 63, D: 80, cap: 5 },
  { H: 2, K: 2, L: 3, S: 17, D: 20, mask: "causal" },
  { B: 2, H: 6, K: 2, L: 2, S: 9, D: 13, mask: "bool", maskShape: [2, 1, 1, 9] },
  { H: 6, K: 3, L: 1, S: 300, D: 128, mask: "additive", sinks: true },
  { H: 6, K: 3, L: 1, S: 90, D: 40, cache: mx.float16 },
  { H: 5, K: 1, L: 1, S: 33, D: 64, cache: mx.bfloat16, sinks: true },
];

const prefill: Problem[] = [
  { H: 2, K: 1, L: 5, S: 5, D: 7 },
  { H: 9, K: 3, L: 33, S: 33, D: 64, mask: "causal" },
  { B: 2, H: 4, K: 2, L: 50, S: 177, D: 48, mask: "causal" },
  { H: 3, K: 3, L: 70, S: 70, D: 31, V: 17 },
  { H: 1, K: 1, L: 17, S: 200, D: 128, mask: "bool" },
  { B: 2, H: 4, K: 2, L: 12, S: 75, D: 16, mask: "bool", maskShape: [2, 1, 12, 75] },
  { H: 4, K: 2, L: 21, S: 64, D: 64, mask: "additive", maskShape: [4, 21, 64], sinks: true },
  { H: 4, K: 1, L: 20, S: 129, D: 72, mask: "causal", sinks: true },
  { H: 4, K: 2, L: 19, S: 65, D: 64, mask: "bool", cap: 3 },
  { H: 4, K: 2, L: 19, S: 65, D: 64, mask: "causal", cap: 3 },
  { H: 4, K: 2, L: 40, S: 80, D: 24, mask: "causal", cache: mx.float16 },
  { H: 2, K: 2, L: 40, S: 70, D: 64, cache: mx.bfloat16 },
];

const title = ({ cache, ...p }: Problem): string =>
  JSON.stringify({ ...p, ...(cache && { cache: cache.name }) });

describe.each([
  ["decode", decode],
  ["prefill", prefill],
])("attention, %s", (_, problems) => {
  it.each(problems.map((p) => [title(p), p] as const))("agrees with double precision: %s", (_, p) => {
    const inputs = mx.tidy(() => makeInputs(p));
    const expected = reference(p, inputs);
    atEveryLevel((level) => {
      const out = attend(p, inputs);
      expect(out.shape).toEqual([p.B ?? 1, p.H, p.L, p.V ?? p.D]);
      expect(relativeError(elements(out), expected), level).toBeLessThan(2e-6);
    });
  });

  it.each(problems.map((p) => [title(p), p] as const))("agrees with libmlx's own: %s", (_, p) => {
    const inputs = mx.tidy(() => makeInputs(p));
    const stock = withStock(() => elements(attend(p, inputs)));
    expect(relativeError(elements(attend(p, inputs)), stock)).toBeLessThan(3e-6);
  });
});

describe("attention inside prompts", () => {
  it.each(prefill.map((p) => [title(p), p] as const))("is right to the bits of bfloat16: %s", (_, p) => {
    const inputs = mx.tidy(() => makeInputs(p));
    const expected = reference(p, inputs);
    controls.setRounding(8);
    atEveryLevel((level) => {
      expect(relativeError(elements(attend(p, inputs)), expected), level).toBeLessThan(0.02);
    });
  });
});

describe("attention", () => {
  it("gives the same on any number of threads, keys split or not", () => {
    const p: Problem = { H: 4, K: 2, L: 1, S: 3000, D: 64, mask: "additive", sinks: true };
    const inputs = makeInputs(p);
    controls.setThreads(1);
    const whole = elements(attend(p, inputs));
    controls.setThreads(4);
    expect(relativeError(elements(attend(p, inputs)), whole)).toBeLessThan(3e-6);
    expect(relativeError(whole, reference(p, inputs))).toBeLessThan(3e-6);
  });

  it("gives a single position the same bits alone as in a batch, behind padding and on any number of threads", () => {
    const [H, K, S, D, paddings] = [6, 2, 1500, 48, [0, 77, 700, 1499]];
    const B = paddings.length;
    const inputs = makeInputs({ B, H, K, L: 1, S, D });
    const padding = mx.array(paddings, mx.int32, [B, 1, 1, 1]);
    const mask = mx.greaterEqual(mx.arange(0, S), padding); // [B, 1, 1, S]
    const row = (a: mx.MxArray, b: number, from = 0) =>
      mx.slice(a, [b, 0, from, 0], [b + 1, a.dim(1), a.dim(2), a.dim(3)]);
    const attend = (q: mx.MxArray, k: mx.MxArray, v: mx.MxArray, seen?: mx.MxArray) =>
      elements(mx.fast.scaledDotProductAttention(q, k, v, 0.2, seen === undefined ? "" : "array", seen));
    atEveryLevel((level) => {
      for (const threads of [1, 4]) {
        controls.setThreads(threads);
        const batch = attend(inputs.q, inputs.k, inputs.v, mask);
        paddings.forEach((n, b) => {
          const alone = attend(row(inputs.q, b), row(inputs.k, b, n), row(inputs.v, b, n));
          expect(batch.slice(b * H * D, (b + 1) * H * D), `${level}, row ${b}, ${threads} threads`).toEqual(
            alone,
          );
        });
      }
    });
  });

  it.each([1, 40])(
    "skips what every mask hides at the start, but for rows that see nothing (%d rows)",
    (L) => {
      const [H, S] = [2, 900];
      const inputs = makeInputs({ H, K: 1, L, S, D: 16 });
      const first = mx.arange(0, L).multiply(20).add(50);
      const none = mx.equal(mx.remainder(mx.arange(0, L), 7), 3);
      const start = mx.where(none, S, first).reshape(L, 1);
      const mask = mx.greaterEqual(mx.arange(0, S), start); // [L, S]
      const attend = () =>
        elements(mx.fast.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, 0.2, "array", mask));
      const stock = withStock(attend);
      atEveryLevel((level) => expect(relativeError(attend(), stock), level).toBeLessThan(1e-5));
    },
  );

  it("merges its heads without a copy", () => {
    const p: Problem = { H: 4, K: 2, L: 6, S: 6, D: 8, mask: "causal" };
    const out = attend(p, makeInputs(p));
    const merged = mx.reshape(mx.transpose(out, [0, 2, 1, 3]), [1, 6, 32]);
    const [heads, rows] = [elements(out), elements(merged)];
    expect(rows.length).toBe(heads.length);
    for (let l = 0; l < 6; l++) {
      for (let h = 0; h < 4; h++) {
        for (let d = 0; d < 8; d++) expect(rows[(l * 4 + h) * 8 + d]).toBe(heads[(h * 6 + l) * 8 + d]);
      }
    }
  });

  it.each([1, 30])("averages the values where a bool mask hides every key, as libmlx does (%d rows)", (L) => {
    const inputs = makeInputs({ H: 2, K: 1, L, S: 20, D: 8 });
    const hidden = mx.zeros([L, 20], mx.bool_);
    const attend = () =>
      elements(mx.fast.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, 1, "array", hidden));
    const stock = withStock(attend);
    atEveryLevel((level) => expect(relativeError(attend(), stock), level).toBeLessThan(1e-6));
  });

  it.each([1, 30])("takes minus infinity in an additive mask (%d rows)", (L) => {
    const inputs = makeInputs({ H: 2, K: 1, L, S: 150, D: 8 });
    const mask = mx.where(mx.less(mx.arange(0, 150), 140), Number.NEGATIVE_INFINITY, 0).reshape(1, 150);
    const attend = () =>
      elements(mx.fast.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, 1, "array", mask));
    const stock = withStock(attend);
    atEveryLevel((level) => expect(relativeError(attend(), stock), level).toBeLessThan(1e-6));
  });

  it("takes features that do not lie side by side", () => {
    const inputs = makeInputs({ H: 2, K: 2, L: 3, S: 9, D: 8 });
    const flipped = (a: mx.MxArray) => mx.swapaxes(mx.contiguous(mx.swapaxes(a, 2, 3)), 2, 3);
    const q = flipped(inputs.q);
    const actual = mx.fast.scaledDotProductAttention(q, flipped(inputs.k), flipped(inputs.v), 1);
    const expected = mx.fast.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, 1);
    expect(elements(actual)).toEqual(elements(expected));
  });

  it.each([1, 20])("never overflows: scores of 1e4 (%d rows)", (L) => {
    const inputs = makeInputs({ H: 1, K: 1, L, S: 100, D: 16 });
    const attend = () => elements(mx.fast.scaledDotProductAttention(inputs.q, inputs.k, inputs.v, 1e4));
    const stock = withStock(attend);
    atEveryLevel((level) => expect(relativeError(attend(), stock), level).toBeLessThan(1e-3));
  });

  it("leaves other dtypes to libmlx", () => {
    const q = random([1, 2, 3, 8]).astype(mx.float16);
    const out = mx.fast.scaledDotProductAttention(q, q, q, 1);
    expect(out.dtype).toBe(mx.float16);
    expect(elements(out).every(Number.isFinite)).toBe(true);
  });

  it("rejects heads that do not divide", () => {
    const q = random([1, 3, 1, 8]);
    const k = random([1, 2, 4, 8]);
    expect(() => mx.fast.scaledDotProductAttention(q, k, k, 1)).toThrow(/heads/);
    for (const keys of [k, random([1, 0, 4, 8]), random([2, 8])]) {
      expect(() => mx.fast.softCappedAttention(q, keys, keys, 1, 5)).toThrow(/multiple of K/);
    }
  });
});
