import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LayerCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { type GoldenCase, readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { availableKernels, controls, useKernels } from "./kernel-controls.ts";

const llama = readModelGoldens().find(({ architecture }) => architecture === "llama")?.cases[0] as GoldenCase;
const lengths = [3, 40, 17, 700, 64, 1, 9, 1300];

const prefilled = (model: LanguageModel, length: number): LayerCache[] => {
  const cache = model.makeCache();
  mx.tidy(() => {
    const tokens = Array.from({ length }, (_, i) => (i * 13 + length) % 64);
    model.forward(mx.array([tokens], mx.int32), { cache });
    mx.evaluate(cache.map((layer) => layer.state()));
  });
  return cache;
};

/** Logits `[B][V]` of three single-token steps. */
const step = (model: LanguageModel, cache: LayerCache[], tokens: number[]): number[][] =>
  [0, 1, 2].flatMap((i) =>
    mx.tidy(() => {
      const ids = mx.array(
        tokens.map((token) => [(token + i) % 64]),
        mx.int32,
      );
      return mx.squeeze(model.forward(ids, { cache }), 1).toArray() as number[][];
    }),
  );

const joined = (rows: LayerCache[][]): LayerCache[] => {
  const [first = [], ...others] = rows;
  return first.map((layer, i) => {
    const batch = layer.toBatch?.();
    for (const row of others) {
      const other = row[i]?.toBatch?.();
      if (other !== undefined) batch?.extend(other);
    }
    return batch ?? layer;
  });
};

describe.each([
  ["dense", undefined],
  ["4-bit", { bits: 4, groupSize: 32 }],
] as const)("a %s model", (_, quantization) => {
  let model: LanguageModel;
  beforeAll(async () => {
    ({ model } = await buildModel(llama));
    if (quantization !== undefined) quantize(model, quantization, (path) => model.quantizationOf(path));
  });
  afterAll(() => {
    controls.setCpuLevel(controls.cpuFeatures());
    model?.dispose();
  });

  const cases = availableKernels.map((kernels) => [kernels.name, kernels] as const);
  it.each(cases)("gives a row the same bits alone as in any batch of up to 8: %s", (_, kernels) => {
    useKernels(kernels);
    const alone = lengths.map((length) => step(model, prefilled(model, length), [length % 64]));
    for (const B of [2, 3, 4, 8]) {
      const rows = lengths.slice(0, B);
      const cache = joined(rows.map((length) => prefilled(model, length)));
      const batch = step(
        model,
        cache,
        rows.map((length) => length % 64),
      );
      rows.forEach((length, b) => {
        const own = [0, 1, 2].flatMap((i) => batch[i * B + b] ?? []);
        const wanted = (alone[b] ?? []).flat();
        expect(own, `${length} tokens of ${B}`).toEqual(wanted);
      });
    }
  });
});
