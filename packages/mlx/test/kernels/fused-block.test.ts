/** Blocks that are one operation give what their parts give. */
import { describe, expect, it } from "vitest";
import type { LayerCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { type GoldenCase, readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { elements, relativeError, withStock } from "./kernel-inputs.ts";

const goldens = readModelGoldens();

const goldenOf = (name: string): GoldenCase => {
  const [found] = goldens.find(({ architecture }) => architecture === name)?.cases ?? [];
  if (found === undefined) throw new Error(`there is no golden of ${name}`);
  return found;
};

const prompt = Array.from({ length: 40 }, (_, i) => (i * 7) % 50); // too long to be one operation

/** Logits of a prompt, of single steps and of a few positions at once. */
const answers = (model: LanguageModel): { logits: number[][]; cache: LayerCache[] } => {
  const cache = model.makeCache();
  const logits = [prompt, [4], [8], [6, 1, 3], [2]].map((tokens) =>
    mx.tidy(() => {
      const out = elements(model.forward(mx.array([tokens], mx.int32), { cache }));
      mx.evaluate(cache.map((layer) => layer.state()));
      return out;
    }),
  );
  return { logits, cache };
};

describe("fused blocks", () => {
  it.each(["llama", "qwen2", "qwen3", "glm4_moe", "ernie4_5_moe"])(
    "of %s answer as their parts do",
    async (name) => {
      const { model } = await buildModel(goldenOf(name));
      quantize(model, { bits: 4, groupSize: 32 }, (path) => model.quantizationOf(path));
      for (const array of model.parameters().values()) mx.evaluate(array);
      const { logits } = answers(model);
      const expected = withStock(() => answers(model));
      logits.forEach((row, i) => {
        expect(relativeError(row, expected.logits[i] ?? [])).toBeLessThan(1e-4);
      });
      model.dispose();
    },
  );
});
