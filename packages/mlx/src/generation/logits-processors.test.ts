import fc from "fast-check";
import { expect, it } from "vitest";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";
import { createLogitsProcessors, NoRepeatedRuns } from "./logits-processors.ts";

const VOCAB = 12;

/** The logits after `prompt` and `generated`, by loops over plain numbers. */
const reference = (
  logits: readonly number[],
  prompt: readonly number[],
  generated: readonly number[],
  options: SamplingOptions,
): number[] => {
  const { logitBias = {}, repetitionPenalty = 1, repetitionContextSize = 20 } = options;
  const { presencePenalty = 0, frequencyPenalty = 0 } = options;
  const out = logits.map((x, id) => x + (logitBias[id] ?? 0));
  const context = repetitionContextSize === 0 ? [] : [...prompt, ...generated].slice(-repetitionContextSize);
  for (const id of new Set(context)) {
    const x = out[id] ?? 0;
    out[id] = x < 0 ? x * repetitionPenalty : x / repetitionPenalty;
  }
  for (const id of generated) out[id] = (out[id] ?? 0) - frequencyPenalty;
  for (const id of new Set(generated)) out[id] = (out[id] ?? 0) - presencePenalty;
  return out;
};

const process = (
  logits: readonly number[],
  prompt: readonly number[],
  generated: readonly number[],
  options: SamplingOptions,
): number[] =>
  mx.tidy(() => {
    const processors = createLogitsProcessors(options, prompt, VOCAB);
    for (const id of generated) for (const p of processors) p.observe(mx.array([id], mx.uint32));
    let out = mx.array([[...logits]], mx.float32);
    for (const p of processors) out = p.apply(out);
    const result = (out.toArray() as number[][])[0] ?? [];
    for (const p of processors) p.dispose();
    return result;
  });

const token = fc.integer({ min: 0, max: VOCAB - 1 });
const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const options = fc.record(
  {
    logitBias: fc.dictionary(token.map(String), number(-20, 20), { maxKeys: 4 }),
    repetitionPenalty: number(0.5, 2),
    repetitionContextSize: fc.constantFrom(0, 1, 3, 20, 2 ** 31),
    presencePenalty: number(-2, 2),
    frequencyPenalty: number(-2, 2),
  },
  { requiredKeys: [] },
);

it("changes logits as loops over plain numbers do", () => {
  const logits = fc.array(number(-10, 10), { minLength: VOCAB, maxLength: VOCAB });
  const prompt = fc.array(token, { minLength: 1, maxLength: 30 });
  const generated = fc.array(token, { maxLength: 30 });
  fc.assert(
    fc.property(logits, prompt, generated, options, (l, p, g, o) => {
      const expected = reference(l, p, g, o);
      for (const [id, x] of process(l, p, g, o).entries()) {
        expect(x).toBeCloseTo(expected[id] ?? Number.NaN, 3);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

it("counts a repeated token once in the repetition penalty", () => {
  const logits = new Array(VOCAB).fill(4);
  expect(process(logits, [3, 3], [3], { repetitionPenalty: 2 })[3]).toBe(2);
});

it("never penalizes for tokens that stand for images and have no logits", () => {
  const logits = new Array(VOCAB).fill(4);
  for (const prompt of [[-1], [-1, VOCAB, VOCAB + 3]]) {
    expect(process(logits, prompt, [], { repetitionPenalty: 2 })).toEqual(logits);
  }
  expect(process(logits, [3, -1, VOCAB], [], { repetitionPenalty: 2, repetitionContextSize: 2 })[3]).toBe(2);
});

it("makes no processor for options that change nothing", () => {
  const off = {
    logitBias: {},
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
  };
  expect(createLogitsProcessors(off, [1], VOCAB)).toEqual([]);
  expect(createLogitsProcessors({ repetitionPenalty: 2, repetitionContextSize: 0 }, [1], VOCAB)).toEqual([]);
});

it("frees what it holds", () => {
  const before = mx.liveArrays();
  process(new Array(VOCAB).fill(1), [1, 2], [3, 4], {
    logitBias: { 1: 1 },
    repetitionPenalty: 1.5,
    presencePenalty: 1,
  });
  expect(mx.liveArrays()).toBe(before);
});

it("rules out what would end a run of tokens that was there before", () => {
  const few = fc.integer({ min: 0, max: 2 });
  const sizes = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(
      fc.array(few, { maxLength: 3 }),
      fc.array(few, { maxLength: 20 }),
      sizes,
      (start, said, size) => {
        const all = [...start, ...said];
        const last = all.slice(all.length - size + 1);
        const runs = all.flatMap((_, i) => (i + size <= all.length ? [all.slice(i, i + size)] : []));
        const ruledOut = new Set(
          runs.filter((run) => last.every((id, i) => run[i] === id)).map((run) => run.at(-1)),
        );
        const logits = mx.tidy(() => {
          const processor = new NoRepeatedRuns(size, mx.array(start, mx.int32));
          for (const id of said) processor.observe(mx.array([id], mx.uint32));
          const out = processor.apply(mx.ones([1, VOCAB])).toArray() as number[][];
          processor.dispose();
          return out[0] ?? [];
        });
        expect(logits).toEqual(logits.map((_, id) => (ruledOut.has(id) ? Number.NEGATIVE_INFINITY : 1)));
        expect(logits).toHaveLength(VOCAB);
      },
    ),
  );
});
