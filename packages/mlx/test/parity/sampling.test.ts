import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import type { SamplingOptions } from "../../src/engine/types.ts";
import { createLogitsProcessors } from "../../src/generation/logits-processors.ts";
import { createSampler } from "../../src/generation/sampler.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { readGolden } from "./golden.ts";
import { restoreArray, type StoredArray } from "./stored-array.ts";

interface SamplingGolden {
  /** `[rows, V]`, one row per draw. */
  logprobs: StoredArray;
  samplers: { options: SamplingOptions; tokens: number[] }[];
  /** `[rows, V]`, one row per step of generation. */
  logits: StoredArray;
  prompt: number[];
  /** The token after each row. */
  generated: number[];
  processors: { options: SamplingOptions; logits: StoredArray }[];
}

const golden = readGolden<SamplingGolden>("sampling.json");
const rowsOf = (a: mx.MxArray): mx.MxArray[] => mx.splitSections(a, a.dim(0), 0);
const titled = <T extends { options: SamplingOptions }>(rows: readonly T[]) =>
  rows.map((row) => ({ ...row, title: JSON.stringify(row.options) }));

describe("sampling", () => {
  it.each(titled(golden.samplers))(
    "draws Python's tokens from the same seed: $title",
    ({ options, tokens }) => {
      const sampler = createSampler(options);
      const drawn = rowsOf(restoreArray(golden.logprobs)).map((row) => sampler.sample(row).item());
      expect(drawn).toEqual(tokens);
      sampler.dispose();
    },
  );

  it.each(titled(golden.processors))("changes logits as Python does: $title", ({ options, logits }) => {
    const vocabSize = logits.shape[1] ?? 0;
    const processors = createLogitsProcessors(options, golden.prompt, vocabSize);
    const processed = rowsOf(restoreArray(golden.logits)).map((row, i) => {
      const result = processors.reduce((values, processor) => processor.apply(values), row);
      for (const processor of processors) processor.observe(mx.array([golden.generated[i] ?? 0], mx.int32));
      return result;
    });
    const values = (a: mx.MxArray) => a.toTypedArray() as Float32Array;
    expectSameLogits(values(mx.concatenate(processed, 0)), values(restoreArray(logits)), vocabSize);
    for (const processor of processors) processor.dispose();
  });
});
